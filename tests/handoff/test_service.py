"""The clock of a human's first answer, in opening hours: warned about, late, kept, missed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.handoff.hours import Hours
from bot.handoff.plan import Plan
from bot.handoff.presence import Presence
from bot.handoff.queue import HandOff
from bot.handoff.returning import Returning
from bot.messages import Decision, DialogueState, IncomingMessage, Reply, Turn, Understanding
from bot.store.conversations import Conversations, Outcome
from bot.store.database import Database
from tests.conftest import Clock

HOURS = Hours.parse("UTC", {"wed": "09:00-17:00", "thu": "09:00-17:00"})
PLAN = Plan(first_answer_minutes={"urgent": 4.0, "high": 15.0, "normal": 60.0, "low": 0.0}, vip=("tier", "gold"))


@pytest.fixture
def conversations(database: Database, clock: Clock) -> Conversations:
    back = Returning(Presence(database, clock), lambda: PLAN, clock)
    return Conversations(database, clock, comes_back=back)


@pytest.fixture
def handoff(database: Database, conversations: Conversations, clock: Clock) -> HandOff:
    return HandOff(conversations, Presence(database, clock), lambda: HOURS, clock, plan=lambda: PLAN)


@pytest.fixture
def id(conversations: Conversations) -> str:
    return conversations.accept(IncomingMessage("web", "c1", "ada", "m1", "A human, please")).conversation


def test_the_clock_warns_and_then_marks(handoff: HandOff, conversations: Conversations, id: str, clock: Clock) -> None:
    states = []
    handoff.request(id, "asks")
    for minutes in (0, 44, 1, 14, 1):
        clock.pass_(minutes=minutes)
        states.append(handoff.clock_state(conversations.get(id)))
    assert states == ["running", "running", "soon", "soon", "late"]
    handoff.take(id, "Maud")
    assert handoff.clock_state(conversations.get(id)) == "late"
    handoff.reply(id, "Maud", "Here I am.")
    handoff.reply(id, "Maud", "And again.")
    clock.pass_(days=1)
    assert handoff.clock_state(conversations.get(id)) == "missed"


def test_an_answer_in_time_stays_one(handoff: HandOff, conversations: Conversations, id: str, clock: Clock) -> None:
    handoff.request(id, "asks")
    handoff.take(id, "Maud")
    clock.pass_(minutes=59)
    handoff.reply(id, "Maud", "Here I am.")
    handoff.close(id, "Maud")
    clock.pass_(days=1)
    assert handoff.clock_state(conversations.get(id)) == "kept"


def test_the_clock_stands_still_while_the_desk_is_closed(
    handoff: HandOff, conversations: Conversations, id: str, clock: Clock
) -> None:
    clock.pass_(hours=6, minutes=30)  # Wednesday, 16:30
    handoff.request(id, "asks")
    found = conversations.get(id)
    assert (found.due_at, found.warn_at) == (clock() + timedelta(hours=17), clock() + timedelta(hours=16, minutes=45))
    clock.pass_(hours=12)
    assert handoff.clock_state(found) == "running"


def test_a_conversation_without_a_wait_has_no_clock_and_a_new_wait_has_a_new_one(
    handoff: HandOff, conversations: Conversations, id: str, clock: Clock
) -> None:
    handoff.take(id, "Maud")
    assert handoff.clock_state(conversations.get(id)) == "none"
    handoff.hand_back(id, "Maud")
    handoff.request(id, "asks")
    clock.pass_(minutes=30)
    first = conversations.get(id).due_at
    handoff.take(id, "Maud")
    handoff.hand_back(id, "Maud")
    assert handoff.clock_state(conversations.get(id)) == "none"
    handoff.request(id, "asks again")
    second = conversations.get(id)
    assert first is not None
    assert second.due_at == first + timedelta(minutes=30)
    assert second.first_answer_at is None


def test_a_transfer_keeps_the_clock_running(
    handoff: HandOff, conversations: Conversations, id: str, clock: Clock
) -> None:
    handoff.request(id, "asks")
    before = conversations.get(id)
    clock.pass_(minutes=10)
    handoff.refer(id, "Maud", "")
    handoff.assign(id, "Maud", "Edie")
    after = conversations.get(id)
    assert (after.clock_from, after.due_at) == (before.clock_from, before.due_at)


@pytest.mark.parametrize(
    ("intent", "rule", "attributes", "priority", "minutes"),
    [
        ("order_status", "asks-for-human", {}, 2, 60),
        ("order_status", "reserved:safety", {}, 0, 4),
        ("safety", "starts-flow", {}, 0, 4),
        ("order_status", "asks-for-human", {"tier": "gold"}, 1, 15),
    ],
)
def test_a_turn_that_hands_over_takes_its_place_and_starts_the_clock(
    handoff: HandOff,
    conversations: Conversations,
    id: str,
    clock: Clock,
    intent: str,
    rule: str,
    attributes: dict[str, str],
    priority: int,
    minutes: int,
) -> None:
    turn = Turn(1, Understanding(intent, 0.9), Decision("human", "for a human", rule), "r")
    outcome = Outcome(turn, (Reply("Of course."),), DialogueState(), hand_over="for a human")
    lease = conversations.lease(id, "bot", 30)
    assert lease is not None
    conversations.commit_turn(lease, id, replace(outcome, place=handoff.placement_of(turn, attributes)))
    found = conversations.get(id)
    assert (found.owner, found.fence, found.priority) == ("waiting", 1, priority)
    assert found.due_at == clock() + timedelta(minutes=minutes)


def test_a_priority_without_minutes_has_no_clock(handoff: HandOff) -> None:
    low = replace(PLAN, priorities={"press": "low"})
    desk = HandOff(handoff._conversations, handoff._presence, lambda: HOURS, handoff._clock, plan=lambda: low)
    assert desk.placement(("press",), {}).due_at is None


def test_a_closed_conversation_goes_back_to_its_agent_if_they_are_there(
    handoff: HandOff, conversations: Conversations, id: str, clock: Clock
) -> None:
    def writes(text: str) -> tuple[str, str]:
        conversations.accept(IncomingMessage("web", "c1", "ada", text, text))
        found = conversations.get(id)
        return found.owner, found.agent

    handoff.take(id, "Maud")
    token = conversations.get(id).fence
    handoff.close(id, "Maud")
    handoff.seen("Maud")
    assert writes("One more thing") == ("agent", "Maud")
    assert [each.text for each in conversations.log(id)][-2:] == ["One more thing", "Maud is with you again."]
    assert conversations.get(id).fence == token + 2
    handoff.close(id, "Maud")
    clock.pass_(minutes=2)
    assert writes("And another") == ("bot", "")
    handoff.take(id, "Maud")
    handoff.close(id, "Maud")
    clock.pass_(days=8)
    handoff.seen("Maud")
    assert writes("A week later") == ("bot", "")
