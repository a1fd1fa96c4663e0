"""Rasa NLU YAML edited line by line: an example is taken out or put in, and no other line is touched.

A YAML library that writes the file anew re-indents blocks and re-wraps comments, so PyYAML only tells where examples
stand. `ValueError` says why a file is written in a way that this cannot edit; a person can.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import yaml

from bot.understanding.care.lines import split_lines, with_line, without

_DASH = re.compile(r"(\s*-\s+|\s*)")


@dataclass(frozen=True, slots=True)
class _Example:
    """One example: its lines (0-based, the last included), the 1-based line its text starts on, and as written."""

    first: int
    last: int
    line: int
    written: str


@dataclass(frozen=True, slots=True)
class _Block:
    """The examples of one `- intent:`; `style` is "lines" (`examples: |`), "items" or "texts" (lists), or ""."""

    intent: str
    style: str
    examples: tuple[_Example, ...]


def remove_example(text: str, line: int) -> tuple[str, str]:
    """The file without the example on a 1-based line, and that example as it was written, annotations included."""
    lines = split_lines(text)
    block, example = _at(_blocks(text, lines), line)
    if len(block.examples) == 1:
        raise ValueError(f"it is the only example in its block of {block.intent}; remove the block by hand")
    return "".join(without(lines, example.first, example.last - example.first + 1)), example.written


def append_example(text: str, intent: str, written: str) -> tuple[str, int]:
    """The file with one more example at the end of an intent's first block, and the 1-based line it is on."""
    lines = split_lines(text)
    block = next((each for each in _blocks(text, lines) if each.intent == intent and each.style), None)
    if block is None or not block.examples:
        raise ValueError(f"it has no block of {intent} with examples to add to")
    if "\n" in written:
        raise ValueError("the example has several lines")
    last = block.examples[-1]
    lead = _DASH.match(lines[last.first])
    opening = lead[0] if lead else ""
    if block.style == "lines":
        content = opening + written
    else:
        content = f"{opening}{'text: ' if block.style == 'texts' else ''}{json.dumps(written, ensure_ascii=False)}"
    return "".join(with_line(lines, last.last, content)), last.last + 2


def has_block(text: str, intent: str) -> bool:
    """Whether an example of the intent could be appended."""
    return any(each.intent == intent and each.style and each.examples for each in _blocks(text, split_lines(text)))


def _at(blocks: list[_Block], line: int) -> tuple[_Block, _Example]:
    for block in blocks:
        for example in block.examples:
            if example.line == line:
                return block, example
    raise ValueError(f"line {line} is not an example on lines of its own")


def _blocks(text: str, lines: list[str]) -> list[_Block]:
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    listed = _value(root, "nlu")
    blocks = []
    for node in listed.value if isinstance(listed, yaml.SequenceNode) else ():
        intent, examples = _value(node, "intent"), _value(node, "examples")
        if not isinstance(intent, yaml.ScalarNode):
            continue
        name = intent.value.strip()
        if isinstance(examples, yaml.ScalarNode) and examples.style == "|":
            blocks.append(_Block(name, "lines", _literal(examples, lines)))
        elif isinstance(examples, yaml.SequenceNode) and not examples.flow_style and examples.value:
            style = "texts" if isinstance(examples.value[-1], yaml.MappingNode) else "items"
            blocks.append(_Block(name, style, tuple(_item(each, lines) for each in examples.value)))
        else:
            blocks.append(_Block(name, "", ()))
    return blocks


def _value(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)


def _literal(node: yaml.ScalarNode, lines: list[str]) -> tuple[_Example, ...]:
    examples = []
    for offset, content in enumerate(node.value.splitlines()):
        place = node.start_mark.line + 1 + offset
        if not content.strip():
            continue
        if place >= len(lines) or lines[place].strip() != content.strip():
            raise ValueError(f"line {place + 1} holds a character that some take for the end of a line")
        written = re.sub(r"^\s*-(?:\s+|$)", "", content).strip()
        examples.append(_Example(place, place, place + 1, written))
    return tuple(examples)


def _item(node: yaml.Node, lines: list[str]) -> _Example:
    told = _value(node, "text") if isinstance(node, yaml.MappingNode) else node
    if not isinstance(told, yaml.ScalarNode) or not lines[node.start_mark.line].lstrip().startswith("-"):
        raise ValueError(f"line {node.start_mark.line + 1} is not `- text`")
    last = max(_last_line(node), node.start_mark.line)
    while last > node.start_mark.line and lines[last].lstrip()[:1] in ("", "#"):
        last -= 1
    line = told.start_mark.line + (2 if told.style in ("|", ">") else 1)
    return _Example(node.start_mark.line, last, line, told.value.strip())


def _last_line(node: yaml.Node) -> int:
    """The 0-based last line of what a node holds; a block scalar's mark stands behind it."""
    if isinstance(node, yaml.ScalarNode):
        return int(node.end_mark.line) - (1 if node.style in ("|", ">") else 0)
    if not isinstance(node, yaml.CollectionNode) or not node.value or node.flow_style:
        return int(node.end_mark.line)
    ends = node.value if isinstance(node, yaml.SequenceNode) else [value for _, value in node.value]
    return max(map(_last_line, ends))
