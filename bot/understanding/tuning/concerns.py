"""Learning the matters for a person from the company's examples; belongs to training.

`escalation.yml` holds `kinds`, each with an id, a reason and examples, and `harmless` sentences that use the same words
without meaning it. The rows of the intents are harmless as well, but for those whose intent is such a matter itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from bot.errors import BadInput
from bot.understanding.classifier import IntentClassifier
from bot.understanding.concerns import ConcernHead, platt, unit
from bot.understanding.examples.yaml_nodes import kind_of, read_yaml

FILE = "escalation.yml"
FEWEST_EXAMPLES = 5
LONGEST_ID = 40
STRENGTH = 10.0
"""Inverse of the ridge; chosen with ROW_WEIGHT on the demo's validation questions (AUROC 0.989)."""
LOWEST = 0.1
"""Probability below which nothing is taken for a matter, however few of the labelled texts would be hit."""
ROW_WEIGHT = 0.3
"""What a row of the intents counts beside an example: there are five times as many."""


@dataclass(frozen=True, slots=True)
class ConcernExamples:
    """Sentences by kind of concern, in the file's order, and harmless ones."""

    kinds: Mapping[str, tuple[str, ...]]
    harmless: tuple[str, ...]


def read_concerns(path: Path) -> ConcernExamples:
    """Read an examples file; `BadInput` names the file, the line, and what is expected."""
    try:
        found = read_yaml(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read as UTF-8 text: {error}") from error
    if not isinstance(found, Mapping) or set(found) != {"kinds", "harmless"}:
        raise BadInput(f"{path}: expected a mapping with kinds and harmless, got {kind_of(found)}")
    kinds: dict[str, tuple[str, ...]] = {}
    for entry in found["kinds"] if isinstance(found["kinds"], list) else ():
        place = f"{path}, line {getattr(entry, 'line', 1)}"
        if not isinstance(entry, Mapping) or set(entry) != {"id", "reason", "examples"}:
            raise BadInput(f"{place}: a kind has id, reason and examples, got {kind_of(entry)}")
        id = str(entry["id"])
        if id in kinds or not id or len(id) > LONGEST_ID:
            raise BadInput(f"{place}: the id `{id[:60]}` is taken, empty or longer than {LONGEST_ID} characters")
        kinds[id] = _texts(entry["examples"], f"{place}: the kind {id}")
    if not kinds:
        raise BadInput(f"{path}: kinds is a list of one kind at least, got {kind_of(found['kinds'])}")
    return ConcernExamples(kinds, _texts(found["harmless"], f"{path}: harmless"))


def _texts(values: Any, owner: str) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(each, str) and each.strip() for each in values):
        raise BadInput(f"{owner} needs a list of sentences, got {kind_of(values)}")
    if len(values) < FEWEST_EXAMPLES:
        raise BadInput(f"{owner} has {len(values)} sentences; at least {FEWEST_EXAMPLES} are needed to learn from")
    return tuple(str(each) for each in values)


def fit_concerns(
    examples: ConcernExamples, rows: Sequence[str], classifier: IntentClassifier, *, seed: int = 13
) -> ConcernHead:
    """The head over the classifier's vectors; `rows` are harmless rows of the intents. Not calibrated yet."""
    kinds = tuple(examples.kinds)
    own = [text for kind in kinds for text in examples.kinds[kind]]
    numbers = [number for number, kind in enumerate(kinds, 1) for _ in examples.kinds[kind]]
    texts = [*own, *examples.harmless, *rows]
    vectors = classifier.vectors(texts)
    labels = np.array([*numbers, *([0] * (len(examples.harmless) + len(rows)))])
    weights = np.array([1.0] * (len(own) + len(examples.harmless)) + [ROW_WEIGHT] * len(rows))
    fitted = LogisticRegression(C=STRENGTH, max_iter=500, random_state=seed).fit(vectors, labels, sample_weight=weights)
    coefficients, bias = np.asarray(fitted.coef_), np.asarray(fitted.intercept_)
    if len(kinds) == 1:  # scikit-learn states one class alone where there are two
        coefficients, bias = np.vstack([-coefficients, coefficients]) / 2, np.concatenate([-bias, bias]) / 2
    return ConcernHead(
        kinds=kinds,
        weights=coefficients.astype(np.float32),
        bias=bias.astype(np.float32),
        texts=tuple(own),
        examples=unit(vectors[: len(own)]),
        example_kinds=np.array(numbers, dtype=np.int32),
        encoder=classifier.fingerprint,
    )


def calibrated(
    head: ConcernHead, texts: Sequence[str], matters: Sequence[bool], classifier: IntentClassifier
) -> ConcernHead:
    """The head calibrated on labelled texts it was not fitted on: `matters` says which are matters for a person."""
    if not texts:
        return head
    slope, offset = platt(head.log_odds(classifier.vectors(texts)).tolist(), matters)
    return replace(head, slope=slope, offset=offset)


def threshold(probabilities: Sequence[float], matters: Sequence[bool], *, recall: float, most_false: float) -> float:
    """The probability from which a text is taken for a matter: half way between the lowest from which at most the share
    `most_false` of the harmless texts is, and the highest from which at least the share `recall` of the matters is;
    the former where it is the higher one. LOWEST at least, and 0.5 without a text of both kinds to choose by."""
    pairs = list(zip(probabilities, matters, strict=True))
    own = sorted(p for p, matter in pairs if matter)
    others = sorted((p for p, matter in pairs if not matter), reverse=True)
    if not own or not others:
        return 0.5
    allowed = int(most_false * len(others))
    low = others[allowed] + 1e-6 if allowed < len(others) else 0.0
    high = own[int((1.0 - recall) * len(own))]
    return max(low, (low + high) / 2, LOWEST)
