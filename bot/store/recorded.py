"""The turns on record with the messages they answered, for making their decisions again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, select

from bot.messages import Turn
from bot.store.database import Database
from bot.store.rows import turn_from_row
from bot.store.tables import messages, turns


@dataclass(frozen=True, slots=True)
class Recorded:
    """A turn, and the text and tapped payload of the customer's message it answered."""

    conversation: str
    at: datetime
    text: str
    payload: str | None
    turn: Turn


def recorded_turns(database: Database, since: datetime | None = None) -> tuple[Recorded, ...]:
    """All turns from `since` (aware) on, the oldest first."""
    answered = and_(messages.c.conversation == turns.c.conversation, messages.c.seq == turns.c.message_seq)
    query = select(turns, messages.c.text, messages.c.payload).join(messages, answered)
    if since is not None:
        query = query.where(turns.c.at >= since)
    with database.read() as connection:
        rows = connection.execute(query.order_by(turns.c.at, turns.c.conversation, turns.c.message_seq)).all()
    return tuple(Recorded(row.conversation, row.at, row.text, row.payload, turn_from_row(row)) for row in rows)
