"""Promises about wrong answers: the bounds are the textbook's, and what is promised holds."""

from __future__ import annotations

import random

import pytest

from bot.routing.risk import cumulative, fewest, guarantee, interval, upper


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [
        (0, 10, 0.0, 0.3085),
        (5, 10, 0.1871, 0.8129),
        (10, 10, 0.6915, 1.0),
        (82, 263, 0.2563, 0.3715),
        (0, 0, 0.0, 1.0),
    ],
)
def test_intervals_of_clopper_and_pearson(k: int, n: int, low: float, high: float) -> None:
    assert interval(k, n) == pytest.approx((low, high), abs=2e-4)


def test_the_rule_of_three() -> None:
    assert upper(0, 100, 0.95) == pytest.approx(1 - 0.05 ** (1 / 100))
    assert fewest(0.05, 0.9) == 45
    assert upper(0, 45, 0.9) <= 0.05 < upper(0, 44, 0.9)


def test_the_binomial_sums_up() -> None:
    assert cumulative(1, 2, 0.5) == pytest.approx(0.75)
    assert (cumulative(0, 5, 0.0), cumulative(4, 5, 1.0), cumulative(5, 5, 1.0)) == (1.0, 0.0, 1.0)


def test_a_promise_is_kept_where_it_can_be() -> None:
    rows = [(0.9 - n / 1_000, True) for n in range(60)] + [(0.5 - n / 1_000, False) for n in range(40)]
    found = guarantee(rows, 0.05, 0.9)
    assert found.reached
    assert (found.answered, found.wrong) == (60, 0)  # with the first mistake the test says 18 %, not 10 %
    assert found.threshold == pytest.approx(0.841)
    assert found.at_most == pytest.approx(1 - 0.1 ** (1 / 60))
    assert "at most 5% of the answers wrong, with confidence 90%" in found.sentence()


def test_few_rows_promise_nothing_and_say_so() -> None:
    found = guarantee([(0.9, True)] * 30, 0.05, 0.9)
    assert (found.reached, found.threshold, found.needed) == (False, 1.0, 45)
    assert found.sentence().startswith("not reachable with 30 labelled rows")
    assert guarantee([], 0.05, 0.9).reached is False


def test_mistakes_at_the_top_promise_nothing() -> None:
    assert not guarantee([(0.9, False)] * 3 + [(0.8, True)] * 45, 0.05, 0.9).reached


def test_rows_of_one_probability_stand_or_fall_together() -> None:
    assert not guarantee([(0.9, True)] * 45 + [(0.9, False)] * 30, 0.05, 0.9).reached


def test_a_broken_promise_is_as_rare_as_stated() -> None:
    """Where the truth is known: 300 files of 200 rows each, whose share of wrong answers at a threshold is known."""
    chance = random.Random(11)
    broken = 0
    for _ in range(300):
        ps = [chance.uniform(0.6, 1.0) for _ in range(200)]
        found = guarantee([(p, chance.random() < p) for p in ps], 0.1, 0.9)
        if found.reached:
            true_share = (1.0 - found.threshold) / 2  # answers are uniform on [threshold, 1]
            broken += true_share > 0.1
    assert broken / 300 <= 0.1
