"""Fitting the router on rows whose truth is known: the gate learns it, and no row is judged by a gate that saw it."""

from __future__ import annotations

import random
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

from bot.messages import Concern, Understanding
from bot.releases.routers import cross_judged, fit_gate_on, held_out, reaching
from bot.routing.evaluation import Scenario, Seen
from bot.routing.gate import Gate
from bot.routing.policy import Policy, load_policy
from bot.routing.signals import Look
from retrieval.documents import Answer, Citation, Hit, Passage
from tests.conftest import ROOT

TODAY = date(2026, 11, 20)
ANGRY = "ANGRY"


@pytest.fixture(scope="module")
def policy() -> Policy:
    return load_policy(ROOT / "data" / "policy.yml")


def look(text: str) -> Look:
    """Texts carry what the models make of them: `number confidence`, or a concern."""
    if text.startswith(ANGRY):
        return Look(Understanding("ask_product", 0.5, concern=Concern("anger", 0.9, "fool")), (), quote(0.3))
    confidence = float(text.split()[1])
    passage = Passage("page", 1, "Page", ("Page",), 0, 40, "The lamp costs £6.95 and comes in a box.")
    hits = (Hit(passage, 0.03, 0.5 + confidence / 3, 4.0),)
    understood = Understanding("ask_product", 0.8, (("ask_product", 0.8),), concern=Concern("anger", 0.02))
    return Look(understood, hits, quote(confidence))


def quote(confidence: float) -> Answer:
    text = "The lamp costs £6.95"
    return Answer(text, (Citation("page", 1, "Page", 0, len(text), text, ""),), confidence)


def rows(count: int, seed: int) -> tuple[Scenario, ...]:
    """Questions that the quote answers as often as the reader's confidence says; the others need a human."""
    chance = random.Random(seed)
    made = []
    for number in range(count):
        confidence = chance.uniform(0.05, 0.98)
        right = chance.random() < confidence
        expect, quoted, why = ("answer", "lamp costs £6.95", "") if right else ("human", "", "unanswerable")
        made.append(Scenario(f"r{seed}-{number}", f"{number} {confidence}", expect, "", ("page",), quoted, why))
    return tuple(made)


def seen(scenarios: tuple[Scenario, ...]) -> tuple[Seen, ...]:
    return tuple(Seen(each, look(each.text)) for each in scenarios)


def test_the_gate_learns_both_probabilities_and_its_thresholds_follow_the_costs(policy: Policy) -> None:
    gate = fit_gate_on(seen(rows(300, 1)), policy, Gate(concern=0.5))
    sure, unsure = (look(text).signals(text) for text in ("1 0.97", "1 0.06"))
    assert gate.p_right(sure) > 0.8 > 0.3 > gate.p_right(unsure)
    assert gate.p_human(unsure) > 0.7 > 0.4 > gate.p_human(sure)
    assert gate.concern == 0.5
    assert (gate.answer >= policy.costs.break_even, gate.human) == (True, policy.costs.offer_until)
    assert len(gate.calibration) == 300


def test_few_rows_leave_the_gate_as_it_is(policy: Policy) -> None:
    gate = fit_gate_on(seen(rows(12, 1)), policy, Gate())
    assert (gate.weights, gate.need, gate.human) == (Gate().weights, (), 0.0)


def test_no_row_is_judged_by_a_fit_that_saw_it() -> None:
    found = seen(rows(120, 2))
    signals = [each.look.signals(each.scenario.text) for each in found]
    right = [each.scenario.expect == "answer" for each in found]
    before = held_out(signals, right)
    flipped = list(right)
    flipped[7] = not right[7]
    after = held_out(signals, flipped)
    assert after[7] == before[7]
    assert after != before


def test_what_a_written_rule_decides_does_not_reach_the_gate(policy: Policy) -> None:
    texts = ("1 0.9", ANGRY, "2 0.1", "my solicitor 0.5")
    signals = [look(text if text[0].isdigit() or text == ANGRY else "1 0.5").signals(text) for text in texts]
    assert reaching(signals, policy, Gate(concern=0.5)) == [0, 2]


def test_rows_are_judged_in_their_order_by_the_other_folds(policy: Policy) -> None:
    matter = Scenario("m", f"{ANGRY} you lot", "human", why="anger")
    own = (*rows(60, 3), matter)
    release: Any = SimpleNamespace(look=lambda text, today: look(text), policy=policy, gate=Gate(concern=0.5))
    judged = cross_judged(release, own, rows(100, 4), today=TODAY, folds=3)
    assert [each.scenario.id for each in judged] == [each.id for each in own]
    assert judged[-1].decision.rule == "concern:anger"
    assert judged[-1].right
    answered = [each for each in judged if each.decision.route == "answer"]
    assert answered
    assert sum(each.answer_right for each in answered) >= 0.6 * len(answered)
