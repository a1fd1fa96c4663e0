"""The space that sentences of known intents live in: directions and spread of classes, training rows, strangers.

Everything is plain numpy; a `View` is what one batch of vectors looks like from in there. A text comes as the unit
vectors of two depths side by side, (n, 2 * d): the encoder's last layer, whose tuning draws every text to some known
intent, and the one before, which still sees how a stranger differs (relative Mahalanobis distance there tells
near-domain strangers better than any view of the last layer; `tests/benchmarks/intents.md`).
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
    """n texts seen against the space.

    `cosines` (n, intents) are those to the trained directions, `linear` (n, intents) the logits of the second head or
    (n, 0) without one. `neighbours` and `closeness` (n, k) are the nearest training rows and their cosines, best
    first. `centrality` (n,) is the cosine to the nearest class mean, `distance` (n,) the squared Mahalanobis distance
    to it, `background` (n,) that to all rows as one cloud. `strangeness` (n,) is the mean cosine to the nearest known
    out-of-scope rows, 0 where there are too few. `inner_centrality` and `inner_relative` (n,) are centrality and
    background - distance in the layer before.
    """

    cosines: Vectors
    linear: Vectors
    neighbours: Indices
    closeness: Vectors
    centrality: Vectors
    distance: Vectors
    background: Vectors
    strangeness: Vectors
    inner_centrality: Vectors
    inner_relative: Vectors


@dataclass(frozen=True, slots=True)
class Clouds:
    """Class `means` (intents, d) with the spread around them: `within` (d, d) whitens the spread inside classes,
    `overall` (d, d) that of all rows around `centre` (d,)."""

    means: Vectors
    within: Vectors
    overall: Vectors
    centre: Vectors
    _unit_means: Vectors = field(init=False, repr=False)
    _white_means: Vectors = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # derived once: each message would pay for them otherwise
        lengths = np.maximum(np.linalg.norm(self.means, axis=1, keepdims=True), 1e-9)
        object.__setattr__(self, "_unit_means", self.means / lengths)
        object.__setattr__(self, "_white_means", self.means @ self.within)

    def centrality(self, vectors: Vectors) -> Vectors:
        """Cosine (n,) to the nearest class mean."""
        return np.asarray((vectors @ self._unit_means.T).max(axis=1), dtype=np.float32)

    def distance(self, vectors: Vectors) -> Vectors:
        """Squared Mahalanobis distance (n,) to the nearest class mean."""
        white, means = vectors @ self.within, self._white_means
        squares = (white**2).sum(1)[:, None] + (means**2).sum(1)[None, :] - 2 * white @ means.T
        return np.asarray(np.maximum(squares.min(axis=1), 0.0), dtype=np.float32)

    def background(self, vectors: Vectors) -> Vectors:
        """Squared Mahalanobis distance (n,) to all rows as one cloud."""
        return np.asarray((((vectors - self.centre) @ self.overall) ** 2).sum(axis=1), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Space:
    """`directions` (intents, d) are the cosine head; `linear` (intents, d + 1) is the second head, bias last, or
    (0, d + 1); `rows` (n, d) are training rows with their class in `row_classes` (n,); `last` and `inner` are the
    clouds of all rows in the last layer and the one before. `strangers` (m, d) are known out-of-scope rows."""

    directions: Vectors
    linear: Vectors
    rows: Vectors
    row_classes: Indices
    strangers: Vectors
    last: Clouds
    inner: Clouds

    @property
    def dimension(self) -> int:
        """d, the length of one depth's vector."""
        return int(self.directions.shape[1])

    def view(self, texts: Vectors, *, leave_self: bool = False) -> View:
        """How texts (n, 2 * d) look. `leave_self` is for the strangers themselves: each ignores itself."""
        vectors, inner = texts[:, : self.dimension], texts[:, self.dimension :]
        closeness = vectors @ self.rows.T
        nearest = _top(closeness, NEIGHBOURS)
        return View(
            cosines=vectors @ self.directions.T,
            linear=vectors @ self.linear[:, :-1].T + self.linear[:, -1],
            neighbours=nearest,
            closeness=np.take_along_axis(closeness, nearest, axis=1),
            centrality=self.last.centrality(vectors),
            distance=self.last.distance(vectors),
            background=self.last.background(vectors),
            strangeness=self._strangeness(vectors, leave_self),
            inner_centrality=self.inner.centrality(inner),
            inner_relative=self.inner.background(inner) - self.inner.distance(inner),
        )

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
