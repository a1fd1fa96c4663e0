"""Known answers of the figures of merit."""

from __future__ import annotations

import numpy as np
import pytest

from bot.understanding.calibration import expected_calibration_error
from bot.understanding.measuring.metrics import (
    accuracy,
    auroc,
    bootstrap,
    by_intent,
    coded,
    false_positive_rate,
    macro_f1,
    macro_f1_of_codes,
    paired_difference,
    part_difference,
    recall_at,
    wilson,
)


def test_accuracy_and_macro_f1() -> None:
    assert accuracy(["a", "b", "b"], ["a", "b", "c"]) == pytest.approx(2 / 3)
    assert macro_f1(["a", "b", "b"], ["a", "b", "c"]) == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert accuracy([], []) == 0.0


def test_calibration_error_by_hand() -> None:
    assert expected_calibration_error([1.0, 1.0], [True, True]) == 0.0
    assert expected_calibration_error([0.8] * 10, [True] * 5 + [False] * 5) == pytest.approx(0.3)
    assert expected_calibration_error([0.9, 0.1], [True, False]) == pytest.approx(0.1)
    with pytest.raises(ValueError, match="got 1 confidences but 2"):
        expected_calibration_error([0.5], [True, False])


def test_auroc_counts_ties_half() -> None:
    assert auroc(np.array([2.0, 3.0]), np.array([0.0, 1.0])) == 1.0
    assert auroc(np.array([1.0]), np.array([1.0])) == 0.5
    assert auroc(np.array([0.0, 2.0]), np.array([1.0])) == 0.5
    with pytest.raises(ValueError, match="both kinds"):
        auroc(np.array([]), np.array([1.0]))


def test_rates_at_thresholds() -> None:
    positive, negative = np.arange(1, 101) / 100, np.array([0.01, 0.02, 0.5, 0.99])
    assert false_positive_rate(positive, negative) == 0.5
    assert recall_at(np.array([0.5, 2.0]), np.linspace(0, 1, 101), false_rate=0.05) == 0.5


def test_macro_f1_by_hand_and_of_codes() -> None:
    predicted, truth = ["a", "b", "z", "b"], ["a", "b", "b", "c"]
    # a: 2/2, b: 2*1/(2+2), c: never predicted, z: not in the truth
    assert macro_f1(predicted, truth) == pytest.approx((1 + 0.5 + 0) / 3)
    assert macro_f1_of_codes(*coded(predicted, truth)) == macro_f1(predicted, truth)
    assert macro_f1([], []) == 0.0
    with pytest.raises(ValueError, match="1 predictions for 2 rows"):
        coded(["a"], ["a", "b"])


def test_figures_of_every_intent_the_worst_first() -> None:
    never, good = by_intent(["a", "a", "a", "b"], ["a", "a", "never", "a"])
    assert (never.intent, never.rows, never.precision, never.recall, never.f1) == ("never", 1, None, 0.0, 0.0)
    assert (never.confused_with, never.confused_rows) == ("a", 1)
    assert (good.precision, good.recall) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert (good.confused_with, good.confused_rows) == ("b", 1)


@pytest.mark.parametrize(
    ("share", "rows", "low", "high"),
    [(0.0, 10, 0.0, 0.2775), (1.0, 10, 0.7225, 1.0), (0.5, 100, 0.4038, 0.5962), (0.9, 10, 0.5958, 0.9821)],
)
def test_the_score_interval_has_published_values(share: float, rows: int, low: float, high: float) -> None:
    assert wilson(share, rows) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_the_score_interval_without_rows_says_nothing() -> None:
    assert wilson(0.0, 0) == (0.0, 1.0)


def test_the_bootstrap_of_a_share_agrees_with_the_score_interval() -> None:
    hits = np.repeat([1.0, 0.0], [360, 40])
    low, high = bootstrap(lambda rows: float(hits[rows].mean()), 400)
    assert (low, high) == (pytest.approx(wilson(0.9, 400)[0], abs=0.01), pytest.approx(wilson(0.9, 400)[1], abs=0.01))
    assert bootstrap(lambda rows: float(hits[rows].mean()), 400) == (low, high)
    assert bootstrap(lambda one, other: 1.0, 3, 0) == (0.0, 0.0)


def test_a_paired_difference_counts_rows_that_changed_sides() -> None:
    before, after = [True] * 80 + [False] * 20, [False] * 10 + [True] * 70 + [True] * 2 + [False] * 18
    difference, (low, high) = paired_difference(before, after)
    assert difference == pytest.approx(-0.08)
    assert low < -0.08 < high < 0.0
    assert paired_difference(before, before) == (0.0, (0.0, 0.0))
    assert paired_difference([], []) == (0.0, (0.0, 0.0))


def test_a_part_is_compared_with_the_whole_it_belongs_to() -> None:
    right, inside = [True] * 50 + [False] * 50, [True] * 25 + [False] * 50 + [True] * 25
    assert part_difference(right, inside)[0] == 0.0
    difference, (low, high) = part_difference(right, [True] * 40 + [False] * 60)
    assert difference == 0.5
    assert 0.35 < low < 0.5 < high < 0.65
    assert part_difference(right, [True] * 100) == (0.0, (0.0, 0.0))
    assert part_difference(right, [False] * 100) == (0.0, (0.0, 0.0))
