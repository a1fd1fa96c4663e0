"""Writes on both databases: each its own transaction, also where they share a commit."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select

from bot.errors import BadSettings
from bot.store.database import Database, Write, probe
from bot.store.tables import notes


def put(key: str, value: str = "") -> Write[Any]:
    return lambda connection: connection.execute(insert(notes).values(key=key, value=value))


def keys(database: Database) -> list[str]:
    with database.read() as connection:
        return sorted(connection.scalars(select(notes.c.key)))


def fill_the_group(database: Database, works: list[Write[Any]]) -> list[Exception | None]:
    """Run writes while the writer is held up, so that on SQLite all of them share one commit."""
    hold, held = threading.Event(), threading.Event()

    def wait(connection: Connection) -> None:
        held.set()
        hold.wait(10)

    def one(work: Write[Any]) -> Exception | None:
        try:
            database.write(work)
        except Exception as error:
            return error
        return None

    with ThreadPoolExecutor(len(works) + 1) as pool:
        first = pool.submit(database.write, wait)
        held.wait(10)
        others = [pool.submit(one, work) for work in works]
        threading.Event().wait(0.1)
        hold.set()
        first.result()
        return [each.result() for each in others]


def test_a_failing_write_in_a_group_undoes_itself_alone(database: Database) -> None:
    def half(connection: Connection) -> None:
        connection.execute(insert(notes).values(key="half", value=""))
        raise ValueError("changed my mind")

    def broken(connection: Connection) -> None:
        connection.exec_driver_sql("INSERT INTO nowhere VALUES (1)")

    came = fill_the_group(database, [put("a"), half, put("b"), broken, put("c")])
    assert [error is None for error in came] == [True, False, True, False, True]
    assert isinstance(came[1], ValueError)
    assert keys(database) == ["a", "b", "c"]


def test_a_key_taken_in_the_same_group_fails_the_second_only(database: Database) -> None:
    came = fill_the_group(database, [put("same"), put("same"), put("other")])
    assert sum(error is not None for error in came) == 1
    assert keys(database) == ["other", "same"]


def test_a_write_returns_what_it_made_and_is_readable_at_once(database: Database) -> None:
    made = insert(notes).values(key="k", value="v").returning(notes.c.value)
    assert database.write(lambda connection: connection.scalar(made)) == "v"
    assert keys(database) == ["k"]


def test_a_write_that_lost_a_race_sees_who_won(database: Database) -> None:
    """All threads look first and insert then; on PostgreSQL only the rerun after the lost race can see the winner."""
    together = threading.Barrier(6, timeout=10)

    def claim(name: str) -> str:
        runs = 0

        def work(connection: Connection) -> str:
            nonlocal runs
            runs += 1
            holder = connection.scalar(select(notes.c.value).where(notes.c.key == "claim"))
            if runs == 1 and connection.dialect.name == "postgresql":
                together.wait()
            if holder is None:
                connection.execute(insert(notes).values(key="claim", value=name))
            return holder or name

        return database.write(work)

    with ThreadPoolExecutor(6) as pool:
        won = set(pool.map(claim, "abcdef"))
    assert len(won) == 1


def test_a_reader_of_sqlite_sees_one_moment(tmp_path: Path) -> None:
    opened = Database.open(f"sqlite:///{tmp_path / 'f.sqlite'}")
    opened.write(put("before"))
    with opened.read() as connection:
        assert list(connection.scalars(select(notes.c.key))) == ["before"]
        opened.write(put("meanwhile"))
        assert list(connection.scalars(select(notes.c.key))) == ["before"]
    assert keys(opened) == ["before", "meanwhile"]
    opened.close()


def test_after_closing_a_write_fails_instead_of_waiting_for_ever(tmp_path: Path) -> None:
    opened = Database.open(f"sqlite:///{tmp_path / 'f.sqlite'}")
    opened.close()
    with pytest.raises(RuntimeError, match="the database is closed"):
        opened.write(put("late"))


def test_writes_that_were_asked_for_before_closing_are_kept(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'f.sqlite'}"
    opened = Database.open(url)
    fill_the_group(opened, [put(str(number)) for number in range(20)])
    opened.close()
    again = Database.open(url)
    assert len(keys(again)) == 20
    again.close()


def test_sqlite_is_opened_as_the_acknowledgement_needs_it(tmp_path: Path) -> None:
    opened = Database.open(f"sqlite:///{tmp_path / 'f.sqlite'}")
    with opened.read() as connection:
        names = ("journal_mode", "synchronous", "foreign_keys")
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]
        version = str(connection.exec_driver_sql("SELECT sqlite_version()").scalar())
    opened.close()
    assert found == ["wal", 2, 1]
    assert tuple(int(part) for part in version.split(".")) >= (3, 51, 3)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://root@host/db", "SQLite or PostgreSQL, got 'mysql'"),
        ("nonsense", "looks like postgresql://"),
        ("", "looks like postgresql://"),
        ("postgres password=secret", "looks like postgresql://"),
    ],
)
def test_another_database_is_refused_without_its_address(url: str, said: str) -> None:
    with pytest.raises(BadSettings, match=said) as caught:
        Database.open(url)
    assert "secret" not in str(caught.value)


def test_probing_makes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "f.sqlite"
    assert probe(f"sqlite:///{path}") is False
    assert list(tmp_path.iterdir()) == []
    Database.open(f"sqlite:///{path}").close()
    assert probe(f"sqlite:///{path}") is True


def test_a_second_opening_finds_the_schema_there(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'f.sqlite'}"
    one, other = Database.open(url), Database.open(url)
    one.write(put("from one"))
    other.write(put("from the other"))
    assert keys(one) == keys(other) == ["from one", "from the other"]
    one.close()
    other.close()
