"""How the dense and the keyword ranking become one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

RANK_OFFSET = 60
"""The constant of reciprocal rank fusion (Cormack, Clarke & Büttcher, 2009)."""
DENSE = 0.53
"""Weight of the cosine where no questions of the company's own have tuned it: in the middle of what is best on the
halves of four sets that were chosen on (`tests/benchmarks/knowledge.md`)."""


@dataclass(frozen=True, slots=True)
class Fusion:
    """`total`: dense weight × cosine + (1 - dense weight) × BM25 by the question's own weight, so that what a score
    means does not depend on the other candidates (after Bruch, Gai & Ingber, "An Analysis of Fusion Functions for
    Hybrid Retrieval", 2023). `score`: the same sum, each part scaled to [0, 1] over the candidates of one search.
    `rank`: sum of 1 / (offset + rank). `dense` is in [0, 1] and unused by `rank`."""

    method: Literal["rank", "score", "total"] = "total"
    dense: float = DENSE

    def combine(
        self, cosines: Mapping[int, float], bm25: Mapping[int, float], reachable: float = 1.0
    ) -> list[tuple[int, float]]:
        """Candidates of both searches with their fused score, the best first; ties in order of number.

        Each mapping goes from a candidate to its own search's score; a candidate may stand in one of them only.
        `reachable` > 0 is what all words of the question weigh together; only `total` asks for it.
        """
        if self.method == "total":
            parts = _completed(cosines, bm25, reachable)
        elif self.method == "score":
            parts = (_by_score(cosines), _by_score(bm25))
        else:
            parts = (_by_rank(cosines), _by_rank(bm25))
        weights = (1.0, 1.0) if self.method == "rank" else (self.dense, 1 - self.dense)
        fused: dict[int, float] = {}
        for weight, scores in zip(weights, parts, strict=True):
            for candidate, value in scores.items():
                fused[candidate] = fused.get(candidate, 0.0) + weight * value
        return sorted(fused.items(), key=lambda pair: (-pair[1], pair[0]))

    def to_json(self) -> dict[str, object]:
        """The record as JSON values; `Fusion(**…)` reads it back."""
        return asdict(self)


def _completed(
    cosines: Mapping[int, float], bm25: Mapping[int, float], reachable: float
) -> tuple[dict[int, float], dict[int, float]]:
    """Both scores of every candidate, BM25 by `reachable`. What one search did not return counts as the lowest that it
    did; a keyword search that returned fewer than the dense one has returned all that share a word, and the rest is 0.
    """
    furthest = min(cosines.values(), default=0.0)
    fewest = min(bm25.values(), default=0.0) if len(bm25) >= len(cosines) else 0.0
    scale = 1 / reachable if reachable > 0 else 0.0
    candidates = dict.fromkeys((*cosines, *bm25))
    near = {candidate: cosines.get(candidate, furthest) for candidate in candidates}
    return near, {candidate: scale * bm25.get(candidate, fewest) for candidate in candidates}


def _by_rank(scores: Mapping[int, float]) -> dict[int, float]:
    ranked = sorted(scores, key=lambda candidate: (-scores[candidate], candidate))
    return {candidate: 1 / (RANK_OFFSET + rank) for rank, candidate in enumerate(ranked, start=1)}


def _by_score(scores: Mapping[int, float]) -> dict[int, float]:
    if not scores:
        return {}
    low, high = min(scores.values()), max(scores.values())
    return {candidate: (value - low) / (high - low) if high > low else 1.0 for candidate, value in scores.items()}
