"""How satisfied customers were: asked once after an agent closed a conversation, from 1 to 5, and never again in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from bot.errors import BadInput, Conflict, NotFound
from bot.store.database import Database
from bot.store.tables import conversations, satisfaction

SCORES = range(1, 6)
LONGEST_COMMENT = 1_000
SPAN = timedelta(days=30)
"""What the average is taken over."""


@dataclass(frozen=True, slots=True)
class Satisfaction:
    """What became of the question about one conversation; `score` is None while it is open or was passed over, which
    `answered_at` tells apart."""

    agent: str
    asked_at: datetime
    score: int | None
    comment: str
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class Average:
    """The mean of `count` scores of the last `SPAN`; 0 where there are none."""

    mean: float
    count: int


class SatisfactionScores:
    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def ask(self, conversation: str, agent: str) -> None:
        """Note that an agent closed the conversation, so that its customer is asked; only the first time counts."""
        self._database.write(lambda connection: ask(connection, conversation, agent, self._clock()))

    def due(self, conversation: str) -> bool:
        """Whether the customer is to be asked now: closed by an agent, not answered, nothing written since."""
        query = (
            select(satisfaction.c.conversation)
            .join(conversations, conversations.c.id == satisfaction.c.conversation)
            .where(
                satisfaction.c.conversation == conversation,
                satisfaction.c.answered_at.is_(None),
                conversations.c.owner == "closed",
                conversations.c.asked_seq <= satisfaction.c.seq,
            )
        )
        with self._database.read() as connection:
            return connection.execute(query).one_or_none() is not None

    def answer(self, conversation: str, score: int | None, comment: str = "") -> None:
        """Keep the customer's answer, or with None that they passed it over. `BadInput` for another score or a long
        comment, `NotFound` where nothing was asked, `Conflict` for a second answer."""
        if score is not None and score not in SCORES:
            raise BadInput(f"a score is a whole number from {SCORES[0]} to {SCORES[-1]}, got {score}")
        if len(comment) > LONGEST_COMMENT:
            raise BadInput(f"a comment has at most {LONGEST_COMMENT:,} characters, this one has {len(comment):,}")

        def work(connection: Connection) -> None:
            mine = satisfaction.c.conversation == conversation
            row = connection.execute(select(satisfaction).where(mine).with_for_update()).one_or_none()
            if row is None:
                raise NotFound("nobody asked for a score of this conversation")
            if row.answered_at is not None:
                raise Conflict("this was answered already; thank you", code="answered")
            values = {"score": score, "comment": comment.strip(), "answered_at": self._clock()}
            connection.execute(update(satisfaction).where(mine).values(**values))

        self._database.write(work)

    def of(self, conversation: str) -> Satisfaction | None:
        """What is known of a conversation; None where nobody was asked."""
        query = select(satisfaction).where(satisfaction.c.conversation == conversation)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _satisfaction(row)

    def average(self) -> Average:
        """The mean over the last `SPAN`."""
        since = satisfaction.c.answered_at > self._clock() - SPAN
        query = select(func.avg(satisfaction.c.score), func.count(satisfaction.c.score)).where(since)
        with self._database.read() as connection:
            mean, count = connection.execute(query).one()
        return Average(float(mean or 0.0), int(count))


def ask(connection: Connection, conversation: str, agent: str, at: datetime) -> None:
    """`SatisfactionScores.ask` in the caller's transaction."""
    if connection.scalar(select(satisfaction.c.seq).where(satisfaction.c.conversation == conversation)) is not None:
        return
    seq = connection.scalar(select(conversations.c.last_seq).where(conversations.c.id == conversation))
    row = {"conversation": conversation, "seq": seq or 0, "agent": agent, "asked_at": at}
    connection.execute(insert(satisfaction).values(**row))


def _satisfaction(row: Row[Any]) -> Satisfaction:
    return Satisfaction(row.agent, row.asked_at, row.score, row.comment, row.answered_at)
