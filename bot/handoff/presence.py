"""Which agents are at the desk: a mark that the desk's page renews while it is open."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, update

from bot.store.database import Database
from bot.store.tables import presence

PRESENT = timedelta(seconds=60)


class Presence:
    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def seen(self, agent: str) -> None:
        """Mark that this agent's desk is open now."""

        def work(connection: Connection) -> None:
            now = self._clock()
            mine = presence.c.agent == agent
            if connection.execute(update(presence).where(mine).values(seen_at=now)).rowcount == 0:
                connection.execute(insert(presence).values(agent=agent, seen_at=now))

        self._database.write(work)

    def present(self) -> tuple[str, ...]:
        """Names seen within `PRESENT`, in alphabetical order."""
        query = select(presence.c.agent).where(presence.c.seen_at > self._clock() - PRESENT).order_by(presence.c.agent)
        with self._database.read() as connection:
            return tuple(connection.scalars(query))
