"""Long work as durable jobs: asked for by a person or a clock, done by a worker, watched while it runs.

A worker claims a job for as long as it keeps reporting; one that dies leaves the job to the next worker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, insert, or_, select, text, update

from bot.errors import Conflict, NotFound
from bot.store.database import Database
from bot.store.tables import jobs

ALIVE = timedelta(seconds=120)
"""A running job that has not reported for this long is taken over."""
ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Job:
    """`state` is waiting, running, done, refused or failed; `done` of `total` steps, `message` says which."""

    id: int
    kind: str
    payload: Mapping[str, Any]
    state: str
    done: int
    total: int
    message: str
    result: Mapping[str, Any] = field(default_factory=dict)
    attempts: int = 0
    created_at: datetime | None = None
    finished_at: datetime | None = None


class Jobs:
    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def enqueue(self, kind: str, payload: Mapping[str, Any] | None = None, *, alone: bool = False) -> Job:
        """Ask for work. With `alone`, a `Conflict` if a job of this kind waits or runs already."""

        def work(connection: Connection) -> int:
            if alone:
                if connection.dialect.name == "postgresql":  # SQLite has one writer anyway
                    connection.execute(text("LOCK TABLE jobs IN SHARE ROW EXCLUSIVE MODE"))
                open_jobs = select(jobs.c.id).where(jobs.c.kind == kind, jobs.c.state.in_(("waiting", "running")))
                if (other := connection.scalar(open_jobs.limit(1))) is not None:
                    raise Conflict(f"job {other} of kind {kind} is not finished yet; wait for it", code="busy")
            values = {"kind": kind, "payload": dict(payload or {}), "created_at": self._clock()}
            return int(connection.scalar(insert(jobs).values(**values).returning(jobs.c.id)) or 0)

        return self.get(self._database.write(work))

    def claim(self) -> Job | None:
        """The oldest job that waits, or whose worker died; None when there is none."""

        def work(connection: Connection) -> int | None:
            now = self._clock()
            orphaned = and_(jobs.c.state == "running", jobs.c.alive_until < now)
            query = select(jobs).where(or_(jobs.c.state == "waiting", orphaned)).order_by(jobs.c.id).limit(1)
            row = connection.execute(query.with_for_update(skip_locked=True)).one_or_none()
            if row is None:
                return None
            values: dict[str, Any] = {"state": "running", "attempts": row.attempts + 1, "alive_until": now + ALIVE}
            if row.attempts >= ATTEMPTS:
                message = f"given up after {ATTEMPTS} workers died on it"
                values = {"state": "failed", "message": message, "finished_at": now}
            connection.execute(update(jobs).where(jobs.c.id == row.id).values(**values))
            return int(row.id)

        id = self._database.write(work)
        if id is None:
            return None
        job = self.get(id)
        return job if job.state == "running" else self.claim()

    def progress(self, job: Job, done: int, total: int, message: str) -> None:
        """Report how far the work is, which also keeps the claim; `Conflict` when another worker has taken it over."""
        values = {"done": done, "total": total, "message": message, "alive_until": self._clock() + ALIVE}
        self._update(job, values)

    def finish(self, job: Job, state: str, message: str, result: Mapping[str, Any] | None = None) -> None:
        """End a job as done, refused or failed; `Conflict` when another worker has taken it over."""
        values = {"state": state, "message": message, "result": dict(result or {}), "finished_at": self._clock()}
        self._update(job, values)

    def get(self, id: int) -> Job:
        with self._database.read() as connection:
            row = connection.execute(select(jobs).where(jobs.c.id == id)).one_or_none()
        if row is None:
            raise NotFound(f"no job {id}")
        return _job(row)

    def listing(self, limit: int = 20) -> tuple[Job, ...]:
        """The newest jobs, newest first."""
        with self._database.read() as connection:
            return tuple(_job(row) for row in connection.execute(select(jobs).order_by(jobs.c.id.desc()).limit(limit)))

    def _update(self, job: Job, values: dict[str, Any]) -> None:
        held = and_(jobs.c.id == job.id, jobs.c.state == "running", jobs.c.attempts == job.attempts)

        def work(connection: Connection) -> None:
            if connection.execute(update(jobs).where(held).values(**values)).rowcount == 0:
                raise Conflict(f"job {job.id} is over, or another worker has taken it over", code="taken_over")

        self._database.write(work)


def _job(row: Row[Any]) -> Job:
    return Job(
        row.id,
        row.kind,
        row.payload,
        row.state,
        row.done,
        row.total,
        row.message,
        row.result,
        row.attempts,
        row.created_at,
        row.finished_at,
    )
