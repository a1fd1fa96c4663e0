"""The encoder's part: known questions go with it, a tuned encoder only where it ranks other questions better."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.errors import BadInput
from bot.releases import encoders
from bot.releases.encoders import build_encoder
from bot.releases.publish import Workshop
from bot.releases.release import KNOWN
from retrieval.embedder import OnnxEmbedder
from retrieval.known import KnownQuestions
from retrieval.training import retriever

ROWS = [
    {"id": "1", "text": "will it be here tomorrow", "expect": "answer", "documents": ["delivery"], "quote": "£6.95"},
    {"id": "2", "text": "can I send it back", "expect": "answer", "documents": ["returns"], "quote": "within 60 days"},
    {"id": "3", "text": "what is your number", "expect": "answer", "documents": ["returns"], "quote": "ring us"},
    {"id": "4", "text": "do you fly it in", "expect": "human", "documents": [], "quote": None, "why": "unanswerable"},
]


def write(path: Path, rows: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def test_known_questions_go_with_the_encoder_that_embedded_them(shop: Workshop) -> None:
    write(shop.settings.data / KNOWN / "questions.jsonl", ROWS)
    name, report = build_encoder(shop, seed=13)
    assert report == {"known": {"questions": 4, "answerable": 3, "lost": 1}}
    known = KnownQuestions.load(shop.registry.part(name) / KNOWN)
    assert known is not None
    assert [each.id for each in known.questions] == ["1", "2", "3", "4"]


def test_without_known_questions_the_part_is_the_base_alone(shop: Workshop) -> None:
    name, report = build_encoder(shop, seed=13)
    assert report == {}
    assert not (shop.registry.part(name) / KNOWN).exists()


@pytest.mark.parametrize(("ranks", "kept"), [((0.4, 0.6), True), ((0.6, 0.4), False), ((0.5, 0.5), False)])
def test_a_tuned_encoder_is_kept_only_where_it_is_better(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, ranks: tuple[float, float], kept: bool
) -> None:
    base, _ = build_encoder(shop, seed=13)
    write(shop.settings.data / KNOWN / "questions.jsonl", ROWS)
    write(shop.validation, ROWS[:2])
    monkeypatch.setattr(retriever, "MIN_QUESTIONS", 2)
    given = iter(ranks)
    monkeypatch.setattr(retriever, "mean_reciprocal_rank", lambda *_: next(given))
    name, report = build_encoder(shop, seed=13)
    assert report["tuning"] == {"learned": 2, "labelled": 2, "base": ranks[0], "tuned": ranks[1]}
    one, other = (OnnxEmbedder.load(shop.registry.part(each)).fingerprint for each in (base, name))
    assert (one != other) == kept
    assert [path.name for path in (shop.registry.folder / "staging").iterdir()] == []


def test_a_row_that_is_none_is_named(shop: Workshop) -> None:
    write(shop.settings.data / KNOWN / "questions.jsonl", [{"id": "1", "expect": "answer"}])
    with pytest.raises(BadInput, match=r"questions\.jsonl"):
        build_encoder(shop, seed=13)


def test_measuring_something_else_takes_the_base_and_leaves_nothing(shop: Workshop) -> None:
    assert encoders.base_encoder(shop).encode(["express"]).shape[0] == 1
    assert not any("base-encoder" in path.name for path in (shop.registry.folder / "staging").iterdir())
