"""Where sentences begin and end: a small splitter that keeps prices, abbreviations and list items whole."""

from __future__ import annotations

import re

from retrieval.documents import Passage

Span = tuple[int, int]

_END = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s)|[。！？؟]+")
_INITIAL = re.compile(r"(?:^|[\s(])[A-Za-z]$")
_CONTINUES = re.compile(r"\s+[a-z]")
_LISTED = (
    "approx dept dr e.g eg est etc excl fig i.e ie incl jr max min mr mrs ms no nos p pp prof ref sr st tel vol vs"
)
_ABBREVIATIONS = frozenset(_LISTED.split())


def spans_of(passage: Passage) -> tuple[Span, ...]:
    """Ranges of the passage's sentences in its text. A FAQ pair has one: the whole answer."""
    if passage.question:
        return ((0, len(passage.text)),)
    return tuple(sentences(passage.text)) or ((0, len(passage.text)),)


def sentences(text: str) -> list[Span]:
    """Half-open character ranges of the sentences of `text`, in order, without surrounding white space.

    A line break ends a sentence too: lists and tables carry one item or row a line, and the parsers join the
    broken lines of a paragraph.
    """
    spans: list[Span] = []
    start = 0
    for line in text.splitlines(keepends=True):
        spans.extend((start + first, start + last) for first, last in _in_line(line))
        start += len(line)
    return spans


def _in_line(line: str) -> list[tuple[int, int]]:
    cuts = [match.end() for match in _END.finditer(line) if _ends_here(line, match)]
    spans = []
    start = 0
    for end in [*cuts, len(line)]:
        piece = line[start:end]
        if piece.strip():
            lead = len(piece) - len(piece.lstrip())
            spans.append((start + lead, start + len(piece.rstrip())))
        start = end
    return spans


def _ends_here(line: str, match: re.Match[str]) -> bool:
    if match.group()[0] in "!?…。！？؟":
        return not _CONTINUES.match(line, match.end())
    before = line[max(0, match.start() - 20) : match.start()]
    word = before.rsplit(None, 1)[-1].lower().lstrip("(\"'") if before.strip() else ""
    if word in _ABBREVIATIONS or _INITIAL.search(before) or _CONTINUES.match(line, match.end()):
        return False
    return line[: match.end()].strip(" .0123456789") != ""
