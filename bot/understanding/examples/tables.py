"""Intent rows from CSV (`text,intent`) and JSON lines with the same names; `category` and `label` mean `intent`."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bot.errors import BadInput
from bot.understanding.examples.files import decoded
from bot.understanding.examples.rows import Row, RowProblem, checked_row

INTENT_NAMES = ("intent", "category", "label")
"""Columns that are taken for the intent, in this order of preference."""

_FEWEST_TO_JUDGE = 10

Rows = Iterator[Row | RowProblem]


def read_csv(path: Path, default_intent: str | None = None) -> Rows:
    """Rows of a CSV file with a header, separated by commas, semicolons or tabs as the header is; `BadInput` for a
    wrong header, encoding or quoting, with the row.

    `default_intent` stands in where the file has no intent column. Row 1 is the header.
    """
    text = decoded(path)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=_delimiter(text))
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        column, intent = _columns(header, path.name, default_intent)
        for number, cells in enumerate(reader, start=2):
            if len(cells) != len(header):
                problem = f"{len(cells)} cells, expected {len(header)} as in the header; quote texts with commas"
                yield RowProblem(path.name, number, problem)
                continue
            named = (default_intent or "") if intent is None else cells[intent]
            yield checked_row(cells[column].strip(), named.strip(), (), path.name, number)
    except csv.Error as error:
        raise BadInput(f"{path.name}, line {reader.line_num}: not readable as CSV: {error}") from error


def read_jsonl(path: Path, default_intent: str | None = None) -> Rows:
    """Rows of a JSON lines file; `BadInput` for a line that is not an object with a text and an intent."""
    for number, line in enumerate(decoded(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line, object_pairs_hook=_once)
        except (ValueError, RecursionError) as error:
            raise BadInput(f"{path.name}, line {number}: not readable as JSON: {error}") from error
        text, intent = _fields(record, path.name, number, default_intent)
        yield checked_row(text.strip(), intent.strip(), (), path.name, number)


def refuse_swapped(rows: Iterable[Row], file: str) -> None:
    """`BadInput` if the texts look like intents: fewer different ones than intents, and shorter."""
    listed = list(rows)
    texts, intents = {row.text for row in listed}, {row.intent for row in listed}
    if len(listed) >= _FEWEST_TO_JUDGE and 2 * len(texts) < len(intents) and _words(texts) < _words(intents):
        raise BadInput(
            f"{file}: {len(intents)} different intents for {len(texts)} different texts, "
            f"such as the intent {listed[0].intent[:40]!r} for {listed[0].text[:40]!r}; exchange the two columns"
        )


def _words(texts: Iterable[str]) -> float:
    """Words a text, on average."""
    counts = [len(text.split()) for text in texts]
    return sum(counts) / max(len(counts), 1)


def _delimiter(text: str) -> str:
    """What separates the header's names, if that is clear; else the comma."""
    header = text[:1_000].partition("\n")[0].lower()
    for mark in (";", "\t"):
        names = [name.strip().strip('"') for name in header.split(mark)]
        if "text" in names and len(names) > 1:
            return mark
    return ","


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        raise ValueError(f"a name stands twice among {', '.join(name for name, _ in pairs)[:100]}")
    return record


def _columns(header: list[str], file: str, default_intent: str | None) -> tuple[int, int | None]:
    intent = next((header.index(name) for name in INTENT_NAMES if name in header), None)
    if "text" not in header or (intent is None and default_intent is None):
        shown = [name[:40] for name in header[:6]]
        raise BadInput(
            f"{file}, line 1: the header has {shown}, expected `text` and one of {', '.join(INTENT_NAMES)}; "
            "name the columns so, or write `text,intent` above the rows"
        )
    if header.count("text") > 1:
        raise BadInput(f"{file}, line 1: the header has `text` {header.count('text')} times, expected once")
    return header.index("text"), intent


def _fields(record: Any, file: str, number: int, default_intent: str | None) -> tuple[str, str]:
    if not isinstance(record, Mapping):
        raise BadInput(f"{file}, line {number}: got {type(record).__name__}, expected an object with text and intent")
    text = record.get("text")
    intent = next((record[name] for name in INTENT_NAMES if name in record), default_intent)
    if not isinstance(text, str) or not isinstance(intent, str):
        raise BadInput(
            f"{file}, line {number}: got the fields {sorted(map(str, record))}, "
            f"expected strings under `text` and one of {', '.join(INTENT_NAMES)}"
        )
    return text, intent
