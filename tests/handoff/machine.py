"""A customer, the bot, two agents, a clock and crashes, against a small model of who may speak.

The model knows nothing of the store: an owner, an agent, a fence, the lines said, and what is in the queue. Every rule
is tried in every state; the store must do what the model says, or refuse where it refuses, and change nothing then.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.errors import Conflict, LeaseLost
from bot.handoff.hours import Hours
from bot.handoff.plan import Plan
from bot.handoff.presence import PRESENT, Presence
from bot.handoff.queue import HandOff
from bot.handoff.returning import Returning
from bot.handoff.tending import Tending
from bot.messages import Decision, DialogueState, IncomingMessage, Reply, Turn, Understanding
from bot.store.conversations import Conversations, Outcome
from bot.store.database import Database
from bot.store.leases import Lease
from tests.conftest import Clock

AGENTS = ("Maud", "Edie")
HOURS = Hours.parse("UTC", dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), "00:00-23:59"))
PLAN = Plan(away_minutes=10, reopen_days=1, capacity=100)
agents = st.sampled_from(AGENTS)
stale = st.sampled_from((0, 0, 0, 1, 2))
"""How many claims behind an agent's page is."""


@dataclass
class Model:
    """What must be true of the conversation."""

    owner: str = "bot"
    agent: str = ""
    fence: int = 0
    asked: int = 0
    answered: int = 0
    texts: list[str] = field(default_factory=list)
    events: int = 0
    snoozed_until: datetime | None = None
    closed_at: datetime | None = None
    held_since: datetime | None = None
    last_agent: str = ""
    seen: dict[str, datetime] = field(default_factory=dict)
    last_speaker: str = ""

    def move(self, owner: str, agent: str = "", *, tell: bool = True) -> None:
        self.owner, self.agent, self.fence = owner, agent, self.fence + 1
        self.last_agent = agent or self.last_agent
        self.snoozed_until = self.closed_at = self.held_since = None
        self.events += tell


@dataclass
class TurnInHand:
    """A turn that a process has begun: it may commit late, twice, or never."""

    lease: Lease
    seq: int
    hands_over: bool
    owner: str


class Machine(RuleBasedStateMachine):
    store = Conversations
    """The class under test; a broken one is put here to see that the machine notices."""

    @initialize()
    def open(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="firstline-machine-", dir=_memory()))
        shutil.copyfile(_empty(), self.folder / "firstline.sqlite")
        self.clock, self.model = Clock(), Model()
        self.said = 0
        self.turn: TurnInHand | None = None
        self.fences: list[int] = [0]
        self.connect()
        self.id = self.conversations.open("web", "c", "ada").id

    def connect(self) -> None:
        self.database = Database.open(f"sqlite:///{self.folder / 'firstline.sqlite'}")
        presence = Presence(self.database, self.clock)
        back = Returning(presence, lambda: PLAN, self.clock)
        self.conversations = self.store(self.database, self.clock, comes_back=back)
        self.handoff = HandOff(self.conversations, presence, lambda: HOURS, self.clock, plan=lambda: PLAN)
        self.tending = Tending(self.handoff, self.conversations, presence, self.clock)

    def teardown(self) -> None:
        if hasattr(self, "database"):
            self.database.close()
            shutil.rmtree(self.folder, ignore_errors=True)

    def text(self, who: str) -> str:
        self.said += 1
        return f"{who} {self.said}"

    # The customer

    @rule()
    def customer_writes(self) -> None:
        text, model = self.text("customer"), self.model
        receipt = self.conversations.accept(IncomingMessage("web", "c", "ada", text, text))
        again = self.conversations.accept(IncomingMessage("web", "c", "ada", text, text))
        assert (again.seq, again.repeated) == (receipt.seq, True)
        model.texts.append(text)
        model.asked, model.snoozed_until, model.last_speaker = receipt.seq, None, "customer"
        if model.owner == "closed":
            assert model.closed_at is not None
            lately = self.clock() - model.closed_at < timedelta(days=1)
            seen = model.seen.get(model.last_agent)
            there = seen is not None and self.clock() - seen < PRESENT
            model.move(*(("agent", model.last_agent) if lately and there else ("bot", "")), tell=lately and there)
            model.held_since = self.clock() if model.owner == "agent" else None

    @rule()
    def customer_asks_for_a_human(self) -> None:
        self.handoff.request(self.id, "asks")
        if self.model.owner in ("bot", "closed"):
            self.model.move("waiting")

    # The bot, in a process that may be slow or die

    @rule(hands_over=st.booleans())
    @precondition(lambda self: self.turn is None)
    def bot_begins_a_turn(self, hands_over: bool) -> None:
        question = self.conversations.next_question(self.id)
        assert (question is not None) == (self.model.asked > self.model.answered)
        if question is None:
            return
        lease = self.conversations.lease(self.id, "bot", 30)
        if lease is not None:
            self.turn = TurnInHand(lease, question.seq, hands_over, self.conversations.get(self.id).owner)

    @rule()
    @precondition(lambda self: self.turn is not None)
    def bot_commits(self) -> None:
        turn, model = self.turn, self.model
        assert turn is not None
        self.turn = None
        text = self.text("bot")
        record = Turn(turn.seq, Understanding("x", 0.9), Decision("answer", "sure", "sure"), "r")
        silent = turn.owner == "agent"
        outcome = Outcome(record, () if silent else (Reply(text),), DialogueState())
        if turn.hands_over and not silent:
            outcome = Outcome(record, (Reply(text),), DialogueState(), hand_over="asks")
        try:
            self.conversations.commit_turn(turn.lease, self.id, outcome)
        except LeaseLost:
            assert model.answered >= turn.seq
            return
        finally:
            self.conversations.release(turn.lease)
        assert model.answered < turn.seq
        model.answered = turn.seq
        if silent or model.owner in ("agent", "closed"):
            return
        model.texts.append(text)
        if outcome.hand_over and model.owner == "bot":
            model.move("waiting", tell=False)

    @rule()
    @precondition(lambda self: self.turn is not None and self.turn.seq > self.model.answered)
    def another_process_answers(self) -> None:
        """The process of the turn in hand stalls: its lease runs out, and another one answers in its place."""
        assert self.turn is not None
        self.clock.pass_(seconds=31)
        lease = self.conversations.lease(self.id, "another", 30)
        assert lease is not None
        record = Turn(self.turn.seq, Understanding("x", 0.9), Decision("human", "held", "held-by-agent"), "r")
        self.conversations.commit_turn(lease, self.id, Outcome(record, (), DialogueState()))
        self.conversations.release(lease)
        self.model.answered = self.turn.seq

    # Two agents, whose pages may be behind

    @rule(agent=agents)
    def agent_is_seen(self, agent: str) -> None:
        self.handoff.seen(agent)
        self.model.seen[agent] = self.clock()

    @rule(agent=agents)
    def agent_claims(self, agent: str) -> None:
        model = self.model
        if model.owner == "agent" and model.agent != agent:
            self.refused(lambda: self.handoff.take(self.id, agent))
            return
        moves = model.owner != "agent"
        token = self.handoff.take(self.id, agent)
        if moves:
            model.move("agent", agent)
            model.held_since = self.clock()
        assert token == model.fence
        self.fences.append(token)

    @rule(agent=agents, behind=stale)
    def agent_replies(self, agent: str, behind: int) -> None:
        token, text = self.page(behind), self.text(agent)
        if self.may(agent, token):
            self.handoff.reply(self.id, agent, text, token=token)
            self.model.texts.append(text)
            self.model.last_speaker = "agent"
        else:
            self.refused(lambda: self.handoff.reply(self.id, agent, text, token=token))

    @rule(agent=agents, behind=stale)
    def agent_hands_back(self, agent: str, behind: int) -> None:
        token = self.page(behind)
        if self.may(agent, token):
            self.handoff.hand_back(self.id, agent, token=token)
            self.model.move("bot")
        else:
            self.refused(lambda: self.handoff.hand_back(self.id, agent, token=token))

    @rule(agent=agents, behind=stale)
    def agent_closes(self, agent: str, behind: int) -> None:
        token = self.page(behind)
        if self.may(agent, token, waiting=True):
            self.handoff.close(self.id, agent, token=token)
            self.model.move("closed")
            self.model.closed_at = self.clock()
            self.refused(lambda: self.handoff.close(self.id, agent))
        else:
            self.refused(lambda: self.handoff.close(self.id, agent, token=token))

    @rule(agent=agents, behind=stale)
    def agent_gives_it_away(self, agent: str, behind: int) -> None:
        token, colleague = self.page(behind), AGENTS[1 - AGENTS.index(agent)]
        if self.may(agent, token, waiting=True):
            self.handoff.assign(self.id, agent, colleague, token=token, note="yours")
            self.model.move("agent", colleague)
            self.model.held_since = self.clock()
        else:
            self.refused(lambda: self.handoff.assign(self.id, agent, colleague, token=token, note="yours"))

    @rule(agent=agents, behind=stale)
    def agent_refers_it_to_everybody(self, agent: str, behind: int) -> None:
        token = self.page(behind)
        if self.may(agent, token, waiting=True):
            self.handoff.refer(self.id, agent, "", token=token)
            self.model.move("waiting")
        else:
            self.refused(lambda: self.handoff.refer(self.id, agent, "", token=token))

    @rule(agent=agents, behind=stale, minutes=st.sampled_from((1, 20, 600)))
    def agent_snoozes(self, agent: str, behind: int, minutes: int) -> None:
        token, until = self.page(behind), self.clock() + timedelta(minutes=minutes)
        if self.may(agent, token, waiting=True):
            self.handoff.snooze(self.id, agent, until, token=token)
            self.model.move("waiting")
            self.model.snoozed_until = until
        else:
            self.refused(lambda: self.handoff.snooze(self.id, agent, until, token=token))

    # The clock, the worker, and crashes

    @rule(seconds=st.sampled_from((1, 30, 61, 700, 90_000)))
    def time_passes(self, seconds: int) -> None:
        self.clock.pass_(seconds=seconds)

    @rule()
    def the_desk_is_tended(self) -> None:
        model, moved = self.model, self.tending.tend("worker")
        seen = model.seen.get(model.agent)
        gone = seen is not None and model.held_since is not None and seen >= model.held_since
        gone = gone and self.clock() - seen >= timedelta(minutes=10)  # type: ignore[operator]
        lapses = model.owner == "agent" and gone and model.last_speaker in ("", "customer")
        assert moved == int(lapses)
        if lapses:
            model.move("waiting")

    @rule()
    def everything_crashes(self) -> None:
        """The processes end in the middle of whatever they did; leases stay behind until they run out."""
        self.turn = None
        self.database.close()
        self.connect()
        self.clock.pass_(seconds=31)

    # What holds at all times

    @invariant()
    def the_store_is_what_the_model_says(self) -> None:
        if not hasattr(self, "database"):
            return
        model, found = self.model, self.conversations.get(self.id)
        assert (found.owner, found.agent, found.fence) == (model.owner, model.agent, model.fence)
        assert (found.asked_seq, found.answered_seq) == (model.asked, model.answered)
        assert (found.owner == "waiting") == (found.waiting_since is not None)
        log = self.conversations.log(self.id, limit=10_000, notes=True)
        assert [each.text for each in log if each.kind == "text"] == model.texts
        assert sum(each.kind == "event" for each in log) == model.events
        assert [each.seq for each in log] == list(range(1, found.last_seq + 1))
        snoozed = model.snoozed_until is not None and model.snoozed_until > self.clock()
        place = 1 if model.owner == "waiting" and not snoozed else None
        assert self.handoff.place(self.id) == place

    def page(self, behind: int) -> int:
        """The fence that an agent's page shows, some claims old."""
        return self.model.fence if behind == 0 else self.fences[max(len(self.fences) - 1 - behind, 0)]

    def may(self, agent: str, token: int, *, waiting: bool = False) -> bool:
        model = self.model
        holds = (model.owner, model.agent) == ("agent", agent)
        return token == model.fence and (holds or (waiting and model.owner == "waiting"))

    def refused(self, act: object) -> None:
        with pytest.raises(Conflict, match="conversation") as caught:
            act()  # type: ignore[operator]
        assert caught.value.status == 409


@cache
def _empty() -> Path:
    """A database with nothing in it but its tables, made once: migrations are not what is tested."""
    path = Path(tempfile.mkdtemp(prefix="firstline-machine-", dir=_memory())) / "empty.sqlite"
    Database.open(f"sqlite:///{path}").close()
    atexit.register(shutil.rmtree, path.parent, ignore_errors=True)
    return path


def _memory() -> str | None:
    """A folder in memory where there is one: what is tested is the order of writes, not the disk."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None
