"""Finding: where the first right document stands, by the search as it is shipped and by each of its two halves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from retrieval.documents import Hit
from retrieval.evaluation import ranked_documents
from retrieval.knowledge import Knowledge
from tests.benchmarks.knowledge_sets import QuestionSet

SYSTEMS = ("ours", "bm25", "dense")
DEPTH = 100
"""Passages from which documents are ranked; a document ranks where its best passage does."""
LAST = 10

Places = dict[str, list[int]]
"""For each system the place of the first right document for every question, 0 where it is not among the first LAST."""


def places(knowledge: Knowledge, data: QuestionSet) -> Places:
    """Rank the documents for every question of the set, one after the other."""
    found: Places = {name: [] for name in SYSTEMS}
    for question in data.questions:
        query = knowledge.query(question.text)
        near, shared = knowledge.retriever.parts(query, DEPTH)
        rankings = {
            "ours": ranked_documents(knowledge.search(query, DEPTH)),
            "bm25": _documents(knowledge, shared),
            "dense": _documents(knowledge, near),
        }
        for name, ranking in rankings.items():
            wanted = [place for place, id in enumerate(ranking[:LAST], start=1) if id in question.documents]
            found[name].append(min(wanted, default=0))
    return found


def _documents(knowledge: Knowledge, scores: dict[int, float]) -> list[str]:
    ordered = sorted(scores, key=lambda number: (-scores[number], number))
    return ranked_documents([Hit(knowledge.retriever.passages[number], scores[number]) for number in ordered])


def worth(measure: str, found: Sequence[int]) -> list[float]:
    """Each question's value of `hit@k` or `mrr@k`."""
    name, _, depth = measure.partition("@")
    reached = [0 < place <= int(depth) for place in found]
    if name == "hit":
        return [float(each) for each in reached]
    return [1 / place if inside else 0.0 for place, inside in zip(found, reached, strict=True)]


def paired(one: Sequence[float], other: Sequence[float], seed: int = 13, draws: int = 2_000) -> tuple[float, float]:
    """95 % of the bootstrap means of the difference of two values of the same questions."""
    values = np.asarray(one, dtype=np.float64) - np.asarray(other, dtype=np.float64)
    drawn = values[np.random.default_rng(seed).integers(0, len(values), (draws, len(values)))].mean(axis=1)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return float(low), float(high)
