"""Explanations of a real tiny model: they agree with what is served, and without rows to compare they still hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bot.understanding.classifier import IntentClassifier
from bot.understanding.explaining import MEANINGS, explain
from bot.understanding.outofscope import FEATURES

TEXTS = ["where is my order", "good morning to you", "the weather in Lisbon", "x" * 900, "أين طلبي"]


@pytest.fixture(scope="module")
def classifier(trained: Path) -> IntentClassifier:
    return IntentClassifier.load(trained)


def test_every_feature_has_a_meaning() -> None:
    assert set(MEANINGS) == set(FEATURES)


@pytest.mark.parametrize("text", TEXTS)
def test_an_explanation_agrees_with_what_is_served(classifier: IntentClassifier, text: str) -> None:
    (served,) = classifier.classify([text])
    explained = explain(classifier.model, classifier.vectors([text]))
    assert (explained.intent, explained.runner_up) == (served.ranking[0][0], served.ranking[1][0])
    assert explained.confidence == pytest.approx(served.confidence, abs=1e-5)
    assert explained.margin == pytest.approx(served.ranking[0][1] - served.ranking[1][1], abs=1e-5)
    assert explained.nearest == served.nearest
    assert explained.out_of_scope.probability == pytest.approx(served.out_of_scope, abs=1e-5)
    log_odds = explained.out_of_scope.start + sum(part.contribution for part in explained.out_of_scope.parts)
    assert explained.out_of_scope.probability == pytest.approx(1 / (1 + np.exp(-log_odds)), abs=1e-6)


def test_a_runner_up_without_rows_has_no_nearest(classifier: IntentClassifier) -> None:
    model = classifier.model
    only_first = np.zeros_like(model.space.row_classes)
    bare = replace(model, space=replace(model.space, row_classes=only_first))
    explained = explain(bare, classifier.vectors(["hello there"]))
    assert {row.intent for row in explained.nearest} == {model.labels[0]}
    assert (explained.runner_up_row is None) == (explained.runner_up != model.labels[0])
