from __future__ import annotations

import numpy as np
import pytest

from retrieval.confidence import FEATURES
from retrieval.documents import Document, Hit
from retrieval.embedder import OnnxEmbedder
from retrieval.keywords import KeywordIndex
from retrieval.mismatch import MISMATCHES
from retrieval.passages import cut
from retrieval.reading import SIGNALS, WEIGHTS, find, signals
from retrieval.retriever import Query, indexed_text
from retrieval.sentence_vectors import SentenceVectors
from retrieval.sources.building import DocumentBuilder


@pytest.fixture
def opening() -> Document:
    builder = DocumentBuilder()
    builder.heading(1, "Showroom")
    builder.paragraph(
        "The showroom opened with a party. It was opened in 1998 by the founders. Come in. Bring a friend."
    )
    return builder.document("showroom")


def asked(text: str, documents: list[Document], embedder: OnnxEmbedder) -> tuple[Query, list[Hit]]:
    passages = [passage for document in documents for passage in cut(document)]
    words = KeywordIndex.build([indexed_text(passage) for passage in passages])
    query = Query(text, embedder.encode([text])[0], text, words.weights(text))
    vectors = embedder.encode([indexed_text(passage) for passage in passages])
    return query, [
        Hit(passage, 0.0, float(vector @ query.vector)) for passage, vector in zip(passages, vectors, strict=True)
    ]


def test_every_sentence_has_its_signals(opening: Document, embedder: OnnxEmbedder) -> None:
    query, hits = asked("When was the showroom opened?", [opening], embedder)
    sentences = SentenceVectors(embedder).of([hit.passage for hit in hits])
    (values,) = signals(query, hits, sentences)
    assert values.shape == (4, len(SIGNALS))
    column = dict(zip(SIGNALS, values.T, strict=True))
    assert column["sentence"] == pytest.approx(sentences[0] @ query.vector)
    assert column["rank"].tolist() == [1.0] * 4
    assert column["asked_kind"].tolist() == [0.0, 1.0, 0.0, 0.0]
    assert column["short"].tolist() == [0.0, 0.0, 1.0, 1.0]
    assert column["sentence_share"][0] > column["sentence_share"][2] == 0.0
    assert column["near_share"][2] == pytest.approx(column["sentence_share"][1])


def test_the_sentence_that_holds_what_is_asked_for_is_quoted(opening: Document, embedder: OnnxEmbedder) -> None:
    query, hits = asked("When was the showroom opened?", [opening], embedder)
    reading = find(query, hits, SentenceVectors(embedder))
    assert reading is not None
    assert "1998" in " ".join(reading.hit.passage.text[start:end] for start, end in reading.spans)
    told = dict(zip(FEATURES, reading.features, strict=True))
    assert told["asked_kind"] == 1.0
    assert told["sentences"] == pytest.approx(np.log(4))
    assert told["question_words"] == pytest.approx(5 / 20)


def test_a_question_about_somebody_else_is_told_by_the_features(opening: Document, embedder: OnnxEmbedder) -> None:
    features = []
    for text in ("When was the showroom opened?", "When was the Glasgow showroom not opened?"):
        query, hits = asked(text, [opening], embedder)
        reading = find(query, hits, SentenceVectors(embedder))
        assert reading is not None
        features.append(dict(zip(FEATURES, reading.features, strict=True)))
    assert {name for name in MISMATCHES if features[1][name] > features[0][name]} == {
        "names",
        "names_missing",
        "negated",
    }


def test_the_first_weight_is_the_measure_of_the_others() -> None:
    assert WEIGHTS.shape == (len(SIGNALS),)
    assert WEIGHTS[0] == 1.0
