"""Who gets a conversation that its customer opens again: the same agent, if it was lately and they are there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row

from bot.handoff.plan import Plan
from bot.handoff.presence import PRESENT, Presence


class Returning:
    """The `comes_back` of the store (`bot.store.conversations`), asked inside its transaction."""

    def __init__(self, presence: Presence, plan: Callable[[], Plan], clock: Callable[[], datetime]) -> None:
        self._presence = presence
        self._plan = plan
        self._clock = clock

    def __call__(self, connection: Connection, row: Row[Any]) -> str:
        """The agent's name, or nothing for the bot."""
        if not row.last_agent or row.closed_at is None:
            return ""
        seen = self._presence.last_seen_in(connection, row.last_agent)
        within = timedelta(days=self._plan().reopen_days)
        return row.last_agent if comes_back(self._clock(), row.closed_at, within, seen) else ""


def comes_back(now: datetime, closed_at: datetime, within: timedelta, last_seen: datetime | None) -> bool:
    """Whether an agent who closed a conversation at `closed_at` gets it again at `now`."""
    return last_seen is not None and now - last_seen < PRESENT and now - closed_at < within
