"""What is chosen from labelled questions: the fusion weight and the reader's confidence."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from retrieval.confidence import ConfidenceModel, Features, fit_confidence
from retrieval.datasets import Question
from retrieval.documents import Hit
from retrieval.evaluation import ranked_documents
from retrieval.fusion import Fusion
from retrieval.judging import holds, judge
from retrieval.knowledge import Knowledge
from retrieval.reader import answer_of
from retrieval.retriever import CANDIDATES, Retriever

MIN_QUESTIONS = 50
"""Labelled questions below which the weight that suits most collections is kept."""
DENSE_WEIGHTS = tuple(step / 20 for step in range(4, 20))


def tune_fusion(retriever: Retriever, questions: Sequence[tuple[str, Collection[str]]]) -> Fusion:
    """The fusion with the best MRR@10 over questions given with the ids of the documents that answer them.

    Weights are compared on the mean over neighbouring ones, which keeps a lucky peak from being chosen; the usual
    weight stays where none is better.
    """
    labelled = [(text, documents) for text, documents in questions if documents]
    if len(labelled) < MIN_QUESTIONS:
        return Fusion()
    queries = [retriever.query(text) for text, _ in labelled]
    parts = [(*retriever.parts(query, CANDIDATES), query.weight) for query in queries]

    def quality(fusion: Fusion) -> float:
        ranks = []
        for (cosines, bm25, weight), (_, documents) in zip(parts, labelled, strict=True):
            hits = [Hit(retriever.passages[number], score) for number, score in fusion.combine(cosines, bm25, weight)]
            ranking = ranked_documents(hits)[:10]
            ranks.append(next((1 / place for place, id in enumerate(ranking, start=1) if id in documents), 0.0))
        return float(np.mean(ranks))

    qualities = np.array([quality(Fusion("total", weight)) for weight in DENSE_WEIGHTS])
    smooth = np.convolve(np.pad(qualities, 1, mode="edge"), np.ones(3) / 3, mode="valid")
    best = int(smooth.argmax())
    if smooth[best] <= quality(Fusion()):
        return Fusion()
    return Fusion("total", DENSE_WEIGHTS[best])


def fit_reader(knowledge: Knowledge, questions: Sequence[Question], *, wrong_cost: float = 2.0) -> ConfidenceModel:
    """Confidence weights and threshold from held-out questions, unanswerable ones among them.

    `wrong_cost` is what a wrong answer costs in right ones. `ValueError` with too few questions (`fit_confidence`).
    """
    features, right = judged_readings(knowledge, questions)
    return fit_confidence(features, right, wrong_cost=wrong_cost)


def judged_readings(knowledge: Knowledge, questions: Sequence[Question]) -> tuple[list[Features], list[bool]]:
    """For each question for which something was found, the signals of the best quote and whether it is right: as
    `judge` says, or because it holds what an expected answer says."""
    features, right = [], []
    for question in questions:
        query = knowledge.retriever.query(question.text)
        reading = knowledge.reader.find(query, knowledge.retriever.search(query, 10), knowledge.sentences)
        if reading is not None:
            answer = answer_of(reading, knowledge.document, 0.0)
            held = question.answerable and any(holds(answer.text, each) for each in question.answers)
            features.append(reading.features)
            right.append(held or judge(question, answer).right)
    return features, right
