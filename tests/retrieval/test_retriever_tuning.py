"""Tuning draws questions to what answers them, leaves the base alone, and is measured on other questions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from retrieval.datasets import Question
from retrieval.documents import Document
from retrieval.embedder import OnnxEmbedder
from retrieval.export import export_encoder
from retrieval.passages import cut
from retrieval.training.retriever import Recipe, items_of, mean_reciprocal_rank, tune

ASKED = {
    "when": ("next working day", "delivery"),
    "how": ("Show the QR code", "returns"),
    "why": ("citric acid", "kettle"),
    "where": ("2–4 working days", "delivery"),
}
"""Words that say nothing of what answers them: only training can tell where they lead."""
LEARNED = [
    Question(f"{word}-{n}", " ".join([word] * n), True, (quote,), (document,))
    for word, (quote, document) in ASKED.items()
    for n in range(1, 7)
]
OTHER = [Question(word, f"{word} is it", True, (quote,), (document,)) for word, (quote, document) in ASKED.items()]
QUICK = Recipe(epochs=12, batch=8, learning_rate=3e-3, keep_tuned=1.0)


@pytest.fixture(scope="module")
def base(tiny_bert: tuple[Any, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    model, tokenizer = tiny_bert
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def exported(model: tuple[Any, Any], folder: Path) -> OnnxEmbedder:
    export_encoder(model, folder, quantise=False)
    return OnnxEmbedder.load(folder)


def test_questions_that_were_not_learned_are_ranked_better(
    base: Path, shop: list[Document], embedder: OnnxEmbedder, tmp_path: Path
) -> None:
    passages = [passage for document in shop for passage in cut(document)]
    steps: list[tuple[int, int]] = []
    model = tune(base, items_of(LEARNED, passages), passages, QUICK, progress=lambda *step: steps.append(step))
    tuned = exported(model, tmp_path / "tuned")
    before, after = (mean_reciprocal_rank(each, OTHER, passages) for each in (embedder, tuned))
    assert after > max(before, 0.8)
    assert steps[-1][0] == steps[-1][1] == len(steps)


def test_keeping_nothing_gives_the_base(
    base: Path, shop: list[Document], embedder: OnnxEmbedder, tmp_path: Path
) -> None:
    passages = [passage for document in shop for passage in cut(document)]
    model = tune(base, items_of(LEARNED[:8], passages), passages, Recipe(epochs=1, keep_tuned=0.0))
    texts = ["how do i return it", "express"]
    one, other = embedder.encode(texts), exported(model, tmp_path / "same").encode(texts)
    assert float((one * other).sum(axis=1).min()) > 0.9999


def test_a_faq_question_is_learned_and_an_answer_that_is_gone_is_not(shop: list[Document]) -> None:
    passages = [passage for document in shop for passage in cut(document)]
    lost = Question("x", "lost", True, ("nobody wrote this",), ("returns",))
    assert {item.text for item in items_of([lost, LEARNED[0]], passages)} == {
        "when",
        "How long is a gift card valid?",
        "How do I reset my password?",
    }


def test_without_questions_that_are_answered_nothing_is_measured(shop: list[Document], embedder: OnnxEmbedder) -> None:
    passages = [passage for document in shop for passage in cut(document)]
    assert mean_reciprocal_rank(embedder, [Question("n", "nothing", False)], passages) == 0.0
