"""Hand-off on a real store: states, visible lines, one holder at a time, out of hours."""

from __future__ import annotations

import pytest

from bot.errors import Conflict
from bot.handoff.hours import Hours
from bot.handoff.presence import Presence
from bot.handoff.queue import HandOff
from bot.messages import IncomingMessage
from bot.store.conversations import Conversations
from bot.store.database import Database
from tests.conftest import Clock

HOURS = Hours.parse("UTC", {"wed": "09:00-17:00"})


@pytest.fixture
def handoff(database: Database, conversations: Conversations, clock: Clock) -> HandOff:
    return HandOff(conversations, Presence(database, clock), lambda: HOURS, clock)


@pytest.fixture
def id(conversations: Conversations) -> str:
    return conversations.accept(IncomingMessage("web", "c1", "ada", "m1", "A human, please")).conversation


def test_a_conversation_goes_to_a_human_and_back(handoff: HandOff, conversations: Conversations, id: str) -> None:
    handoff.request(id, "asks for a human")
    handoff.request(id, "asks again")
    assert [each.id for each in handoff.queue()] == [id]
    assert handoff.place(id) == 1
    handoff.take(id, "Maud")
    handoff.take(id, "Maud")
    with pytest.raises(Conflict):
        handoff.take(id, "Edie")
    with pytest.raises(Conflict):
        handoff.reply(id, "Edie", "Me too")
    assert handoff.reply(id, "Maud", "Good morning.").participant == "agent"
    handoff.hand_back(id, "Maud")
    assert conversations.get(id).owner == "bot"
    assert [each.participant for each in conversations.log(id)] == ["customer", "system", "system", "agent", "system"]


def test_only_the_holder_closes_and_a_new_message_opens_again(
    handoff: HandOff, conversations: Conversations, id: str
) -> None:
    handoff.take(id, "Maud")
    with pytest.raises(Conflict):
        handoff.close(id, "Edie")
    handoff.close(id, "Maud")
    assert conversations.get(id).owner == "closed"


def test_out_of_hours_says_when_somebody_is_back(handoff: HandOff, clock: Clock) -> None:
    assert "all away" in handoff.waiting_line()
    handoff.seen("Maud")
    assert "shortly" in handoff.waiting_line()
    clock.pass_(hours=10)
    assert handoff.present() == ()
    assert "back on Wednesday 25 November at 09:00" in handoff.waiting_line()
