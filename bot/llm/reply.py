"""What a large model wrote, as records: sentences that name their passages, or an abstention."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MAX_SENTENCES = 6
MAX_SENTENCE = 400
SCHEMA: Mapping[str, Any] = {
    "anyOf": [
        {
            "type": "object",
            "properties": {
                "sentences": {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": 3,
                    "items": {
                        "type": "object",
                        "properties": {
                            "text": {"type": "string", "maxLength": 300},
                            "passages": {
                                "type": "array",
                                "minItems": 1,
                                "maxItems": 3,
                                "items": {"type": "string", "pattern": "^p[1-9]$"},
                            },
                        },
                        "required": ["text", "passages"],
                        "additionalProperties": False,
                    },
                }
            },
            "required": ["sentences"],
            "additionalProperties": False,
        },
        {
            "type": "object",
            "properties": {"abstain": {"type": "string", "maxLength": 200}},
            "required": ["abstain"],
            "additionalProperties": False,
        },
    ]
}
"""The shape as JSON Schema, for endpoints that hold a model to one. Nothing here relies on it."""
_FENCE = re.compile(r"\A\s*```(?:json)?\s*\n(?P<inside>.*)\n?```\s*\Z", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence and the ids of the passages that it rests on."""

    text: str
    passages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """An answer of one to `MAX_SENTENCES` sentences."""

    sentences: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class Abstains:
    """The model says that the passages do not answer."""

    reason: str


@dataclass(frozen=True, slots=True)
class Malformed:
    """Not what was asked for; `problem` says in which respect."""

    problem: str


def read(text: str) -> Written | Abstains | Malformed:
    """The model's text as `{"sentences": [{"text", "passages"}]}` or `{"abstain": reason}`, strictly.

    One fence around the whole is taken off; anything else beside the JSON makes it malformed.
    """
    fenced = _FENCE.match(text)
    try:
        given = json.loads(fenced["inside"] if fenced else text, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return Malformed("it is not JSON")
    if not isinstance(given, dict):
        return Malformed(f"expected an object, got {type(given).__name__}")
    if set(given) == {"abstain"}:
        reason = given["abstain"]
        return Abstains(reason[:MAX_SENTENCE]) if isinstance(reason, str) else Malformed("abstain is no text")
    if set(given) != {"sentences"}:
        return Malformed(f"expected sentences or abstain, got {', '.join(sorted(given))[:80] or 'nothing'}")
    return _sentences(given["sentences"])


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A key that comes twice would be read by one and checked by another."""
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError("a key comes twice")
    return dict(pairs)


def _sentences(given: Any) -> Written | Malformed:
    if not isinstance(given, list) or not 1 <= len(given) <= MAX_SENTENCES:
        return Malformed(f"expected a list of 1 to {MAX_SENTENCES} sentences")
    said = []
    for each in given:
        if not isinstance(each, dict) or set(each) != {"text", "passages"}:
            return Malformed("a sentence has text and passages, and nothing else")
        text, passages = each["text"], each["passages"]
        if not isinstance(text, str) or not 1 <= len(text.strip()) <= MAX_SENTENCE:
            return Malformed(f"a sentence's text has 1 to {MAX_SENTENCE} characters")
        if not isinstance(passages, list) or not all(isinstance(id, str) for id in passages):
            return Malformed("a sentence's passages are a list of ids")
        said.append(Said(" ".join(text.split()), tuple(dict.fromkeys(passages))))
    return Written(tuple(said))
