from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from retrieval.audiences import AUDIENCES, audience_of, may_see, narrower
from retrieval.documents import Document
from retrieval.embedder import OnnxEmbedder, normalised
from retrieval.index import FaissIndex
from retrieval.keywords import KeywordIndex
from retrieval.knowledge import Knowledge, build
from retrieval.sources.building import DocumentBuilder


def test_who_may_see_what() -> None:
    seen = {viewer: [audience for audience in AUDIENCES if may_see(viewer, audience)] for viewer in AUDIENCES}
    assert seen == {
        "public": ["public"],
        "customers": ["public", "customers"],
        "agents": ["public", "customers", "agents"],
    }
    assert narrower("customers", "public") == "customers"


def test_a_misspelt_audience_is_refused() -> None:
    assert [audience_of(stated) for stated in (None, "", " Agents ", "CUSTOMERS")] == [
        "public",
        "public",
        "agents",
        "customers",
    ]
    with pytest.raises(ValueError, match="'agent'; it is one of public, customers, agents"):
        audience_of("agent")


@pytest.mark.parametrize("flat_limit", [1_000, 10])
def test_the_filter_holds_before_the_search_and_empties_no_place(flat_limit: int) -> None:
    vectors = normalised(np.random.default_rng(5).normal(size=(200, 16)))
    among = np.zeros(200, dtype=np.bool_)
    among[::7] = True
    index = FaissIndex.build(vectors, flat_limit=flat_limit)
    _, rows = index.search(vectors[:5], 8, among)
    assert rows.shape == (5, 8)
    assert among[rows].all()
    assert index.search(vectors[:1], 50, np.zeros(200, dtype=np.bool_))[1].shape == (1, 0)


def test_keywords_are_searched_among_what_may_be_seen() -> None:
    index = KeywordIndex.build(["kettle lid", "kettle box", "kettle cable"])
    scores, rows = index.search("kettle lid", 2, np.array([False, True, True]))
    assert sorted(rows.tolist()) == [1, 2]
    assert (scores > 0).all()


@pytest.fixture
def knowledge(shop: list[Document], embedder: OnnxEmbedder, tmp_path: Path) -> Knowledge:
    """The shop with many internal pages that are nearer to any question on express delivery than its own."""
    internal = []
    for number in range(30):
        builder = DocumentBuilder()
        builder.heading(1, "Express delivery costs")
        builder.paragraph(f"Express delivery costs us £{number}.11, a figure named SABLE that is not told to anybody.")
        internal.append(replace(builder.document(f"internal-{number}"), audience="agents"))
    build([*internal, *shop], embedder, tmp_path / "knowledge")
    return Knowledge.load(tmp_path / "knowledge", embedder)


def test_a_snapshot_keeps_who_its_documents_are_for(knowledge: Knowledge) -> None:
    assert {document.audience for document in knowledge.documents()} == {"public", "agents"}
    assert knowledge.restricted


def test_hidden_passages_take_no_place_of_what_is_found(knowledge: Knowledge) -> None:
    question = "What does express delivery cost? SABLE"
    for audience in ("public", "customers"):
        hits = knowledge.search(knowledge.query(question, "", audience), 6)
        assert len(hits) == 6
        assert not any(hit.passage.document.startswith("internal") for hit in hits)
        assert "SABLE" not in getattr(knowledge.answer(knowledge.query(question, "", audience)), "text", "")
    seen = knowledge.search(knowledge.query(question, "", "agents"), 6)
    assert all(hit.passage.document.startswith("internal") for hit in seen)
