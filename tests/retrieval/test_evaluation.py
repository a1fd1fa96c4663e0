from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from retrieval.confidence import FEATURES, ConfidenceModel
from retrieval.datasets import LabelledQuery, Question
from retrieval.documents import Document
from retrieval.embedder import OnnxEmbedder
from retrieval.evaluation import (
    AnswersReport,
    RetrievalReport,
    asked_answers,
    measure_answers,
    measure_retrieval,
    ranked_retrieval,
    ranking_metrics,
)
from retrieval.fusion import Fusion
from retrieval.knowledge import Knowledge, build
from retrieval.reader import Reader
from retrieval.tuning import fit_reader, tune_fusion

KEYWORDS = Fusion("score", 0.0)


def test_ranking_metrics_on_known_answers() -> None:
    metrics = ranking_metrics([["x", "a", "b"], ["c"]], [{"a": 1, "b": 1}, {"d": 1}])
    assert metrics["recall_at_1"] == 0.0
    assert metrics["recall_at_3"] == 0.5
    assert metrics["hit_at_3"] == 0.5
    assert metrics["mrr_at_10"] == pytest.approx(0.25)
    ideal, found = 1 + 1 / 1.5849625, 1 / 1.5849625 + 0.5
    assert metrics["ndcg_at_10"] == pytest.approx(found / ideal / 2)


RETRIEVAL_KEYS = """
    recall_at_1 recall_at_3 recall_at_5 recall_at_10 hit_at_1 hit_at_3 mrr_at_10 ndcg_at_10 index_s index_bytes
    query_ms_p50 query_ms_p95
"""
ANSWERS_KEYS = """
    answer_f1 exact_match citation_valid coverage wrong_rate answerable_auroc aurc coverage_at_5pct_wrong
    query_ms_p50 query_ms_p95
"""


def test_the_reports_have_the_keys_that_were_promised() -> None:
    assert [field.name for field in fields(RetrievalReport)] == RETRIEVAL_KEYS.split()
    assert [field.name for field in fields(AnswersReport)] == ANSWERS_KEYS.split()


def test_retrieval_is_measured(shop: list[Document], embedder: OnnxEmbedder) -> None:
    queries = [LabelledQuery("1", "express delivery"), LabelledQuery("2", "descale"), LabelledQuery("3", "unjudged")]
    qrels = {"1": {"delivery": 1}, "2": {"kettle": 1}}
    report = measure_retrieval(shop, queries, qrels, embedder, fusion=KEYWORDS)
    assert report.hit_at_1 == report.mrr_at_10 == report.recall_at_10 == 1.0
    assert report.index_bytes > 1000
    assert 0 < report.query_ms_p50 <= report.query_ms_p95
    with pytest.raises(ValueError, match="none of the 3 queries"):
        measure_retrieval(shop, queries, {"9": {"x": 1}}, embedder)


def test_answers_are_measured(shop: list[Document], embedder: OnnxEmbedder) -> None:
    questions = [
        Question("1", "descale the kettle with citric acid", True, ("every two months",)),
        Question("2", "gift card valid", True, ("A gift card is valid for 36 months.",)),
        Question("3", "who are you", False),
    ]
    willing, shy = (Reader(ConfidenceModel((0.0,) * len(FEATURES), threshold)) for threshold in (0.0, 1.0))
    report = measure_answers(shop, questions, embedder, fusion=KEYWORDS, reader=willing)
    assert report.citation_valid == 1.0
    assert report.coverage >= 2 / 3
    assert report.exact_match >= 1 / 3
    silent = measure_answers(shop, questions, embedder, reader=shy)
    assert (silent.coverage, silent.wrong_rate, silent.answer_f1) == (0.0, 0.0, pytest.approx(1 / 3))
    with pytest.raises(ValueError, match="no questions"):
        measure_answers(shop, [], embedder)


def test_what_was_found_and_what_became_of_a_question_is_kept(shop: list[Document], embedder: OnnxEmbedder) -> None:
    queries = [LabelledQuery("1", "express delivery"), LabelledQuery("2", "descale")]
    ranked = ranked_retrieval(shop, queries, {"1": {"delivery": 1}, "2": {"returns": 1}}, embedder, fusion=KEYWORDS)
    assert [each.found[0] for each in ranked.ranked] == ["delivery", "kettle"]
    assert ranked.titles["kettle"] == "Ember kettle"
    assert ranked.report.hit_at_1 == 0.5
    questions = [
        Question("1", "descale the kettle with citric acid", True, ("every two months",)),
        Question("2", " ", False),
    ]
    willing, shy = (Reader(ConfidenceModel((0.0,) * len(FEATURES), threshold)) for threshold in (0.0, 1.0))
    given = asked_answers(shop, questions, embedder, fusion=KEYWORDS, reader=willing)
    assert [each.reason for each in given.asked] == ["given", "nothing near"]
    assert given.threshold == 0.0
    held = asked_answers(shop, questions[:1], embedder, fusion=KEYWORDS, reader=shy)
    assert held.asked[0].reason in ("near but not answering", "nothing near")
    assert held.report.coverage == 0.0


@pytest.fixture
def knowledge(shop: list[Document], embedder: OnnxEmbedder, tmp_path: Path) -> Knowledge:
    build(shop, embedder, tmp_path)
    return Knowledge.load(tmp_path, embedder)


def test_fusion_is_tuned_only_with_enough_questions(knowledge: Knowledge) -> None:
    asked = [("express delivery", ["delivery"]), ("descale", ["kettle"]), ("gift card", ["faq"])]
    assert tune_fusion(knowledge.retriever, asked) == Fusion()
    tuned = tune_fusion(knowledge.retriever, asked * 20)
    assert tuned.method == "total"
    assert 0 <= tuned.dense <= 1


def test_the_reader_learns_which_answers_are_right(knowledge: Knowledge) -> None:
    good = [Question(f"{number}", f"descale kettle {number}", True, ("citric acid",)) for number in range(40)]
    bad = [Question(f"{number}", f"zebra {number} crossing", False) for number in range(40)]
    model = fit_reader(knowledge, [*good, *bad])
    reader = Knowledge(
        knowledge.documents(), knowledge.retriever, knowledge.sentences, Reader(model), knowledge.manifest
    )
    sure, unsure = (reader.best_answer(text) for text in ("descale kettle now", "zebra crossing"))
    assert sure is not None
    assert unsure is not None
    assert sure.confidence > model.threshold > unsure.confidence
