"""What the router does with files: without a word they are a person's, with words they change nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.acts import act
from bot.messages import DialogueState, Understanding
from bot.routing.conditions import parse
from bot.routing.gate import Gate
from bot.routing.policy import load_policy
from bot.routing.record import decide_again, signals_to_json
from bot.routing.router import decide
from bot.routing.signals import Signals
from retrieval.documents import Abstention
from tests.conftest import ROOT

POLICY = load_policy(ROOT / "data" / "policy.yml")
GATE = Gate()
FILE = Signals("", Understanding("", 0.0), files=1)


@pytest.mark.parametrize(
    ("signals", "route", "rule"),
    [
        (FILE, "human", "file-only"),
        (replace(FILE, files=5, failures=2, clarified=1), "human", "file-only"),
        (replace(FILE, dialogue=DialogueState("start_return_form", "details", "What is wrong?")), "human", "file-only"),
        (replace(FILE, flows_available=False, in_hours=False), "human", "file-only"),
        (replace(FILE, offered="open"), "human", "file-only"),
        (replace(FILE, offered="refused"), "clarify", "file-in-words"),
        (replace(FILE, waiting=True), "human", "waiting"),
    ],
)
def test_a_file_without_a_word_is_not_guessed_at(signals: Signals, route: str, rule: str) -> None:
    decision = decide(signals, POLICY, GATE)
    assert (decision.route, decision.rule) == (route, rule)
    stored = signals_to_json(signals)
    again = decide_again(stored, text="", understanding=signals.understanding, payload=None, policy=POLICY, gate=GATE)
    assert again == decision


def test_words_are_answered_as_without_the_file() -> None:
    greeting = Signals("hello", Understanding("greet", 0.99, (("greet", 0.99),)))
    assert decide(replace(greeting, files=2), POLICY, GATE) == decide(greeting, POLICY, GATE)


def test_the_customer_is_told_who_will_look() -> None:
    handed = act(decide(FILE, POLICY, GATE), FILE, POLICY, Abstention("no text"), None, lambda: "Soon.")
    assert handed.replies[0].text == f"{POLICY.say('file_only')} Soon."
    assert handed.hand_over == "a file without a word, which a person has to look at"
    refused = replace(FILE, offered="refused")
    asked = act(decide(refused, POLICY, GATE), refused, POLICY, Abstention("no text"), None, lambda: "Soon.")
    assert asked.replies[0].text == POLICY.say("file_in_words")
    assert (asked.hand_over, asked.offered) == ("", "refused")


def test_a_company_can_decide_on_files_itself() -> None:
    condition = parse("files >= 1 and words >= 1", {}, {}, ())
    assert condition.holds(replace(FILE, text="see the picture"), GATE)
    assert not condition.holds(FILE, GATE)
