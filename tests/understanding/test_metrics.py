"""Known answers of the figures of merit."""

from __future__ import annotations

import numpy as np
import pytest

from bot.understanding.calibration import expected_calibration_error
from bot.understanding.metrics import accuracy, auroc, false_positive_rate, macro_f1, recall_at


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
