"""XLSX: a FAQ where the first sheet has columns for questions and answers, else every visible sheet as a table."""

from __future__ import annotations

import io
from collections.abc import Sequence
from zipfile import BadZipFile

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from retrieval.documents import Document
from retrieval.errors import UnreadableSource
from retrieval.sources import faq
from retrieval.sources.building import DocumentBuilder
from retrieval.sources.findings import Findings
from retrieval.sources.tables import MAX_CELL, MAX_COLUMNS
from retrieval.sources.zips import check_zip

MAX_ROWS = 50_000
"""Rows of all sheets together."""

Rows = list[list[str]]


def parse(data: bytes, id: str, *, name: str, url: str = "", findings: Findings | None = None) -> Document:
    """A document from XLSX bytes; hidden sheets are left out and noted. `UnreadableSource` for a corrupt or oversize
    file, and for a FAQ with wrong rows."""
    check_zip(data, name)
    sheets, hidden = _sheets(data, name)
    if sheets and _is_faq(next(iter(sheets.values()))):
        return faq.parse(data, id, name=name, url=url, findings=findings)
    builder = DocumentBuilder(findings)
    if hidden:
        builder.findings.note(f"hidden sheets were left out: {', '.join(hidden[:10])}")
    for title, rows in sheets.items():
        builder.heading(2, title)
        builder.table(rows)
    return builder.document(id, url=url, media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")


def _sheets(data: bytes, name: str) -> tuple[dict[str, Rows], list[str]]:
    """Rows by sheet, without empty ones, and the titles of the hidden sheets."""
    sheets: dict[str, Rows] = {}
    hidden = []
    total = 0
    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        for sheet in book.worksheets:
            if sheet.sheet_state != "visible":
                hidden.append(sheet.title)
                continue
            rows: Rows = []
            for cells in sheet.iter_rows(values_only=True, max_col=MAX_COLUMNS):
                total += 1
                if total > MAX_ROWS:
                    raise UnreadableSource(name, f"has more than {MAX_ROWS:,} rows; split it")
                row = ["" if cell is None else str(cell)[:MAX_CELL] for cell in cells]
                if any(row):
                    rows.append(row)
            if rows:
                sheets[sheet.title] = rows
        book.close()
    except (InvalidFileException, BadZipFile, KeyError, ValueError, TypeError, IndexError, AttributeError) as error:
        raise UnreadableSource(name, f"not a readable XLSX file ({error}); open it and save it again") from error
    return sheets, hidden


def _is_faq(rows: Sequence[Sequence[str]]) -> bool:
    header = {cell.strip().lower() for cell in rows[0]}
    return all(header & set(faq.COLUMNS[column]) for column in ("question", "answer"))
