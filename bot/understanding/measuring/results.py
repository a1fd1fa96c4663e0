"""What one training gave on the test rows, and the 95 % intervals of its figures over those rows."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bot.understanding.classifier import IntentPrediction
from bot.understanding.measuring.metrics import (
    Counts,
    Interval,
    auroc,
    bootstrap,
    coded,
    macro_f1_of_codes,
    wilson,
)


@dataclass(frozen=True, slots=True)
class IntentReport:
    """Shares are in [0, 1], times in the unit of their name.

    Out-of-scope figures are None without such rows. `oos_fpr95` is the share of rows out of scope that are accepted
    where 95 % of the in-scope rows are, as the literature counts it; `oos_recall_at_5pct_frr` the share found where
    at most 5 % of the in-scope rows are refused. The threshold is the model's own, fitted on training rows.
    `aurc` and the coverages are of in-scope rows ranked by confidence, none refused as out of scope.
    """

    accuracy: float
    macro_f1: float
    ece: float
    train_rows: int
    test_rows: int
    intents: int
    train_s: float
    predict_ms_p50: float
    predict_ms_p95: float
    parameters: int
    model_bytes: int
    oos_auroc: float | None = None
    oos_fpr95: float | None = None
    oos_recall_at_5pct_frr: float | None = None
    oos_recall_at_threshold: float | None = None
    in_scope_accuracy_at_threshold: float | None = None
    oos_rows: int = 0
    aurc: float = 0.0
    coverage_at_1pct_wrong: float = 0.0
    coverage_at_2pct_wrong: float = 0.0
    coverage_at_5pct_wrong: float = 0.0


@dataclass(frozen=True, slots=True)
class Measured:
    """One training on the test rows: `known` predictions of the in-scope rows `texts` with their intents `truth`,
    `unknown` those of the rows out of scope `strangers`; `threshold` in [0, 1] is the model's for out of scope,
    `times_ms` are of single sentences."""

    texts: tuple[str, ...]
    truth: tuple[str, ...]
    known: tuple[IntentPrediction, ...]
    strangers: tuple[str, ...]
    unknown: tuple[IntentPrediction, ...]
    threshold: float
    times_ms: tuple[float, ...]

    @property
    def predicted(self) -> list[str]:
        return [each.intent for each in self.known]

    @property
    def confidence(self) -> list[float]:
        return [each.confidence for each in self.known]

    @property
    def right(self) -> list[bool]:
        return [each.intent == intent for each, intent in zip(self.known, self.truth, strict=True)]

    @property
    def inside(self) -> list[float]:
        """Probability of being out of scope of every in-scope row."""
        return [each.out_of_scope for each in self.known]

    @property
    def outside(self) -> list[float]:
        """The same of every row out of scope."""
        return [each.out_of_scope for each in self.unknown]


def intervals_of(mean: IntentReport, runs: Sequence[Measured]) -> dict[str, Interval]:
    """Shares by Wilson's interval; with several seeds it is that of the mean share, which is rather too wide."""
    found = {"accuracy": wilson(mean.accuracy, mean.test_rows), "macro_f1": _macro_f1_interval(runs)}
    if mean.oos_recall_at_threshold is not None and mean.in_scope_accuracy_at_threshold is not None:
        found |= {
            "oos_auroc": _auroc_interval(runs),
            "oos_recall_at_threshold": wilson(mean.oos_recall_at_threshold, mean.oos_rows),
            "in_scope_accuracy_at_threshold": wilson(mean.in_scope_accuracy_at_threshold, mean.test_rows),
        }
    return found


def _macro_f1_interval(runs: Sequence[Measured]) -> Interval:
    codes = [coded(run.predicted, run.truth) for run in runs]

    def drawn(rows: Counts) -> float:
        return statistics.mean(macro_f1_of_codes(predicted[rows], truth[rows]) for predicted, truth in codes)

    return bootstrap(drawn, len(runs[0].truth))


def _auroc_interval(runs: Sequence[Measured]) -> Interval:
    values = [(np.array(run.outside), np.array(run.inside)) for run in runs]

    def drawn(outside_rows: Counts, inside_rows: Counts) -> float:
        return statistics.mean(auroc(outside[outside_rows], inside[inside_rows]) for outside, inside in values)

    return bootstrap(drawn, len(runs[0].strangers), len(runs[0].texts))
