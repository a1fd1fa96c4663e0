"""A thousand races for one claim each, and pages that are behind: one winner, and a sentence for everybody else."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from bot.errors import Conflict
from bot.handoff.presence import Presence
from bot.handoff.queue import HandOff
from bot.messages import IncomingMessage
from bot.store.conversations import Conversations
from bot.store.database import Database
from tests.conftest import Clock
from tests.handoff.machine import HOURS

RACES = {"sqlite": 1_000, "postgresql": 100}
AGENTS = ("Maud", "Edie")


@pytest.fixture
def handoff(database: Database, conversations: Conversations, clock: Clock) -> HandOff:
    return HandOff(conversations, Presence(database, clock), lambda: HOURS, clock)


@pytest.fixture
def id(conversations: Conversations) -> str:
    return conversations.accept(IncomingMessage("web", "c1", "ada", "m1", "A human, please")).conversation


def test_every_race_for_a_claim_has_one_winner(
    database: Database, handoff: HandOff, conversations: Conversations, id: str
) -> None:
    races = RACES[database.engine.dialect.name]
    start = threading.Barrier(len(AGENTS))

    def claim(agent: str) -> int | None:
        start.wait()
        try:
            return handoff.take(id, agent)
        except Conflict:
            return None

    with ThreadPoolExecutor(len(AGENTS)) as pool:
        for number in range(races):
            tokens = dict(zip(AGENTS, pool.map(claim, AGENTS), strict=True))
            ((winner, token),) = ((agent, token) for agent, token in tokens.items() if token is not None)
            assert token == 2 * number + 1
            handoff.hand_back(id, winner, token=token)
    log = conversations.log(id, limit=5_000)
    assert [each.seq for each in log] == list(range(1, 2 * races + 2))
    assert len([each for each in log if each.text.endswith("has joined.")]) == races


def test_a_page_that_is_behind_cannot_act(handoff: HandOff, conversations: Conversations, id: str) -> None:
    old = handoff.take(id, "Maud")
    handoff.hand_back(id, "Maud", token=old)
    with pytest.raises(Conflict, match="this conversation is with the bot; take it over first") as caught:
        handoff.reply(id, "Maud", "Are you still there?", token=old)
    assert (caught.value.status, caught.value.code) == (409, "moved_on")
    new = handoff.take(id, "Maud")
    for act in (handoff.hand_back, handoff.close):
        with pytest.raises(Conflict, match="changed hands since this page showed it"):
            act(id, "Maud", token=old)
    with pytest.raises(Conflict, match="changed hands"):
        handoff.reply(id, "Maud", "From the old page", token=old)
    assert handoff.take(id, "Maud") == new
    assert handoff.reply(id, "Maud", "From the second browser", token=new).author == "Maud"
    assert [each.text for each in conversations.log(id) if each.participant == "agent"] == ["From the second browser"]


def test_closing_twice_and_after_a_colleague_says_how_it_stands(handoff: HandOff, id: str) -> None:
    handoff.take(id, "Maud")
    with pytest.raises(Conflict, match="held by Maud, not by Edie"):
        handoff.close(id, "Edie")
    handoff.close(id, "Maud")
    with pytest.raises(Conflict, match="this conversation is closed; reload"):
        handoff.close(id, "Maud")
