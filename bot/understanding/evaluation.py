"""Measuring the intent model on rows it never saw: `firstline evaluate intents`. Belongs to training."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from bot.errors import BadInput
from bot.understanding.calibration import expected_calibration_error
from bot.understanding.classifier import IntentClassifier, IntentPrediction
from bot.understanding.dataset import IntentDataset
from bot.understanding.metrics import accuracy, auroc, false_positive_rate, macro_f1, recall_at
from bot.understanding.training import Progress, train

_WARM_UP = 20
_TIMED = 500


@dataclass(frozen=True, slots=True)
class IntentReport:
    """Shares are in [0, 1], times in the unit of their name.

    Out-of-scope figures are None without such rows. `oos_fpr95` is the share of rows out of scope that are accepted
    where 95 % of the in-scope rows are, as the literature counts it; `oos_recall_at_5pct_frr` the share found where
    at most 5 % of the in-scope rows are refused. The threshold is the model's own, fitted on training rows.
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

    def to_json(self) -> dict[str, float | int]:
        """The figures that were measured."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def evaluate_intents(
    train_files: Sequence[Path],
    test_file: Path,
    oos_file: Path | None = None,
    *,
    base: Path,
    seed: int = 13,
    progress: Progress | None = None,
) -> IntentReport:
    """Train on `train_files` and nothing else, then measure on `test_file`.

    Rows out of scope inside the test file, and all of `oos_file`, are out-of-scope rows and no in-scope errors.
    `BadInput` if a file is malformed or the test rows share no intent with the training rows.
    """
    training = IntentDataset.read(*train_files)
    testing = IntentDataset.read(test_file)
    strangers = [*testing.out_of_scope]
    if oos_file is not None:
        strangers += IntentDataset.read(oos_file, default_intent="out_of_scope").texts
    truth = [row.intent for row in testing.in_scope]
    if not set(truth) & set(training.labels):
        raise BadInput(
            f"{test_file.name}: none of its intents occurs in the training rows; are the labels spelled alike?"
        )
    with tempfile.TemporaryDirectory(prefix="firstline-evaluate-") as folder:
        trained = train(training, base, Path(folder), seed=seed, progress=progress)
        classifier = IntentClassifier.load(Path(folder))
    texts = [row.text for row in testing.in_scope]
    predictions = classifier.classify(texts)
    times = predict_times_ms(classifier, texts)
    confidence = [each.confidence for each in predictions]
    right = [each.intent == intent for each, intent in zip(predictions, truth, strict=True)]
    return IntentReport(
        accuracy=accuracy([each.intent for each in predictions], truth),
        macro_f1=macro_f1([each.intent for each in predictions], truth),
        ece=expected_calibration_error(confidence, right),
        train_rows=trained.rows,
        test_rows=len(truth),
        intents=trained.intents,
        train_s=trained.train_s,
        predict_ms_p50=float(np.percentile(times, 50)),
        predict_ms_p95=float(np.percentile(times, 95)),
        parameters=trained.parameters,
        model_bytes=trained.model_bytes,
        **_out_of_scope(classifier, predictions, right, strangers),
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


def _out_of_scope(
    classifier: IntentClassifier, known: Sequence[IntentPrediction], right: Sequence[bool], strangers: Sequence[str]
) -> dict[str, float]:
    if not strangers:
        return {}
    inside = np.array([each.out_of_scope for each in known])
    outside = np.array([each.out_of_scope for each in classifier.classify(strangers)])
    threshold = classifier.model.out_of_scope.threshold
    return {
        "oos_auroc": auroc(outside, inside),
        "oos_fpr95": false_positive_rate(-inside, -outside),
        "oos_recall_at_5pct_frr": recall_at(outside, inside, false_rate=0.05),
        "oos_recall_at_threshold": float((outside >= threshold).mean()),
        "in_scope_accuracy_at_threshold": float((np.array(right) & (inside < threshold)).mean()),
    }
