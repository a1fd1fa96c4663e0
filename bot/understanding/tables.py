"""Intent rows from CSV (`text,intent`) and JSON lines with the same names; `category` and `label` mean `intent`."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bot.errors import BadInput
from bot.understanding.rows import Row, RowProblem, checked_row

INTENT_NAMES = ("intent", "category", "label")
"""Columns that are taken for the intent, in this order of preference."""

Rows = Iterator[Row | RowProblem]


def read_csv(path: Path, default_intent: str | None = None) -> Rows:
    """Rows of a CSV file with a header; `BadInput` for a wrong header, encoding or quoting, with the row.

    `default_intent` stands in where the file has no intent column. Row 1 is the header.
    """
    reader = csv.reader(io.StringIO(_decoded(path), newline=""), strict=True)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        text, intent = _columns(header, path.name, default_intent)
        for number, cells in enumerate(reader, start=2):
            if len(cells) != len(header):
                yield RowProblem(path.name, number, f"{len(cells)} cells, expected {len(header)} as in the header")
                continue
            named = (default_intent or "") if intent is None else cells[intent]
            yield checked_row(cells[text].strip(), named.strip(), (), path.name, number)
    except csv.Error as error:
        raise BadInput(f"{path.name}, line {reader.line_num}: not readable as CSV: {error}") from error


def read_jsonl(path: Path, default_intent: str | None = None) -> Rows:
    """Rows of a JSON lines file; `BadInput` for a line that is not an object with a text and an intent."""
    for number, line in enumerate(_decoded(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise BadInput(f"{path.name}, line {number}: not readable as JSON: {error}") from error
        text, intent = _fields(record, path.name, number, default_intent)
        yield checked_row(text.strip(), intent.strip(), (), path.name, number)


def _decoded(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = content[error.start]
        raise BadInput(
            f"{path.name}, line {line}: byte 0x{byte:02x} is not UTF-8; it may be Windows-1252, save the file as UTF-8"
        ) from error


def _columns(header: list[str], file: str, default_intent: str | None) -> tuple[int, int | None]:
    intent = next((header.index(name) for name in INTENT_NAMES if name in header), None)
    if "text" not in header or (intent is None and default_intent is None):
        raise BadInput(f"{file}: the header has {header}, expected `text` and one of {', '.join(INTENT_NAMES)}")
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
