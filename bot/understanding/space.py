"""The space that sentences of known intents live in: directions and spread of classes, training rows, strangers.

Everything is plain numpy over unit vectors; a `View` is what one batch of vectors looks like from in there.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int32]

NEIGHBOURS = 20
_CLOSE_STRANGERS = 3


@dataclass(frozen=True, slots=True)
class View:
    """n vectors seen against the space.

    `cosines` (n, intents) are those to the trained directions, `linear` (n, intents) the logits of the second head or
    (n, 0) without one. `neighbours` and `closeness` (n, k) are the nearest training rows and their cosines, best
    first. `centrality` (n,) is the cosine to the nearest class mean, `distance` (n,) the squared Mahalanobis distance
    to it, `background` (n,) that to all rows as one cloud. `strangeness` (n,) is the mean cosine to the nearest known
    out-of-scope rows, 0 where there are too few.
    """

    cosines: Vectors
    linear: Vectors
    neighbours: Indices
    closeness: Vectors
    centrality: Vectors
    distance: Vectors
    background: Vectors
    strangeness: Vectors


@dataclass(frozen=True, slots=True)
class Space:
    """`directions` (intents, d) are the cosine head; `linear` (intents, d + 1) is the second head, bias last, or
    (0, d + 1); `rows` (n, d) are training rows with their class in `row_classes` (n,); `means` (intents, d) class
    means. `within` (d, d) whitens the spread inside classes, `overall` (d, d) that of all rows around `centre` (d,).
    `strangers` (m, d) are known out-of-scope rows."""

    directions: Vectors
    linear: Vectors
    rows: Vectors
    row_classes: Indices
    means: Vectors
    within: Vectors
    overall: Vectors
    centre: Vectors
    strangers: Vectors
    _unit_means: Vectors = field(init=False, repr=False)
    _white_means: Vectors = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # derived once: each message would pay for them otherwise
        lengths = np.maximum(np.linalg.norm(self.means, axis=1, keepdims=True), 1e-9)
        object.__setattr__(self, "_unit_means", self.means / lengths)
        object.__setattr__(self, "_white_means", self.means @ self.within)

    def view(self, vectors: Vectors, *, leave_self: bool = False) -> View:
        """How unit vectors (n, d) look. `leave_self` is for the strangers themselves: each ignores itself."""
        closeness = vectors @ self.rows.T
        nearest = _top(closeness, NEIGHBOURS)
        return View(
            cosines=vectors @ self.directions.T,
            linear=vectors @ self.linear[:, :-1].T + self.linear[:, -1],
            neighbours=nearest,
            closeness=np.take_along_axis(closeness, nearest, axis=1),
            centrality=(vectors @ self._unit_means.T).max(axis=1),
            distance=self._distance(vectors),
            background=np.asarray((((vectors - self.centre) @ self.overall) ** 2).sum(axis=1)),
            strangeness=self._strangeness(vectors, leave_self),
        )

    def _distance(self, vectors: Vectors) -> Vectors:
        white, means = vectors @ self.within, self._white_means
        squares = (white**2).sum(1)[:, None] + (means**2).sum(1)[None, :] - 2 * white @ means.T
        return np.asarray(np.maximum(squares.min(axis=1), 0.0), dtype=np.float32)

    def _strangeness(self, vectors: Vectors, leave_self: bool) -> Vectors:
        if len(self.strangers) <= _CLOSE_STRANGERS:
            return np.zeros(len(vectors), dtype=np.float32)
        closeness = vectors @ self.strangers.T
        if leave_self:
            np.fill_diagonal(closeness, -1.0)
        best = np.take_along_axis(closeness, _top(closeness, _CLOSE_STRANGERS), axis=1)
        return np.asarray(best.mean(axis=1), dtype=np.float32)


def _top(scores: Vectors, k: int) -> Indices:
    """Columns of the k largest scores of every row, largest first."""
    k = min(k, scores.shape[1])
    if k < scores.shape[1]:
        chosen = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    else:
        chosen = np.broadcast_to(np.arange(k), scores.shape).copy()
    order = np.argsort(-np.take_along_axis(scores, chosen, axis=1), axis=1, kind="stable")
    return np.asarray(np.take_along_axis(chosen, order, axis=1), dtype=np.int32)
