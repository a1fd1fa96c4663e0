"""How sure a quoted answer is: a logistic regression over a few signals, calibrated on held-out questions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from retrieval.mismatch import MISMATCHES

FEATURES = (
    "bias",
    "sentence",
    "passage",
    "margin",
    "coverage",
    "quote_coverage",
    "unknown",
    "keyword_rank",
    "dense_rank",
    "faq",
    "faq_sentence",
    "asked_kind",
    "missing",
    "pairs",
    "question_words",
    "sentences",
    *MISMATCHES,
    "read",
    "relevance",
    "evidence",
    "relevance_margin",
)
"""What the weights belong to, in this order. `sentence`, `passage`: cosine of the question to the best quoted sentence
and to its passage; `margin`: how far that passage's cosine is above the best of another document; `coverage`,
`quote_coverage`: share of the question's content words in the passage and in the quote, headings included; `unknown`:
share of them that stands in none of the passages read; `keyword_rank`, `dense_rank`: 1 / rank of the passage in each
search, 0 if absent; `faq`: 1 for a FAQ pair; `faq_sentence`: its question's cosine to the question asked, else 0.

`asked_kind`: share of the kinds of answer the question asks for (`asking.Kind`) that the quote holds, 0.5 where it asks
for none; `missing`: how telling the most telling word of the question is that the quote lacks, by LIMIT; `pairs`: share
of the question's neighbouring content words that stand in one sentence of the passage; `question_words`: its words by
20; `sentences`: the logarithm of those of the passage. What the question has and the quote lacks, `mismatch.Mismatch`
says.

The last four are 0 without a cross-encoder, and where it did not read the passage. `read`: 1 where it did; `relevance`:
its logit that the passage answers; `evidence`: its logit that the best sentence answers, less that none does;
`relevance_margin`: how far that relevance is above the best of another document it read; each clipped to ±LIMIT and
divided by it."""

LIMIT = 8.0

Features = npt.NDArray[np.float64]

MIN_EXAMPLES = 50
FOLDS = 5
RIDGE = 0.3


@dataclass(frozen=True, slots=True)
class ConfidenceModel:
    """`weights` belong to `FEATURES`; an answer below `threshold`, a probability in [0, 1], is held back."""

    weights: tuple[float, ...]
    threshold: float

    def confidence(self, features: Features) -> float:
        """Calibrated probability in [0, 1] that the answer is right."""
        return _sigmoid(float(features @ np.array(self.weights)))

    def to_json(self) -> dict[str, object]:
        """Weights by feature name, and the threshold."""
        return {"weights": dict(zip(FEATURES, self.weights, strict=True)), "threshold": self.threshold}

    @classmethod
    def from_json(cls, stored: Mapping[str, object]) -> ConfidenceModel:
        """Read `to_json`'s values; `ValueError` if they belong to other features."""
        weights, threshold = stored.get("weights"), stored.get("threshold")
        if not isinstance(weights, Mapping) or set(weights) != set(FEATURES):
            got = sorted(weights) if isinstance(weights, Mapping) else weights
            raise ValueError(f"confidence weights name {got}, this version has {sorted(FEATURES)}; fit them again")
        if not isinstance(threshold, int | float) or not 0 <= threshold <= 1:
            raise ValueError(f"the confidence threshold is {threshold!r}, not a probability in [0, 1]")
        return cls(tuple(float(weights[name]) for name in FEATURES), float(threshold))


def fit_confidence(
    features: Sequence[Features], right: Sequence[bool], *, wrong_cost: float = 2.0, seed: int = 13
) -> ConfidenceModel:
    """Fit weights, and the threshold on out-of-fold probabilities.

    `right[i]` says whether the best answer to question i was right (never for unanswerable ones). The threshold is
    the one with the most right answers minus `wrong_cost` × wrong ones. Needs MIN_EXAMPLES questions of which at
    least FOLDS are right and FOLDS are wrong; else `ValueError`.
    """
    rows, labels = np.array(features, dtype=np.float64), np.array(right, dtype=np.float64)
    good = int(labels.sum())
    if len(labels) < MIN_EXAMPLES or min(good, len(labels) - good) < FOLDS:
        raise ValueError(
            f"got {len(labels)} questions, {good} answered right; fitting needs {MIN_EXAMPLES} with {FOLDS} of each"
        )
    order = np.random.default_rng(seed).permutation(len(labels))
    held_out = np.zeros(len(labels))
    for fold in np.array_split(order, FOLDS):
        rest = np.setdiff1d(order, fold)
        held_out[fold] = _probabilities(rows[fold], fitted_weights(rows[rest], labels[rest]))
    return ConfidenceModel(
        weights=tuple(float(weight) for weight in fitted_weights(rows, labels)),
        threshold=best_threshold(held_out, labels, wrong_cost),
    )


def best_threshold(confidences: Features, right: Features, wrong_cost: float) -> float:
    """The threshold with the most right answers minus `wrong_cost` × wrong ones; 1.0 if answering never pays."""
    order = np.argsort(-confidences, kind="stable")
    gains = np.cumsum(np.where(right[order] > 0, 1.0, -wrong_cost))
    best = int(gains.argmax())
    if gains[best] <= 0:
        return 1.0
    following = confidences[order[best + 1]] if best + 1 < len(order) else 0.0
    return float(round((confidences[order[best]] + following) / 2, 4))


def fitted_weights(rows: Features, labels: Features, steps: int = 100) -> Features:
    """Weights of shape (features,) for rows of shape (questions, features) and labels of 0 and 1: ridge-penalised
    logistic regression by Newton's method. The first feature is the bias, which is not penalised."""
    penalty = RIDGE * np.eye(rows.shape[1])
    penalty[0, 0] = 1e-6
    weights = np.zeros(rows.shape[1])
    for _ in range(steps):
        p = _probabilities(rows, weights)
        gradient = rows.T @ (p - labels) + penalty @ weights
        step = np.linalg.solve((rows.T * (p * (1 - p))) @ rows + penalty, gradient)
        weights -= step
        if float(np.abs(step).max()) < 1e-9:
            break
    return weights


def _probabilities(rows: Features, weights: Features) -> Features:
    return np.asarray(1 / (1 + np.exp(-np.clip(rows @ weights, -60, 60))))


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-min(max(value, -60.0), 60.0)))
