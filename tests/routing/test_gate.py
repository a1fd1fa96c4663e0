"""The learned gate: it recovers a known probability, and stays out of the way when rows are few."""

from __future__ import annotations

import random

import pytest

from bot.messages import Understanding
from bot.routing.gate import FEATURES, Gate, fit_gate
from bot.routing.signals import Signals


def signals(confidence: float, out_of_scope: float = 0.0) -> Signals:
    return Signals("text", Understanding("ask_delivery", 0.9, out_of_scope=out_of_scope), confidence, 0.5)


def test_without_rows_the_readers_confidence_stands() -> None:
    gate = fit_gate([signals(0.7)], [True])
    assert gate.p_right(signals(0.7)) == pytest.approx(0.7, abs=1e-3)
    assert gate.p_right(signals(0.0)) == 0.0


def test_the_gate_learns_that_a_confident_reader_is_often_wrong() -> None:
    chance = random.Random(7)
    rows = [signals(chance.uniform(0.05, 0.95)) for _ in range(2_000)]
    right = [chance.random() < row.answer_confidence * 0.5 for row in rows]
    gate = fit_gate(rows, right)
    assert gate.p_right(signals(0.8)) == pytest.approx(0.4, abs=0.06)


def test_rows_that_contradict_the_reader_do_not_send_the_fit_round_in_a_circle() -> None:
    """A hundred sure answers that were wrong, among others that are right as often as the reader says: a full Newton
    step overshoots here, and the next one goes all the way back."""
    chance = random.Random(1)
    rows = [signals(chance.uniform(0.05, 0.98)) for _ in range(120)]
    right = [chance.random() < row.answer_confidence for row in rows]
    gate = fit_gate([*rows, *[signals(0.9)] * 200], [*right, *[False] * 200])
    assert gate.p_right(signals(0.9)) < 0.3


def test_a_gate_survives_json() -> None:
    gate = Gate(weights=tuple(float(n) for n in range(len(FEATURES))), answer=0.7)
    assert Gate.from_json(gate.to_json()) == gate
