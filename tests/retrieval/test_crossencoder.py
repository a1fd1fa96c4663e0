from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from retrieval.confidence import FEATURES
from retrieval.crossencoder import MANIFEST, UNREAD, CrossEncoder, Pair, Pairing, sentence_scores
from retrieval.datasets import Question
from retrieval.documents import Document
from retrieval.embedder import OnnxEmbedder
from retrieval.errors import BadModel
from retrieval.evaluation import measure_answers
from retrieval.knowledge import Knowledge, build
from retrieval.reader import DEFAULT_MODEL, Reader
from retrieval.reading import WINDOW_WORDS
from retrieval.sentences import sentences
from retrieval.training.examples import (
    Example,
    company_examples,
    hurried_typing,
    read_articles,
    says,
    split_titles,
    squad,
    squad_examples,
    texts_of,
)
from retrieval.training.reader import Recipe, export, fresh_model, padded, train, windowed

TEXT = "Express delivery costs £6.95. It comes the next working day. Standard delivery takes 2 days."
PAIR = Pair("How much is express?", "Delivery › Prices", TEXT, tuple(sentences(TEXT)))
WORDS = ("apple", "bean", "corn", "date", "egg", "pear", "grape", "honey")
TINY = Recipe(layers=2, epochs=8, rate=2e-3, head_rate=1e-2, tokens=400, max_tokens=96)


@pytest.fixture(scope="module")
def base(tiny_bert: tuple[Any, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    model, tokenizer = tiny_bert
    model.save_pretrained(folder)
    tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture(scope="module")
def tokenizer(base: Path) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


@pytest.fixture(scope="module")
def trained(base: Path, tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reader that never learned anything, exported in full precision."""
    folder = tmp_path_factory.mktemp("reader")
    torch.manual_seed(3)
    facts = {"max_tokens": 96, "confidence": DEFAULT_MODEL.to_json()}
    export(fresh_model(base, TINY), tokenizer, folder, facts, quantise=False)
    return folder


def test_every_sentence_gets_the_tokens_that_begin_in_it(tokenizer: Tokenizer) -> None:
    (encoded,) = Pairing(tokenizer, 200).encode([PAIR])
    for (start, end), (first, last) in zip(PAIR.spans, encoded.ranges, strict=True):
        assert encoded.offsets[first][0] == start
        assert encoded.offsets[last - 1][1] == end
    assert encoded.segments == sorted(encoded.segments)
    assert len(encoded.ids) == len(encoded.segments) == len(encoded.offsets)


def test_what_is_cut_off_has_no_tokens_and_cannot_be_chosen(tokenizer: Tokenizer) -> None:
    (encoded,) = Pairing(tokenizer, 36).encode([PAIR])
    assert len(encoded.ids) == 36
    first, last = encoded.ranges[-1]
    assert first == last
    scores = sentence_scores(np.ones(36), encoded.ranges)
    assert scores[-1] == UNREAD
    assert scores[0] == pytest.approx(1.0)


def test_a_tokenizer_of_another_kind_is_refused(tokenizer: Tokenizer) -> None:
    from tokenizers import models

    with pytest.raises(BadModel, match=r"\[CLS\]"):
        Pairing(Tokenizer(models.WordLevel({"a": 0}, unk_token="a")), 48)


def test_the_export_gives_what_torch_gives(base: Path, tokenizer: Tokenizer, tmp_path: Path) -> None:
    model = fresh_model(base, TINY)
    export(model, tokenizer, tmp_path, {"max_tokens": 96}, quantise=False)
    encoded = Pairing(tokenizer, 96).encode([PAIR])
    with torch.no_grad():
        relevance, tokens = model(*padded(encoded))
    (judged,) = CrossEncoder.load(tmp_path).judge([PAIR])
    assert judged.relevance == pytest.approx(float(relevance[0]), abs=1e-4)
    assert judged.none == pytest.approx(float(tokens[0, 0, 0]), abs=1e-4)
    expected = sentence_scores(tokens[0, :, 0].numpy(), encoded[0].ranges)
    assert judged.sentences == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_an_altered_file_is_not_loaded(trained: Path, tmp_path: Path, name: str) -> None:
    for file in trained.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes() + b" ")
    with pytest.raises(BadModel, match="SHA-256"):
        Reader.load(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(BadModel, match="cannot be read"):
        Reader.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [({"format": 99}, "format 99"), ({"max_tokens": None}, "describe"), ({"confidence": {}}, "fit it again")],
)
def test_a_manifest_that_says_something_else_is_refused(trained: Path, tmp_path: Path, change: Any, said: str) -> None:
    for file in trained.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    stated = json.loads((tmp_path / MANIFEST).read_text())
    (tmp_path / MANIFEST).write_text(json.dumps(stated | change))
    with pytest.raises(BadModel, match=said):
        Reader.load(tmp_path)


def test_without_an_artefact_the_reader_compares_likeness(tmp_path: Path) -> None:
    reader = Reader.load(tmp_path / "nowhere")
    assert reader.crossencoder is None
    assert reader.model == DEFAULT_MODEL


def test_quotes_stand_in_their_documents_with_the_reader_too(
    shop: list[Document], embedder: OnnxEmbedder, trained: Path, tmp_path: Path
) -> None:
    reader = Reader.load(trained)
    questions = [Question("1", "express delivery", True, ("£6.95",)), Question("2", "gift card valid", True, ("36",))]
    assert measure_answers(shop, questions, embedder, reader=reader).citation_valid == 1.0
    build(shop, embedder, tmp_path)
    knowledge = Knowledge.load(tmp_path, embedder, reader=reader)
    query = knowledge.query("descale the kettle")
    reading = reader.find(query, knowledge.search(query), knowledge.sentences)
    assert reading is not None
    signals = dict(zip(FEATURES, reading.features, strict=True))
    assert signals["read"] == 1.0
    assert all(-1.0 <= signals[name] <= 1.0 for name in ("relevance", "evidence", "relevance_margin"))


def test_training_lowers_the_loss(base: Path, tokenizer: Tokenizer) -> None:
    things = ["kettle", "gift card", "parcel", "password", "courier", "showroom"]
    examples = []
    for asked in things:
        for other in things:
            text = f"The {other} is in the box. You can not return it."
            pair = Pair(f"where is the {asked}", "Help", text, tuple(sentences(text)))
            span = (4, 4 + len(other)) if asked == other else None
            examples += [Example(pair, asked == other, (0,) if asked == other else (), span)] * (5 if span else 1)
    losses: list[float] = []
    train(
        fresh_model(base, TINY),
        examples,
        Pairing(tokenizer, TINY.max_tokens),
        TINY,
        seed=1,
        on_step=lambda step, steps, loss: losses.append(loss),
    )
    assert np.mean(losses[-10:]) < 0.8 * np.mean(losses[:10])


def article(title: str, paragraphs: Sequence[tuple[str, list[dict[str, Any]]]]) -> dict[str, Any]:
    return {"title": title, "paragraphs": [{"context": text, "qas": asked} for text, asked in paragraphs]}


@pytest.fixture
def squad_file(tmp_path: Path) -> Path:
    kettle = "The kettle was made in Bristol.  It holds two litres of water. Its lid is of steel."
    asked = [
        {
            "question": "Where was it made?",
            "answers": [{"text": "Bristol", "answer_start": 23}],
            "is_impossible": False,
        },
        {
            "question": "How many cups does it hold?",
            "answers": [],
            "is_impossible": True,
            "plausible_answers": [{"text": "two litres", "answer_start": 42}],
        },
    ]
    secret = [{"question": "Who knows?", "answers": [{"text": "Nobody", "answer_start": 0}], "is_impossible": False}]
    articles = [article("Kettle", [(kettle, asked)]), article("Secret", [("Nobody knows of this.", secret)])]
    path = tmp_path / "squad.json"
    path.write_text(json.dumps({"data": articles}))
    return path


def test_squad_becomes_examples_and_what_is_left_out_is_left_out(squad_file: Path, embedder: OnnxEmbedder) -> None:
    articles = read_articles(squad_file)
    without = texts_of({"Secret": articles["Secret"]})
    data = squad(articles, articles, without)
    assert [each.title for each in data.documents] == ["Kettle"]
    answered, not_answered = squad_examples(data, embedder, seed=1, negatives=0.0)
    assert answered.answers
    assert answered.answer is not None
    assert answered.pair.text[slice(*answered.answer)] == "Bristol"
    assert answered.sentences == (0,)
    assert not not_answered.answers


def test_titles_are_split_by_their_hashes_alone() -> None:
    titles = [f"Title {number}" for number in range(9)]
    parts = split_titles(titles, (4, 2), 13)
    assert [len(part) for part in parts] == [4, 2, 3]
    assert split_titles(reversed(titles), (4, 2), 13) == parts
    assert split_titles(titles, (4, 2), 14) != parts


def test_a_company_teaches_by_its_headings_and_pairs(shop: list[Document], embedder: OnnxEmbedder) -> None:
    examples = company_examples(shop, embedder, seed=2)
    asked = {each.pair.question for each in examples if each.answers}
    assert {"How long is a gift card valid?", "How do I reset my password?"} <= asked
    assert any("Express" in question for question in asked)
    for each in examples:
        if each.answers and "gift card" in each.pair.question:
            assert "36 months" in each.pair.text
    assert any(not each.answers for each in examples)


def test_a_window_keeps_a_sentence_that_answers_and_the_answer() -> None:
    text = " ".join(f"Sentence {number} is about a {word}." for number, word in enumerate(WORDS))
    spans = tuple(sentences(text))
    start = text.index("pear")
    example = Example(Pair("what is a pear", "", text, spans), True, (5,), (start, start + 4))
    for seed in range(20):
        shown = windowed(example, 15, random.Random(seed))
        assert len(shown.pair.text.split()) <= 15
        assert shown.answer is not None
        assert shown.pair.text[slice(*shown.answer)] == "pear"
        (number,) = shown.sentences
        assert shown.pair.text[slice(*shown.pair.spans[number])] == "Sentence 5 is about a pear."
    assert windowed(example, WINDOW_WORDS, random.Random(0)) == example


def test_a_sentence_says_what_another_says_with_its_figures() -> None:
    assert says("Express delivery costs £6.95 a parcel", "Express delivery: £6.95")
    assert not says("Express delivery costs £7.95 a parcel", "Express delivery: £6.95")
    assert not says("Express delivery", "Express delivery")


def test_hurried_typing_keeps_the_question_readable() -> None:
    typed = [hurried_typing("How long is a gift card valid?", random.Random(seed)) for seed in range(20)]
    assert all(each == each.lower() and "?" not in each for each in typed)
    assert len(set(typed)) > 3
    assert hurried_typing("Fees?", random.Random(1)) == "fees"
