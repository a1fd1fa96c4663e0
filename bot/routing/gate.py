"""The learned gate: the calibrated probability that answering is right, against what being wrong costs.

A logistic regression over a handful of signals, fitted on held-out questions, plus the thresholds that were chosen on
the same rows. It is stored as JSON in the release.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from bot.messages import Understanding
from bot.routing.signals import Signals

MIN_ROWS = 20
FEATURES = ("bias", "answer_logit", "cosine", "in_scope", "question_intent", "verbatim")


@dataclass(frozen=True, slots=True)
class Gate:
    """`weights` belong to `FEATURES`. Thresholds are probabilities in [0, 1]: an answer needs `answer`, a flow `flow`,
    small talk `smalltalk`; above `out_of_scope` nothing known is meant; two intents within `close` are a doubt."""

    weights: tuple[float, ...] = (0.0, 1.0, 0.0, 0.0, 0.0, 0.0)
    answer: float = 0.6
    flow: float = 0.6
    smalltalk: float = 0.5
    out_of_scope: float = 0.6
    close: float = 0.25

    def p_right(self, signals: Signals) -> float:
        """Calibrated probability in [0, 1] that quoting the best answer is right."""
        if signals.answer_confidence <= 0.0:
            return 0.0
        return _sigmoid(float(np.dot(self.weights, features(signals))))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Gate:
        return cls(**{**stored, "weights": tuple(stored["weights"])})

    def with_thresholds(self, **thresholds: float) -> Gate:
        return replace(self, **thresholds)  # type: ignore[arg-type]


def features(signals: Signals) -> tuple[float, ...]:
    """The values of `FEATURES` for one message."""
    confidence = min(max(signals.answer_confidence, 1e-4), 1 - 1e-4)
    return (
        1.0,
        math.log(confidence / (1 - confidence)),
        signals.cosine,
        1.0 - signals.understanding.out_of_scope,
        question_mass(signals.understanding),
        float(signals.verbatim),
    )


def question_mass(understanding: Understanding) -> float:
    """Confidence that falls on intents that ask something (named `ask_…`), in [0, 1]."""
    return min(sum(confidence for name, confidence in understanding.ranking if name.startswith("ask_")), 1.0)


def fit_gate(rows: Sequence[Signals], right: Sequence[bool], *, trust: float = 10.0, steps: int = 100) -> Gate:
    """Weights by logistic regression with a Gaussian prior around the default gate (Newton steps).

    The default is the reader's own confidence; the weights leave it only as far as the rows say. `trust` is how many
    rows' worth the default counts. Without `MIN_ROWS` right and wrong rows it stands as it is.
    """
    kept = [(features(row), good) for row, good in zip(rows, right, strict=True) if row.answer_confidence > 0]
    goods = sum(good for _, good in kept)
    if min(goods, len(kept) - goods) < MIN_ROWS:
        return Gate()
    x = np.array([values for values, _ in kept])
    y = np.array([float(good) for _, good in kept])
    prior = np.array(Gate().weights)
    penalty = trust * np.eye(len(FEATURES))
    penalty[0, 0] = trust / 10
    w = prior.copy()
    for _ in range(steps):
        p = 1 / (1 + np.exp(-np.clip(x @ w, -60, 60)))
        step = np.linalg.solve((x.T * (p * (1 - p))) @ x + penalty, x.T @ (p - y) + penalty @ (w - prior))
        w -= step
        if float(np.abs(step).max()) < 1e-8:
            break
    return Gate(weights=tuple(float(value) for value in w))


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-min(max(value, -60.0), 60.0)))
