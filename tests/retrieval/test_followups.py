from __future__ import annotations

import json

import pytest

from retrieval.embedder import OnnxEmbedder
from retrieval.followups import GOES_ON, IS_SHORT, history_of, leaning
from retrieval.keywords import KeywordIndex
from retrieval.retriever import Retriever
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("question", "lean"),
    [
        ("and for sale items?", GOES_ON),
        ("how long does that take", GOES_ON),
        ("What about Scotland?", GOES_ON),
        ("is it ever free?", GOES_ON),
        ("can I swap them if wrong", GOES_ON),
        ("how many", IS_SHORT),
        ("showroom hours?", IS_SHORT),
        ("can you deliver a sofa to the third floor", 0.0),
        ("and another thing I have wanted to ask you about since last week is the oven", 0.0),
        ("is there a discount for students who live abroad", 0.0),
    ],
)
def test_how_far_a_question_leans(question: str, lean: float) -> None:
    assert leaning(question) == lean


def test_a_chain_of_follow_ups_is_traced_back_to_the_question_that_began() -> None:
    began = "How much is a furniture delivery?"
    assert history_of([]) == ""
    assert history_of(["Do you sell oak tables?", began]) == began
    assert history_of(["Do you sell oak tables?", began, "and to the islands?"]) == f"{began}\nand to the islands?"


def test_only_a_leaning_question_is_read_with_its_history(embedder: OnnxEmbedder) -> None:
    retriever = Retriever([], [], None, KeywordIndex.build(["kettle lid"]), embedder)  # type: ignore[arg-type]
    alone = retriever.query("how do I descale an Ember kettle")
    assert retriever.query("how do I descale an Ember kettle", "express delivery").keywords == alone.keywords
    leant = retriever.query("and its lid?", "descale the kettle")
    assert "descale the kettle" in leant.keywords
    assert leant.weights["kettl"] < retriever.query("kettle").weights["kettl"]


def test_the_rows_are_sound() -> None:
    rows = [json.loads(line) for line in (ROOT / "data" / "eval" / "followups.jsonl").read_text("utf-8").splitlines()]
    documents = {path.stem for path in (ROOT / "data" / "docs").iterdir()}
    assert len({row["id"] for row in rows}) == len(rows) >= 60
    assert [sum(row["split"] == split for row in rows) for split in ("validation", "test")] == [24, 40]
    assert sum(not row["follows"] for row in rows) >= 12
    for row in rows:
        assert set(row["documents"]) <= documents, row["id"]
        assert row["documents"] or row["quote"], row["id"]
        assert row["before"], row["id"]
