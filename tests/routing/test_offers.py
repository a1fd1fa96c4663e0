"""A human is offered once, a no is obeyed, and nothing goes round in circles: whole conversations on the real store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot.messages import Turn
from bot.routing.gate import FEATURES, Gate
from bot.routing.record import decide_again, gate_hash
from bot.store.recorded import recorded_turns
from tests.application import Application

OFFERS = Gate(need=(0.0, *(0.0 for _ in FEATURES[1:])), human=0.6)
UNKNOWN = ("kettle colours", "kettle weights", "kettle lids", "kettle noises")
"""Questions within the shop's topics that the keyword release finds nothing for."""


def rules(application: Application, *said: str | tuple[str, str]) -> list[str]:
    """What decided each message; a tapped reply is its text and payload."""
    application.release = replace(application.release, gate=OFFERS)
    return [_rule(application, each) for each in said]


def _rule(application: Application, said: str | tuple[str, str]) -> str:
    text, payload = (said, None) if isinstance(said, str) else said
    conversations = application.parts.conversations
    keys = {"payload": payload} if payload else {}
    application.rest(text, **keys)
    asked = conversations.get(application.id()).asked_seq
    turn = conversations.turn(application.id(), asked)
    assert turn is not None
    return turn.decision.rule


def owner(application: Application) -> str:
    return application.parts.conversations.get(application.id()).owner


@pytest.mark.parametrize(
    ("said", "decided", "ends_with"),
    [
        (UNKNOWN[:1], ["offer-human"], "bot"),
        ((UNKNOWN[0], "yes please"), ["offer-human", "offer-taken"], "waiting"),
        ((UNKNOWN[0], "no thanks", *UNKNOWN[1:]), ["offer-human", "offer-refused", *["not-found-again"] * 3], "bot"),
        ((UNKNOWN[0], "no", "a human please"), ["offer-human", "offer-refused", "asks-for-human"], "waiting"),
        (UNKNOWN[:2], ["offer-human", "unanswered-again"], "waiting"),
        (
            (UNKNOWN[0], "What does Express delivery cost?", UNKNOWN[1]),
            ["offer-human", "sure-answer", "unanswered-again"],
            "waiting",
        ),
        ((*UNKNOWN[:2], UNKNOWN[2]), ["offer-human", "unanswered-again", "waiting"], "waiting"),
    ],
)
def test_a_human_is_offered_once(
    application: Application, said: Sequence[str], decided: list[str], ends_with: str
) -> None:
    assert rules(application, *said) == decided
    assert owner(application) == ends_with


def test_the_offer_has_two_buttons_and_the_queue_is_entered_once(application: Application) -> None:
    rules(application, UNKNOWN[0])
    log = application.parts.conversations.log(application.id())
    assert [each.payload for each in log[-1].quick_replies] == ["/human", "/no_human"]
    rules(application, "yes", "yes", UNKNOWN[1])
    assert len(application.parts.conversations.listing(owner="waiting")) == 1
    texts = [each.text for each in application.parts.conversations.log(application.id()) if each.participant == "bot"]
    assert len(texts) == 2  # the offer, and that somebody comes


def test_a_conversation_opened_again_may_be_offered_a_human_again(application: Application) -> None:
    assert rules(application, UNKNOWN[0], "no", "a human please")[-1] == "asks-for-human"
    application.parts.handoff.take(application.id(), "Maud")
    application.parts.handoff.close(application.id(), "Maud")
    assert rules(application, UNKNOWN[1]) == ["offer-human"]


def test_every_decision_can_be_made_again_from_its_record(application: Application) -> None:
    said = (
        "hello",
        UNKNOWN[0],
        "no thanks",
        "Where is my order?",
        "What does Express delivery cost?",
        "stop",
        "a human",
    )
    rules(application, *said)
    records = recorded_turns(application.database)
    assert [each.text for each in records] == list(said)
    for each in records:
        turn: Turn = each.turn
        assert (turn.policy, turn.gate) == (application.release.policy.hash, gate_hash(OFFERS))
        again = decide_again(
            turn.signals,
            text=each.text,
            understanding=turn.understanding,
            payload=each.payload,
            policy=application.release.policy,
            gate=OFFERS,
        )
        assert again == turn.decision


def test_turns_are_read_from_a_day_on(application: Application) -> None:
    rules(application, "hello")
    (record,) = recorded_turns(application.database)
    assert recorded_turns(application.database, record.at) == (record,)
    assert recorded_turns(application.database, record.at.replace(year=record.at.year + 1)) == ()
