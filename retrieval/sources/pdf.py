"""PDF with a text layer: headings by size, tables by gaps, paragraphs joined over lines and pages."""

from __future__ import annotations

import io
import re
from collections.abc import Collection, Sequence
from typing import Any

from pypdf import PdfReader
from pypdf.errors import DependencyError, PyPdfError

from retrieval.documents import Document
from retrieval.errors import UnreadableSource
from retrieval.sources.building import DocumentBuilder
from retrieval.sources.findings import Findings
from retrieval.sources.pdf_lines import Line, body_size, line_step, lines_of, without_edges
from retrieval.sources.text import add_paragraph

MAX_PAGES = 2_000
HEADING_WORDS = 16
WRAPPED = 1.4
"""Distance in font sizes up to which a line in the first column belongs to the row above."""
LARGER = 1.1
"""A heading's size over the body's, unless it is bold."""

_MARK = re.compile(r"([-•*–▪●]|\d{1,3}[.)])\s")
_BULLET = re.compile(r"^[▪●·•]\s*")


def parse(data: bytes, id: str, *, name: str, url: str = "", findings: Findings | None = None) -> Document:
    """A document from PDF bytes; `UnreadableSource` if it is corrupt, encrypted, or a scan without text. Pages that
    are pictures without text are noted."""
    try:
        reader = PdfReader(io.BytesIO(data), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            raise UnreadableSource(name, "is protected by a password; save it without one")
        if len(reader.pages) > MAX_PAGES:
            raise UnreadableSource(name, f"has {len(reader.pages):,} pages, the limit is {MAX_PAGES:,}; split it")
        pages = [lines_of(page, number) for number, page in enumerate(reader.pages)]
        scans = [
            number for number, lines in enumerate(pages, start=1) if not lines and _pictured(reader.pages[number - 1])
        ]
        title = (reader.metadata.title if reader.metadata else None) or ""
    except UnreadableSource:
        raise
    except DependencyError as error:
        raise UnreadableSource(name, "is encrypted; save it without protection") from error
    except (PyPdfError, ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        # pypdf lets its own slips on malformed files through as these
        raise UnreadableSource(name, f"not a readable PDF ({error}); open it and save it again") from error
    lines = without_edges(pages)
    if not lines:
        raise UnreadableSource(name, "has no text layer: it is a scan; run text recognition on it first")
    builder = DocumentBuilder(findings)
    if scans:
        which = ", ".join(str(number) for number in scans[:20]) + (" …" if len(scans) > 20 else "")
        builder.findings.note(f"scanned without text, run text recognition on it first: page {which} of {len(pages)}")
    _build(builder, lines)
    stated = title if title.lower() not in ("untitled", "(anonymous)", "anonymous") else ""
    return builder.document(id, title=stated, url=url, media_type="application/pdf")


def _pictured(page: Any) -> bool:
    """Whether a page draws a picture."""
    objects = (page.get("/Resources") or {}).get("/XObject") or {}
    return any(objects[key].get("/Subtype") == "/Image" for key in objects)


def _build(builder: DocumentBuilder, lines: Sequence[Line]) -> None:
    size = body_size(lines)
    step = line_step(lines, size)
    levels = _levels(lines, size)
    position = 0
    while position < len(lines):
        end = position + 1
        if _is_heading(lines[position], size):
            while end < len(lines) and _same_heading(lines[end - 1], lines[end], size):
                end += 1
            text = " ".join(line.text for line in lines[position:end])
            builder.heading(levels[_height(lines[position])], text)
        elif len(lines[position].cells) > 1 and _is_table(lines, position):
            end = _table_end(lines, position)
            builder.table(_rows(lines[position:end]))
        else:
            while end < len(lines) and _continues(lines[end - 1], lines[end], size, step):
                end += 1
            add_paragraph(builder, _joined(lines[position:end]))
        position = end


def _levels(lines: Sequence[Line], size: float) -> dict[float, int]:
    """Heading level by height, the largest first; the largest counts as the title where the first heading has it."""
    heights = sorted({_height(line) for line in lines if _is_heading(line, size)}, reverse=True)
    first = next((_height(line) for line in lines if _is_heading(line, size)), None)
    offset = 1 if heights and first == heights[0] else 2
    return {height: min(rank + offset, 6) for rank, height in enumerate(heights)}


def _height(line: Line) -> float:
    return round(line.size, 1) + (0.01 if line.bold else 0.0)


def _is_heading(line: Line, size: float) -> bool:
    if len(line.cells) > 1 or len(line.text.split()) > HEADING_WORDS or (_MARK.match(line.text) and not line.bold):
        return False
    if line.size >= LARGER * size:
        return True
    return line.bold and line.size >= 0.98 * size and not line.text.endswith((".", ",", ";", ":"))


def _same_heading(before: Line, after: Line, size: float) -> bool:
    near = before.page == after.page and before.y - after.y < 1.6 * before.size
    return near and _is_heading(after, size) and _height(before) == _height(after)


def _continues(before: Line, after: Line, size: float, step: float) -> bool:
    if _is_heading(after, size) or len(after.cells) > 1:
        return False
    if before.page != after.page:
        return not before.text.endswith((".", "!", "?", ":")) and after.text[:1].islower()
    if _MARK.match(after.text) or _BULLET.match(after.text):
        return before.y - after.y < 2.2 * step
    return before.y - after.y <= 1.3 * step


def _joined(lines: Sequence[Line]) -> str:
    """Lines as one paragraph: words parted by a hyphen put together, list marks kept at the start of a line."""
    text = ""
    for line in lines:
        piece = _BULLET.sub("- ", line.text)
        if not text:
            text = piece
        elif _MARK.match(piece):
            text += "\n" + piece
        elif re.search(r"[a-z]-$", text) and piece[:1].islower():
            text = text[:-1] + piece
        else:
            text += " " + piece
    return text


def _is_table(lines: Sequence[Line], position: int) -> bool:
    """Two neighbouring lines with cells, or it is running text with a wide gap."""
    following = lines[position + 1 : position + 4]
    return any(len(line.cells) > 1 and line.page == lines[position].page for line in following)


def _table_end(lines: Sequence[Line], position: int) -> int:
    columns = {round(x) for x in lines[position].xs}
    end = position + 1
    while end < len(lines) and (lines[end].page == lines[end - 1].page or len(lines[end].cells) > 1):
        if len(lines[end].cells) < 2 and not _wraps(lines[end - 1], lines[end], columns):
            break
        columns |= {round(x) for x in lines[end].xs}
        end += 1
    return end


def _wraps(before: Line, after: Line, columns: Collection[float]) -> bool:
    """Whether a line with one cell goes on with the row above it."""
    if not any(abs(after.xs[0] - column) < 3 for column in columns):
        return False
    close = before.page == after.page and before.y - after.y < WRAPPED * after.size
    return close if after.xs[0] - min(columns) < 3 else before.page == after.page


def _rows(lines: Sequence[Line]) -> list[list[str]]:
    """Rows with a cell for each column; a line without the first column goes on with the row above."""
    columns: list[float] = []
    for x in sorted(x for line in lines for x in line.xs):
        if not columns or x - columns[-1] > 8:
            columns.append(x)
    rows: list[list[str]] = []
    for before, line in zip([None, *lines], lines, strict=False):
        cells = [""] * len(columns)
        for text, x in zip(line.cells, line.xs, strict=True):
            nearest = min(range(len(columns)), key=lambda number: abs(columns[number] - x))
            cells[nearest] = text
        if rows and before and (not cells[0] or (len(line.cells) == 1 and _wraps(before, line, columns))):
            rows[-1] = [f"{above} {cell}".strip() for above, cell in zip(rows[-1], cells, strict=True)]
        else:
            rows.append(cells)
    return rows
