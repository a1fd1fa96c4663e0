"""YAML from strangers as plain nodes that know their lines: no tags, no aliases, no deep nesting, no key twice.

Scalars stay the text that was written: an intent named `no` or `2020-01-01` keeps its name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from bot.errors import BadInput

MAX_DEPTH = 20
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Line(str):
    """A scalar and the line its text starts on (1-based)."""

    __slots__ = ("line", "plain_null")
    line: int
    plain_null: bool
    """Whether nothing was written: an empty value, `~` or `null` without quotes."""


class Block(dict[str, Any]):
    """A mapping and the line it starts on (1-based)."""

    line: int = 1


class Items(list[Any]):
    """A list and the line it starts on (1-based)."""

    line: int = 1


Value = Line | Block | Items


def read_yaml(text: str, file: str) -> Value | None:
    """The document, None if it is empty. `BadInput` names the file and the line of what is refused."""
    try:
        _check_events(text, file)
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        raise BadInput(f"{file}{_line_of(error)}: not readable as UTF-8 YAML: {_said(error)}") from error
    return None if node is None else _value(node, file)


def kind_of(value: object) -> str:
    """What a value is, in words for a message."""
    if isinstance(value, Line):
        return "nothing" if value.plain_null else f"the text {str(value)[:40]!r}"
    if isinstance(value, Mapping):
        return f"a mapping with {', '.join(sorted(value)[:5]) or 'nothing in it'}"
    return "a list" if isinstance(value, Sequence) else "nothing"


def _check_events(text: str, file: str) -> None:
    """Refuse before anything is built: aliases grow exponentially, tags ask for objects, depth exhausts the stack."""
    depth = documents = 0
    for event in yaml.parse(text, Loader=_LOADER):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent):
            raise BadInput(f"{file}, line {line}: the alias *{event.anchor} is not read; write its content there")
        tag = getattr(event, "tag", None)
        if tag and tag != "!":
            raise BadInput(f"{file}, line {line}: not readable as UTF-8 YAML: the tag {tag} is not read; remove it")
        documents += isinstance(event, yaml.DocumentStartEvent)
        if documents > 1:
            raise BadInput(f"{file}, line {line}: a second document starts (`---`); write one document a file")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise BadInput(f"{file}, line {line}: nested deeper than {MAX_DEPTH} levels, training data needs 4")


def _value(node: yaml.Node, file: str) -> Value:
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, file)
    if isinstance(node, yaml.SequenceNode):
        items = Items(_value(each, file) for each in node.value)
        items.line = node.start_mark.line + 1
        return items
    style = getattr(node, "style", None)
    made = Line(node.value)
    made.line = node.start_mark.line + (2 if style in ("|", ">") else 1)
    made.plain_null = style not in ("'", '"', "|", ">") and node.value in ("", "~", "null", "Null", "NULL")
    return made


def _mapping(node: yaml.MappingNode, file: str) -> Block:
    block = Block()
    block.line = node.start_mark.line + 1
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise BadInput(f"{file}, line {line}: a key is {kind_of(_value(key, file))}, expected a word")
        if key.value in block:
            raise BadInput(f"{file}, line {line}: the key `{key.value}` stands twice in one mapping; merge the two")
        block[key.value] = _value(value, file)
    return block


def _line_of(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    return f", line {mark.line + 1}" if mark is not None else ""


def _said(error: yaml.YAMLError) -> str:
    problem = getattr(error, "problem", None) or getattr(error, "reason", None)
    return str(problem or error).replace("\n", " ")
