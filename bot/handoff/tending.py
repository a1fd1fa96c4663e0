"""What the desk does by itself, every few seconds, in one process at a time: agents who are gone give their
conversations back, and where the policy says so, the next one goes round robin to an agent with room.

Snoozes need nothing here: whoever reads the queue sees that their time is over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from bot.errors import Conflict, NotFound
from bot.handoff import lines
from bot.handoff.assignment import Agent, next_agent
from bot.handoff.presence import Presence
from bot.handoff.queue import HandOff
from bot.handoff.states import STEPS
from bot.store.conversations import Conversation, Conversations

LEASE_S = 30.0
TENDING = "tending"


class Tending:
    def __init__(
        self, handoff: HandOff, conversations: Conversations, presence: Presence, clock: Callable[[], datetime]
    ) -> None:
        self._handoff = handoff
        self._conversations = conversations
        self._presence = presence
        self._clock = clock

    def tend(self, holder: str) -> int:
        """Do what is due and return how many conversations moved; nothing while another process does it."""
        lease = self._conversations.lease(TENDING, holder, LEASE_S)
        if lease is None:
            return 0
        try:
            return self._give_back() + self._give_out()
        finally:
            self._conversations.release(lease)

    def _give_back(self) -> int:
        """Conversations whose customer waits for an agent who is gone return to the queue."""
        moved = 0
        for each in self._conversations.listing(owner="agent", limit=1_000):
            if not self._is_abandoned(each):
                continue
            try:
                self._handoff.lapse(each)
                moved += 1
            except (Conflict, NotFound):  # the agent, or the customer, was quicker
                continue
        return moved

    def _is_abandoned(self, conversation: Conversation) -> bool:
        """An agent who was at the desk with this conversation, is gone for long, and owes the customer an answer.

        One who answers from elsewhere never opened the desk since, and is not judged by it.
        """
        seen, held = self._presence.last_seen(conversation.agent), conversation.held_since
        if seen is None or held is None or seen < held:
            return False
        away = timedelta(minutes=self._handoff.plan().away_minutes)
        return self._clock() - seen >= away and self._owes_an_answer(conversation)

    def _owes_an_answer(self, conversation: Conversation) -> bool:
        log = self._conversations.log(conversation.id, after=max(conversation.last_seq - 50, 0), limit=50)
        spoken = [message.participant for message in log if message.participant in ("customer", "agent")]
        return not spoken or spoken[-1] == "customer"

    def _give_out(self) -> int:
        """Waiting conversations to present agents with room, round robin."""
        plan, present = self._handoff.plan(), self._handoff.present()
        if plan.assignment != "round_robin" or not present:
            return 0
        agents, moved = list(self._presence.agents(present, plan.capacity)), 0
        for each in self._handoff.waiting():
            chosen = next_agent(each.team, agents)
            if chosen is None or not self._give(each, chosen):
                continue
            moved += 1
            given = replace(chosen, holds=chosen.holds + 1, assigned_at=self._clock())
            agents[agents.index(chosen)] = given
        return moved

    def _give(self, conversation: Conversation, agent: Agent) -> bool:
        rule = STEPS["assign"]
        try:
            self._conversations.transition(
                conversation.id,
                rule.expected,
                rule.to,
                agent=agent.name,
                event=lines.joined(agent.name),
                token=conversation.fence,
            )
        except (Conflict, NotFound):  # somebody took it meanwhile
            return False
        self._presence.given(agent.name)
        return True
