"""Extending a trained model: a new intent is known at once, what was known stays, and nothing else changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bot.errors import BadInput, BadRelease
from bot.understanding.classifier import IntentClassifier
from bot.understanding.examples.dataset import IntentDataset
from bot.understanding.examples.rows import Row
from bot.understanding.tuning.extending import ENCODER_FILES, extend

VOUCHER = tuple(
    Row(text, "buy_voucher")
    for text in ("sell me a gift voucher", "buy a voucher", "voucher for my mother please", "I want a gift voucher")
)


def with_rows(dataset: IntentDataset, *rows: Row) -> IntentDataset:
    return replace(dataset, rows=(*dataset.rows, *rows))


def test_a_new_intent_is_known_and_the_others_stay(trained: Path, dataset: IntentDataset, tmp_path: Path) -> None:
    report = extend(trained, with_rows(dataset, *VOUCHER), tmp_path / "more")
    assert (report.added, report.removed, report.embedded) == (("buy_voucher",), (), len(VOUCHER))
    before, after = IntentClassifier.load(trained), IntentClassifier.load(tmp_path / "more")
    assert {each.intent for each in after.classify([row.text for row in VOUCHER])} == {"buy_voucher"}
    texts = [row.text for row in dataset.in_scope]
    kept = [a.intent == b.intent for a, b in zip(before.classify(texts), after.classify(texts), strict=True)]
    assert sum(kept) >= 0.9 * len(kept)


def test_the_encoder_and_what_it_knows_of_being_sure_are_taken_over(
    trained: Path, dataset: IntentDataset, tmp_path: Path
) -> None:
    extend(trained, with_rows(dataset, *VOUCHER), tmp_path / "more")
    for name in ENCODER_FILES:
        assert (tmp_path / "more" / name).read_bytes() == (trained / name).read_bytes()
    before, after = IntentClassifier.load(trained).model, IntentClassifier.load(tmp_path / "more").model
    assert (after.calibration, after.out_of_scope) == (before.calibration, before.out_of_scope)
    assert after.report["extended"]["added"] == ["buy_voucher"]


def test_an_intent_without_rows_is_forgotten(trained: Path, dataset: IntentDataset, tmp_path: Path) -> None:
    fewer = replace(dataset, rows=tuple(row for row in dataset.rows if row.intent != "greet"))
    assert extend(trained, fewer, tmp_path / "fewer").removed == ("greet",)
    assert "greet" not in IntentClassifier.load(tmp_path / "fewer").labels


def test_what_cannot_be_extended_is_refused_and_leaves_nothing(
    trained: Path, dataset: IntentDataset, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match="none of the intents is known"):
        extend(trained, replace(dataset, rows=(*VOUCHER, Row("hello", "salute"))), tmp_path / "out")
    with pytest.raises(BadInput, match="at least 2 intents"):
        extend(trained, replace(dataset, rows=VOUCHER), tmp_path / "out")
    with pytest.raises(BadRelease):
        extend(tmp_path, dataset, tmp_path / "out")
    assert not (tmp_path / "out").exists()
