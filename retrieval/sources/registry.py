"""Which parser reads what, by the first bytes and the extension."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import PurePath
from typing import Protocol

from retrieval.documents import Document
from retrieval.errors import UnreadableSource
from retrieval.sources import docx, faq, html, jsonl, markdown, pdf, text, xlsx
from retrieval.sources.findings import Findings

MAX_BYTES = 50 * 2**20
MAX_ID = 160
"""Characters of an id that is made from a name; a longer one is cut and told apart by its hash."""


class Parser(Protocol):
    """Bytes to a document; `UnreadableSource` with a reason for people. `findings` takes what is noticed beside it."""

    def __call__(
        self, data: bytes, id: str, *, name: str, url: str = "", findings: Findings | None = None
    ) -> Document: ...


PARSERS: dict[str, Parser] = {
    ".md": markdown.parse,
    ".markdown": markdown.parse,
    ".html": html.parse,
    ".htm": html.parse,
    ".xhtml": html.parse,
    ".pdf": pdf.parse,
    ".docx": docx.parse,
    ".txt": text.parse,
    ".csv": faq.parse,
    ".tsv": faq.parse,
    ".xlsx": xlsx.parse,
    ".json": faq.parse,
    ".yaml": faq.parse,
    ".yml": faq.parse,
    ".jsonl": jsonl.parse,
}

_SIGNATURES: tuple[tuple[bytes, frozenset[str]], ...] = (
    (b"%PDF-", frozenset((".pdf",))),
    (b"PK\x03\x04", frozenset((".docx", ".xlsx"))),
)
_HTML = re.compile(rb"\s*(<!--.*?-->\s*)*<(!doctype html|html)\b", re.IGNORECASE | re.DOTALL)


def parse(
    data: bytes, name: str, *, document_id: str | None = None, url: str = "", findings: Findings | None = None
) -> Document:
    """Parse a source in this process. `name` is its file name; the id defaults to the name without extension.

    `UnreadableSource` for an unknown format, a name that does not fit the content, an empty or oversize file, and
    whatever the parser finds.
    """
    if not data.strip():
        raise UnreadableSource(name, "is empty")
    if len(data) > MAX_BYTES:
        raise UnreadableSource(name, f"has {len(data):,} bytes, the limit is {MAX_BYTES:,}; split it")
    parser = PARSERS[_kind(data, name)]
    id = document_id or default_id(name)
    document = _guarded(lambda: parser(data, id, name=name, url=url, findings=findings), name)
    if not document.blocks:
        raise UnreadableSource(name, "holds no text that could be quoted")
    return document


def default_id(name: str) -> str:
    """The id of a document that is given none: its path without extension, in characters that addresses allow."""
    stem = PurePath(name).with_suffix("").as_posix()
    id = re.sub(r"[^\w.-]+", "-", stem).strip("-.") or "document"
    return id if len(id) <= MAX_ID else f"{id[: MAX_ID - 9]}-{hashlib.sha256(id.encode()).hexdigest()[:8]}"


def _kind(data: bytes, name: str) -> str:
    suffix = PurePath(name).suffix.lower()
    for signature, suffixes in _SIGNATURES:
        fits = suffix in suffixes
        if data[:1024].lstrip().startswith(signature) != fits and (fits or suffix in PARSERS):
            expected = "/".join(sorted(suffixes))
            state = "does not begin like" if fits else "begins like"
            raise UnreadableSource(name, f"{state} a {expected} file; save it again in the format its name says")
    if suffix in PARSERS:
        return suffix
    if not suffix and data.startswith(b"%PDF-"):
        return ".pdf"
    if _HTML.match(data[:4096]):
        return ".html"
    raise UnreadableSource(name, f"is {suffix or 'without extension'}; readable are {', '.join(sorted(PARSERS))}")


def _guarded(work: Callable[[], Document], name: str) -> Document:
    try:
        return work()
    except (ValueError, RecursionError, MemoryError) as error:
        raise UnreadableSource(name, f"cannot be parsed: {error or type(error).__name__}") from error
