"""Which rows lie nearest to each row, exactly, in blocks that fit any machine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from bot.understanding.space import Indices, Vectors

NEIGHBOURS = 10
_BLOCK = 1024


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The k nearest other rows of n rows: positions (n, k) and cosines (n, k), nearest first."""

    positions: Indices
    cosines: Vectors


def nearest(vectors: Vectors, k: int = NEIGHBOURS) -> Neighbours:
    """Neighbours of unit vectors (n, d) among themselves; k is cut to n - 1."""
    n = len(vectors)
    k = min(k, max(n - 1, 0))
    positions, cosines = np.zeros((n, k), dtype=np.int32), np.zeros((n, k), dtype=np.float32)
    for first in range(0, n if k else 0, _BLOCK):
        with threadpool_limits(1):
            block = vectors[first : first + _BLOCK] @ vectors.T
        block[np.arange(len(block)), np.arange(first, first + len(block))] = -2.0
        chosen = np.argpartition(-block, k - 1, axis=1)[:, :k]
        values = np.take_along_axis(block, chosen, axis=1)
        order = np.argsort(-values, axis=1, kind="stable")
        positions[first : first + len(block)] = np.take_along_axis(chosen, order, axis=1)
        cosines[first : first + len(block)] = np.take_along_axis(values, order, axis=1)
    return Neighbours(positions, cosines)
