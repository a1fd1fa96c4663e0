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

from bot.errors import BadInput
from bot.understanding.calibration import expected_calibration_error
from bot.understanding.classifier import IntentClassifier, IntentPrediction
from bot.understanding.examples.dataset import IntentDataset
from bot.understanding.measuring.conditions import Conditions, conditions
from bot.understanding.measuring.curves import ConfusedPair, confused_pairs
from bot.understanding.measuring.metrics import (
    Counts,
    IntentScore,
    Interval,
    accuracy,
    auroc,
    bootstrap,
    by_intent,
    coded,
    false_positive_rate,
    macro_f1,
    macro_f1_of_codes,
    recall_at,
    wilson,
)
from bot.understanding.measuring.robustness.slices import Slice, TestRows, measure_slices
from bot.understanding.tuning.training import TrainReport, train
from bot.understanding.understand import read
from bot.understanding.utterances import clean
from retrieval.judging import aurc, coverage_at

Progress = Callable[[str, int, int], None]
"""Called with what is being done, the steps done and of how many."""

_WARM_UP = 20
_TIMED = 500
_NAMED = 5


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
    _check_intents(training, testing, test_file.name)
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
        intervals=_intervals(mean, runs),
        spread=spread(reports),
        seeds=used,
        measured=first,
        per_intent=by_intent(first.predicted, first.truth),
        confused=confused_pairs(first.predicted, first.truth, first.confidence),
        slices=sliced,
        conditions=at,
        notes=_notes(training, testing, outside),
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


def _intervals(mean: IntentReport, runs: Sequence[Measured]) -> dict[str, Interval]:
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


def _check_intents(training: IntentDataset, testing: IntentDataset, name: str) -> None:
    if not testing.in_scope:
        raise BadInput(
            f"{name}: all of its {len(testing.rows)} rows are out of scope; "
            "expected rows with intents of the training rows, rows that no intent fits belong into --oos"
        )
    if set(testing.labels) & set(training.labels):
        return
    spelled = {_letters(label): label for label in training.labels}
    alike = [(label, spelled[_letters(label)]) for label in testing.labels if _letters(label) in spelled]
    hint = f"; {alike[0][0]!r} is spelled {alike[0][1]!r} there" if alike else ""
    raise BadInput(
        f"{name}: none of its intents occurs in the training rows: it has {_listed(testing.labels)}, they have "
        f"{_listed(training.labels)}{hint}; are the labels spelled alike?"
    )


def _notes(training: IntentDataset, testing: IntentDataset, outside: IntentDataset | None) -> tuple[str, ...]:
    notes = []
    sets = {"training": training, "test": testing, "out-of-scope": outside}
    for name, dataset in sets.items():
        if dataset is not None and dataset.problems:
            notes.append(f"{name} files: {len(dataset.problems)} entries left out, the first: {dataset.problems[0]}")
    foreign = [row.intent for row in testing.in_scope if row.intent not in set(training.labels)]
    if foreign:
        names = _listed(tuple(sorted(set(foreign))))
        notes.append(
            f"{len(foreign)} test rows have intents without a training row ({names}); they are counted as wrong"
        )
    learned = {_letters(row.text) for row in training.rows}
    seen = sum(_letters(row.text) in learned for row in testing.in_scope)
    if seen:
        notes.append(f"{seen} of {len(testing.in_scope)} test rows stand among the training rows, marks and case aside")
    unmeasured = sorted(set(training.labels) - set(testing.labels))
    if unmeasured:
        names = _listed(tuple(unmeasured))
        notes.append(f"{len(unmeasured)} of {len(training.labels)} intents have no test row ({names})")
    return tuple(notes)


def _letters(text: str) -> str:
    """What is left when case, marks and spaces do not count."""
    return "".join(letter for letter in clean(text).casefold() if letter.isalnum())


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
