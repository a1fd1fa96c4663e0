"""How the dense and the keyword ranking become one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

RANK_OFFSET = 60
"""The constant of reciprocal rank fusion (Cormack, Clarke & Büttcher, 2009)."""


@dataclass(frozen=True, slots=True)
class Fusion:
    """`rank`: sum of 1 / (offset + rank). `score`: dense weight × cosine + (1 - dense weight) × BM25, each scaled
    to [0, 1] over the candidates of one search. `dense` is in [0, 1] and unused by `rank`."""

    method: Literal["rank", "score"] = "rank"
    dense: float = 0.5

    def combine(self, cosines: Mapping[int, float], bm25: Mapping[int, float]) -> list[tuple[int, float]]:
        """Candidates of both searches with their fused score, the best first; ties in order of number.

        Each mapping goes from a candidate to its own search's score; a candidate may stand in one of them only.
        """
        parts = (_by_rank, _by_score)[self.method == "score"]
        weights = (self.dense, 1 - self.dense) if self.method == "score" else (1.0, 1.0)
        fused: dict[int, float] = {}
        for weight, scores in zip(weights, (cosines, bm25), strict=True):
            for candidate, value in parts(scores).items():
                fused[candidate] = fused.get(candidate, 0.0) + weight * value
        return sorted(fused.items(), key=lambda pair: (-pair[1], pair[0]))

    def to_json(self) -> dict[str, object]:
        """The record as JSON values; `Fusion(**…)` reads it back."""
        return asdict(self)


def _by_rank(scores: Mapping[int, float]) -> dict[int, float]:
    ranked = sorted(scores, key=lambda candidate: (-scores[candidate], candidate))
    return {candidate: 1 / (RANK_OFFSET + rank) for rank, candidate in enumerate(ranked, start=1)}


def _by_score(scores: Mapping[int, float]) -> dict[int, float]:
    if not scores:
        return {}
    low, high = min(scores.values()), max(scores.values())
    return {candidate: (value - low) / (high - low) if high > low else 1.0 for candidate, value in scores.items()}
