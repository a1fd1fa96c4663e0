"""The outbox: replies that a channel must carry to somewhere else, kept until the far side has taken them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from bot.errors import NotFound
from bot.store.database import Database
from bot.store.tables import deliveries

CLAIM = timedelta(seconds=60)
"""How long a process may take over one attempt before another one may try it."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A reply on its way. `attempts` counts those begun before this one, also where a crash cut one short."""

    id: int
    channel: str
    conversation: str
    seq: int
    attempts: int


def enqueue(connection: Connection, channel: str, conversation: str, seq: int, now: datetime) -> None:
    """Add a message of the log to the outbox, in the transaction that writes the message."""
    connection.execute(insert(deliveries).values(channel=channel, conversation=conversation, seq=seq, next_at=now))


class Outbox:
    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, now: datetime, limit: int = 20) -> tuple[Delivery, ...]:
        """Deliveries that are due, one a conversation so that order is kept, claimed for `CLAIM`."""

        def work(connection: Connection) -> tuple[Delivery, ...]:
            waiting = select(deliveries).where(deliveries.c.state == "waiting").order_by(deliveries.c.id)
            firsts: dict[str, Row[Any]] = {}
            # waits for a delivery that is being put back: skipping it would send the next reply before it
            for row in connection.execute(waiting.with_for_update()):
                firsts.setdefault(row.conversation, row)
            due = [row for row in firsts.values() if row.next_at <= now][:limit]
            for row in due:
                claimed = {"next_at": now + CLAIM, "attempts": row.attempts + 1}
                connection.execute(update(deliveries).where(deliveries.c.id == row.id).values(**claimed))
            return tuple(Delivery(row.id, row.channel, row.conversation, row.seq, row.attempts) for row in due)

        return self._database.write(work)

    def done(self, delivery: Delivery) -> None:
        """The far side has it."""
        self._update(delivery, state="done")

    def again(self, delivery: Delivery, at: datetime, error: str) -> None:
        """Try once more, not before `at`."""
        self._update(delivery, attempts=delivery.attempts + 1, next_at=at, last_error=error)

    def dead(self, delivery: Delivery, error: str) -> None:
        """Given up; stays as a dead letter until somebody replays it."""
        self._update(delivery, state="dead", attempts=delivery.attempts + 1, last_error=error)

    def replay(self, id: int, now: datetime) -> None:
        """Put a dead letter back in the outbox; `NotFound` for any other delivery."""

        def work(connection: Connection) -> None:
            dead = update(deliveries).where(deliveries.c.id == id, deliveries.c.state == "dead")
            if connection.execute(dead.values(state="waiting", attempts=0, next_at=now)).rowcount == 0:
                raise NotFound(f"no dead letter {id}")

        self._database.write(work)

    def counts(self) -> dict[str, int]:
        """How many deliveries there are in each state."""
        with self._database.read() as connection:
            rows = connection.execute(select(deliveries.c.state, func.count()).group_by(deliveries.c.state))
            return {row.state: row[1] for row in rows}

    def _update(self, delivery: Delivery, **values: Any) -> None:
        self._database.write(
            lambda connection: connection.execute(
                update(deliveries).where(deliveries.c.id == delivery.id).values(**values)
            )
        )
