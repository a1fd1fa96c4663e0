"""Corpora: JSON lines `{id, title?, text, url?}`, plain or gzipped, one document a line."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

from retrieval.documents import Document
from retrieval.errors import UnreadableSource
from retrieval.sources import markdown, text

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
