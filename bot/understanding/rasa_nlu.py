"""Rasa NLU training data (YAML 3.1): intents with inline entities, synonyms, regexes, lookups.

The format: https://rasa.com/docs/rasa/training-data-format/. Keys this module has no use for (stories, rules,
responses) are passed over, as Rasa does when files are split.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from bot.errors import BadInput
from bot.messages import Entity
from bot.understanding.rows import Row, RowProblem, checked_row

_ANNOTATION = re.compile(r"\[(?P<text>[^\[\]]{1,400})\](?:\((?P<name>[^()]{1,200})\)|(?P<json>\{[^{}]{1,400}\}))")
_KINDS = ("intent", "synonym", "regex", "lookup")


@dataclass(slots=True)
class NluFile:
    """What one file holds."""

    rows: list[Row] = field(default_factory=list)
    problems: list[RowProblem] = field(default_factory=list)
    synonyms: dict[str, str] = field(default_factory=dict)
    regexes: list[tuple[str, str]] = field(default_factory=list)
    lookups: dict[str, list[str]] = field(default_factory=dict)


class _Line(str):
    """A YAML string that knows the line it starts on (1-based)."""

    __slots__ = ("line",)
    line: int


class _Loader(yaml.SafeLoader):
    """Safe loading (plain data only) with line numbers on strings."""


def _construct_line(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> _Line:
    text = _Line(loader.construct_scalar(node))
    text.line = node.start_mark.line + (2 if node.style in ("|", ">") else 1)
    return text


_Loader.add_constructor("tag:yaml.org,2002:str", _construct_line)


def read_nlu(path: Path) -> NluFile:
    """Read one file; `BadInput` if it is not the format, with the line. Unusable rows become problems."""
    try:
        content = yaml.load(path.read_text("utf-8"), Loader=_Loader)  # noqa: S506 (a SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise BadInput(f"{path.name}: not readable as UTF-8 YAML: {error}") from error
    found = NluFile()
    if not isinstance(content, dict) or not isinstance(content.get("nlu", []), list):
        raise BadInput(f"{path.name}: expected a mapping with a list under `nlu`, got {type(content).__name__}")
    for number, block in enumerate(content.get("nlu", []), start=1):
        _read_block(block, number, path.name, found)
    return found


def parse_annotations(example: str) -> tuple[str, tuple[Entity, ...]]:
    """`my [kettle](product) broke` to the plain text and its entities with offsets; `ValueError` if malformed."""
    plain, entities, last = "", [], 0
    for match in _ANNOTATION.finditer(example):
        plain += example[last : match.start()]
        name, value = _named(match)
        entities.append(Entity(name, value, len(plain), len(plain) + len(match["text"])))
        plain += match["text"]
        last = match.end()
    return plain + example[last:], tuple(entities)


def _named(match: re.Match[str]) -> tuple[str, str]:
    if match["name"] is not None:
        name, _, value = match["name"].partition(":")
        return name.strip(), value.strip() or match["text"]
    settings = json.loads(match["json"])
    if not isinstance(settings.get("entity"), str):
        raise ValueError(f'{match[0]!r} names no entity; expected {{"entity": "name"}}')
    return settings["entity"], str(settings.get("value", match["text"]))


def _read_block(block: Any, number: int, file: str, found: NluFile) -> None:
    kind = next((kind for kind in _KINDS if isinstance(block, dict) and kind in block), None)
    if kind is None:
        got = sorted(map(str, block)) if isinstance(block, dict) else type(block).__name__
        raise BadInput(f"{file}: block {number} under `nlu` has {got}, expected one of {', '.join(_KINDS)}")
    name = str(block[kind]).strip()
    for line, example in _examples(block, number, file):
        if kind == "intent":
            _read_row(example, name, file, line, found)
        elif kind == "synonym":
            found.synonyms[example.casefold()] = name
        elif kind == "regex":
            found.regexes.append((name, example))
        else:
            found.lookups.setdefault(name, []).append(example)


def _examples(block: dict[str, Any], number: int, file: str) -> Iterator[tuple[int, str]]:
    examples = block.get("examples")
    if isinstance(examples, list):
        for entry in examples:
            text = entry.get("text", "") if isinstance(entry, dict) else entry
            yield getattr(text, "line", number), str(text).strip()
        return
    if not isinstance(examples, str):
        raise BadInput(f"{file}: block {number} has no `examples`; expected `examples: |` with lines `- …`")
    for offset, line in enumerate(examples.splitlines()):
        if line.strip():
            yield getattr(examples, "line", number) + offset, re.sub(r"^\s*-(?:\s+|$)", "", line).strip()


def _read_row(example: str, intent: str, file: str, line: int, found: NluFile) -> None:
    try:
        text, entities = parse_annotations(example)
    except ValueError as error:
        found.problems.append(RowProblem(file, line, f"an annotation is malformed: {error}"))
        return
    row = checked_row(text, intent, entities, file, line)
    if isinstance(row, RowProblem):
        found.problems.append(row)
    else:
        found.rows.append(row)
