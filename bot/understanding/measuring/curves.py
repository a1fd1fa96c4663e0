"""What a report draws, as numbers: confused pairs, reliability, risk against coverage, histograms. Nothing is drawn
here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bot.understanding.measuring.metrics import Interval, wilson

CALIBRATION_BINS = 15
"""As many as `expected_calibration_error` has, so that the diagram shows what the figure sums up."""


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Rows whose confidence lies in [low, high): their mean confidence and their accuracy with its 95 % interval, all
    in [0, 1]; both are None where there is no row."""

    low: float
    high: float
    rows: int
    confidence: float | None = None
    accuracy: float | None = None
    interval: Interval = (0.0, 1.0)


def reliability(
    confidence: Sequence[float], right: Sequence[bool], bins: int = CALIBRATION_BINS
) -> tuple[ReliabilityBin, ...]:
    """Equally wide bins of confidence over [0, 1] (the diagram of DeGroot & Fienberg, 1983); 1.0 is in the last."""
    p, hits = np.asarray(confidence, dtype=float), np.asarray(right, dtype=float)
    bin_of = np.minimum((p * bins).astype(int), bins - 1)
    made = []
    for number in range(bins):
        low, high = number / bins, (number + 1) / bins
        chosen = bin_of == number
        rows = int(chosen.sum())
        if rows == 0:
            made.append(ReliabilityBin(low, high, 0))
            continue
        share = float(hits[chosen].mean())
        made.append(ReliabilityBin(low, high, rows, float(p[chosen].mean()), share, wilson(share, rows)))
    return tuple(made)


@dataclass(frozen=True, slots=True)
class RiskPoint:
    """Answering the `coverage` most confident rows gives a share of `risk` wrong ones; `confidence` is the least
    confident of them. All in [0, 1]."""

    coverage: float
    risk: float
    confidence: float


def risk_coverage(confidence: Sequence[float], right: Sequence[bool]) -> tuple[RiskPoint, ...]:
    """The curve of El-Yaniv & Wiener (2010), one point a row, most confident first; rows that are equally confident
    keep their order."""
    p, wrong = np.asarray(confidence, dtype=float), ~np.asarray(right, dtype=bool)
    order = np.argsort(-p, kind="stable")
    taken = np.arange(1, p.size + 1)
    risks = np.cumsum(wrong[order]) / taken
    return tuple(
        RiskPoint(float(share), float(risk), float(least))
        for share, risk, least in zip(taken / max(p.size, 1), risks, p[order], strict=True)
    )


@dataclass(frozen=True, slots=True)
class ConfusedPair:
    """`rows` rows of the intent `truth` were taken for `predicted`: `share` in [0, 1] of that intent's rows. `examples`
    are their row numbers, the most confident mistake first."""

    truth: str
    predicted: str
    rows: int
    share: float
    examples: tuple[int, ...]


def confused_pairs(
    predicted: Sequence[str], truth: Sequence[str], confidence: Sequence[float], *, most: int = 10
) -> tuple[ConfusedPair, ...]:
    """The pairs with the most rows, then by name."""
    lost: dict[tuple[str, str], list[int]] = {}
    for row, (guess, intent) in enumerate(zip(predicted, truth, strict=True)):
        if guess != intent:
            lost.setdefault((intent, guess), []).append(row)
    totals = Counter(truth)
    pairs = [
        ConfusedPair(
            intent, guess, len(rows), len(rows) / totals[intent], tuple(sorted(rows, key=lambda row: -confidence[row]))
        )
        for (intent, guess), rows in lost.items()
    ]
    return tuple(sorted(pairs, key=lambda pair: (-pair.rows, pair.truth, pair.predicted))[:most])


@dataclass(frozen=True, slots=True)
class Histogram:
    """`edges` (n + 1,) rising, `counts` (n,): values in [edges[i], edges[i + 1]), the last bin closed."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


def histogram(values: Sequence[float], low: float, high: float, bins: int) -> Histogram:
    """Equally wide bins over [low, high]; what lies beyond counts into the first or the last. `high` must exceed
    `low`."""
    if not low < high:
        raise ValueError(f"a histogram needs low < high, got {low} and {high}")
    counts, edges = np.histogram(np.clip(np.asarray(values, dtype=float), low, high), bins=bins, range=(low, high))
    return Histogram(tuple(float(edge) for edge in edges), tuple(int(count) for count in counts))
