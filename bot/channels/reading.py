"""A stored document cut into what a page shows: headings, paragraphs, lists and tables, with the quote marked.

Nothing is changed or left out: every piece is a slice of the stored text, so a citation's offsets find it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from retrieval.documents import Block, Document

_MARKER = re.compile(r"(?:-|\d{1,4}\.) ")


@dataclass(frozen=True, slots=True)
class Fragment:
    """A slice of the text; `quoted` where it belongs to the quote, `first` on the quote's first slice."""

    text: str
    quoted: bool = False
    first: bool = False


Cell = tuple[Fragment, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """One block to show. `headings` are those that are new since the block before, as (level, text), level from 2.

    `kind` is paragraph, items, numbered, table or lines; `columns` are a table's headings, `rows` its cells (other
    kinds have one cell a row).
    """

    kind: str
    headings: tuple[tuple[int, str], ...]
    rows: tuple[tuple[Cell, ...], ...]
    columns: tuple[str, ...] = ()


def sections(document: Document, start: int = 0, end: int = 0) -> tuple[Section, ...]:
    """The document's blocks in reading order, with `text[start:end]` marked; an empty range marks nothing."""
    marker = _Marker(document.text, start, end)
    blocks = document.blocks or (Block("paragraph", (), 0, len(document.text)),)
    shown: list[Section] = []
    above: tuple[str, ...] = ()
    for block in blocks:
        shown.append(_section(document.text, block, _new_headings(above, block.heading), marker))
        above = block.heading
    return tuple(shown)


def _section(text: str, block: Block, headings: tuple[tuple[int, str], ...], marker: _Marker) -> Section:
    lines = list(_lines(text, block.start, block.end))
    if block.kind == "table" and (parsed := _columns(text, lines)):
        columns, cells = parsed
        return Section("table", headings, tuple(tuple(marker.cell(*span) for span in row) for row in cells), columns)
    if block.kind == "list" and all(_MARKER.match(text, *line) for line in lines):
        numbered = text[lines[0][0]].isdigit() if lines else False
        rows = tuple((marker.cell(_after_marker(text, line), line[1]),) for line in lines)
        return Section("numbered" if numbered else "items", headings, rows)
    kind = "lines" if block.kind in ("table", "list") else "paragraph"
    return Section(kind, headings, tuple((marker.cell(*line),) for line in lines))


class _Marker:
    """Cuts slices at the ends of the quote; only the first marked slice is `first`."""

    def __init__(self, text: str, start: int, end: int) -> None:
        self._text = text
        self._start, self._end = start, end
        self._found = False

    def cell(self, start: int, end: int) -> Cell:
        low, high = max(start, self._start), min(end, self._end)
        if low >= high:
            return (Fragment(self._text[start:end]),)
        first, self._found = not self._found, True
        pieces = (
            Fragment(self._text[start:low]),
            Fragment(self._text[low:high], quoted=True, first=first),
            Fragment(self._text[high:end]),
        )
        return tuple(piece for piece in pieces if piece.text)


def _new_headings(above: tuple[str, ...], path: tuple[str, ...]) -> tuple[tuple[int, str], ...]:
    same = 0
    while same < min(len(above), len(path)) and above[same] == path[same]:
        same += 1
    return tuple((min(2 + at, 6), path[at]) for at in range(same, len(path)))


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    at = start
    for line in text[start:end].split("\n"):
        if line.strip():
            yield at, at + len(line)
        at += len(line) + 1


def _after_marker(text: str, line: tuple[int, int]) -> int:
    found = _MARKER.match(text, *line)
    return found.end() if found else line[0]


def _columns(text: str, lines: list[tuple[int, int]]) -> tuple[tuple[str, ...], list[list[tuple[int, int]]]] | None:
    """Columns and cell spans of lines like `Service: Express; Price: £6.95`; None unless all lines agree."""
    names: tuple[str, ...] = ()
    rows = []
    for start, end in lines:
        found = [re.match(r"([^:]{1,60}): (.*)", part) for part in text[start:end].split("; ")]
        keys = tuple(match[1] for match in found if match)
        if len(keys) != len(found) or (names and keys != names) or len(keys) < 2:
            return None
        names = keys
        rows.append(_cells(start, text[start:end].split("; "), keys))
    return (names, rows) if rows else None


def _cells(start: int, parts: list[str], keys: tuple[str, ...]) -> list[tuple[int, int]]:
    spans, at = [], start
    for part, key in zip(parts, keys, strict=True):
        spans.append((at + len(key) + 2, at + len(part)))
        at += len(part) + 2
    return spans
