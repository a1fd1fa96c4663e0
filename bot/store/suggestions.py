"""FAQ rows that agents suggest from what they wrote, and what an admin decided on each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, insert, select, update

from bot.errors import Conflict, NotFound
from bot.store.audit import Actor, Facts, What, record
from bot.store.database import Database
from bot.store.tables import suggestions

State = Literal["waiting", "approved", "refused"]


@dataclass(frozen=True, slots=True)
class Draft:
    """A FAQ row as somebody wrote it; `personal` names the kinds of personal data that were found in it and left."""

    question: str
    answer: str
    topic: str = ""
    audience: str = "public"
    personal: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A suggested row. `conversation` is None where that was deleted since; `seq` is the agent's message in it."""

    id: int
    conversation: str | None
    seq: int
    row: Draft
    state: State
    suggested_by: str
    suggested_at: datetime
    decided_by: str
    decided_at: datetime | None


class Suggestions:
    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def add(self, conversation: str, seq: int, row: Draft, *, by: Actor) -> Suggestion:
        """Keep a suggestion for an admin."""

        def work(connection: Connection) -> Suggestion:
            values = {"conversation": conversation, "seq": seq, "state": "waiting", **_columns(row)}
            values |= {"suggested_by": by.name, "suggested_at": self._clock()}
            made = _suggestion(connection.execute(insert(suggestions).values(**values).returning(suggestions)).one())
            record(connection, self._clock(), by, "faq_suggested", _subject(made), after={"audience": row.audience})
            return made

        return self._database.write(work)

    def get(self, id: int) -> Suggestion:
        """`NotFound` where there is none."""
        with self._database.read() as connection:
            return _suggestion(_row(connection, id))

    def listing(self, state: State, limit: int = 100) -> tuple[Suggestion, ...]:
        """Those in a state: the longest waiting first, the last decided first."""
        order = suggestions.c.id if state == "waiting" else suggestions.c.decided_at.desc()
        query = select(suggestions).where(suggestions.c.state == state).order_by(order).limit(limit)
        with self._database.read() as connection:
            return tuple(_suggestion(row) for row in connection.execute(query))

    def decide(self, id: int, state: State, *, by: Actor, row: Draft | None = None) -> Suggestion:
        """Approve (as `row`, which an admin may have changed) or refuse; `Conflict` where that was done already."""

        def work(connection: Connection) -> Suggestion:
            before = _suggestion(_row(connection, id, lock=True))
            if before.state != "waiting":
                raise Conflict(f"suggestion {id} was {before.state} by {before.decided_by} already")
            values = {"state": state, "decided_by": by.name, "decided_at": self._clock()}
            values |= _columns(row) if row is not None else {}
            changed = update(suggestions).where(suggestions.c.id == id).values(**values).returning(suggestions)
            decided = _suggestion(connection.execute(changed).one())
            what: What = "faq_approved" if state == "approved" else "faq_refused"
            facts: Facts = {"audience": decided.row.audience, "edited": row is not None and row != before.row}
            record(connection, self._clock(), by, what, _subject(decided), after=facts)
            return decided

        return self._database.write(work)


def _columns(row: Draft) -> dict[str, Any]:
    columns = {"question": row.question, "answer": row.answer, "topic": row.topic, "audience": row.audience}
    return columns | {"personal": list(row.personal)}


def _row(connection: Connection, id: int, *, lock: bool = False) -> Row[Any]:
    query = select(suggestions).where(suggestions.c.id == id)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise NotFound(f"no suggestion {id}")
    return row


def _subject(suggestion: Suggestion) -> str:
    return f"suggestion {suggestion.id}"


def _suggestion(row: Row[Any]) -> Suggestion:
    draft = Draft(row.question, row.answer, row.topic, row.audience, tuple(row.personal))
    decided = {"decided_by": row.decided_by, "decided_at": row.decided_at}
    return Suggestion(
        row.id, row.conversation, row.seq, draft, row.state, row.suggested_by, row.suggested_at, **decided
    )
