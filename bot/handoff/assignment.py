"""In which order conversations are served, and who gets the next one. Pure: everything is passed in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.store.conversations import Conversation

_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Agent:
    """Somebody at the desk: their teams (None is every team), how many conversations they take and hold, and when
    they were last given one."""

    name: str
    teams: frozenset[str] | None = None
    capacity: int = 6
    holds: int = 0
    assigned_at: datetime | None = None

    def has_room(self) -> bool:
        return self.holds < self.capacity

    def is_on(self, team: str) -> bool:
        """Whether they serve a team; what is for no team is for everybody."""
        return not team or self.teams is None or team in self.teams


def is_snoozed(conversation: Conversation, now: datetime) -> bool:
    """Whether it is kept out of the queue at `now`."""
    return conversation.snoozed_until is not None and conversation.snoozed_until > now


def queued(waiting: Iterable[Conversation], now: datetime) -> tuple[Conversation, ...]:
    """Who is to be served, the next first: urgent, then what comes back from a snooze, then by priority and by how
    long it waits. Snoozed ones are left out."""
    return tuple(sorted((each for each in waiting if not is_snoozed(each, now)), key=_rank))


def _rank(conversation: Conversation) -> tuple[bool, bool, int, datetime, str]:
    return (
        conversation.priority > 0,
        conversation.snoozed_until is None,
        conversation.priority,
        conversation.waiting_since or conversation.changed_at,
        conversation.id,
    )


def next_agent(team: str, agents: Sequence[Agent]) -> Agent | None:
    """Round robin among those on the team who have room: whoever was given nothing for the longest time."""
    able = [agent for agent in agents if agent.is_on(team) and agent.has_room()]
    return min(able, key=lambda agent: (agent.assigned_at or _BEFORE_ALL, agent.name), default=None)
