"""Corpora: JSON lines `{id, title?, text, url?}`, plain or gzipped, one document a line."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from retrieval.documents import Document
from retrieval.errors import UnreadableSource
from retrieval.sources import markdown, text
from retrieval.sources.findings import Findings

MAX_LINE = 16 * 2**20
"""Bytes of one document."""
_MARKDOWN = re.compile(r"^#{1,6} \S", re.MULTILINE)


def read_jsonl(path: Path) -> Iterator[Document]:
    """The documents of a `.jsonl` or `.jsonl.gz` file, in order; `UnreadableSource` names the bad line."""
    opener = gzip.open if path.suffix == ".gz" else open
    number = 0
    try:
        with opener(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                number += 1
                if line.strip():
                    yield document_of(json.loads(line), f"{path.name} line {number}")
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise UnreadableSource(path.name, f"line {number + 1} cannot be read: {error}") from error


def lines_of(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of such a file that are not empty, with their numbers; `UnreadableSource` where reading ends early."""
    opener = gzip.open if path.suffix == ".gz" else open
    number = 0
    try:
        with opener(path, "rb") as lines:
            while line := lines.readline(MAX_LINE + 1):
                number += 1
                if len(line) > MAX_LINE:
                    raise UnreadableSource(path.name, f"line {number} has more than {MAX_LINE:,} bytes; split it")
                if line.strip():
                    yield number, line
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableSource(path.name, f"line {number + 1} cannot be read: {error}") from error


def id_of(line: bytes) -> str:
    """The id that a line states; empty where it states none that is a string."""
    try:
        stated = json.loads(line)
    except (ValueError, RecursionError):
        return ""
    id = stated.get("id") if isinstance(stated, dict) else None
    return id if isinstance(id, str) else ""


def parse(data: bytes, id: str, *, name: str, url: str = "", findings: Findings | None = None) -> Document:
    """One line as a document, under the id that is given."""
    row = json.loads(data)
    if not isinstance(row, dict):
        raise UnreadableSource(name, f"has {type(row).__name__}; a corpus line needs id and text, both strings")
    made = document_of(row, name)
    return replace(made, id=id, url=url or made.url)


def document_of(row: object, name: str) -> Document:
    """One document; its text is read as Markdown where it has Markdown headings, as plain text otherwise."""
    if not isinstance(row, dict) or not isinstance(row.get("id"), str) or not isinstance(row.get("text"), str):
        got = ", ".join(row) if isinstance(row, dict) else type(row).__name__
        raise UnreadableSource(name, f"has {got}; a corpus line needs id and text, both strings")
    body: str = row["text"]
    id: str = row["id"]
    title, url = str(row.get("title") or ""), str(row.get("url") or "")
    if _MARKDOWN.search(body):
        return markdown.parse(body.encode(), id, name=name, url=url)
    return text.parse((f"{title}\n\n{body}" if title else body).encode(), id, name=name, url=url)
