from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieval.confidence import FEATURES, ConfidenceModel
from retrieval.documents import Abstention, Answer, Document
from retrieval.embedder import OnnxEmbedder, Vectors, normalised
from retrieval.errors import BadSnapshot
from retrieval.knowledge import Knowledge, build, read_manifest
from retrieval.reader import Reader
from retrieval.words import content_words

WILLING = Reader(ConfidenceModel((0.0,) * len(FEATURES), 0.5))
"""Answers whatever it finds, with confidence 0.5."""


class WordEmbedder:
    """Bags of hashed words: a real embedder whose cosines can be foreseen. Counts what it embeds."""

    dimension = 256
    fingerprint = "words"

    def __init__(self) -> None:
        self.encoded = 0

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.encoded += len(texts)
        vectors = np.full((len(texts), self.dimension), 1e-3)
        for row, text in enumerate(texts):
            for word in content_words(text):
                vectors[row, sum(word.encode()) * len(word) % self.dimension] += 1.0
        return normalised(vectors)


@pytest.fixture
def words() -> WordEmbedder:
    return WordEmbedder()


@pytest.fixture
def knowledge(shop: list[Document], words: WordEmbedder, tmp_path: Path) -> Knowledge:
    build(shop, words, tmp_path / "one")
    return Knowledge.load(tmp_path / "one", words, reader=WILLING)


@pytest.mark.parametrize(
    ("question", "document", "quote"),
    [
        ("What does express delivery cost?", "delivery", "Express delivery costs £6.95."),
        ("how do I return a parcel", "returns", "1. Open your account.\n2. Choose the order.\n3. Show the QR code"),
        ("descale kettle", "kettle", "Descale the kettle every two months with citric acid."),
        ("How long is my gift card valid?", "faq", "A gift card is valid for 36 months."),
        ("reset password", "faq", "Choose “Forgotten password” on the sign-in page."),
    ],
)
def test_known_answers_are_found_and_quoted(knowledge: Knowledge, question: str, document: str, quote: str) -> None:
    answer = knowledge.answer(question)
    assert isinstance(answer, Answer)
    assert answer.citations[0].document == document
    assert quote in answer.text
    assert answer.verbatim == (document == "faq")
    for citation in answer.citations:
        stored = knowledge.document(citation.document, citation.version)
        assert stored.text[citation.start : citation.end] == citation.quote
        assert citation.quote in answer.text


def test_links_open_at_the_quote(knowledge: Knowledge) -> None:
    public, own = (knowledge.answer(question) for question in ("express delivery cost", "descale kettle"))
    assert isinstance(public, Answer)
    assert isinstance(own, Answer)
    assert public.citations[0].url.startswith("https://shop.example/help/delivery#:~:text=Express%20delivery")
    citation = own.citations[0]
    assert citation.url == f"/documents/kettle?version=1&start={citation.start}&end={citation.end}#quote"


def test_a_stale_version_is_never_quoted(knowledge: Knowledge) -> None:
    answer = knowledge.answer("descale kettle", is_current=lambda document, version: document != "kettle")
    assert not isinstance(answer, Answer) or all(citation.document != "kettle" for citation in answer.citations)
    nothing = knowledge.answer("descale kettle", is_current=lambda document, version: False)
    assert isinstance(nothing, Abstention)


def test_below_the_threshold_the_reader_abstains_and_says_why(shop: list[Document], tmp_path: Path) -> None:
    build(shop, WordEmbedder(), tmp_path)
    careful = Reader(ConfidenceModel((0.0,) * len(FEATURES), 0.51))
    abstention = Knowledge.load(tmp_path, WordEmbedder(), reader=careful).answer("express delivery")
    assert isinstance(abstention, Abstention)
    assert "0.50, below 0.51" in abstention.reason
    assert abstention.confidence == pytest.approx(0.5)
    assert abstention.hits


@pytest.mark.parametrize("question", ["", "   ", "\n"])
def test_an_empty_question_finds_nothing(knowledge: Knowledge, question: str) -> None:
    assert knowledge.search(question) == []
    assert isinstance(knowledge.answer(question), Abstention)


def test_a_short_question_is_read_with_what_was_said_before(knowledge: Knowledge) -> None:
    hits = knowledge.search("and standard?", history="What does express delivery cost?")
    assert hits[0].passage.document == "delivery"
    assert hits[0].passage.heading == ("Standard",)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(question=st.text(max_size=60))
def test_whatever_is_asked_every_citation_stands_in_its_document(knowledge: Knowledge, question: str) -> None:
    answer = knowledge.answer(question)
    if isinstance(answer, Answer):
        for citation in answer.citations:
            stored = knowledge.document(citation.document, citation.version)
            assert stored.text[citation.start : citation.end] == citation.quote != ""


def test_no_documents_make_a_knowledge_that_abstains(words: WordEmbedder, tmp_path: Path) -> None:
    assert build([], words, tmp_path).passages == 0
    assert isinstance(Knowledge.load(tmp_path, words).answer("anything"), Abstention)


def test_a_rebuild_embeds_only_what_changed(shop: list[Document], words: WordEmbedder, tmp_path: Path) -> None:
    first = build(shop, words, tmp_path / "one")
    assert first.embedded == first.vectors + first.sentences == words.encoded
    old = shop[2]
    changed = replace(old, version=2, text=old.text.replace("two months", "six weeks"))
    changed = replace(changed, blocks=tuple(replace(block, end=len(changed.text)) for block in changed.blocks))
    second = build([*shop[:2], changed, shop[3]], words, tmp_path / "two", reuse=tmp_path / "one")
    assert second.embedded == 2
    whole = build([*shop[:2], changed, shop[3]], words, tmp_path / "three")
    assert whole.index_sha256 == second.index_sha256


def test_without_stored_sentences_the_answers_are_the_same(
    shop: list[Document], words: WordEmbedder, knowledge: Knowledge, tmp_path: Path
) -> None:
    assert build(shop, words, tmp_path / "lean", sentence_limit=0).sentences == 0
    lean = Knowledge.load(tmp_path / "lean", words, reader=WILLING)
    for question in ("express delivery cost", "return a parcel", "gift card"):
        assert lean.answer(question) == knowledge.answer(question)


def test_progress_counts_to_the_end(shop: list[Document], words: WordEmbedder, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    build(shop, words, tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1] == words.encoded


def test_the_onnx_encoder_works_end_to_end(shop: list[Document], embedder: OnnxEmbedder, tmp_path: Path) -> None:
    build(shop, embedder, tmp_path)
    hits = Knowledge.load(tmp_path, embedder).search("descale the kettle with citric acid")
    assert hits[0].passage.document == "kettle"
    assert hits[0].bm25 is not None


@pytest.mark.parametrize(
    "name",
    ["knowledge.json", "documents.jsonl", "passages.jsonl", "owners.npy", "vectors.npy", "index.faiss", "keywords.npz"],
)
def test_a_missing_or_corrupt_file_is_a_bad_snapshot(
    knowledge: Knowledge, words: WordEmbedder, tmp_path: Path, name: str
) -> None:
    folder = shutil.copytree(tmp_path / "one", tmp_path / "copy")
    (folder / name).write_bytes(b"{broken")
    with pytest.raises(BadSnapshot):
        Knowledge.load(folder, words)
    (folder / name).unlink()
    with pytest.raises(BadSnapshot):
        Knowledge.load(folder, words)


def test_an_altered_text_is_a_bad_snapshot(knowledge: Knowledge, words: WordEmbedder, tmp_path: Path) -> None:
    path = tmp_path / "one" / "documents.jsonl"
    path.write_text(path.read_text("utf-8").replace("£6.95", "£0.95"), "utf-8")
    with pytest.raises(BadSnapshot, match="does not stand in its document"):
        Knowledge.load(tmp_path / "one", words)


def test_another_encoder_or_format_is_a_bad_snapshot(
    knowledge: Knowledge, embedder: OnnxEmbedder, words: WordEmbedder, tmp_path: Path
) -> None:
    with pytest.raises(BadSnapshot, match="was embedded with words"):
        Knowledge.load(tmp_path / "one", embedder)
    path = tmp_path / "one" / "knowledge.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99}))
    with pytest.raises(BadSnapshot, match="has format 99"):
        read_manifest(tmp_path / "one")
