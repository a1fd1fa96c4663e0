"""A snapshot with changes laid over it answers as one that was built from the changed documents."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from retrieval.documents import Answer, Document
from retrieval.index import FaissIndex
from retrieval.keywords import KeywordIndex
from retrieval.knowledge import Knowledge, build
from retrieval.retriever import indexed_text
from retrieval.segments import LayeredIndex, LayeredKeywords, Layers, Segment
from retrieval.words import content_words
from tests.retrieval.test_knowledge import WILLING, WordEmbedder, words

__all__ = ["words"]


@pytest.fixture
def base(shop: list[Document], words: WordEmbedder, tmp_path: Path) -> Knowledge:
    build(shop, words, tmp_path / "base")
    return Knowledge.load(tmp_path / "base", words, reader=WILLING)


def laid(base: Knowledge, current: dict[str, int], *documents: Document) -> Knowledge:
    """The snapshot with these documents over it, `current` being in use."""
    layers = Layers(base)
    assert set(layers.missing(current)) == {document.id for document in documents}
    segments = [Segment.of(each, base.retriever.embedder, layers.vectors(each.id)) for each in documents]
    return layers.over(layers.superseded(current), Segment.joined(segments, base.manifest.dimension))


def versions(base: Knowledge, **changed: int) -> dict[str, int]:
    return {**base.versions, **changed}


def changed(document: Document, old: str, new: str) -> Document:
    assert len(old) == len(new)
    return replace(document, text=document.text.replace(old, new), version=document.version + 1)


def quote(knowledge: Knowledge, question: str) -> str:
    answer = knowledge.answer(question)
    return answer.text if isinstance(answer, Answer) else ""


def test_nothing_changed_is_the_snapshot_itself(base: Knowledge) -> None:
    assert laid(base, dict(base.versions)) is base


def test_a_changed_document_is_quoted_anew_and_never_as_it_was(base: Knowledge) -> None:
    new = changed(base.document("delivery", 1), "£6.95", "£7.50")
    layered = laid(base, versions(base, delivery=2), new)
    question = "What does express delivery cost?"
    assert "£7.50" in quote(layered, question)
    hits = layered.search(question, 50)
    assert {hit.passage.version for hit in hits if hit.passage.document == "delivery"} == {2}
    assert layered.document("delivery", 2) is new
    assert "£6.95" in quote(base, question)


def test_a_deleted_document_takes_no_place_among_the_found(base: Knowledge) -> None:
    layered = laid(base, versions(base, delivery=0))
    assert all(hit.passage.document != "delivery" for hit in layered.search("express delivery cost", 50))
    assert {each.id for each in layered.documents()} == {"returns", "kettle", "faq"}


def test_an_added_document_is_found_by_words_the_snapshot_does_not_know(base: Knowledge, shop: list[Document]) -> None:
    new = replace(shop[0], id="zebra", title="Zebra lamps", text=shop[0].text.replace("Express", "Zebralz"))
    layered = laid(base, versions(base, zebra=1), new)
    assert layered.search("zebralz", 1)[0].passage.document == "zebra"
    assert layered.query("zebralz").weights["zebralz"] < base.query("zebralz").weights["zebralz"]


def test_only_what_changed_is_embedded(base: Knowledge, words: WordEmbedder) -> None:
    before = words.encoded
    laid(base, versions(base, delivery=2), changed(base.document("delivery", 1), "£6.95", "£7.50"))
    assert words.encoded == before + 1


@pytest.mark.parametrize("question", ["express delivery cost", "return a parcel", "gift card", "kettle"])
def test_it_finds_what_a_snapshot_of_the_same_documents_finds(
    base: Knowledge, shop: list[Document], words: WordEmbedder, tmp_path: Path, question: str
) -> None:
    new = changed(shop[0], "£6.95", "£7.50")
    build([new, shop[1], shop[3]], words, tmp_path / "anew")
    anew = Knowledge.load(tmp_path / "anew", words, reader=WILLING)
    layered = laid(base, versions(base, delivery=2, kettle=0), new)
    assert quote(layered, question) == quote(anew, question)


def test_who_may_not_see_an_added_document_does_not_find_it(base: Knowledge, shop: list[Document]) -> None:
    secret = replace(shop[2], id="secret", audience="agents")
    layered = laid(base, versions(base, secret=1), secret)
    found = {
        viewer: {hit.passage.document for hit in layered.search(layered.query("kettle citric acid", "", viewer), 50)}
        for viewer in ("public", "agents")
    }
    assert "secret" not in found["public"]
    assert {"secret", "kettle"} <= found["agents"]
    assert layered.restricted


def test_a_layered_index_is_one_over_all_rows(words: WordEmbedder) -> None:
    vectors = words.encode([f"kettle number {number} of the row {number * 7}" for number in range(40)])
    whole, parts = FaissIndex.build(vectors), (FaissIndex.build(vectors[:30]), FaissIndex.build(vectors[30:]))
    layered = LayeredIndex(parts[0], None, parts[1])
    assert len(layered) == 40
    np.testing.assert_allclose(layered.search(vectors[:5], 9)[0], whole.search(vectors[:5], 9)[0], atol=1e-6)
    among = np.arange(40) % 3 == 0
    alive = np.arange(30) != 3
    rows = LayeredIndex(parts[0], alive, parts[1]).search(vectors[:5], 12, among)[1]
    assert {int(row) for each in rows for row in each} == set(range(0, 40, 3)) - {3}
    np.testing.assert_array_equal(layered.vectors(np.array([35, 2, 39])), vectors[[35, 2, 39]])


def test_layered_keywords_score_as_one_index_does_where_lengths_are_alike() -> None:
    texts = ["kettle lid red", "kettle box blue", "cable lid green", "zebra lid white"]
    whole = KeywordIndex.build(texts)
    added = [dict.fromkeys(content_words(text), 1) for text in texts[2:]]
    layered = LayeredKeywords(KeywordIndex.build(texts[:2]), None, added)
    assert len(layered) == 4
    np.testing.assert_allclose(layered.scores("zebra cable")[2:], whole.scores("zebra cable")[2:], rtol=1e-5)
    assert layered.weights("zebra") == pytest.approx(whole.weights("zebra"))
    masked = LayeredKeywords(KeywordIndex.build(texts[:2]), np.array([False, True]), added)
    assert sorted(masked.search("kettle lid", 10)[1].tolist()) == [1, 2, 3]


def test_an_empty_snapshot_takes_changes_too(shop: list[Document], words: WordEmbedder, tmp_path: Path) -> None:
    build([], words, tmp_path / "none")
    base = Knowledge.load(tmp_path / "none", words, reader=WILLING)
    assert "£6.95" in quote(laid(base, {"delivery": 1}, shop[0]), "express delivery cost")
    assert indexed_text(laid(base, {"delivery": 1}, shop[0]).retriever.passages[0]).startswith("Delivery prices")
