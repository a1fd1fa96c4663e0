"""Who is served next, and who gets it: pure orderings as tables; then the desk tending itself on a real store."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.errors import BadInput, Conflict, NotFound
from bot.handoff.assignment import Agent, next_agent, queued
from bot.handoff.hours import Hours
from bot.handoff.plan import Plan, Team
from bot.handoff.presence import Presence
from bot.handoff.queue import HandOff
from bot.handoff.states import STEPS, steps_from
from bot.handoff.tending import Tending
from bot.messages import DialogueState, IncomingMessage
from bot.store.conversations import Conversation, Conversations
from bot.store.database import Database
from tests.conftest import Clock

NOW = datetime(2026, 11, 18, 10, 0, tzinfo=UTC)
DAILY = Hours.parse("UTC", dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), "00:00-23:59"))
TEAMS = (Team("money", "Money", frozenset({"refund"})), Team("care", "Care", frozenset({"safety"})))


def waiting(id: str, minutes: int, *, priority: int = 2, snooze: int | None = None) -> Conversation:
    since, until = NOW - timedelta(minutes=minutes), NOW + timedelta(minutes=snooze or 0)
    return Conversation(
        id, "web", id, "ada", "waiting", "", "", "", {}, DialogueState(), since, since, since, 1, 1, 1, 0, 0,
        priority=priority, snoozed_until=until if snooze is not None else None,
    )  # fmt: skip


def test_the_queue_goes_by_urgency_then_returned_then_priority_then_waiting_time() -> None:
    rows = [
        waiting("normal-new", 1),
        waiting("normal-old", 90),
        waiting("low", 500, priority=3),
        waiting("high", 2, priority=1),
        waiting("urgent", 0, priority=0),
        waiting("back", 3, snooze=-1),
        waiting("asleep", 900, priority=0, snooze=5),
    ]
    assert [each.id for each in queued(rows, NOW)] == ["urgent", "back", "high", "normal-old", "normal-new", "low"]


@pytest.mark.parametrize(
    ("team", "agents", "chosen"),
    [
        ("", [Agent("a"), Agent("b")], "a"),
        ("", [Agent("a", assigned_at=NOW), Agent("b", assigned_at=NOW - timedelta(hours=1))], "b"),
        ("", [Agent("a", assigned_at=NOW - timedelta(days=1)), Agent("b")], "b"),
        ("", [Agent("a", capacity=2, holds=2), Agent("b", holds=5)], "b"),
        ("money", [Agent("a", frozenset({"care"})), Agent("b", frozenset({"money"}))], "b"),
        ("money", [Agent("a", frozenset({"care"})), Agent("b")], "b"),
        ("", [Agent("a", frozenset({"care"}))], "a"),
        ("money", [Agent("a", frozenset({"care"})), Agent("b", capacity=1, holds=1)], None),
        ("", [], None),
    ],
)
def test_round_robin_is_fair_among_those_who_can(team: str, agents: list[Agent], chosen: str | None) -> None:
    found = next_agent(team, agents)
    assert (found.name if found else None) == chosen


def test_the_table_of_steps_leads_everywhere_and_ends_nowhere() -> None:
    reached = {rule.to for rule in STEPS.values()}
    assert reached == {"bot", "waiting", "agent", "closed"}
    assert all(steps_from(owner) for owner in reached)
    assert steps_from("closed") == {"request", "claim", "reopen", "come_back"}


class Desk:
    """A desk with a plan of its own on a real store."""

    def __init__(self, database: Database, clock: Clock, plan: Plan) -> None:
        self.plan, self.clock, self.presence = plan, clock, Presence(database, clock)
        self.conversations = Conversations(database, clock)
        self.handoff = HandOff(self.conversations, self.presence, lambda: DAILY, clock, plan=lambda: self.plan)
        self.tending = Tending(self.handoff, self.conversations, self.presence, clock)

    def asks(self, name: str, *topics: str) -> str:
        id = self.conversations.accept(IncomingMessage("web", name, name, name, "A human, please")).conversation
        place = self.handoff.placement(topics, {})
        self.conversations.transition(id, ("bot",), "waiting", reason="asks", place=place)
        self.clock.pass_(seconds=1)
        return id

    def agent_of(self, id: str) -> str:
        return self.conversations.get(id).agent


@pytest.fixture
def desk(database: Database, clock: Clock) -> Desk:
    return Desk(database, clock, Plan(teams=TEAMS, assignment="round_robin", capacity=2))


def test_conversations_go_round_robin_to_present_agents_with_room(desk: Desk) -> None:
    ids = [desk.asks(f"c{number}") for number in range(5)]
    assert desk.tending.tend("w") == 0
    desk.handoff.seen("Maud")
    desk.handoff.seen("Edie")
    assert desk.tending.tend("w") == 4
    assert [desk.agent_of(id) for id in ids] == ["Edie", "Maud", "Edie", "Maud", ""]
    assert desk.tending.tend("w") == 0
    desk.handoff.close(ids[0], "Edie")
    assert desk.tending.tend("w") == 1
    assert desk.agent_of(ids[4]) == "Edie"
    assert desk.conversations.log(ids[4])[-1].text == "Edie has joined."


def test_a_team_gets_its_own_and_others_are_passed_over(desk: Desk) -> None:
    money, care = desk.asks("m", "refund"), desk.asks("s", "safety")
    desk.presence.set_up("Maud", ["care"], 1)
    desk.handoff.seen("Maud")
    assert desk.tending.tend("w") == 1
    assert (desk.agent_of(money), desk.agent_of(care)) == ("", "Maud")


def test_by_hand_nothing_is_given_out(desk: Desk) -> None:
    desk.plan = replace(desk.plan, assignment="by_hand")
    desk.asks("a")
    desk.handoff.seen("Maud")
    assert desk.tending.tend("w") == 0


def test_an_agent_who_is_gone_gives_the_conversation_back(desk: Desk) -> None:
    desk.plan = replace(desk.plan, assignment="by_hand")
    id, elsewhere = desk.asks("a"), desk.asks("b")
    token = desk.handoff.take(id, "Maud")
    desk.handoff.take(elsewhere, "Slack agent")
    desk.handoff.seen("Maud")
    desk.clock.pass_(minutes=9)
    assert desk.tending.tend("w") == 0
    desk.clock.pass_(minutes=2)
    assert desk.tending.tend("w") == 1
    found = desk.conversations.get(id)
    assert (found.owner, found.agent) == ("waiting", "")
    assert "Maud had to leave" in desk.conversations.log(id)[-1].text
    assert desk.agent_of(elsewhere) == "Slack agent"
    with pytest.raises(Conflict, match="waiting in the queue"):
        desk.handoff.reply(id, "Maud", "Back again", token=token)


def test_an_agent_who_answered_last_keeps_the_conversation(desk: Desk) -> None:
    desk.plan = replace(desk.plan, assignment="by_hand")
    id = desk.asks("a")
    desk.handoff.take(id, "Maud")
    desk.handoff.seen("Maud")
    desk.handoff.reply(id, "Maud", "Have a look and tell me.")
    desk.clock.pass_(hours=2)
    assert desk.tending.tend("w") == 0


def test_only_one_process_tends(desk: Desk) -> None:
    desk.asks("a")
    desk.handoff.seen("Maud")
    assert desk.conversations.lease("tending", "another", 30) is not None
    assert desk.tending.tend("w") == 0


def test_a_colleague_with_no_room_and_a_team_that_is_not_there_are_refused(desk: Desk) -> None:
    first, second, third = desk.asks("a"), desk.asks("b"), desk.asks("c")
    desk.handoff.take(first, "Edie")
    desk.handoff.take(second, "Edie")
    with pytest.raises(Conflict, match="Edie holds 2 of 2 conversations already") as caught:
        desk.handoff.assign(third, "Maud", "Edie")
    assert caught.value.code == "full"
    with pytest.raises(BadInput, match="no team 'moon'; the policy's teams are money, care"):
        desk.handoff.refer(third, "Maud", "moon")
    desk.handoff.refer(third, "Maud", "money", note="asks for the refund of July")
    found = desk.conversations.get(third)
    assert (found.owner, found.team, desk.handoff.place(third)) == ("waiting", "money", 1)
    log = desk.conversations.log(third, notes=True)
    assert [(each.kind, each.text) for each in log[-2:]] == [
        ("note", "asks for the refund of July"),
        ("event", "Maud has passed this to our team for Money. Your place in the queue is kept."),
    ]


def test_a_snooze_ends_by_itself_or_with_a_message(desk: Desk) -> None:
    first, second = desk.asks("a"), desk.asks("b")
    desk.handoff.snooze(second, "Maud", desk.clock() + timedelta(hours=2))
    assert desk.handoff.place(second) is None
    assert [each.id for each in desk.handoff.snoozed()] == [second]
    assert "will come back to this today at 12:00" in desk.conversations.log(second)[-1].text
    desk.clock.pass_(hours=2)
    assert [each.id for each in desk.handoff.waiting()] == [second, first]
    desk.handoff.snooze(second, "Maud", desk.clock() + timedelta(days=2))
    desk.conversations.accept(IncomingMessage("web", "b", "b", "b2", "Are you there?"))
    assert desk.handoff.place(second) == 2
    with pytest.raises(BadInput, match="within the coming year"):
        desk.handoff.snooze(second, "Maud", desk.clock())


def test_a_customer_who_vanished_from_the_queue_leaves_no_trace_and_no_trouble(desk: Desk, database: Database) -> None:
    from sqlalchemy import delete

    from bot.store.tables import conversations

    gone, stays = desk.asks("a"), desk.asks("b")
    database.write(lambda connection: connection.execute(delete(conversations).where(conversations.c.id == gone)))
    assert [each.id for each in desk.handoff.queue()] == [stays]
    assert desk.handoff.place(gone) is None
    for act in (desk.handoff.take, desk.handoff.close, desk.handoff.hand_back):
        with pytest.raises(NotFound, match="no conversation"):
            act(gone, "Maud")
    with pytest.raises(NotFound):
        desk.handoff.reply(gone, "Maud", "Hello?")
