"""Train, export, load, classify: the round trip with a tiny real model, and data that is degenerate."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from bot.errors import BadInput, BadRelease
from bot.understanding.classifier import IntentClassifier
from bot.understanding.examples.dataset import IntentDataset
from bot.understanding.examples.rows import Row
from bot.understanding.tuning.recipe import Recipe
from bot.understanding.tuning.rehearsal import split_rows
from bot.understanding.tuning.training import train
from bot.understanding.understand import Understander

TODAY = date(2026, 11, 18)


def test_what_was_trained_is_known_after_loading(trained: Path, dataset: IntentDataset) -> None:
    classifier = IntentClassifier.load(trained)
    rows = dataset.in_scope
    predictions = classifier.classify([row.text for row in rows])
    right = sum(each.intent == row.intent for each, row in zip(predictions, rows, strict=True))
    assert right >= 0.9 * len(rows)
    for each in predictions:
        assert each.ranking[0] == (each.intent, each.confidence)
        assert sum(confidence for _, confidence in each.ranking) == pytest.approx(1.0, abs=1e-4)
        assert 0.0 <= each.out_of_scope <= 1.0
    assert predictions[0].nearest[0].text == rows[0].text
    assert classifier.classify([]) == []


def test_one_at_a_time_gives_what_a_batch_gives(trained: Path, dataset: IntentDataset) -> None:
    classifier = IntentClassifier.load(trained)
    together = classifier.classify(dataset.texts[:6])
    alone = [classifier.classify([text])[0] for text in dataset.texts[:6]]
    assert [each.intent for each in alone] == [each.intent for each in together]
    assert [each.confidence for each in alone] == pytest.approx([each.confidence for each in together], abs=0.05)


def test_the_artefact_is_data_only(trained: Path) -> None:
    names = {path.name for path in trained.iterdir()}
    assert names == {"model.onnx", "tokenizer.json", "config.json", "head.safetensors", "intents.json"}
    report = json.loads((trained / "intents.json").read_text())["report"]
    assert report["rows"] == 24
    assert report["recipe"]["epochs"] == 12


@pytest.mark.parametrize(
    "text",
    [
        "🙂",
        "",
        "   ",
        "?!",
        "x" * 4_000,
        "where is my order " * 220,
        "أين طلبي",
        "<script>alert(1)</script>",
        "\x00\u202e",
    ],
)
def test_odd_messages_are_understood_as_far_as_they_go(trained: Path, text: str) -> None:
    understanding = Understander.load(trained).understand(text, today=TODAY)
    assert 0.0 <= understanding.confidence <= 1.0
    assert 0.0 <= understanding.out_of_scope <= 1.0
    if not any(character.isalnum() for character in text):
        assert (understanding.confidence, understanding.out_of_scope, understanding.language) == (0.0, 1.0, "und")


def test_an_understanding_has_it_all(trained: Path) -> None:
    text = "where is my order WF-204817? THIS IS RIDICULOUS, get me a human!!!"
    understanding = Understander.load(trained).understand(text, today=TODAY)
    assert [(each.name, text[each.start : each.end]) for each in understanding.entities] == [
        ("order_number", "WF-204817")
    ]
    assert understanding.asks_for_human
    assert understanding.frustration > 0.5
    assert understanding.language == "en"


def test_serving_imports_no_torch(trained: Path) -> None:
    code = (
        "import sys, datetime, pathlib; from bot.understanding.understand import Understander;"
        f"Understander.load(pathlib.Path({str(trained)!r})).understand('hello', today=datetime.date(2026, 1, 1));"
        "bad = {'torch', 'transformers', 'sentence_transformers', 'sklearn'} & set(sys.modules);"
        "sys.exit(', '.join(bad) or 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr


def test_the_same_seed_gives_the_same_model(
    trained: Path, tmp_path: Path, dataset: IntentDataset, tiny_base: Path, quick_recipe: Recipe
) -> None:
    steps: list[tuple[int, int]] = []
    train(dataset, tiny_base, tmp_path, recipe=quick_recipe, progress=lambda done, total: steps.append((done, total)))
    assert (tmp_path / "head.safetensors").read_bytes() == (trained / "head.safetensors").read_bytes()
    assert steps[-1] == (len(steps), len(steps))


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "head.safetensors", "intents.json"])
def test_a_damaged_artefact_is_refused(trained: Path, tmp_path: Path, name: str) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(trained, broken)
    (broken / name).write_bytes((broken / name).read_bytes()[:50])
    with pytest.raises(BadRelease):
        Understander.load(broken)
    (broken / name).unlink()
    with pytest.raises(BadRelease):
        Understander.load(broken)


def test_files_that_do_not_belong_together_are_refused(trained: Path, tmp_path: Path) -> None:
    mixed = tmp_path / "mixed"
    shutil.copytree(trained, mixed)
    stored = json.loads((mixed / "intents.json").read_text())
    (mixed / "intents.json").write_text(json.dumps(stored | {"labels": stored["labels"][:2]}))
    with pytest.raises(BadRelease, match="2 intents"):
        IntentClassifier.load(mixed)
    (mixed / "intents.json").write_text(json.dumps(stored | {"format": 99}))
    with pytest.raises(BadRelease, match="format 99"):
        IntentClassifier.load(mixed)


def test_one_intent_is_refused(tiny_base: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="at least 2 intents, got 1: greet"):
        train(IntentDataset((Row("hi", "greet"), Row("hello", "greet"))), tiny_base, tmp_path)


def test_a_base_that_is_no_model_is_refused(dataset: IntentDataset, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is not a model folder"):
        train(dataset, tmp_path, tmp_path / "out")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(BadInput, match=r"not a sentence encoder"):
        train(dataset, tmp_path, tmp_path / "out")


def test_one_row_an_intent_and_odd_labels_train(tiny_base: Path, tmp_path: Path, quick_recipe: Recipe) -> None:
    rows = (Row("hello there", "grüße/你好 1"), Row("where is my order", "a" * 200), Row("y" * 3_900, "c"))
    report = train(IntentDataset(rows), tiny_base, tmp_path, recipe=quick_recipe)
    assert (report.rows, report.held_out_rows, report.held_out_accuracy) == (3, 0, None)
    assert IntentClassifier.load(tmp_path).classify(["hello there"])[0].intent == "grüße/你好 1"


def test_many_intents_train(tiny_base: Path, tmp_path: Path, quick_recipe: Recipe) -> None:
    rows = tuple(Row(f"order {number} status", f"intent {number}") for number in range(1_000))
    report = train(IntentDataset(rows), tiny_base, tmp_path, recipe=replace(quick_recipe, epochs=1, batch=64))
    assert report.intents == 1_000
    assert len(IntentClassifier.load(tmp_path).classify(["order 7 status"])[0].ranking) == 5


def test_the_rehearsal_leaves_rows_and_intents_out() -> None:
    classes = np.repeat(np.arange(20), 30).tolist()
    split = split_rows(classes, Recipe.for_data(600, 20), seed=3)
    parts = [set(split.tuned), set(split.held_out), set(split.left_out)]
    assert sum(len(part) for part in parts) == len(set().union(*parts)) == 600
    assert {classes[row] for row in split.left_out}.isdisjoint({classes[row] for row in split.tuned})
    assert {classes[row] for row in split.held_out} == {classes[row] for row in split.tuned}
    bounded = split_rows(classes, replace(Recipe.for_data(600, 20), rehearsal_rows=200), seed=3)
    assert len(bounded.tuned) + len(bounded.held_out) + len(bounded.left_out) == 200
