"""How good search and answers are, measured on a corpus: `evaluate_retrieval` and `evaluate_answers`."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from retrieval.datasets import (
    LabelledQuery,
    Qrels,
    Question,
    read_corpus,
    read_qrels,
    read_queries,
    read_questions,
)
from retrieval.documents import Answer, Document, Hit
from retrieval.embedder import Embedder
from retrieval.fusion import Fusion
from retrieval.judging import Judgement, aurc, auroc, coverage_at, judge
from retrieval.knowledge import Knowledge, Progress, build
from retrieval.reader import Reader

DEPTH = 100
"""Passages searched for a ranking of documents; a document ranks where its best passage does."""
WARM_UP = 5
"""Questions asked before the clock runs."""
NEAR = 0.3
"""Cosine below which what is nearest is not near: in the demo three of four questions about other things lie below it,
and hardly any that can be answered."""

Reason = Literal["given", "nothing near", "near but not answering", "documents disagree", "out of date"]
"""What became of a question: answered, or why not."""


@dataclass(frozen=True, slots=True)
class RetrievalReport:
    """Means over the queries that have judgements, in [0, 1]; times in seconds and milliseconds of wall time."""

    recall_at_1: float
    recall_at_3: float
    recall_at_5: float
    recall_at_10: float
    hit_at_1: float
    hit_at_3: float
    mrr_at_10: float
    ndcg_at_10: float
    index_s: float
    index_bytes: int
    query_ms_p50: float
    query_ms_p95: float


@dataclass(frozen=True, slots=True)
class AnswersReport:
    """Over all questions, in [0, 1].

    `answer_f1`, `exact_match`: SQuAD 2 scores, where abstaining is right (1) exactly on unanswerable questions.
    `coverage`: share that was answered; `wrong_rate`: share of wrong answers among those. `citation_valid`: share of
    citations that stand at their offsets in the stored version. `answerable_auroc` is None where all or no questions
    are answerable. `aurc` and `coverage_at_5pct_wrong` rank the best answers by confidence, held back or not.
    """

    answer_f1: float
    exact_match: float
    citation_valid: float
    coverage: float
    wrong_rate: float
    answerable_auroc: float | None
    aurc: float
    coverage_at_5pct_wrong: float
    query_ms_p50: float
    query_ms_p95: float


@dataclass(frozen=True, slots=True)
class Asked:
    """One question asked: its best answer (None if nothing was found), whether it was given, and wall time."""

    question: Question
    best: Answer | None
    given: bool
    judgement: Judgement
    citations_valid: tuple[bool, ...]
    took_ms: float
    reason: Reason = "given"


@dataclass(frozen=True, slots=True)
class Ranked:
    """One query: the documents that answer it, and those that were found, best first."""

    query: LabelledQuery
    wanted: Mapping[str, int]
    found: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MeasuredRetrieval:
    """The figures and the queries they are of, with the titles of the documents by id."""

    report: RetrievalReport
    ranked: tuple[Ranked, ...]
    titles: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class MeasuredAnswers:
    """The figures, the questions they are of, and the confidence from which an answer is given, in [0, 1]."""

    report: AnswersReport
    asked: tuple[Asked, ...]
    threshold: float


def evaluate_retrieval(
    corpus: Path,
    queries: Path,
    qrels: Path,
    embedder: Embedder,
    *,
    fusion: Fusion | None = None,
    progress: Progress | None = None,
) -> MeasuredRetrieval:
    """Measure the search on files (`retrieval.datasets` says which formats); `UnreadableSource` for a bad one."""
    return ranked_retrieval(
        read_corpus(corpus), read_queries(queries), read_qrels(qrels), embedder, fusion=fusion, progress=progress
    )


def measure_retrieval(
    corpus: Sequence[Document],
    queries: Sequence[LabelledQuery],
    qrels: Qrels,
    embedder: Embedder,
    *,
    fusion: Fusion | None = None,
    progress: Progress | None = None,
) -> RetrievalReport:
    """The figures of `ranked_retrieval` alone."""
    return ranked_retrieval(corpus, queries, qrels, embedder, fusion=fusion, progress=progress).report


def ranked_retrieval(
    corpus: Sequence[Document],
    queries: Sequence[LabelledQuery],
    qrels: Qrels,
    embedder: Embedder,
    *,
    fusion: Fusion | None = None,
    progress: Progress | None = None,
) -> MeasuredRetrieval:
    """Index the corpus in a temporary folder and rank its documents for every judged query, one after the other."""
    judged = [query for query in queries if qrels.get(query.id)]
    if not judged:
        raise ValueError(f"none of the {len(queries)} queries has a judgement among the {len(qrels)} judged ids")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        began = time.perf_counter()
        build(corpus, embedder, folder, sentence_limit=0, progress=progress)
        knowledge = Knowledge.load(folder, embedder, fusion=fusion)
        index_s = time.perf_counter() - began
        index_bytes = sum(file.stat().st_size for file in folder.iterdir())
        for query in judged[:WARM_UP]:
            knowledge.search(query.text, DEPTH)
        rankings, times = [], []
        for query in judged:
            began = time.perf_counter()
            hits = knowledge.search(query.text, DEPTH)
            times.append(1000 * (time.perf_counter() - began))
            rankings.append(ranked_documents(hits))
    metrics = ranking_metrics(rankings, [qrels[query.id] for query in judged])
    p50, p95 = np.percentile(times, [50, 95])
    report = RetrievalReport(
        **metrics, index_s=index_s, index_bytes=index_bytes, query_ms_p50=float(p50), query_ms_p95=float(p95)
    )
    ranked = [Ranked(query, qrels[query.id], tuple(found)) for query, found in zip(judged, rankings, strict=True)]
    return MeasuredRetrieval(report, tuple(ranked), {document.id: document.title for document in corpus})


def ranked_documents(hits: Sequence[Hit]) -> list[str]:
    """Ids of the documents of hits, each where its best passage stands."""
    return list(dict.fromkeys(hit.passage.document for hit in hits))


def ranking_metrics(rankings: Sequence[Sequence[str]], relevant: Sequence[Mapping[str, int]]) -> dict[str, float]:
    """Recall, hit, MRR and nDCG (linear gain, log2 discount) of rankings against relevance by document id."""
    rows = [_one_ranking(ranking, wanted) for ranking, wanted in zip(rankings, relevant, strict=True)]
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def _one_ranking(ranking: Sequence[str], wanted: Mapping[str, int]) -> dict[str, float]:
    gains = [wanted.get(id, 0) for id in ranking[:10]]
    first = next((place for place, gain in enumerate(gains, start=1) if gain), None)
    ideal = sorted(wanted.values(), reverse=True)[:10]
    metrics = {f"recall_at_{k}": sum(gain > 0 for gain in gains[:k]) / len(wanted) for k in (1, 3, 5, 10)}
    metrics |= {f"hit_at_{k}": float(any(gains[:k])) for k in (1, 3)}
    metrics["mrr_at_10"] = 1 / first if first else 0.0
    metrics["ndcg_at_10"] = _discounted(gains) / _discounted(ideal)
    return metrics


def _discounted(gains: Sequence[int]) -> float:
    return float(sum(gain / np.log2(place + 1) for place, gain in enumerate(gains, start=1)))


def evaluate_answers(
    corpus: Path,
    questions: Path,
    embedder: Embedder,
    *,
    fusion: Fusion | None = None,
    reader: Reader | None = None,
    progress: Progress | None = None,
) -> MeasuredAnswers:
    """Measure the answers on files (`retrieval.datasets` says which formats); `UnreadableSource` for a bad one."""
    return asked_answers(
        read_corpus(corpus), read_questions(questions), embedder, fusion=fusion, reader=reader, progress=progress
    )


def measure_answers(
    corpus: Sequence[Document],
    questions: Sequence[Question],
    embedder: Embedder,
    *,
    fusion: Fusion | None = None,
    reader: Reader | None = None,
    progress: Progress | None = None,
) -> AnswersReport:
    """The figures of `asked_answers` alone."""
    return asked_answers(corpus, questions, embedder, fusion=fusion, reader=reader, progress=progress).report


def asked_answers(
    corpus: Sequence[Document],
    questions: Sequence[Question],
    embedder: Embedder,
    *,
    fusion: Fusion | None = None,
    reader: Reader | None = None,
    progress: Progress | None = None,
) -> MeasuredAnswers:
    """Index the corpus in a temporary folder and ask every question, one after the other."""
    if not questions:
        raise ValueError("there are no questions to ask")
    with tempfile.TemporaryDirectory() as scratch:
        build(corpus, embedder, Path(scratch), progress=progress)
        knowledge = Knowledge.load(Path(scratch), embedder, fusion=fusion, reader=reader)
        for question in questions[:WARM_UP]:
            knowledge.answer(question.text)
        asked = tuple(ask(knowledge, question) for question in questions)
        return MeasuredAnswers(answers_report(asked), asked, knowledge.reader.model.threshold)


def ask(knowledge: Knowledge, question: Question) -> Asked:
    """Ask one question, and judge the best answer whether it was given or held back."""
    began = time.perf_counter()
    best = knowledge.best_answer(question.text)
    took_ms = 1000 * (time.perf_counter() - began)
    if best is None:
        return Asked(question, None, False, Judgement(False, 0.0, False), (), took_ms, "nothing near")
    valid = tuple(
        knowledge.document(citation.document, citation.version).text[citation.start : citation.end] == citation.quote
        for citation in best.citations
    )
    reason = _reason(knowledge, question.text)
    return Asked(question, best, reason == "given", judge(question, best), valid, took_ms, reason)


def _reason(knowledge: Knowledge, text: str) -> Reason:
    """What becomes of a question for which something was found."""
    query = knowledge.query(text)
    hits = knowledge.search(query)
    answer = knowledge.answer(query, hits)
    if isinstance(answer, Answer):
        return "given"
    if answer.cause:
        return "documents disagree" if answer.cause == "disagreement" else "out of date"
    nearest = max((hit.cosine for hit in hits if hit.cosine is not None), default=0.0)
    return "near but not answering" if nearest >= NEAR else "nothing near"


def answers_report(asked: Sequence[Asked]) -> AnswersReport:
    """The measures over questions that were asked."""
    confidences = [one.best.confidence if one.best else 0.0 for one in asked]
    wrong = [not one.judgement.right for one in asked]
    given = [one for one in asked if one.given]
    citations = [valid for one in asked for valid in one.citations_valid]
    p50, p95 = np.percentile([one.took_ms for one in asked], [50, 95])
    return AnswersReport(
        answer_f1=float(np.mean([one.judgement.f1 if one.given else not one.question.answerable for one in asked])),
        exact_match=float(
            np.mean([one.judgement.exact if one.given else not one.question.answerable for one in asked])
        ),
        citation_valid=float(np.mean(citations)) if citations else 1.0,
        coverage=len(given) / len(asked),
        wrong_rate=sum(not one.judgement.right for one in given) / len(given) if given else 0.0,
        answerable_auroc=auroc(confidences, [one.question.answerable for one in asked]),
        aurc=aurc(confidences, wrong),
        coverage_at_5pct_wrong=coverage_at(confidences, wrong, 0.05),
        query_ms_p50=float(p50),
        query_ms_p95=float(p95),
    )
