"""Reading and abstaining: which sentences are quoted, whether they answer, and whether the confidence knows.

Three systems on the same questions: the reader as it is shipped; "dense", the sentences nearest by cosine; "bm25",
those that hold most of the question's words, each counted by how telling it is.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from retrieval.datasets import Question
from retrieval.documents import Hit, Passage
from retrieval.embedder import Vectors
from retrieval.judging import auroc, coverage_at, holds, plain
from retrieval.knowledge import Knowledge
from retrieval.reader import answer_of
from retrieval.reading import READ, SIGNALS, WEIGHTS, signals
from retrieval.retriever import Query, indexed_text
from retrieval.sentences import spans_of
from retrieval.training.choosing import given
from tests.benchmarks.knowledge_ranking import SYSTEMS
from tests.benchmarks.knowledge_sets import QuestionSet

ONE, TWO = "one sentence", "two sentences"

Rows = dict[str, list[float]]
"""Values of the questions, by system."""


@dataclass
class Reading:
    """By measure and system one value a question; `reported` says which questions are only reported."""

    measures: dict[str, Rows] = field(default_factory=dict)
    reported: list[bool] = field(default_factory=list)

    def add(self, measure: str, system: str, value: float) -> None:
        self.measures.setdefault(measure, {name: [] for name in SYSTEMS})[system].append(value)


def given_paragraph(knowledge: Knowledge, data: QuestionSet) -> Reading:
    """Its paragraph is given: does the answer stand in the best sentence, or in the best two?"""
    own, found = _by_document(knowledge), Reading()
    for question, reported in zip(data.questions, data.reported, strict=True):
        if not question.answerable:
            continue
        query = knowledge.query(question.text)
        hits = _hits(knowledge, query, own[question.documents[0]])
        sentences = [hit.passage.text[start:end] for hit in hits for start, end in spans_of(hit.passage)]
        for system, scores in _scores(knowledge, query, hits).items():
            best = [sentences[number] for number in np.argsort(-scores, kind="stable")[:2]]
            found.add(ONE, system, float(_says(best[:1], question.answers)))
            found.add(TWO, system, float(_says(best, question.answers)))
        found.reported.append(reported)
    return found


def found_and_read(knowledge: Knowledge, data: QuestionSet) -> Reading:
    """All paragraphs are searched: does the answer stand in at most two sentences of the paragraph that is read?

    Ours reads the first passages and takes the best sentence of all with the next best of its passage; the others read
    the first passage of their own ranking.
    """
    found, measure = Reading(), "two sentences of all paragraphs"
    for question, reported in zip(data.questions, data.reported, strict=True):
        if not question.answerable:
            continue
        query = knowledge.query(question.text)
        near, shared = knowledge.retriever.parts(query, 50)
        read = {
            "ours": knowledge.search(query, READ),
            "dense": _first(knowledge, near),
            "bm25": _first(knowledge, shared),
        }
        for system, hits in read.items():
            quoted: list[str] = []
            most = -np.inf
            for hit, scores in zip(hits, _each(knowledge, query, hits, system), strict=True):
                if float(scores.max()) > most:
                    most, spans = float(scores.max()), spans_of(hit.passage)
                    best = np.argsort(-scores, kind="stable")[:2]
                    quoted = [hit.passage.text[slice(*spans[number])] for number in best]
            found.add(measure, system, float(_says(quoted, question.answers)))
        found.reported.append(reported)
    return found


def answerable(knowledge: Knowledge, data: QuestionSet) -> Reading:
    """Its paragraph is given: how sure is each that it answers? Ours says its confidence."""
    own, found = _by_document(knowledge), Reading()
    for question, reported in zip(data.questions, data.reported, strict=True):
        passages = own[question.documents[0]]
        features, _ = given(knowledge, question, passages)
        query = knowledge.query(question.text)
        scores = _scores(knowledge, query, _hits(knowledge, query, passages))
        found.add("answerable", "ours", knowledge.reader.model.confidence(features))
        found.add("answerable", "dense", float(scores["dense"].max()))
        found.add("answerable", "bm25", float(scores["bm25"].max()))
        found.reported.append(reported)
    return found


@dataclass(frozen=True)
class Company:
    """A company's questions: shares of the answerable ones in [0, 1]; the confidence's figures over all of them, as the
    reader is shipped; and the processor's time of a question, everything included."""

    answerable: int
    questions: int
    right_document: float
    right_quote: float
    confidence_auroc: float
    answered_at_5pct_wrong: float
    citations_valid: float
    cpu_ms_p50: float
    cpu_ms_p95: float


def company(knowledge: Knowledge, data: QuestionSet) -> Company:
    """Ask every question once to warm up and once on the clock."""
    looks = []
    for timed in (False, True):
        looks = [_asked(knowledge, question, timed) for question in data.questions]
    asked = [look for look, question in zip(looks, data.questions, strict=True) if question.answerable]
    right, sure, times = [each[1] for each in looks], [each[2] for each in looks], [each[4] for each in looks]
    return Company(
        answerable=len(asked),
        questions=len(looks),
        right_document=float(np.mean([each[0] for each in asked])),
        right_quote=float(np.mean([each[1] for each in asked])),
        confidence_auroc=auroc(sure, right) or 0.0,
        answered_at_5pct_wrong=coverage_at(sure, [not each for each in right], 0.05),
        citations_valid=float(np.mean([each[3] for each in looks])),
        cpu_ms_p50=float(np.percentile(times, 50)),
        cpu_ms_p95=float(np.percentile(times, 95)),
    )


def _asked(knowledge: Knowledge, question: Question, timed: bool) -> tuple[bool, bool, float, bool, float]:
    """Whether the right document is quoted, whether the quote is right, how sure, whether the citations stand, ms."""
    began = time.process_time()
    query = knowledge.query(question.text)
    reading = knowledge.reader.find(query, knowledge.search(query), knowledge.sentences)
    took_ms = 1000 * (time.process_time() - began) if timed else 0.0
    if reading is None:
        return False, False, 0.0, True, took_ms
    answer = answer_of(reading, knowledge.document, knowledge.reader.model.confidence(reading.features))
    right = question.answerable and any(holds(answer.text, each) for each in question.answers)
    passage = reading.hit.passage
    place = passage.document in question.documents or (passage.kind == "faq" and right)
    stand = all(
        knowledge.document(each.document, each.version).text[each.start : each.end] == each.quote
        for each in answer.citations
    )
    return place, right, answer.confidence, stand, took_ms


def _by_document(knowledge: Knowledge) -> dict[str, list[Passage]]:
    own: dict[str, list[Passage]] = {}
    for passage in knowledge.retriever.passages:
        own.setdefault(passage.document, []).append(passage)
    return own


def _hits(knowledge: Knowledge, query: Query, passages: Sequence[Passage]) -> list[Hit]:
    """A paragraph's own passages as if they had been found, the nearest first."""
    vectors = knowledge.retriever.embedder.encode([indexed_text(passage) for passage in passages]) @ query.vector
    order = np.argsort(-vectors, kind="stable")
    return [Hit(passages[number], float(vectors[number]), float(vectors[number])) for number in order]


def _scores(knowledge: Knowledge, query: Query, hits: Sequence[Hit]) -> dict[str, Vectors]:
    return {system: np.concatenate(_each(knowledge, query, hits, system)) for system in SYSTEMS}


def _each(knowledge: Knowledge, query: Query, hits: Sequence[Hit], system: str) -> list[Vectors]:
    """For each passage the scores of its sentences."""
    values = signals(query, hits, knowledge.sentences.of([hit.passage for hit in hits]))
    if system == "ours":
        return [each @ WEIGHTS for each in values]
    column = SIGNALS.index("sentence" if system == "dense" else "sentence_share")
    return [each[:, column] for each in values]


def _first(knowledge: Knowledge, scores: dict[int, float]) -> list[Hit]:
    best = sorted(scores, key=lambda number: (-scores[number], number))[:1]
    return [Hit(knowledge.retriever.passages[number], scores[number]) for number in best]


def _says(texts: Sequence[str], answers: Sequence[str]) -> bool:
    said = plain(" ".join(texts))
    return any(plain(answer) in said for answer in answers if plain(answer))
