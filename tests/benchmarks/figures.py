"""From a contender's answers to its figures, by the definitions that `firstline evaluate intents` uses."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bot.understanding.calibration import expected_calibration_error
from bot.understanding.measuring.metrics import accuracy, auroc, false_positive_rate, macro_f1, recall_at
from tests.benchmarks.contenders.job import TEST
from tests.benchmarks.intent_sets import IntentSet

Figures = dict[str, Any]


def figures_of(answered: Mapping[str, Any], data: IntentSet) -> Figures:
    """Quality, time and size of one model; `right` says for every test row whether it was.

    `oos` has for each group of strangers the AUROC, the share accepted where 95 % of the test rows are (`fpr95`), and
    the share found where 5 % of the test rows are refused. Shares in [0, 1], times and sizes as their names say.
    """
    answers = answered["answers"]
    intents, confidences, strangeness = (list(column) for column in zip(*answers[TEST], strict=True))
    truth = [intent for _, intent in data.test]
    right = [found == intent for found, intent in zip(intents, truth, strict=True)]
    unseen = [hit for row, hit in enumerate(right) if row not in data.seen]
    inside = np.array(strangeness)
    times = answered["times_ms"]
    return {
        "accuracy": accuracy(intents, truth),
        "unseen_accuracy": sum(unseen) / max(len(unseen), 1),
        "unseen_rows": len(unseen),
        "macro_f1": macro_f1(intents, truth),
        "ece": expected_calibration_error(confidences, right),
        "oos": {group: _apart(answers[group], inside) for group in data.strangers},
        "ms_p50": float(np.percentile(times, 50)),
        "ms_p95": float(np.percentile(times, 95)),
        **answered["measured"],
        "right": right,
    }


def _apart(answers: Sequence[Sequence[Any]], inside: Any) -> Figures:
    outside = np.array([score for _, _, score in answers])
    return {
        "rows": len(answers),
        "auroc": auroc(outside, inside),
        "fpr95": false_positive_rate(-inside, -outside),
        "recall_at_5pct_frr": recall_at(outside, inside, false_rate=0.05),
    }


def spread(values: Sequence[float], said: str, factor: float = 1.0) -> str:
    """Mean ± standard deviation, or the only value, in the format `said`; a dash without values."""
    if not values:
        return "–"
    mean = format(factor * statistics.fmean(values), said)
    return mean if len(values) == 1 else f"{mean} ± {format(factor * statistics.stdev(values), said.lstrip('+'))}"
