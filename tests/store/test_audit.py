"""The audit log on both databases: nothing changes it, and a chain that was tampered with says where."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, insert, select, text
from sqlalchemy.exc import DBAPIError

from bot.store.audit import COMMAND_LINE, GENESIS, Actor, Audit, record
from bot.store.database import Database
from bot.store.schema import configuration
from bot.store.tables import audit, notes, people
from tests.conftest import Clock

MAUD = Actor("Maud", 1)
ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
"""For what depends on our code alone, and not on the database."""


@pytest.fixture
def log(database: Database, clock: Clock) -> Audit:
    return Audit(database, clock)


@pytest.fixture
def five(log: Audit, clock: Clock) -> Audit:
    for number in range(5):
        log.record(MAUD, "setting_changed", f"setting {number}", {"value": number}, {"value": number + 1})
        clock.pass_(minutes=1)
    return log


def rows(database: Database) -> list[Any]:
    with database.read() as connection:
        return list(connection.execute(select(audit).order_by(audit.c.number)))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET who = 'Eve' WHERE number = 3",
        "UPDATE audit SET number = 9 WHERE number = 5",
        "DELETE FROM audit WHERE number = 5",
        "DELETE FROM audit",
    ],
)
def test_the_database_refuses_to_change_or_delete_a_row(five: Audit, database: Database, statement: str) -> None:
    before = rows(database)
    with pytest.raises(DBAPIError, match="the audit log is append-only"):
        database.write(lambda connection: connection.execute(text(statement)))
    assert rows(database) == before


def test_a_row_cannot_be_put_in_the_place_of_another_nor_the_table_emptied(five: Audit, database: Database) -> None:
    before = rows(database)
    if database.engine.dialect.name == "sqlite":
        statement = "INSERT OR REPLACE INTO audit SELECT number, at, 'Eve', person, what, subject, "
        statement += '"before", "after", previous, hash FROM audit WHERE number = 3'
    else:
        statement = "TRUNCATE audit"
    with pytest.raises(DBAPIError, match="the audit log is append-only"):
        database.write(lambda connection: connection.execute(text(statement)))
    assert rows(database) == before


def test_the_chain_of_an_empty_and_of_a_whole_log_holds(log: Audit, clock: Clock) -> None:
    assert (log.check().rows, log.check().head, log.check().broken) == (0, GENESIS, 0)
    log.record(COMMAND_LINE, "sign_in", "Edie ü 🫖 (person 2)")
    first = log.check().head
    log.record(MAUD, "sign_out", "Edie (person 2)")
    chain = log.check(first)
    assert (chain.rows, chain.broken, chain.reason) == (2, 0, "")
    assert chain.head != first


def without_triggers(database: Database, tamper: Callable[[Connection], Any]) -> None:
    """What somebody can do who owns the database itself."""

    def work(connection: Connection) -> None:
        for name in connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all():
            connection.execute(text(f"DROP TRIGGER {name}"))
        tamper(connection)

    database.write(work)


def forge(connection: Connection) -> None:
    """A row of which the hash is right, put in the place of another."""
    row = connection.execute(select(audit).where(audit.c.number == 3)).one()
    connection.execute(audit.delete().where(audit.c.number >= 3))
    record(connection, row.at, Actor("Eve", 6), "setting_changed", row.subject)
    connection.execute(insert(audit).values(**{**row._mapping, "number": 4}))


@ON_SQLITE
@pytest.mark.parametrize(
    ("tamper", "broken", "reason"),
    [
        ("UPDATE audit SET who = 'Eve' WHERE number = 2", 2, "row 2 was changed after it was written"),
        ("UPDATE audit SET person = NULL WHERE number = 4", 4, "row 4 was changed after it was written"),
        ("UPDATE audit SET \"after\" = '{}' WHERE number = 5", 5, "row 5 was changed after it was written"),
        ("UPDATE audit SET at = '2020-01-01 00:00:00' WHERE number = 1", 1, "row 1 was changed after it was written"),
        ("DELETE FROM audit WHERE number = 3", 4, "row 3 is missing"),
        ("DELETE FROM audit WHERE number = 1", 2, "row 1 is missing"),
        (forge, 4, "row 4 is not chained to the row before it"),
        ("DELETE FROM audit WHERE number > 3", 4, "that was noted earlier is not in the chain"),
    ],
)
def test_the_first_row_that_does_not_hold_is_named(
    five: Audit, database: Database, tamper: Any, broken: int, reason: str
) -> None:
    head = five.check().head
    work = tamper if callable(tamper) else lambda connection: connection.execute(text(tamper))
    without_triggers(database, work)
    chain = five.check(head)
    assert chain.broken == broken
    assert reason in chain.reason


def test_a_row_stands_only_if_what_it_tells_of_does(log: Audit, database: Database, clock: Clock) -> None:
    def half(connection: Connection) -> None:
        connection.execute(insert(notes).values(key="half", value=""))
        record(connection, clock(), MAUD, "setting_changed", "half")
        raise ValueError("changed my mind")

    with pytest.raises(ValueError, match="changed my mind"):
        database.write(half)
    log.record(MAUD, "setting_changed", "whole")
    assert [(each.number, each.subject) for each in log.listing()] == [(1, "whole")]


def test_many_who_write_at_once_make_one_chain(log: Audit) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: log.record(MAUD, "sign_in", f"person {number}"), range(40)))
    assert (log.check().rows, log.check().broken) == (40, 0)


def test_the_list_is_filtered_and_read_page_by_page(five: Audit, clock: Clock) -> None:
    five.record(Actor("Edie 100%", 2), "sign_in", "Edie (person 2)")
    assert [each.number for each in five.listing(limit=2)] == [6, 5]
    assert [each.number for each in five.listing(below=5, limit=2)] == [4, 3]
    assert [each.number for each in five.listing(what="sign_in")] == [6]
    assert [each.number for each in five.listing(who="die 100%")] == [6]
    assert five.listing(who="%") == five.listing(who="100%")
    since = clock() - timedelta(minutes=2)
    assert [each.number for each in five.listing(since=since)] == [6, 5, 4]
    assert [each.number for each in five.listing(until=since)] == [3, 2, 1]
    assert five.listing()[-1].after == {"value": 1}


def test_the_first_admin_of_an_older_installation_becomes_its_owner(database: Database, clock: Clock) -> None:
    """From the schema before roles, with three accounts, to now."""
    config = configuration()
    before = ScriptDirectory.from_config(config).get_revision("0005").down_revision

    def back(connection: Connection) -> None:
        for name in ("audit", "canned_replies", "suggestions", "satisfaction", "api_tokens", "mentions"):
            connection.execute(text(f"DROP TABLE {name}"))
        for name in ("pages_seen", "transcript_mails"):
            connection.execute(text(f"DROP TABLE {name}"))
        if connection.dialect.name == "postgresql":
            connection.execute(text("DROP FUNCTION audit_refuse"))
        for number, role in enumerate(("agent", "admin", "admin")):
            person = {"email": f"p{number}@x.example", "name": f"P{number}", "role": role, "password": "x"}
            connection.execute(insert(people).values(**person, added_at=clock()))
        connection.execute(text("UPDATE alembic_version SET version_num = :before"), {"before": before})
        config.attributes["connection"] = connection
        command.upgrade(config, "0005")

    database.write(back)
    with database.read() as connection:
        assert list(connection.scalars(select(people.c.role).order_by(people.c.id))) == ["agent", "owner", "admin"]
