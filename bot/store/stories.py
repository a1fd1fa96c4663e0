"""What was said in conversations in which the bot answered or drafted an answer, read for learning from it.

What a customer deleted is not there: turns and messages go with their conversation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import or_, select

from bot.messages import Message
from bot.store.database import Database
from bot.store.rows import message_from_row, turn_from_row
from bot.store.tables import messages, turns

AT_ONCE = 100
"""Conversations read together."""


@dataclass(frozen=True, slots=True)
class Story:
    """A conversation's log, the oldest message first, each customer's message with the turn that dealt with it. `said`
    maps the number of such a message to those of the bot's replies."""

    conversation: str
    log: tuple[Message, ...] = field(repr=False)
    said: Mapping[int, tuple[int, ...]] = field(repr=False)


def stories_since(database: Database, since: datetime) -> Iterator[Story]:
    """Conversations with a turn from `since` (aware) on that answered, or drafted what the bot would have said."""
    told = or_(turns.c.route == "answer", turns.c.draft != "")
    wanted = select(turns.c.conversation).where(turns.c.at >= since, told).distinct().order_by(turns.c.conversation)
    with database.read() as connection:
        ids = list(connection.scalars(wanted))
    for first in range(0, len(ids), AT_ONCE):
        yield from _stories(database, ids[first : first + AT_ONCE])


def _stories(database: Database, ids: list[str]) -> Iterator[Story]:
    said_in = select(messages).where(messages.c.conversation.in_(ids)).order_by(messages.c.conversation, messages.c.seq)
    with database.read() as connection:
        recorded = connection.execute(select(turns).where(turns.c.conversation.in_(ids)))
        dealt = {(row.conversation, row.message_seq): row for row in recorded}
        rows = connection.execute(said_in).all()
    log: dict[str, list[Message]] = {}
    for row in rows:
        turn = dealt.get((row.conversation, row.seq))
        log.setdefault(row.conversation, []).append(message_from_row(row, turn_from_row(turn) if turn else None))
    for id, said in log.items():
        replies = {seq: tuple(row.said) for (conversation, seq), row in dealt.items() if conversation == id}
        yield Story(id, tuple(said), replies)
