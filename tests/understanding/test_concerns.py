"""Matters for a person: examples read with their mistakes named, a head that recognises them, stored as data only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot.errors import BadInput, BadRelease
from bot.messages import Concern
from bot.understanding.classifier import IntentClassifier
from bot.understanding.concerns import ARRAYS, STATED, ConcernHead, platt, unit
from bot.understanding.tuning.concerns import LOWEST, calibrated, fit_concerns, read_concerns, threshold
from tests.conftest import ROOT

ANGER = ("you are useless", "what a disgrace", "I am furious", "worst shop ever", "this is a joke")
SAFETY = ("it caught fire", "smoke comes out", "I got a shock", "it exploded", "my hand is burnt")
HARMLESS = ("where is my order", "how much is it", "which sizes are there", "I want to return it", "thank you")
TEXT = "kinds:\n  - id: anger\n    reason: angry\n    examples: [{anger}]\nharmless: [{harmless}]\n"
GOOD = TEXT.format(anger=", ".join(ANGER), harmless=", ".join(HARMLESS))


class Vectors:
    """A classifier as far as the head sees it: each of the words it knows is a direction."""

    fingerprint = "words"

    def __init__(self) -> None:
        self._words = sorted({word for text in (*ANGER, *SAFETY, *HARMLESS) for word in text.lower().split()})

    def vectors(self, texts: Any) -> Any:
        rows = [[float(word in text.lower().split()) for word in self._words] for text in texts]
        return unit(np.array(rows, dtype=np.float32) + 1e-3)


@pytest.fixture(scope="module")
def classifier() -> IntentClassifier:
    return Vectors()  # type: ignore[return-value]


@pytest.fixture(scope="module")
def head(classifier: IntentClassifier, tmp_path_factory: pytest.TempPathFactory) -> ConcernHead:
    path = tmp_path_factory.mktemp("examples") / "escalation.yml"
    kinds = "".join(
        f"  - id: {id}\n    reason: why\n    examples: [{', '.join(examples)}]\n"
        for id, examples in (("anger", ANGER), ("safety", SAFETY))
    )
    path.write_text(f"kinds:\n{kinds}harmless: [{', '.join(HARMLESS)}]\n", "utf-8")
    return fit_concerns(read_concerns(path), ["when does it come"], classifier)


def concern(head: ConcernHead, classifier: IntentClassifier, text: str) -> Concern:
    found = head.of(text, classifier)
    assert found is not None
    return found


def test_a_concern_is_recognised_with_its_kind_and_its_nearest_example(
    head: ConcernHead, classifier: IntentClassifier
) -> None:
    found = concern(head, classifier, "smoke comes out of it")
    assert (found.kind, found.nearest) == ("safety", "smoke comes out")
    assert found.probability > 0.5
    assert found.cosine > 0.7
    assert concern(head, classifier, "what a useless joke").kind == "anger"
    assert concern(head, classifier, "how much is my order").probability < 0.5


def test_a_long_message_is_seen_in_parts(head: ConcernHead, classifier: IntentClassifier) -> None:
    story = "which sizes are there " * 30
    assert concern(head, classifier, story).probability < 0.5
    assert concern(head, classifier, f"{story} it caught fire it exploded").probability > 0.5


@pytest.mark.parametrize("text", ["", "🤷", "?!", "   "])
def test_a_text_without_a_word_is_no_concern(head: ConcernHead, classifier: IntentClassifier, text: str) -> None:
    assert head.of(text, classifier) is None


def test_a_head_survives_its_files(head: ConcernHead, classifier: IntentClassifier, tmp_path: Path) -> None:
    head.save(tmp_path)
    again = ConcernHead.load(tmp_path, "words")
    assert again is not None
    one, other = (concern(each, classifier, "smoke comes out") for each in (head, again))
    assert (one.kind, one.nearest) == (other.kind, other.nearest)
    assert one.probability == other.probability


def test_a_folder_without_a_head_has_none(tmp_path: Path) -> None:
    assert ConcernHead.load(tmp_path, "words") is None


def test_damage_is_named(head: ConcernHead, tmp_path: Path) -> None:
    head.save(tmp_path)
    with pytest.raises(BadRelease, match="over the encoder words…, the intents have other…"):
        ConcernHead.load(tmp_path, "other")
    stated = json.loads((tmp_path / STATED).read_text("utf-8"))
    (tmp_path / STATED).write_text(json.dumps({**stated, "kinds": ["anger"]}), "utf-8")
    with pytest.raises(BadRelease, match="train again"):
        ConcernHead.load(tmp_path, "words")
    (tmp_path / STATED).write_text("{", "utf-8")
    with pytest.raises(BadRelease, match="does not load"):
        ConcernHead.load(tmp_path, "words")
    (tmp_path / STATED).write_text(json.dumps(stated), "utf-8")
    (tmp_path / ARRAYS).write_bytes(b"PK")
    with pytest.raises(BadRelease, match="does not load"):
        ConcernHead.load(tmp_path, "words")


def test_one_kind_is_enough(classifier: IntentClassifier, tmp_path: Path) -> None:
    path = tmp_path / "escalation.yml"
    path.write_text(GOOD, "utf-8")
    head = fit_concerns(read_concerns(path), [], classifier)
    assert head.weights.shape[0] == 2
    assert concern(head, classifier, "you are a disgrace").probability > 0.5
    assert concern(head, classifier, "where is my order").probability < 0.5


def test_calibration_moves_probabilities_and_keeps_their_order(head: ConcernHead, classifier: IntentClassifier) -> None:
    texts = [*ANGER, *SAFETY, *HARMLESS]
    fitted = calibrated(head, texts, [True] * 10 + [False] * 5, classifier)
    assert (fitted.slope, fitted.offset) != (1.0, 0.0)
    before, after = ([concern(each, classifier, text).probability for text in texts] for each in (head, fitted))
    assert np.argsort(before).tolist() == np.argsort(after).tolist()
    assert platt([1.0, 2.0], [True, True]) == (1.0, 0.0)
    assert calibrated(head, [], [], classifier) is head


@pytest.mark.parametrize(
    ("harmless", "allowed", "chosen"),
    [
        ([0.9, 0.2, 0.2, 0.2], 0.25, 0.4),
        ([0.9, 0.8, 0.2, 0.2], 0.0, 0.9),
        ([0.01] * 4, 0.25, 0.305),
        ([], 0.25, 0.5),
    ],
)
def test_the_threshold_stands_between_false_alarms_and_misses(
    harmless: list[float], allowed: float, chosen: float
) -> None:
    found = threshold([0.6, 0.95, *harmless], [True, True, *([False] * len(harmless))], recall=0.97, most_false=allowed)
    assert found == pytest.approx(chosen, abs=1e-5)
    assert threshold([0.05, 0.01], [True, False], recall=0.97, most_false=0.5) == LOWEST


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected a mapping with kinds and harmless"),
        ("kinds: []\n", "expected a mapping with kinds and harmless"),
        ("kinds: []\nharmless: [a, b, c, d, e]\n", "kinds is a list of one kind at least"),
        ("kinds:\n  - anger\nharmless: [a]\n", "line 2: a kind has id, reason and examples"),
        (TEXT.format(anger="a, b", harmless="c"), "line 2: the kind anger has 2 sentences; at least 5"),
        (TEXT.format(anger="a, b, c, d, ''", harmless="c"), "the kind anger needs a list of sentences"),
        (TEXT.format(anger="a, b, c, d, e", harmless="c"), "harmless has 1 sentences"),
        (TEXT.format(anger="a, b, c, d, e", harmless="[c]"), "harmless needs a list of sentences"),
        (GOOD.replace("harmless", "  - {id: anger, reason: x, examples: [a]}\nharmless"), "the id `anger` is taken"),
        ("kinds: [unclosed", "not readable as UTF-8 YAML"),
    ],
)
def test_mistakes_in_the_examples_are_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "escalation.yml"
    path.write_text(text, "utf-8")
    with pytest.raises(BadInput) as caught:
        read_concerns(path)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)


def test_the_companys_examples_are_many_and_none_stands_on_both_sides() -> None:
    examples = read_concerns(ROOT / "data" / "escalation.yml")
    wanted = {"human", "anger", "distress", "threat", "legal", "payment_dispute", "safety", "repeated_failure"}
    assert wanted | {"wrong_information", "deletion"} <= set(examples.kinds)
    assert all(len(texts) >= 25 for texts in examples.kinds.values())
    everything = [text.casefold() for texts in examples.kinds.values() for text in texts]
    assert len(everything) == len(set(everything))
    assert not set(everything) & {text.casefold() for text in examples.harmless}
    asked = {
        json.loads(line)["text"].casefold()
        for name in ("validation", "training")
        for line in (ROOT / "data" / "eval" / f"questions.{name}.jsonl").read_text("utf-8").splitlines()
    }
    assert not asked & {*everything, *(text.casefold() for text in examples.harmless)}
