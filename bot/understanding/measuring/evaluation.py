"""Measuring the intent model on rows it never saw: `firstline evaluate intents`. Belongs to training."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bot.understanding.calibration import expected_calibration_error
from bot.understanding.classifier import IntentClassifier
from bot.understanding.examples.dataset import IntentDataset
from bot.understanding.measuring.conditions import Conditions, conditions
from bot.understanding.measuring.curves import ConfusedPair, confused_pairs
from bot.understanding.measuring.metrics import (
    IntentScore,
    Interval,
    accuracy,
    auroc,
    by_intent,
    false_positive_rate,
    macro_f1,
    recall_at,
)
from bot.understanding.measuring.results import IntentReport, Measured, intervals_of
from bot.understanding.measuring.robustness.slices import Slice, TestRows, measure_slices
from bot.understanding.measuring.rows import notes_on, require_shared_intents
from bot.understanding.tuning.training import TrainReport, train
from bot.understanding.understand import read
from retrieval.judging import aurc, coverage_at

Progress = Callable[[str, int, int], None]
"""Called with what is being done, the steps done and of how many."""

_WARM_UP = 20
_TIMED = 500


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What `evaluate intents` found.

    `report` has the means over `seeds`, `spread` their standard deviations by name (empty with one seed), `intervals`
    95 % intervals by name, over test rows. All else is of the first seed: rows, intents, pairs and slices. `notes`
    are sentences that whoever quotes a figure should know.
    """

    report: IntentReport
    intervals: Mapping[str, Interval]
    spread: Mapping[str, float]
    seeds: tuple[int, ...]
    measured: Measured
    per_intent: tuple[IntentScore, ...]
    confused: tuple[ConfusedPair, ...]
    slices: tuple[Slice, ...]
    conditions: Conditions
    notes: tuple[str, ...]

    @property
    def weak_slices(self) -> tuple[Slice, ...]:
        """Slices more than five points below the whole, the deepest fall first."""
        return tuple(sorted((each for each in self.slices if each.weak), key=lambda each: each.difference))

    def figures(self) -> dict[str, float | int | None]:
        """Every single figure: those of the report, None where there was nothing to measure, then the ends of
        intervals and spreads."""
        ends = {f"{name}_{end}": value[i] for name, value in self.intervals.items() for i, end in enumerate(_ENDS)}
        return asdict(self.report) | ends | {f"{name}_sd": value for name, value in self.spread.items()}

    def to_json(self) -> dict[str, Any]:
        """The figures, then lists: seeds, notes, intents, slices, conditions."""
        return self.figures() | {
            "seeds": list(self.seeds),
            "notes": list(self.notes),
            "per_intent": [asdict(each) for each in self.per_intent],
            "weak_slices": [each.name for each in self.weak_slices],
            "slices": [each.to_json() for each in self.slices],
            "conditions": asdict(self.conditions),
        }


_ENDS = ("low", "high")


def evaluate_intents(
    train_files: Sequence[Path],
    test_file: Path,
    oos_file: Path | None = None,
    *,
    base: Path,
    seed: int = 13,
    seeds: int = 1,
    slices: bool = True,
    progress: Progress | None = None,
) -> Evaluation:
    """Train on `train_files` and nothing else, then measure on `test_file`, with `seeds` seeds from `seed` on.

    Messages are read as serving reads them, long ones in parts. Rows out of scope inside the test file, and all
    of `oos_file`, are out-of-scope rows and no in-scope errors. `BadInput` if a file is malformed or the test rows
    share no intent with the training rows.
    """
    tell = progress or (lambda message, done, total: None)
    training = IntentDataset.read(*train_files)
    testing = IntentDataset.read(test_file)
    outside = IntentDataset.read(oos_file, default_intent="out_of_scope") if oos_file is not None else None
    require_shared_intents(training, testing, test_file.name)
    at = conditions(train_files, test_file, oos_file, base)
    strangers = (*testing.out_of_scope, *(outside.texts if outside is not None else ()))
    used = tuple(range(seed, seed + seeds))
    reports, runs = [], []
    sliced: tuple[Slice, ...] = ()
    for each in used:
        what = "training" if seeds == 1 else f"training with seed {each}"
        with tempfile.TemporaryDirectory(prefix="firstline-evaluate-") as folder:
            trained = train(training, base, Path(folder), seed=each, progress=partial(tell, what))
            classifier = IntentClassifier.load(Path(folder))
            reader = IntentClassifier.load(Path(folder), threads=0)
        run = _measured(classifier, reader, testing, strangers)
        runs.append(run)
        reports.append(_report(trained, run))
        if slices and len(runs) == 1:
            rows = TestRows(run.texts, run.truth, run.known, run.threshold)
            sliced = measure_slices(rows, partial(read, reader), seed=seed, progress=partial(tell, "slices"))
    first = runs[0]
    mean = mean_report(reports)
    return Evaluation(
        report=mean,
        intervals=intervals_of(mean, runs),
        spread=spread(reports),
        seeds=used,
        measured=first,
        per_intent=by_intent(first.predicted, first.truth),
        confused=confused_pairs(first.predicted, first.truth, first.confidence),
        slices=sliced,
        conditions=at,
        notes=notes_on(training, testing, outside),
    )


def predict_times_ms(classifier: IntentClassifier, texts: Sequence[str]) -> list[float]:
    """Milliseconds for each of up to 500 texts, one at a time, tokeniser included, after a warm-up."""
    for text in texts[:_WARM_UP]:
        classifier.classify([text])
    times = []
    for text in texts[:_TIMED]:
        started = time.perf_counter()
        classifier.classify([text])
        times.append(1_000 * (time.perf_counter() - started))
    return times


def mean_report(reports: Sequence[IntentReport]) -> IntentReport:
    """The means over trainings; what is counted is rounded to whole numbers."""
    values: dict[str, Any] = {}
    for each in fields(IntentReport):
        found = [getattr(report, each.name) for report in reports]
        if found[0] is None or len(found) == 1:
            values[each.name] = found[0]
        else:
            values[each.name] = round(statistics.mean(found)) if isinstance(found[0], int) else statistics.mean(found)
    return IntentReport(**values)


def spread(reports: Sequence[IntentReport]) -> dict[str, float]:
    """Standard deviation over trainings of all that is not counted; nothing for a single training."""
    if len(reports) == 1:
        return {}
    found = {each.name: [getattr(report, each.name) for report in reports] for each in fields(IntentReport)}
    return {name: statistics.stdev(values) for name, values in found.items() if isinstance(values[0], float)}


def _measured(
    classifier: IntentClassifier, reader: IntentClassifier, testing: IntentDataset, strangers: tuple[str, ...]
) -> Measured:
    texts = tuple(row.text for row in testing.in_scope)
    return Measured(
        texts=texts,
        truth=tuple(row.intent for row in testing.in_scope),
        known=tuple(read(reader, texts)),
        strangers=strangers,
        unknown=tuple(read(reader, strangers)),
        threshold=classifier.model.out_of_scope.threshold,
        times_ms=tuple(predict_times_ms(classifier, texts)),
    )


def _report(trained: TrainReport, run: Measured) -> IntentReport:
    wrong = [not right for right in run.right]
    return IntentReport(
        accuracy=accuracy(run.predicted, run.truth),
        macro_f1=macro_f1(run.predicted, run.truth),
        ece=expected_calibration_error(run.confidence, run.right),
        train_rows=trained.rows,
        test_rows=len(run.truth),
        intents=trained.intents,
        train_s=trained.train_s,
        predict_ms_p50=float(np.percentile(run.times_ms, 50)),
        predict_ms_p95=float(np.percentile(run.times_ms, 95)),
        parameters=trained.parameters,
        model_bytes=trained.model_bytes,
        oos_rows=len(run.strangers),
        aurc=aurc(run.confidence, wrong),
        coverage_at_1pct_wrong=coverage_at(run.confidence, wrong, 0.01),
        coverage_at_2pct_wrong=coverage_at(run.confidence, wrong, 0.02),
        coverage_at_5pct_wrong=coverage_at(run.confidence, wrong, 0.05),
        **_out_of_scope(run),
    )


def _out_of_scope(run: Measured) -> dict[str, float]:
    if not run.strangers:
        return {}
    inside, outside = np.array(run.inside), np.array(run.outside)
    return {
        "oos_auroc": auroc(outside, inside),
        "oos_fpr95": false_positive_rate(-inside, -outside),
        "oos_recall_at_5pct_frr": recall_at(outside, inside, false_rate=0.05),
        "oos_recall_at_threshold": float((outside >= run.threshold).mean()),
        "in_scope_accuracy_at_threshold": float((np.array(run.right) & (inside < run.threshold)).mean()),
    }
