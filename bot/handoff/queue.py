"""Handing a conversation to a human and back: `bot → waiting → agent → bot | closed`, one owner at a time.

Every step is a compare-and-set in the store, and the customer sees a line at each of them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from bot.errors import Conflict
from bot.handoff.hours import Hours, spoken
from bot.handoff.presence import Presence
from bot.messages import Message
from bot.store.conversations import Conversation, Conversations


class HandOff:
    def __init__(
        self,
        conversations: Conversations,
        presence: Presence,
        hours: Callable[[], Hours],
        clock: Callable[[], datetime],
    ) -> None:
        self._conversations = conversations
        self._presence = presence
        self._hours = hours
        self._clock = clock

    def waiting_line(self) -> str:
        """What a customer is told when a conversation starts to wait for a human."""
        now, hours = self._clock(), self._hours()
        if not hours.is_open(now):
            opens = spoken(hours.next_open(now), now)
            return (
                f"Nobody is at the desk right now; we are back {opens}. Your place in the queue is kept. "
                "Leave your e-mail address and we will answer there if you have gone."
            )
        if not self.present():
            return "I have passed this to our team. They are all away from the desk for a moment, your place is kept."
        return "I have passed this to our team. Somebody will be with you shortly, and can read what was said so far."

    def request(self, conversation: str, reason: str) -> None:
        """bot → waiting, with a line the customer sees. Asking again while waiting changes nothing."""
        owner = self._conversations.get(conversation).owner
        if owner in ("waiting", "agent"):
            return
        try:
            self._conversations.transition(
                conversation, ("bot", "closed"), "waiting", event=self.waiting_line(), reason=reason
            )
        except Conflict:
            if self._conversations.get(conversation).owner not in ("waiting", "agent"):
                raise

    def take(self, conversation: str, agent: str) -> None:
        """waiting or bot → agent. `Conflict` if another agent holds it; taking one's own again changes nothing."""
        current = self._conversations.get(conversation)
        if current.owner == "agent" and current.agent == agent:
            return
        self._conversations.transition(
            conversation, ("waiting", "bot", "closed"), "agent", agent=agent, event=f"{agent} has joined."
        )

    def reply(self, conversation: str, agent: str, text: str) -> Message:
        """Say something to the customer; only the agent who holds the conversation may."""
        self._require_holder(conversation, agent)
        return self._conversations.append(conversation, "agent", text, author=agent)

    def note(self, conversation: str, agent: str, text: str) -> Message:
        """Leave a note that only agents see."""
        return self._conversations.append(conversation, "agent", text, kind="note", author=agent)

    def hand_back(self, conversation: str, agent: str) -> None:
        """agent → bot."""
        line = f"{agent} has left. I am the automatic assistant again; ask away, or ask for a human at any time."
        self._conversations.transition(conversation, ("agent",), "bot", event=line, by=agent, reason="")

    def close(self, conversation: str, agent: str) -> None:
        """agent or waiting → closed. A new message of the customer opens it again with the bot."""
        self._conversations.transition(
            conversation, ("agent", "waiting"), "closed", event="This conversation was closed.", by=agent, reason=""
        )

    def queue(self) -> tuple[Conversation, ...]:
        """Who waits, the longest first, then who is being served."""
        return self._conversations.listing(owner="waiting") + self._conversations.listing(owner="agent")

    def place(self, conversation: str) -> int | None:
        """Place in the queue from 1, None when not waiting."""
        waiting = [each.id for each in self._conversations.listing(owner="waiting", limit=1_000)]
        return waiting.index(conversation) + 1 if conversation in waiting else None

    def in_hours(self) -> bool:
        return self._hours().is_open(self._clock())

    def next_open(self) -> str:
        """When the desk opens next, as one says it."""
        now = self._clock()
        return spoken(self._hours().next_open(now), now)

    def seen(self, agent: str) -> None:
        self._presence.seen(agent)

    def present(self) -> tuple[str, ...]:
        """Agents who were at the desk within the last minute."""
        return self._presence.present()

    def _require_holder(self, conversation: str, agent: str) -> None:
        current = self._conversations.get(conversation)
        if current.owner != "agent" or current.agent != agent:
            holder = current.agent if current.owner == "agent" else current.owner
            raise Conflict(f"{agent} does not hold conversation {conversation} ({holder} does); take it first")
