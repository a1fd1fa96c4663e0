"""Citations: quotes cut out of a stored version, with a link that opens at the quote."""

from __future__ import annotations

from urllib.parse import quote

from retrieval.documents import Citation, Document, Passage

FRAGMENT_WORDS = 8
"""A text fragment names a longer quote by this many of its first and last words."""


def cite(document: Document, passage: Passage, start: int, end: int) -> Citation:
    """Quote `document.text[start:end]`, which lies in the passage."""
    text = document.text[start:end]
    heading = " › ".join(passage.heading) or document.title
    url = link(document, start, end)
    return Citation(document.id, document.version, heading, start, end, text, url, document.audience)


def link(document: Document, start: int, end: int) -> str:
    """Where the quote can be read: the document's public address with a text fragment, else the page of that
    version that Firstline serves itself."""
    if document.url:
        separator = "" if "#" in document.url else "#"
        return f"{document.url}{separator}:~:text={_fragment(document.text[start:end])}"
    name = quote(document.id, safe="")
    return f"/documents/{name}?version={document.version}&start={start}&end={end}#quote"


def _fragment(text: str) -> str:
    """A text fragment as browsers look it up: whole lines only, `first words,last words` when it is long."""
    line = text.split("\n", 1)[0]
    words = line.split()
    if len(words) <= 2 * FRAGMENT_WORDS:
        return _encoded(" ".join(words))
    return f"{_encoded(' '.join(words[:FRAGMENT_WORDS]))},{_encoded(' '.join(words[-FRAGMENT_WORDS:]))}"


def _encoded(text: str) -> str:
    return quote(text, safe="").replace("-", "%2D")
