"""Which agents are at the desk, a mark that the desk's page renews while it is open, and what each can carry."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, insert, select, update

from bot.handoff.assignment import Agent
from bot.store.audit import COMMAND_LINE, Actor, Facts, record
from bot.store.database import Database
from bot.store.tables import agents, conversations, presence

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

    def last_seen(self, agent: str) -> datetime | None:
        """When this agent's desk was last open, None if it never was."""
        with self._database.read() as connection:
            return self.last_seen_in(connection, agent)

    def last_seen_in(self, connection: Connection, agent: str) -> datetime | None:
        """The same inside a transaction."""
        seen: datetime | None = connection.scalar(select(presence.c.seen_at).where(presence.c.agent == agent))
        return seen

    def agents(self, names: Collection[str], capacity: int) -> tuple[Agent, ...]:
        """These agents with what they carry; `capacity` is for those without their own."""
        held = (
            select(conversations.c.agent, func.count().label("held"))
            .where(conversations.c.owner == "agent", conversations.c.agent.in_(names))
            .group_by(conversations.c.agent)
        )
        with self._database.read() as connection:
            holds = {row.agent: row.held for row in connection.execute(held)}
            rows = {row.name: row for row in connection.execute(select(agents).where(agents.c.name.in_(names)))}
        return tuple(
            Agent(
                name,
                frozenset(rows[name].teams) if name in rows and rows[name].teams else None,
                (rows[name].capacity if name in rows else None) or capacity,
                holds.get(name, 0),
                rows[name].assigned_at if name in rows else None,
            )
            for name in names
        )

    def set_up(self, name: str, teams: Collection[str], capacity: int | None, *, by: Actor = COMMAND_LINE) -> None:
        """Put an agent on teams (none is every team) with a capacity of their own (None is the desk's)."""

        def work(connection: Connection) -> None:
            row = connection.execute(select(agents).where(agents.c.name == name)).one_or_none()
            before = _facts(row.teams, row.capacity) if row is not None else _facts((), None)
            after = _facts(teams, capacity)
            self._kept(connection, name, {"teams": sorted(teams), "capacity": capacity})
            if before != after:
                record(connection, self._clock(), by, "setting_changed", f"what {name} carries", before, after)

        self._database.write(work)

    def given(self, name: str) -> None:
        """Remember that this agent was given a conversation now."""
        self._keep(name, assigned_at=self._clock())

    def _keep(self, name: str, **values: object) -> None:
        self._database.write(lambda connection: self._kept(connection, name, values))

    def _kept(self, connection: Connection, name: str, values: Mapping[str, object]) -> None:
        if connection.execute(update(agents).where(agents.c.name == name).values(**values)).rowcount == 0:
            connection.execute(insert(agents).values(name=name, **values))


def _facts(teams: Collection[str], capacity: int | None) -> Facts:
    """What the audit log holds of what an agent carries."""
    return {"teams": ", ".join(sorted(teams)) or "every team", "capacity": capacity or "the desk's"}
