from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.dialogue.before import RECENT, goes_on, history
from bot.messages import Decision, DialogueState, Message, Route, Turn, Understanding

NOW = datetime(2026, 11, 18, 10, 0, tzinfo=UTC)
BEGAN = "How much is express delivery?"


def message(seq: int, text: str, route: Route = "answer", rule: str = "sure-answer", **changes: object) -> Message:
    turn = Turn(seq, Understanding("", 0.0), Decision(route, "", rule), "r")
    values: dict[str, object] = {"at": NOW + timedelta(seconds=seq), "turn": turn, **changes}
    return Message("c", seq, "customer", "text", text, **values)  # type: ignore[arg-type]


FOLLOW_UP = message(9, "and is it ever free?", turn=None)


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        ([message(1, BEGAN)], BEGAN),
        ([message(1, BEGAN), message(3, "thank you", "smalltalk", "small-talk")], BEGAN),
        ([message(1, BEGAN), message(3, "WF-204817", "flow", "active-flow")], BEGAN),
        ([message(1, BEGAN), message(3, "is anyone there", "human", "waiting")], BEGAN),
        ([message(1, BEGAN, "human", "no-answer")], BEGAN),
        ([message(1, BEGAN, "answer", "question-in-flow")], BEGAN),
        ([message(1, BEGAN, payload="/ask")], ""),
        ([message(1, BEGAN, at=FOLLOW_UP.at - RECENT - timedelta(seconds=1))], ""),
        ([message(1, BEGAN, "human", "held-by-agent")], ""),
        ([message(1, BEGAN, turn=None)], ""),
        ([message(11, BEGAN)], ""),
        ([], ""),
    ],
)
def test_only_questions_asked_shortly_before_are_gone_on_from(log: list[Message], expected: str) -> None:
    assert history(log, FOLLOW_UP) == expected


def test_what_answers_a_flow_or_was_tapped_goes_on_from_nothing() -> None:
    asking = DialogueState("start_return_form", "reason", "Why?")
    assert goes_on(FOLLOW_UP, DialogueState())
    assert goes_on(FOLLOW_UP, asking)
    assert not goes_on(message(9, "it is too loud"), asking)
    assert not goes_on(message(9, "that one", payload="/item"), DialogueState())
    assert not goes_on(message(9, "How much is express delivery to Bristol?"), DialogueState())
