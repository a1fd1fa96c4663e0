"""Handing a conversation to a human and back: `bot → waiting → agent → bot | closed`, one owner at a time.

Every step is a row of `bot.handoff.states` and a compare-and-set in the store, and the customer sees a line at each of
them. An agent's step carries the token their claim returned: a page that shows an older state is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

from bot.errors import BadInput, Conflict
from bot.handoff import lines
from bot.handoff.assignment import Agent, is_snoozed, queued
from bot.handoff.hours import Hours, spoken
from bot.handoff.plan import VIP, Plan
from bot.handoff.presence import Presence
from bot.handoff.service import ClockState, clock_state, placement
from bot.handoff.states import STEPS, Step
from bot.messages import Message, Turn
from bot.store.audit import Actor
from bot.store.conversations import Conversation, Conversations
from bot.store.log import Source
from bot.store.ownership import Placement

QUEUE = 1_000
"""Most conversations of one owner that are looked at."""


class HandOff:
    def __init__(
        self,
        conversations: Conversations,
        presence: Presence,
        hours: Callable[[], Hours],
        clock: Callable[[], datetime],
        *,
        plan: Callable[[], Plan] = Plan,
    ) -> None:
        self._conversations = conversations
        self._presence = presence
        self._hours = hours
        self._clock = clock
        self._plan = plan

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

    def placement(self, topics: Collection[str], attributes: Mapping[str, str]) -> Placement:
        """Where a conversation about these topics goes in the queue, and when its first answer is due."""
        plan, known = self._plan(), {*topics}
        if plan.is_vip(attributes):
            known.add(VIP)
        return placement(plan, self._hours(), plan.priority(known), plan.team(known), self._clock())

    def placement_of(self, turn: Turn, attributes: Mapping[str, str]) -> Placement:
        """The same for a turn that hands over: its topics are what was understood, and the rule that decided."""
        rule = turn.decision.rule
        return self.placement({turn.understanding.intent, rule, rule.partition(":")[2]} - {""}, attributes)

    def request(self, conversation: str, reason: str) -> None:
        """bot → waiting, with a line the customer sees. Asking again while waiting changes nothing."""
        current = self._conversations.get(conversation)
        if current.owner in ("waiting", "agent"):
            return
        place = self.placement((), current.attributes)
        try:
            self._step("request", conversation, event=self.waiting_line(), reason=reason, place=place)
        except Conflict:
            if self._conversations.get(conversation).owner not in ("waiting", "agent"):
                raise

    def take(self, conversation: str, agent: str) -> int:
        """waiting, bot or closed → agent; the token of this claim. `Conflict` if another agent holds it; taking one's
        own again changes nothing."""
        current = self._conversations.get(conversation)
        if current.owner == "agent" and current.agent == agent:
            return current.fence
        return self._step("claim", conversation, agent=agent, event=lines.joined(agent))

    def reply(
        self,
        conversation: str,
        agent: str,
        text: str,
        *,
        token: int | None = None,
        source: Source | None = None,
        attachments: Sequence[str] = (),
    ) -> Message:
        """Say something to the customer, with files of the agent's by their ids; only the agent who holds the
        conversation may."""
        return self._conversations.speak(conversation, agent, text, token=token, source=source, attachments=attachments)

    def note(self, conversation: str, agent: str, text: str, *, source: Source | None = None) -> Message:
        """Leave a note that only agents see."""
        return self._conversations.append(conversation, "agent", text, kind="note", author=agent, source=source)

    def assign(self, conversation: str, by: str, colleague: str, *, note: str = "", token: int | None = None) -> int:
        """Give a waiting conversation, or one's own, to a colleague; `Conflict` (code `full`) if they have no room."""
        plan, current = self._plan(), self._conversations.get(conversation)
        (agent,) = self._presence.agents((colleague,), plan.capacity)
        if not agent.has_room():
            holds = f"{agent.holds} of {agent.capacity} conversations"
            raise Conflict(f"{colleague} holds {holds} already; choose somebody else, or a team", code="full")
        if current.owner == "agent":
            if colleague == current.agent:
                raise Conflict(f"{colleague} holds this conversation already", code="moved_on")
            line = lines.passed_on(by, colleague)
            return self._step("pass_on", conversation, by=by, agent=colleague, event=line, note=note, token=token)
        line = lines.joined(colleague)
        return self._step("assign", conversation, by=by, agent=colleague, event=line, note=note, token=token)

    def refer(self, conversation: str, by: str, team: str, *, note: str = "", token: int | None = None) -> int:
        """Back to the queue, for a team; empty is everybody. `BadInput` for a team that the policy does not have."""
        plan = self._plan()
        if team and team not in {each.id for each in plan.teams}:
            known = ", ".join(each.id for each in plan.teams) or "none"
            raise BadInput(f"there is no team {team!r}; the policy's teams are {known}")
        line = lines.referred(by, plan.title(team))
        return self._step("refer", conversation, by=by, team=team, event=line, note=note, token=token)

    def snooze(self, conversation: str, by: str, until: datetime, *, note: str = "", token: int | None = None) -> int:
        """Out of the queue until a moment in the coming year, or until the customer writes; then back to its top."""
        ahead = (until - self._clock()).total_seconds()
        if not 0 < ahead <= 366 * 86_400:
            raise BadInput(f"a snooze ends within the coming year, got {until:%Y-%m-%d %H:%M} UTC")
        when = spoken(until.astimezone(self._hours().timezone), self._clock())
        return self._step(
            "snooze", conversation, by=by, event=lines.snoozed(by, when), note=note, token=token, until=until
        )

    def hand_back(self, conversation: str, agent: str, *, token: int | None = None) -> int:
        """agent → bot."""
        return self._step("hand_back", conversation, by=agent, event=lines.left(agent), reason="", token=token)

    def close(self, conversation: str, agent: str, *, token: int | None = None) -> int:
        """agent or waiting → closed. A new message of the customer opens it again."""
        return self._step("close", conversation, by=agent, event=lines.closed(), reason="", token=token)

    def lapse(self, conversation: Conversation) -> int:
        """agent → waiting, because the agent is gone."""
        event = lines.lapsed(conversation.agent)
        return self._step("lapse", conversation.id, event=event, token=conversation.fence)

    def _step(self, step: Step, conversation: str, **values: object) -> int:
        rule = STEPS[step]
        return self._conversations.transition(conversation, rule.expected, rule.to, **values)  # type: ignore[arg-type]

    def queue(self) -> tuple[Conversation, ...]:
        """Who waits, the next first, then who is being served."""
        return self.waiting() + self._conversations.listing(owner="agent")

    def waiting(self) -> tuple[Conversation, ...]:
        """Who waits, the next first; snoozed ones are left out."""
        return queued(self._conversations.listing(owner="waiting", limit=QUEUE), self._clock())

    def snoozed(self) -> tuple[Conversation, ...]:
        """Who is kept out of the queue, the next to come back first."""
        now = self._clock()
        kept = [each for each in self._conversations.listing(owner="waiting", limit=QUEUE) if is_snoozed(each, now)]
        return tuple(sorted(kept, key=lambda each: (each.snoozed_until or now, each.id)))

    def place(self, conversation: str) -> int | None:
        """Place in the queue from 1, None when not waiting or snoozed."""
        waiting = [each.id for each in self.waiting()]
        return waiting.index(conversation) + 1 if conversation in waiting else None

    def clock_state(self, conversation: Conversation) -> ClockState:
        """How the first answer of a human stands."""
        return clock_state(conversation, self._clock())

    def plan(self) -> Plan:
        """The desk's rules as they are now."""
        return self._plan()

    def in_hours(self) -> bool:
        return self._hours().is_open(self._clock())

    def next_open(self) -> str:
        """When the desk opens next, as one says it."""
        now = self._clock()
        return spoken(self._hours().next_open(now), now)

    def closes(self) -> datetime | None:
        """When the desk closes that is open now, in its time zone; None where it is closed."""
        return self._hours().closes(self._clock())

    def opens(self) -> datetime | None:
        """The next moment the desk opens, None if it never does."""
        return self._hours().next_open(self._clock())

    def spoken(self, moment: datetime) -> str:
        """A moment as one says it, in the desk's time zone."""
        return spoken(moment.astimezone(self._hours().timezone), self._clock())

    def seen(self, agent: str) -> None:
        self._presence.seen(agent)

    def present(self) -> tuple[str, ...]:
        """Agents who were at the desk within the last minute."""
        return self._presence.present()

    def set_up(self, agent: str, teams: Collection[str], capacity: int | None, *, by: Actor) -> None:
        """Say on which teams an agent is (none is every one) and how many they carry (None is as the policy says).

        `BadInput` for a team that the policy does not have, or a capacity outside of 1 to 100.
        """
        known = {each.id for each in self._plan().teams}
        if unknown := set(teams) - known:
            listed = ", ".join(sorted(known)) or "none"
            raise BadInput(f"there is no team {sorted(unknown)[0][:60]!r}; the policy's teams are {listed}")
        if capacity is not None and not 1 <= capacity <= 100:
            raise BadInput(f"an agent carries 1 to 100 conversations at once, got {capacity}")
        self._presence.set_up(agent, teams, capacity, by=by)

    def agents(self, names: Collection[str]) -> tuple[Agent, ...]:
        """These agents with their teams, what they hold and what they can."""
        return self._presence.agents(names, self._plan().capacity)
