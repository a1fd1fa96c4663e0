"""The clock of a human's first answer: when it is due in opening hours, and how it stands. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from bot.handoff.hours import Hours
from bot.handoff.plan import PRIORITIES, Plan
from bot.store.conversations import Conversation
from bot.store.ownership import Placement

ClockState = Literal["none", "running", "soon", "late", "kept", "missed"]
"""`soon` is the warning before the time is up, `late` the mark after it; `kept` and `missed` stay once answered."""


def placement(plan: Plan, hours: Hours, priority: int, team: str, now: datetime) -> Placement:
    """A place in the queue, with the times at which its first answer is warned about and due."""
    minutes = plan.first_answer_minutes[PRIORITIES[priority]]
    if minutes == 0:
        return Placement(priority, team)
    warn_at = hours.after(now, timedelta(minutes=minutes * plan.warn_after))
    return Placement(priority, team, warn_at, hours.after(now, timedelta(minutes=minutes)))


def clock_state(conversation: Conversation, now: datetime) -> ClockState:
    """How the first answer of this conversation stands at `now`."""
    due, warn = conversation.due_at, conversation.warn_at
    if conversation.clock_from is None or due is None:
        return "none"
    if conversation.first_answer_at is not None:
        return "kept" if conversation.first_answer_at < due else "missed"
    if conversation.owner in ("bot", "closed"):
        return "none"
    if now >= due:
        return "late"
    return "soon" if warn is not None and now >= warn else "running"
