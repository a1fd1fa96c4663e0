"""Why the small model understood a message as it did: what it came close to, and what moved each number. Pure.

A logistic regression explains itself: every feature adds coefficient × standardised value to the log-odds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bot.messages import NearestRow
from bot.understanding.artefact import IntentModel
from bot.understanding.classifier import NEAREST
from bot.understanding.outofscope import FEATURES, OutOfScope, features
from bot.understanding.space import Vectors, View

MEANINGS = {
    "relative": "how much closer its intent is than the rows as a whole",
    "distance": "distance to the nearest intent",
    "closeness": "mean cosine to the ten nearest training rows",
    "centrality": "cosine to the middle of the nearest intent",
    "strangeness": "mean cosine to the three nearest out-of-scope rows",
    "inner_centrality": "cosine to the middle of the nearest intent, one layer earlier",
    "inner_relative": "how much closer its intent is than the rows as a whole, one layer earlier",
}
"""What each of `outofscope.FEATURES` measures, for people."""


@dataclass(frozen=True, slots=True)
class Part:
    """One feature's share in the log-odds of being out of scope: `contribution` = `coefficient` × `standardised`,
    above 0 where it speaks for out of scope. `standardised` counts in spreads from known messages' mean."""

    name: str
    meaning: str
    value: float
    standardised: float
    coefficient: float
    contribution: float


@dataclass(frozen=True, slots=True)
class Scope:
    """`probability` in [0, 1] that no intent fits is the logistic function of `start` + all contributions, and
    `threshold` where the fit parts known from unknown. `parts` are sorted by how much they moved it."""

    probability: float
    threshold: float
    start: float
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """`confidence` and `runner_up_confidence` are calibrated probabilities in [0, 1], `margin` their difference.
    `nearest` are the closest training rows, best first, `runner_up_row` the closest of the runner-up's intent."""

    intent: str
    confidence: float
    runner_up: str
    runner_up_confidence: float
    margin: float
    out_of_scope: Scope
    nearest: tuple[NearestRow, ...]
    runner_up_row: NearestRow | None


def explain(model: IntentModel, vector: Vectors) -> Explanation:
    """Why `model` reads a message of this vector (1, 2 * d), as `IntentClassifier.vectors` gives it, as it does."""
    view = model.space.view(vector)
    probabilities = model.calibration.probabilities(view, model.space.row_classes)[0]
    first, second = (int(label) for label in np.argsort(-probabilities, kind="stable")[:2])
    closeness = (vector[:, : model.space.dimension] @ model.space.rows.T)[0]
    order = np.argsort(-closeness, kind="stable")
    of_second = order[model.space.row_classes[order] == second]
    return Explanation(
        intent=model.labels[first],
        confidence=float(probabilities[first]),
        runner_up=model.labels[second],
        runner_up_confidence=float(probabilities[second]),
        margin=float(probabilities[first] - probabilities[second]),
        out_of_scope=scope(model.out_of_scope, view),
        nearest=tuple(_row(model, closeness, int(row)) for row in order[:NEAREST]),
        runner_up_row=_row(model, closeness, int(of_second[0])) if len(of_second) else None,
    )


def scope(fit: OutOfScope, view: View) -> Scope:
    """The out-of-scope probability of a view of one vector, taken apart."""
    values = features(view)[0]
    standardised = (values - np.asarray(fit.centre)) / np.asarray(fit.spread)
    parts = [
        Part(name, MEANINGS[name], float(value), float(scaled), weight, float(weight * scaled))
        for name, value, scaled, weight in zip(FEATURES, values, standardised, fit.coefficients[:-1], strict=True)
    ]
    return Scope(
        probability=float(fit.probability(view)[0]),
        threshold=fit.threshold,
        start=fit.coefficients[-1],
        parts=tuple(sorted(parts, key=lambda part: -abs(part.contribution))),
    )


def _row(model: IntentModel, closeness: Vectors, row: int) -> NearestRow:
    return NearestRow(model.row_texts[row], model.labels[model.space.row_classes[row]], float(closeness[row]))
