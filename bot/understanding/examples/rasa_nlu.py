"""Rasa NLU training data (YAML 3.1): intents with inline entities, synonyms, regexes, lookups.

The format: https://rasa.com/docs/rasa/training-data-format/. Rasa's other top-level keys (stories, rules, responses)
are passed over, as Rasa does when files are split; keys that nobody knows are reported. So are lookups of entities
with a recogniser of their own; regexes of those stay for Rasa, which reads the same files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.errors import BadInput
from bot.messages import Entity
from bot.understanding.entities.patterns import compiled
from bot.understanding.examples.files import decoded
from bot.understanding.examples.rows import BUILT_IN, Row, RowProblem, checked_row
from bot.understanding.examples.yaml_nodes import Block, Line, kind_of, read_yaml

_ANNOTATION = re.compile(r"\[(?P<text>[^\[\]]{1,400})\](?:\((?P<name>[^()]{1,200})\)|(?P<json>\{[^{}]{1,400}\}))")
_LEFT_OPEN = re.compile(r"\](?:\(|\{\s*[\"'])")
_NAME = re.compile(r"[^\W\d][\w.-]{0,63}")
_KINDS = ("intent", "synonym", "regex", "lookup")
_BLOCK_KEYS = frozenset({*_KINDS, "examples", "metadata"})
_RASA_KEYS = frozenset(
    "version nlu stories rules responses intents entities slots actions forms e2e_actions session_config config".split()  # noqa: SIM905
)


@dataclass(slots=True)
class NluFile:
    """What one file holds."""

    rows: list[Row] = field(default_factory=list)
    problems: list[RowProblem] = field(default_factory=list)
    synonyms: dict[str, str] = field(default_factory=dict)
    regexes: list[tuple[str, str]] = field(default_factory=list)
    lookups: dict[str, list[str]] = field(default_factory=dict)


def read_nlu(path: Path) -> NluFile:
    """Read one file; `BadInput` if it is not the format, with the line. Unusable rows become problems."""
    file = path.name
    content = read_yaml(decoded(path), file)
    found = NluFile()
    if not isinstance(content, Block):
        raise BadInput(f"{file}: expected a mapping with a list under `nlu`, got {kind_of(content)}")
    for key in content.keys() - _RASA_KEYS:
        found.problems.append(RowProblem(file, content.line, f"the key `{key}` is not read, expected `nlu`"))
    blocks = content.get("nlu", [])
    if isinstance(blocks, Line) and blocks.plain_null:
        found.problems.append(RowProblem(file, blocks.line, "`nlu` is empty, expected a list of intents"))
        return found
    if not isinstance(blocks, list):
        raise BadInput(f"{file}: expected a mapping with a list under `nlu`, got {kind_of(blocks)} there")
    for number, block in enumerate(blocks, start=1):
        _read_block(block, number, file, found)
    return found


def parse_annotations(example: str) -> tuple[str, tuple[Entity, ...]]:
    """`my [kettle](product) broke` to the plain text and its entities with offsets; `ValueError` if malformed."""
    plain, entities, last = "", [], 0
    for match in _ANNOTATION.finditer(example):
        plain += _outside(example[last : match.start()])
        name, value = _named(match)
        entities.append(Entity(name, value, len(plain), len(plain) + len(match["text"])))
        plain += match["text"]
        last = match.end()
    plain += _outside(example[last:])
    if _LEFT_OPEN.search(plain):
        raise ValueError(f"brackets inside brackets in {example[:60]!r}; expected [words](entity)")
    return plain, tuple(entities)


def _outside(text: str) -> str:
    """Text between annotations, which must not be half of one."""
    if _LEFT_OPEN.search(text):
        raise ValueError(f"{text[:60]!r} opens an annotation and never closes it; expected [words](entity)")
    return text


def _named(match: re.Match[str]) -> tuple[str, str]:
    if match["name"] is not None:
        name, _, value = match["name"].partition(":")
        return _checked_name(name.strip(), match), value.strip() or match["text"]
    settings = json.loads(match["json"])
    if not isinstance(settings.get("entity"), str):
        raise ValueError(f'{match[0]!r} names no entity; expected {{"entity": "name"}}')
    value = settings.get("value", match["text"])
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"{match[0]!r} has the value {value!r}; expected a text or a number")
    return _checked_name(settings["entity"], match), str(value)


def _checked_name(name: str, match: re.Match[str]) -> str:
    if not _NAME.fullmatch(name) or "//" in (match["name"] or "") or not match["text"].strip():
        raise ValueError(f"{match[0]!r} names the entity {name[:40]!r}; expected words and a name such as `product`")
    return name


def _read_block(block: Any, number: int, file: str, found: NluFile) -> None:
    line = getattr(block, "line", None)
    where = f"{file}, line {line}" if line else f"{file}: block {number} under `nlu`"
    kinds = [kind for kind in _KINDS if isinstance(block, Block) and kind in block]
    if len(kinds) != 1:
        raise BadInput(f"{where}: got {kind_of(block)}, expected one of {', '.join(_KINDS)}")
    for key in block.keys() - _BLOCK_KEYS:
        found.problems.append(RowProblem(file, block.line, f"the key `{key}` is not read, expected `examples`"))
    kind, named = kinds[0], block[kinds[0]]
    if not isinstance(named, Line):
        raise BadInput(f"{where}: the {kind} is {kind_of(named)}, expected its name")
    name = "" if named.plain_null else str(named).strip()
    for row, example in _examples(block, where, file, found):
        if kind == "intent":
            _read_row(example, name, file, row, found)
        else:
            problem = _define(kind, name, example, f"{file}, line {row}", found)
            if problem:
                found.problems.append(RowProblem(file, row, problem))


def _examples(block: Block, where: str, file: str, found: NluFile) -> Iterator[tuple[int, str]]:
    """(line, text) of every example: lines that start with `-`, or entries of a list, as `text:` or plain."""
    examples = block.get("examples")
    if isinstance(examples, list):
        for entry in examples:
            text = entry.get("text") if isinstance(entry, Block) else entry
            if isinstance(text, Line):
                yield text.line, str(text).strip()
            else:
                line = getattr(entry, "line", block.line)
                found.problems.append(RowProblem(file, line, f"the example is {kind_of(entry)}, expected a text"))
        return
    if not isinstance(examples, Line) or examples.plain_null:
        got = "has no `examples`" if examples is None else f"has {kind_of(examples)} as `examples`"
        raise BadInput(f"{where}: {got}; expected `examples: |` with lines `- …`")
    for offset, line in enumerate(examples.splitlines()):
        if line.lstrip().startswith("-"):
            yield examples.line + offset, line.lstrip()[1:].strip()
        elif line.strip():
            problem = f"the line {line.strip()[:40]!r} does not start with `-`"
            found.problems.append(RowProblem(file, examples.line + offset, problem))


def _define(kind: str, name: str, example: str, where: str, found: NluFile) -> str:
    """Take in one line of a synonym, regex or lookup; returns why not, if so."""
    if not name or not example:
        return f"the {kind}'s {'name' if not name else 'text'} is empty"
    if not (name.isprintable() and example.isprintable()):
        return f"the {kind} {name[:40]!r} has control characters, expected printable text"
    if kind == "lookup" and name in BUILT_IN:
        return f"the lookup {name} is not used: {name} has a recogniser of its own"
    if kind == "synonym":
        known = found.synonyms.setdefault(example.casefold(), name)
        return "" if known == name else f"{example!r} is a synonym of {known!r} already, not of {name!r} as well"
    if kind == "regex":
        compiled(example, f"{where}: regex {name}")
        found.regexes.append((name, example))
    else:
        found.lookups.setdefault(name, []).append(example)
    return ""


def _read_row(example: str, intent: str, file: str, line: int, found: NluFile) -> None:
    try:
        text, entities = parse_annotations(example)
    except (ValueError, RecursionError) as error:
        found.problems.append(RowProblem(file, line, f"an annotation is malformed: {error}"))
        return
    row = checked_row(text, intent, entities, file, line)
    if isinstance(row, RowProblem):
        found.problems.append(row)
    else:
        found.rows.append(row)
