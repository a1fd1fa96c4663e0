"""DOCX: paragraphs by their styles, lists and tables in the order of the body."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any
from zipfile import BadZipFile

import docx
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.exceptions import OpcError
from docx.oxml.ns import qn
from docx.table import Table
from docx.text.paragraph import Paragraph
from lxml.etree import XMLSyntaxError

from retrieval.documents import Document
from retrieval.errors import UnreadableSource
from retrieval.sources.building import DocumentBuilder
from retrieval.sources.findings import Findings, shown
from retrieval.sources.zips import check_zip

_HEADING = re.compile(r"heading (\d)", re.IGNORECASE)


def parse(data: bytes, id: str, *, name: str, url: str = "", findings: Findings | None = None) -> Document:
    """A document from DOCX bytes; `UnreadableSource` for a corrupt or oversize file. Text formatted as hidden is left
    out and noted."""
    check_zip(data, name)
    builder = DocumentBuilder(findings)
    try:
        source = docx.Document(io.BytesIO(data))
        hidden = _drop_hidden(source)
        pieces = list(source.iter_inner_content())
    except (OpcError, BadZipFile, KeyError, ValueError, XMLSyntaxError) as error:
        raise UnreadableSource(
            name, f"not a readable DOCX file ({error}); open it in Word and save it again"
        ) from error
    if hidden:
        builder.findings.note(f"hidden text was left out: {shown(hidden)}")
    relations = source.part.rels.values()
    builder.findings.add_links(each.target_ref for each in relations if each.reltype == RELATIONSHIP_TYPE.HYPERLINK)
    for kind, run in groupby(pieces, key=_kind):
        _add(builder, kind, list(run))
    title = source.core_properties.title or ""
    media_type = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    return builder.document(id, title=title, url=url, media_type=media_type)


def _drop_hidden(source: Any) -> str:
    """Take out the runs that Word would not show; returns their text."""
    texts = []
    for run in list(source.element.body.iter(qn("w:r"))):
        mark = run.find(f"{qn('w:rPr')}/{qn('w:vanish')}")
        if mark is not None and mark.get(qn("w:val"), "true") not in ("0", "false", "off"):
            texts.append(run.text)
            run.getparent().remove(run)
    return " ".join("".join(texts).split())


def _add(builder: DocumentBuilder, kind: str, pieces: list[Any]) -> None:
    if kind in ("numbered", "dashed"):
        builder.items([piece.text for piece in pieces], first=1 if kind == "numbered" else None)
        return
    for piece in pieces:
        if kind == "table":
            builder.table(list(_rows(piece)))
        elif kind == "paragraph":
            builder.paragraph(piece.text)
        else:
            level = int(kind)
            builder.heading(level, piece.text)


def _kind(piece: Paragraph | Table) -> str:
    """ "table", "numbered", "dashed", "paragraph", or the level of a heading."""
    if isinstance(piece, Table):
        return "table"
    style = piece.style.name if piece.style is not None and piece.style.name else ""
    if style == "Title":
        return "1"
    heading = _HEADING.match(style)
    if heading:
        return heading.group(1)
    if style.startswith("List Number"):
        return "numbered"
    numbered = piece._p.pPr is not None and piece._p.pPr.numPr is not None
    return "dashed" if style.startswith("List") or numbered else "paragraph"


def _rows(table: Table) -> Iterator[list[str]]:
    """Rows as texts; a cell merged over several columns counts once."""
    for row in table.rows:
        cells: list[Any] = []
        for cell in row.cells:
            if not cells or cell._tc is not cells[-1]._tc:
                cells.append(cell)
        yield [cell.text for cell in cells]
