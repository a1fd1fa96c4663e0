"""Table files to rows of named cells: the part of the FAQ formats that knows the formats."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from zipfile import BadZipFile

import yaml
from markdown_it import MarkdownIt
from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from retrieval.errors import UnreadableSource
from retrieval.sources.decoding import decode
from retrieval.sources.markdown import inline_text
from retrieval.sources.zips import check_zip

MAX_COLUMNS = 50
MAX_CELL = 100_000
"""Characters of one cell."""


@dataclass(frozen=True, slots=True)
class Row:
    """Cells by column name; `number` counts as a spreadsheet does, with the header as row 1."""

    number: int
    cells: dict[str, str]


def csv_rows(data: bytes, name: str) -> list[Row]:
    """Rows of a CSV file with commas, semicolons or tabs, whichever its header uses most."""
    text = decode(data, name)
    header = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=header.count)
    # the limit is global to the csv module, and never smaller than its default of 131,072
    try:
        listed = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise UnreadableSource(name, f"is not a CSV file: {error}; check the quotation marks") from error
    return _with_header(listed, name)


def xlsx_rows(data: bytes, name: str) -> list[Row]:
    """Rows of the first sheet; formulas count with the value that was saved with them."""
    check_zip(data, name)
    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        listed = [["" if cell is None else str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
        book.close()
    except (InvalidFileException, BadZipFile, KeyError, ValueError, TypeError, IndexError, AttributeError) as error:
        raise UnreadableSource(name, f"not a readable XLSX file ({error}); open it and save it again") from error
    return _with_header(listed, name)


def json_rows(data: bytes, name: str) -> list[Row]:
    """Rows of a JSON list of objects."""
    try:
        return _objects(json.loads(decode(data, name)), name)
    except (json.JSONDecodeError, RecursionError) as error:
        raise UnreadableSource(name, f"is not JSON: {error}") from error


def yaml_rows(data: bytes, name: str) -> list[Row]:
    """Rows of a YAML list of mappings; aliases are refused, they can grow without limit."""
    text = decode(data, name)
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise UnreadableSource(name, "uses YAML aliases (*name); write the rows out")
        return _objects(yaml.safe_load(text), name)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise UnreadableSource(name, f"is not YAML: {error}") from error


def markdown_rows(data: bytes, name: str) -> list[Row]:
    """Rows of all tables in a Markdown file that have the same header as the first."""
    tables: list[list[list[str]]] = []
    for token in MarkdownIt("commonmark").enable("table").parse(decode(data, name)):
        if token.type == "table_open":
            tables.append([])
        elif token.type == "tr_open":
            tables[-1].append([])
        elif token.type == "inline" and tables and tables[-1] and token.level > 2:
            tables[-1][-1].append(inline_text(token))
    alike = [table for table in tables if table[0] == tables[0][0]]
    return _with_header([alike[0][0], *(row for table in alike for row in table[1:])], name) if alike else []


def _with_header(listed: Sequence[Sequence[str]], name: str) -> list[Row]:
    if not listed or not any(listed[0]):
        return []
    header = [cell.strip() for cell in listed[0]]
    if len(header) > MAX_COLUMNS:
        raise UnreadableSource(name, f"has {len(header)} columns, the limit is {MAX_COLUMNS}")
    repeated = {cell for cell in header if cell and header.count(cell) > 1}
    if repeated:
        raise UnreadableSource(name, f"has the column {', '.join(sorted(repeated))} twice; rename one")
    rows = []
    for number, cells in enumerate(listed[1:], start=2):
        if len(cells) > len(header) and any(cells[len(header) :]):
            raise UnreadableSource(
                name, f"row {number} has {len(cells)} cells under {len(header)} columns; put quotes around the text"
            )
        padded = [*cells, *[""] * (len(header) - len(cells))]
        rows.append(_row(number, zip(header, padded, strict=False), name))
    while rows and not any(cell.strip() for cell in rows[-1].cells.values()):
        rows.pop()
    return rows


def _objects(value: Any, name: str) -> list[Row]:
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise UnreadableSource(name, "is not a list of objects such as {question: …, answer: …}")
    return [
        _row(number, ((str(key), "" if cell is None else str(cell)) for key, cell in entry.items()), name)
        for number, entry in enumerate(value, start=2)
    ]


def _row(number: int, cells: Iterable[tuple[str, str]], name: str) -> Row:
    row = Row(number, dict(cells))
    for column, cell in row.cells.items():
        if len(cell) > MAX_CELL:
            raise UnreadableSource(name, f"row {number}, {column}: {len(cell):,} characters; the limit is {MAX_CELL:,}")
    return row
