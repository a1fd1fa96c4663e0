"""Turns that wait for a draft of the large model, and what becomes of them.

A turn is claimed by writing into its record, so that of several workers one asks the model. A worker that dies during
the call leaves the turn claimed and without a draft: an agent then answers without one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, select, update

from bot.store.database import Database
from bot.store.tables import conversations, turns
from retrieval.audiences import Audience

CLAIMED = "draft: being written"


@dataclass(frozen=True, slots=True)
class Draftless:
    """A turn that handed over and for which the large model was not asked."""

    conversation: str
    seq: int


class Drafts:
    def __init__(self, database: Database) -> None:
        self._database = database

    def wanted(self, since: datetime, *, without: Sequence[str] = (), limit: int = 10) -> tuple[Draftless, ...]:
        """The newest question of each conversation that waits for or is with a human, asked since then and handed over
        by a rule that is not one of `without`; the oldest first."""
        query = (
            select(turns.c.conversation, turns.c.message_seq)
            .join(conversations, conversations.c.id == turns.c.conversation)
            .where(
                conversations.c.owner.in_(("waiting", "agent")),
                turns.c.message_seq == conversations.c.asked_seq,
                turns.c.route == "human",
                turns.c.rule.not_in(without),
                turns.c.large_model == "",
                turns.c.at >= since,
            )
            .order_by(turns.c.at)
            .limit(limit)
        )
        with self._database.read() as connection:
            return tuple(Draftless(row.conversation, row.message_seq) for row in connection.execute(query))

    def claim(self, wanted: Draftless) -> bool:
        """Whether this caller is the one to write it."""

        def work(connection: Connection) -> bool:
            mine = update(turns).where(*_turn(wanted), turns.c.large_model == "")
            return connection.execute(mine.values(large_model=CLAIMED)).rowcount == 1

        return self._database.write(work)

    def keep(self, wanted: Draftless, note: str, text: str = "", audience: Audience = "public") -> None:
        """Write what became of a claimed turn; without a text the draft that is there stays."""
        values = {"large_model": note} | ({"draft": text, "draft_audience": audience} if text else {})
        self._database.write(
            lambda connection: connection.execute(
                update(turns).where(*_turn(wanted), turns.c.large_model == CLAIMED).values(**values)
            )
        )


def _turn(wanted: Draftless) -> tuple[ColumnElement[bool], ...]:
    return turns.c.conversation == wanted.conversation, turns.c.message_seq == wanted.seq
