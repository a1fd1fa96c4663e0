"""Plain text: paragraphs apart by empty lines, lists by their marks, the first short line as title."""

from __future__ import annotations

import re

from retrieval.documents import Document
from retrieval.sources.building import DocumentBuilder, clean
from retrieval.sources.decoding import decode
from retrieval.sources.findings import Findings

TITLE_WORDS = 14

_ITEM = re.compile(r"(?:[-•*–]|(\d{1,3})[.)])\s+")


def parse(data: bytes, id: str, *, name: str, url: str = "", findings: Findings | None = None) -> Document:
    """A document from UTF-8 text; `UnreadableSource` for another encoding."""
    paragraphs = [part for part in re.split(r"\n{2,}", clean(decode(data, name))) if part]
    builder = DocumentBuilder(findings)
    if paragraphs and looks_like_title(paragraphs[0].split("\n")[0]):
        title, _, rest = paragraphs[0].partition("\n")
        builder.heading(1, title)
        paragraphs[0] = rest
    for paragraph in paragraphs:
        add_paragraph(builder, paragraph)
    return builder.document(id, url=url, media_type="text/plain")


def looks_like_title(line: str) -> bool:
    """Whether a line stands for what follows: a few words without the full stop of a sentence."""
    return 0 < len(line.split()) <= TITLE_WORDS and not line.endswith((".", ",", ";", ":")) and not _ITEM.match(line)


def add_paragraph(builder: DocumentBuilder, paragraph: str) -> None:
    """Add a paragraph; the lines in it that carry list marks become a list."""
    running: list[str] = []
    items: list[str] = []
    numbered = None
    for line in paragraph.split("\n"):
        mark = _ITEM.match(line)
        if mark:
            if not items:
                builder.paragraph(" ".join(running))
                running, numbered = [], mark.group(1)
            items.append(line[mark.end() :])
        elif items:
            items[-1] += " " + line
        else:
            running.append(line)
    builder.paragraph(" ".join(running))
    builder.items(items, first=int(numbered) if numbered else None)
