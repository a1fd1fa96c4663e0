"""Measuring out the space of tuned vectors: class means, spread, the second head. Belongs to training: scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sklearn.covariance import LedoitWolf
from sklearn.linear_model import LogisticRegression

from bot.understanding.space import Clouds, Indices, Space, Vectors
from bot.understanding.tuning.recipe import Recipe

_LINEAR_C = 30.0


def survey(
    directions: Vectors,
    rows: Vectors,
    classes: Sequence[int],
    strangers: Vectors,
    names: Vectors,
    recipe: Recipe,
    *,
    inner: Clouds | None = None,
) -> Space:
    """The space of tuned rows with their classes (n,).

    `directions` are (intents, d), `rows` (n, 2 * d) as `Space.view` takes them, and so are `strangers` and the intents'
    `names`, extra rows of the second head. Of each class, `recipe.neighbours_an_intent` rows stay as neighbours: those
    that `kept_rows` names. With `inner`, the clouds of the layer before as they are known, all may be (n, d).
    """
    d = directions.shape[1]
    last, row_classes = rows[:, :d], np.asarray(classes, dtype=np.int32)
    kept = kept_rows(classes, recipe.neighbours_an_intent)
    return Space(
        directions=directions,
        linear=_linear_head(last, row_classes, names[:, :d], recipe),
        rows=last[kept],
        row_classes=row_classes[kept],
        strangers=strangers[:, :d],
        last=clouds(last, row_classes, len(directions)),
        inner=inner or clouds(rows[:, d:], row_classes, len(directions)),
    )


def clouds(rows: Vectors, classes: Indices, count: int) -> Clouds:
    """The clouds of rows (n, d) with classes (n,) in 0…count-1."""
    means, centre = class_means(rows, classes, count), rows.mean(axis=0)
    return Clouds(means, _whitening(rows - means[classes]), _whitening(rows - centre), centre)


def class_means(rows: Vectors, classes: Indices, count: int) -> Vectors:
    """Mean row of every class: (count, d)."""
    sums = np.zeros((count, rows.shape[1]), dtype=np.float32)
    np.add.at(sums, classes, rows)
    rows_of = np.maximum(np.bincount(classes, minlength=count), 1).astype(np.float32)
    return np.asarray(sums / rows_of[:, None], dtype=np.float32)


def kept_rows(classes: Sequence[int], keep: int) -> list[int]:
    """Positions of the first `keep` rows of every class."""
    seen: dict[int, int] = {}
    kept = []
    for row, label in enumerate(classes):
        seen[label] = seen.get(label, 0) + 1
        if seen[label] <= keep:
            kept.append(row)
    return kept


def _linear_head(rows: Vectors, classes: Indices, names: Vectors, recipe: Recipe) -> Vectors:
    """Logistic regression with weak regularisation, as (intents, d + 1); (0, d + 1) where the recipe has no use."""
    if recipe.linear_share == 0.0:
        return np.zeros((0, rows.shape[1] + 1), dtype=np.float32)
    count = len(names)
    x = np.concatenate([rows, *[names] * recipe.name_rows])
    y = np.concatenate([classes, *[np.arange(count)] * recipe.name_rows])
    fitted = LogisticRegression(C=_LINEAR_C, max_iter=1_000).fit(x, y)
    weights = np.column_stack([fitted.coef_, fitted.intercept_]).astype(np.float32)
    if count == 2:
        return np.concatenate([-weights, weights]).astype(np.float32) / np.float32(2)
    return np.asarray(weights, dtype=np.float32)


def _whitening(residuals: Vectors) -> npt.NDArray[np.float32]:
    """W with W Wᵀ = inverse covariance, shrunk as by Ledoit and Wolf (2004) so that it exists for few rows too."""
    covariance = LedoitWolf(assume_centered=True).fit(residuals).covariance_
    values, directions = np.linalg.eigh(covariance)
    floor = max(float(values.max()) * 1e-4, 1e-7)
    return np.ascontiguousarray(directions / np.sqrt(np.maximum(values, floor)), dtype=np.float32)
