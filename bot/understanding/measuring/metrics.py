"""Figures of merit, each from its definition: accuracy by class, how well out-of-scope is told apart, and how far
such a figure can be trusted."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Counts = npt.NDArray[np.integer]
Interval = tuple[float, float]
"""The lower and the upper end of a 95 % interval."""

RESAMPLES = 1_000
_TAILS = (2.5, 97.5)
_Z = 1.959964


def accuracy(predicted: Sequence[str], truth: Sequence[str]) -> float:
    """Share of rows predicted right, in [0, 1]; 0 without rows."""
    return float(np.mean([p == t for p, t in zip(predicted, truth, strict=True)])) if truth else 0.0


def macro_f1(predicted: Sequence[str], truth: Sequence[str]) -> float:
    """Mean of F1 over the intents that occur in `truth`, in [0, 1]; 0 without rows."""
    return macro_f1_of_codes(*coded(predicted, truth))


def coded(predicted: Sequence[str], truth: Sequence[str]) -> tuple[Counts, Counts]:
    """Both as numbers of intents, shape (n,) each: what resampling works on."""
    if len(predicted) != len(truth):
        raise ValueError(f"got {len(predicted)} predictions for {len(truth)} rows")
    _, codes = np.unique(np.array([*predicted, *truth]), return_inverse=True)
    return codes[: len(truth)], codes[len(truth) :]


def macro_f1_of_codes(predicted: Counts, truth: Counts) -> float:
    """`macro_f1` of intents as numbers from 0, both of shape (n,)."""
    if truth.size == 0:
        return 0.0
    size = int(max(predicted.max(), truth.max())) + 1
    rows = np.bincount(truth, minlength=size)
    total = rows + np.bincount(predicted, minlength=size)
    hits = np.bincount(truth[predicted == truth], minlength=size)
    return float((2 * hits[rows > 0] / total[rows > 0]).mean())


@dataclass(frozen=True, slots=True)
class IntentScore:
    """How well one intent of the test rows is told: shares in [0, 1]. `precision` is None where it was never
    predicted; `confused_with` the intent that most of its `confused_rows` lost rows went to, "" where none was."""

    intent: str
    rows: int
    precision: float | None
    recall: float
    f1: float
    confused_with: str = ""
    confused_rows: int = 0


def by_intent(predicted: Sequence[str], truth: Sequence[str]) -> tuple[IntentScore, ...]:
    """The figures of every intent of `truth`, the worst F1 first, then by name."""
    pairs = Counter(zip(truth, predicted, strict=True))
    rows, guesses = Counter(truth), Counter(predicted)
    figures = []
    for intent, count in rows.items():
        hits = pairs[intent, intent]
        lost = [(number, other) for (true, other), number in pairs.items() if true == intent != other]
        number, other = min(lost, key=lambda each: (-each[0], each[1]), default=(0, ""))
        precision = hits / guesses[intent] if guesses[intent] else None
        f1 = 2 * hits / (count + guesses[intent])
        figures.append(IntentScore(intent, count, precision, hits / count, f1, other, number))
    return tuple(sorted(figures, key=lambda each: (each.f1, each.intent)))


def auroc(positive: Floats, negative: Floats) -> float:
    """Probability that a positive scores above a negative, ties counted half (the Mann-Whitney statistic)."""
    if positive.size == 0 or negative.size == 0:
        raise ValueError(f"AUROC needs rows of both kinds, got {positive.size} and {negative.size}")
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, side="left")
    not_above = np.searchsorted(ordered, positive, side="right")
    return float((below + not_above).mean() / 2 / negative.size)


def false_positive_rate(positive: Floats, negative: Floats, *, recall: float = 0.95) -> float:
    """Share of negatives at or above the threshold that finds `recall` of the positives (FPR@95)."""
    found = max(int(np.ceil(recall * positive.size)), 1)
    threshold = np.sort(positive)[::-1][found - 1]
    return float((negative >= threshold).mean())


def recall_at(positive: Floats, negative: Floats, *, false_rate: float = 0.05) -> float:
    """Share of positives found by the threshold that at most `false_rate` of the negatives exceed."""
    threshold = np.quantile(negative, 1 - false_rate, method="higher")
    return float((positive > threshold).mean())


def wilson(share: float, rows: int) -> Interval:
    """95 % score interval of a share in [0, 1] seen in `rows` rows (Wilson, 1927), which holds for few rows and for
    shares near 0 or 1 too; (0, 1) without rows."""
    if rows == 0:
        return 0.0, 1.0
    centre = (share + _Z**2 / (2 * rows)) / (1 + _Z**2 / rows)
    half = _Z / (1 + _Z**2 / rows) * math.sqrt(share * (1 - share) / rows + _Z**2 / (4 * rows**2))
    return max(0.0, centre - half), min(1.0, centre + half)


def bootstrap(figure: Callable[..., float], *sizes: int, seed: int = 13, resamples: int = RESAMPLES) -> Interval:
    """95 % percentile interval of `figure` (Efron & Tibshirani, 1993), which is called with row numbers drawn with
    replacement, one array for every size; (0, 0) without rows."""
    if 0 in sizes:
        return 0.0, 0.0
    generator = np.random.default_rng(seed)
    drawn = [figure(*(generator.integers(size, size=size) for size in sizes)) for _ in range(resamples)]
    return _middle(np.array(drawn))


def paired_difference(before: Sequence[bool], after: Sequence[bool], *, seed: int = 13) -> tuple[float, Interval]:
    """Accuracy after minus accuracy before on the same rows, with the paired bootstrap's 95 % interval (Koehn, 2004).

    Rows are only lost, kept or won, so that drawing how many of each is drawing rows; where no row changed sides the
    interval is (0, 0), however few the rows.
    """
    rows = len(before)
    won = sum(not was and now for was, now in zip(before, after, strict=True))
    lost = sum(was and not now for was, now in zip(before, after, strict=True))
    if rows == 0:
        return 0.0, (0.0, 0.0)
    draws = np.random.default_rng(seed).multinomial(rows, [won / rows, lost / rows, 1 - (won + lost) / rows], RESAMPLES)
    return (won - lost) / rows, _middle((draws[:, 0] - draws[:, 1]) / rows)


def part_difference(right: Sequence[bool], inside: Sequence[bool], *, seed: int = 13) -> tuple[float, Interval]:
    """Accuracy of the rows `inside` minus that of all rows, with the bootstrap's 95 % interval: rows are drawn from
    the whole, so that what part and whole share varies together."""
    hits, part = np.asarray(right, dtype=bool), np.asarray(inside, dtype=bool)
    rows = hits.size
    if not part.any():
        return 0.0, (0.0, 0.0)
    kinds = [int((hits & part).sum()), int((~hits & part).sum()), int((hits & ~part).sum())]
    shares = np.array([*kinds, rows - sum(kinds)]) / rows
    draws = np.random.default_rng(seed).multinomial(rows, shares, RESAMPLES)
    of_part = draws[:, 0] / np.maximum(draws[:, 0] + draws[:, 1], 1)
    return kinds[0] / (kinds[0] + kinds[1]) - float(hits.mean()), _middle(of_part - (draws[:, 0] + draws[:, 2]) / rows)


def _middle(values: Floats) -> Interval:
    low, high = np.percentile(values, _TAILS)
    return float(low), float(high)
