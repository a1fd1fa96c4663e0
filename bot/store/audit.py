"""The audit log: who did what to what and when, append-only, each row chained by a hash to the one before.

Rows are written in the transaction of what they tell of. Triggers of the database refuse to change or delete them
(migration 0005); whoever gets round the triggers breaks the chain, which `check` finds. Rows cut off the end leave a
chain that holds: keep the head that `check` returns somewhere else, and give it to the next check. The chain is that
of B. Schneier and J. Kelsey, "Secure audit logs to support computer forensics" (1999), without its keys.

No text of a customer, no address and no secret stands in a row: names of roles, counts, ids and hashes do.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from sqlalchemy import Connection, Row, insert, select, text

from bot.store.database import Database
from bot.store.roles import Role
from bot.store.tables import audit

What = Literal[
    "set_up",
    "sign_in",
    "sign_in_failed",
    "sign_out",
    "person_added",
    "person_removed",
    "role_changed",
    "release_promoted",
    "document_deleted",
    "canned_added",
    "canned_changed",
    "canned_removed",
    "faq_suggested",
    "faq_approved",
    "faq_refused",
    "setting_changed",
    "token_issued",
    "token_revoked",
]
WHATS: tuple[What, ...] = get_args(What)
GENESIS = "0" * 64
"""What the first row is chained to."""
Facts = Mapping[str, str | int | bool | None]

_LOCK = 4_711_002
"""Number of the PostgreSQL advisory lock that lets one transaction at a time add to the chain."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: a person of the desk, or whoever runs the command line (`person` is None)."""

    name: str
    person: int | None = None
    role: Role = "owner"


COMMAND_LINE = Actor("command line")


@dataclass(frozen=True, slots=True)
class Entry:
    """A row; `number` counts from 1 without gaps, `before` and `after` are what changed."""

    number: int
    at: datetime
    who: str
    person: int | None
    what: What
    subject: str
    before: dict[str, Any]
    after: dict[str, Any]
    hash: str


@dataclass(frozen=True, slots=True)
class Chain:
    """What a check found: how many rows hold from the first on, the hash of the last of them, and the first row that
    does not hold with the reason (0 and nothing where all hold)."""

    rows: int
    head: str
    broken: int = 0
    reason: str = ""


class Audit:
    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def record(
        self, by: Actor, what: What, subject: str, before: Facts | None = None, after: Facts | None = None
    ) -> None:
        """Add a row in a transaction of its own, for what is not kept in the database."""
        self._database.write(lambda connection: record(connection, self._clock(), by, what, subject, before, after))

    def listing(
        self,
        *,
        who: str = "",
        what: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
        below: int | None = None,
        limit: int = 100,
    ) -> tuple[Entry, ...]:
        """Rows, the newest first: of a person (part of the name), of a kind, from `since` to before `until`, with a
        number below `below`."""
        query = select(audit).order_by(audit.c.number.desc()).limit(limit)
        if who:
            query = query.where(audit.c.who.icontains(who, autoescape=True))
        if what:
            query = query.where(audit.c.what == what)
        if since is not None:
            query = query.where(audit.c.at >= since)
        if until is not None:
            query = query.where(audit.c.at < until)
        if below is not None:
            query = query.where(audit.c.number < below)
        with self._database.read() as connection:
            return tuple(_entry(row) for row in connection.execute(query))

    def check(self, head: str = "") -> Chain:
        """Follow the chain from the first row; with `head`, a row with that hash must stand in it."""
        rows, last, seen = 0, GENESIS, not head
        with self._database.read() as connection:
            for row in connection.execute(select(audit).order_by(audit.c.number)).yield_per(500):
                if reason := _fault(row, rows + 1, last):
                    return Chain(rows, last, row.number, reason)
                rows, last = row.number, row.hash
                seen = seen or row.hash == head
        if not seen:
            return Chain(rows, last, rows + 1, f"the head {head[:12]}… that was noted earlier is not in the chain")
        return Chain(rows, last)


def record(
    connection: Connection,
    at: datetime,
    by: Actor,
    what: What,
    subject: str,
    before: Facts | None = None,
    after: Facts | None = None,
) -> None:
    """Add a row in the caller's transaction: it stands if and only if what it tells of does."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    newest = select(audit.c.number, audit.c.hash).order_by(audit.c.number.desc()).limit(1)
    number, previous = connection.execute(newest).one_or_none() or (0, GENESIS)
    row = {
        "number": number + 1,
        "at": at.astimezone(UTC),
        "who": by.name[:120],
        "person": by.person,
        "what": what,
        "subject": subject[:300],
        "before": _json(before or {}),
        "after": _json(after or {}),
    }
    connection.execute(insert(audit).values(**row, previous=previous, hash=_hash(row, previous)))


def _fault(row: Row[Any], number: int, previous: str) -> str:
    """Why a row does not follow the one before it; empty where it does."""
    if row.number != number:
        return f"row {number} is missing"
    if row.previous != previous:
        return f"row {number} is not chained to the row before it"
    return "" if _hash(row._asdict(), previous) == row.hash else f"row {number} was changed after it was written"


def _hash(row: Mapping[str, Any], previous: str) -> str:
    written = [row[key] for key in ("number", "who", "person", "what", "subject", "before", "after")]
    return hashlib.sha256(_json([previous, row["at"].isoformat(), *written]).encode()).hexdigest()


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _entry(row: Row[Any]) -> Entry:
    changed = {"before": json.loads(row.before), "after": json.loads(row.after)}
    return Entry(row.number, row.at, row.who, row.person, row.what, row.subject, **changed, hash=row.hash)
