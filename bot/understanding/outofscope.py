"""The probability that no known intent fits, from several views of one vector.

Distance to the nearest class (Mahalanobis, Lee et al. 2018) and that against all rows as one cloud (relative
Mahalanobis, Ren et al. 2021), closeness of neighbours (Sun et al. 2022), cosine to the nearest class mean, closeness
to known out-of-scope rows, and two of them again in the layer before the last. A logistic regression combines them,
fitted on rows the model has not seen: held-out rows, rows of intents that were left out on purpose, and the company's
own out-of-scope rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bot.understanding.logistic import fit_logistic, sigmoid
from bot.understanding.space import View

Floats = npt.NDArray[np.float64]

FEATURES = ("relative", "distance", "closeness", "centrality", "strangeness", "inner_centrality", "inner_relative")
SIGNS = (-1, 1, -1, -1, 1, -1, -1)
"""Whether a larger value speaks for (1) or against (-1) being out of scope."""

FEWEST = 10
"""Rows of both kinds that a fit needs; below it the closeness of neighbours alone decides."""

SHARE = 0.2
"""Share of out-of-scope messages that probabilities are stated for; what a fit sees is weighted to it."""

_CLOSE_ROWS = 10


@dataclass(frozen=True, slots=True)
class OutOfScope:
    """`centre`, `spread` standardise `FEATURES`; `coefficients` end with the intercept. `threshold` in [0, 1] is where
    in-scope acceptance + out-of-scope recall were largest; `rows` it was fitted on."""

    centre: tuple[float, ...] = (0.0, 0.0, 0.6, 0.0, 0.0, 0.0, 0.0)
    spread: tuple[float, ...] = (1.0, 1.0, 0.1, 1.0, 1.0, 1.0, 1.0)
    coefficients: tuple[float, ...] = (0.0, 0.0, -2.0, 0.0, 0.0, 0.0, 0.0, -1.4)
    threshold: float = 0.5
    rows: int = 0

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> OutOfScope:
        return cls(
            centre=tuple(stored["centre"]),
            spread=tuple(stored["spread"]),
            coefficients=tuple(stored["coefficients"]),
            threshold=stored["threshold"],
            rows=stored["rows"],
        )

    def probability(self, view: View) -> Floats:
        """(n,) in [0, 1]."""
        scaled = (features(view) - np.asarray(self.centre)) / np.asarray(self.spread)
        return sigmoid(scaled @ np.asarray(self.coefficients[:-1]) + self.coefficients[-1])


def features(view: View) -> Floats:
    """(n, len(FEATURES))."""
    parts = [
        view.background - view.distance,
        view.distance,
        view.closeness[:, :_CLOSE_ROWS].mean(axis=1),
        view.centrality,
        view.strangeness,
        view.inner_centrality,
        view.inner_relative,
    ]
    return np.column_stack(parts).astype(np.float64)


def fit_out_of_scope(known: Floats, unknown: Floats) -> OutOfScope:
    """Fit on features of held-out in-scope rows (n, f) and of rows out of scope (m, f)."""
    if min(len(known), len(unknown)) < FEWEST:
        return OutOfScope()
    x = np.concatenate([known, unknown])
    y = np.repeat([0.0, 1.0], [len(known), len(unknown)])
    rows = len(x)
    weights = np.where(y == 1.0, SHARE * rows / len(unknown), (1 - SHARE) * rows / len(known))
    centre, spread = known.mean(axis=0), np.maximum(known.std(axis=0), 1e-3)
    scaled = (x - centre) / spread
    coefficients = _fit_signed(scaled, y, weights)
    p = sigmoid(scaled @ coefficients[:-1] + coefficients[-1])
    threshold = _threshold(p[y == 0], p[y == 1])
    return OutOfScope(_plain(centre), _plain(spread), _plain(coefficients), threshold, rows)


def _fit_signed(x: Floats, y: Floats, weights: Floats) -> Floats:
    """Logistic regression whose coefficients all have the sign of `SIGNS`: features that would get the other are
    left out one by one. Views are alike, and a wrong sign that fits near strangers misjudges far ones."""
    used = np.ones(x.shape[1], dtype=bool)
    while True:
        fitted = fit_logistic(x * used, y, weights)
        wrong = np.where(used, fitted[:-1] * SIGNS, 0.0)
        if wrong.min() >= 0.0:
            return np.append(fitted[:-1] * used, fitted[-1])
        used[int(wrong.argmin())] = False


def _threshold(known: Floats, unknown: Floats) -> float:
    candidates = np.unique(np.concatenate([known, unknown]))
    gains = [(known < each).mean() + (unknown >= each).mean() for each in candidates]
    return float(candidates[int(np.argmax(gains))])


def _plain(values: Floats) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
