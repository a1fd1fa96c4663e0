"""The database behind the store: SQLite (through pysqlite3) or PostgreSQL, with one way to read and one to write.

A write is a function of a connection. On SQLite all writes of a process go through one writer thread that commits
them in groups: one `fsync` then acknowledges many messages, and no writer waits for another's lock. On PostgreSQL a
write is a transaction on a pooled connection.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pysqlite3
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from bot.errors import BadSettings

T = TypeVar("T")
Write = Callable[[Connection], T]

GROUP = 64
"""Most writes that share one commit."""
TRIES = 4
RACES = frozenset(("23505", "40001", "40P01"))
"""SQLSTATEs of writes that lost to another transaction: a key taken meanwhile, serialisation, deadlock."""


class Database:
    """Open with `Database.open(url)`, which also brings the schema up to date; `close()` ends the writer thread."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writer = _Writer(engine) if engine.dialect.name == "sqlite" else None

    @classmethod
    def open(cls, url: str) -> Database:
        """`url` is a SQLAlchemy URL of SQLite or PostgreSQL; anything else is a `BadSettings`."""
        from bot.store.schema import upgrade

        engine = _engine(url)
        upgrade(engine)
        return cls(engine)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection in a read transaction: one consistent view."""
        with self.engine.connect() as connection:
            yield connection

    def write(self, work: Write[T]) -> T:
        """Run `work` in a transaction and return its result once it is durable; an exception undoes it alone.

        On PostgreSQL a write that lost a race is run again and then sees who won, so `work` changes nothing else.
        """
        if self._writer is not None:
            return self._writer.run(work)
        for _ in range(TRIES - 1):
            try:
                return self._transact(work)
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) not in RACES:
                    raise
        return self._transact(work)

    def _transact(self, work: Write[T]) -> T:
        with self.engine.begin() as connection:
            return work(connection)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self.engine.dispose()


def probe(url: str) -> bool:
    """Whether there is a database that answers; False for a SQLite file not made yet. Changes nothing.

    Raises what `Database.open` raises, or what the driver does.
    """
    path = make_url(url).database if url.startswith("sqlite") else None
    if path and not Path(path).exists():
        return False
    engine = _engine(url)
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("SELECT 1")
    finally:
        engine.dispose()
    return True


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise BadSettings("FIRSTLINE_DATABASE_URL looks like postgresql://user@host/name or sqlite:///file") from error
    backend = parsed.get_backend_name()
    if backend == "postgresql":
        return create_engine(
            parsed.set(drivername="postgresql+psycopg"), pool_size=10, pool_pre_ping=True, hide_parameters=True
        )
    if backend != "sqlite":
        raise BadSettings(f"the database is SQLite or PostgreSQL, got {backend!r} in FIRSTLINE_DATABASE_URL")
    if parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    options = {"timeout": 15, "check_same_thread": False}
    engine = create_engine(parsed, module=pysqlite3.dbapi2, connect_args=options, hide_parameters=True)
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    return engine


def _configure(raw: Any, _record: object) -> None:
    raw.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=15000"):
        raw.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


class _Writer:
    """The one thread that writes to a SQLite file; see the module's text."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(immediate=True)
        self._waiting: queue.SimpleQueue[tuple[Write[Any], Future[Any]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._loop, name="store-writer", daemon=True)
        self._thread.start()

    def run(self, work: Write[T]) -> T:
        if not self._thread.is_alive():
            raise RuntimeError("the database is closed; nothing is written any more")
        future: Future[T] = Future()
        self._waiting.put((work, future))
        return future.result()

    def close(self) -> None:
        self._waiting.put(None)
        self._thread.join()

    def _loop(self) -> None:
        while (first := self._waiting.get()) is not None:
            group = [first]
            while len(group) < GROUP and not self._waiting.empty():
                following = self._waiting.get()
                if following is None:
                    self._waiting.put(None)
                    break
                group.append(following)
            self._commit(group)

    def _commit(self, group: list[tuple[Write[Any], Future[Any]]]) -> None:
        done: list[tuple[Future[Any], Any]] = []
        try:
            with self._engine.begin() as connection:
                for work, future in group:
                    try:
                        with connection.begin_nested():
                            result = work(connection)
                        done.append((future, result))
                    except Exception as error:  # it belongs to the caller of this one write
                        future.set_exception(error)
        except Exception as error:
            for _, future in group:  # also those whose turn had not come: nobody waits for ever
                if not future.done():
                    future.set_exception(error)
            return
        for future, result in done:
            future.set_result(result)
