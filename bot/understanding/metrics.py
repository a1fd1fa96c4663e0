"""Figures of merit, each from its definition: accuracy by class, and how well out-of-scope is told apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]


def accuracy(predicted: Sequence[str], truth: Sequence[str]) -> float:
    """Share of rows predicted right, in [0, 1]; 0 without rows."""
    return float(np.mean([p == t for p, t in zip(predicted, truth, strict=True)])) if truth else 0.0


def macro_f1(predicted: Sequence[str], truth: Sequence[str]) -> float:
    """Mean of F1 over the intents that occur in `truth`, in [0, 1]."""
    scores = []
    for intent in set(truth):
        hits = sum(p == t == intent for p, t in zip(predicted, truth, strict=True))
        total = predicted.count(intent) + truth.count(intent)
        scores.append(2 * hits / total)
    return float(np.mean(scores)) if scores else 0.0


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
