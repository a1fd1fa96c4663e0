"""Canned replies: texts with variables that agents insert, kept in the database.

A variable is a name in braces, `{customer}`. Of one without a value the braces stay, for the agent to fill in.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from bot.errors import BadInput, Conflict, NotFound
from bot.messages import MAX_TEXT
from bot.store.audit import Actor, Facts, What, record
from bot.store.database import Database
from bot.store.tables import canned_replies, notes

VARIABLES: Mapping[str, str] = {
    "customer": "the customer's name",
    "agent": "your name",
    "order_number": "the order number of this conversation",
    "company": "the company's name",
}
"""What each variable stands for."""
LONGEST_TITLE = 80
_VARIABLE = re.compile(r"\{([^{}\s]{1,40})\}")
_SEEDED = "canned_replies_seeded"


@dataclass(frozen=True, slots=True)
class CannedReply:
    id: int
    title: str
    text: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Filled:
    """A text with its variables filled in; `missing` are those without a value, still in braces in `text`."""

    text: str
    missing: tuple[str, ...]


def fill(text: str, values: Mapping[str, str]) -> Filled:
    """Fill in what is known."""
    missing = dict.fromkeys(name for name in _VARIABLE.findall(text) if name in VARIABLES and not values.get(name))
    filled = _VARIABLE.sub(lambda match: values.get(match[1]) or match[0], text)
    return Filled(filled, tuple(missing))


def require_known(text: str) -> None:
    """`BadInput` names the unknown variables of a text, and the known ones."""
    unknown = dict.fromkeys(name for name in _VARIABLE.findall(text) if name not in VARIABLES)
    if unknown:
        given, known = (", ".join(f"{{{name}}}" for name in names) for names in (unknown, VARIABLES))
        are = "is no variable" if len(unknown) == 1 else "are no variables"
        raise BadInput(f"{given} {are}; there are {known}", code="unknown_variable")


class CannedReplies:
    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def seeded(self) -> bool:
        """Whether the company's file was taken in once; what became of its rows since does not matter."""
        with self._database.read() as connection:
            return connection.scalar(select(notes.c.value).where(notes.c.key == _SEEDED)) is not None

    def seed(self, rows: Iterable[tuple[str, str]]) -> None:
        """Take in (title, text) of the company's file, at the first call and never again."""
        listed = dict(rows)

        def work(connection: Connection) -> None:
            if connection.scalar(select(notes.c.value).where(notes.c.key == _SEEDED)) is None:
                connection.execute(insert(notes).values(key=_SEEDED, value=str(len(listed))))
                for title, text in listed.items():
                    connection.execute(insert(canned_replies).values(title=title, text=text, changed_at=self._clock()))

        self._database.write(work)

    def listing(self) -> tuple[CannedReply, ...]:
        """All of them by title."""
        with self._database.read() as connection:
            rows = connection.execute(select(canned_replies)).all()
        return tuple(sorted((_reply(row) for row in rows), key=lambda each: each.title.casefold()))

    def save(self, title: str, text: str, *, by: Actor, id: int | None = None) -> CannedReply:
        """Add a reply, or change the one with `id`. `BadInput` for an empty or long text or an unknown variable,
        `Conflict` for the title of another, `NotFound`."""
        title, text = " ".join(title.split()), text.replace("\r\n", "\n").strip()
        if not 1 <= len(title) <= LONGEST_TITLE or not title.isprintable():
            raise BadInput(f"a canned reply has a title of 1 to {LONGEST_TITLE} characters")
        if not 1 <= len(text) <= MAX_TEXT:
            raise BadInput(f"a canned reply has 1 to {MAX_TEXT:,} characters, this one has {len(text):,}")
        require_known(text)

        def work(connection: Connection) -> CannedReply:
            before = _row(connection, id) if id is not None else None
            others = select(canned_replies.c.id).where(
                canned_replies.c.title == title, canned_replies.c.id != (id or 0)
            )
            if connection.scalar(others) is not None:
                raise Conflict(f"there is a canned reply {title!r} already; change that one or choose another title")
            values = {"title": title, "text": text, "changed_at": self._clock()}
            if before is None:
                changed = connection.execute(insert(canned_replies).values(**values).returning(canned_replies))
            else:
                mine = update(canned_replies).where(canned_replies.c.id == id)
                changed = connection.execute(mine.values(**values).returning(canned_replies))
            saved = _reply(changed.one())
            facts: Facts = {} if before is None else _facts(_reply(before))
            what: What = "canned_added" if before is None else "canned_changed"
            record(connection, self._clock(), by, what, _subject(saved), facts, _facts(saved))
            return saved

        return self._database.write(work)

    def remove(self, id: int, *, by: Actor) -> None:
        """Take a reply out; `NotFound`."""

        def work(connection: Connection) -> None:
            gone = _reply(_row(connection, id))
            connection.execute(delete(canned_replies).where(canned_replies.c.id == id))
            record(connection, self._clock(), by, "canned_removed", _subject(gone), _facts(gone))

        self._database.write(work)


def _row(connection: Connection, id: int | None) -> Row[Any]:
    query = select(canned_replies).where(canned_replies.c.id == id).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"no canned reply {id}; somebody may have removed it")
    return row


def _subject(reply: CannedReply) -> str:
    return f"canned reply {reply.id}"


def _facts(reply: CannedReply) -> Facts:
    """What the audit log may hold of it: not the texts, which may hold names."""
    words = f"{reply.title}\n{reply.text}".encode()
    return {"sha256": hashlib.sha256(words).hexdigest(), "characters": len(reply.text)}


def _reply(row: Row[Any]) -> CannedReply:
    return CannedReply(row.id, row.title, row.text, row.changed_at)
