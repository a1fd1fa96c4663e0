"""Documents to passages: the structure decides the cut, not a fixed number of characters.

A passage stays under one heading. A paragraph is cut only where it is too long by itself, at a sentence; a list or a
table keeps the sentence that introduces it; a FAQ pair is one passage.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

from retrieval.documents import Block, Document, Passage
from retrieval.sentences import sentences

MAX_WORDS = 110
"""Longest passage in words; about what a small sentence encoder represents well."""

Span = tuple[int, int]
_WORD = re.compile(r"\S+")


def cut(document: Document) -> tuple[Passage, ...]:
    """The passages of a document in reading order; each is a slice of its text, without overlap."""
    passages = []
    for heading, blocks in _sections(document):
        for start, end in _packed(document.text, list(_atoms(document.text, blocks))):
            kind = next(block.kind for block in blocks if block.end > start)
            text = document.text[start:end]
            passages.append(Passage(document.id, document.version, document.title, heading, start, end, text, kind))
    return tuple(passages)


def _sections(document: Document) -> Iterator[tuple[tuple[str, ...], list[Block]]]:
    """Blocks with one heading path and nothing but white space between them; a FAQ pair stands alone."""
    runs = [0]
    for before, after in pairwise(document.blocks):
        apart = before.heading != after.heading or "faq" in (before.kind, after.kind)
        runs.append(runs[-1] + (apart or bool(document.text[before.end : after.start].strip())))
    numbered = zip(runs, document.blocks, strict=False)
    for _, run in groupby(numbered, key=lambda pair: pair[0]):
        blocks = [block for _, block in run]
        yield blocks[0].heading, blocks


def _atoms(text: str, blocks: Sequence[Block]) -> Iterator[Span]:
    """Pieces that are not cut any further, none longer than MAX_WORDS, in order."""
    waiting: list[Span] = []
    for block in blocks:
        if block.kind == "faq":
            yield block.start, block.end
        elif block.kind == "paragraph":
            yield from waiting
            waiting = _paragraph(text, block)
        else:
            yield from _introduced(text, block, waiting)
            waiting = []
    yield from waiting


def _paragraph(text: str, block: Block) -> list[Span]:
    if words(text, (block.start, block.end)) <= MAX_WORDS:
        return [(block.start, block.end)]
    return [piece for span in _sentences(text, block) for piece in _short(text, span)]


def _introduced(text: str, block: Block, before: list[Span]) -> Iterator[Span]:
    """A list or table after the paragraph `before`: whole with it, else with its last sentence, else by lines."""
    whole = (block.start, block.end)
    if before and words(text, (before[0][0], block.end)) <= MAX_WORDS:
        yield before[0][0], block.end
        return
    if before:
        yield from before[:-1]
        *earlier, last = _sentences(text, Block("paragraph", (), *before[-1]))
        if earlier:
            yield before[-1][0], earlier[-1][1]
        if words(text, (last[0], block.end)) <= MAX_WORDS:
            yield last[0], block.end
            return
    elif words(text, whole) <= MAX_WORDS:
        yield whole
        return
    lines = [piece for span in _sentences(text, block) for piece in _short(text, span)]
    if before and words(text, (last[0], lines[0][1])) <= MAX_WORDS:
        lines[0] = (last[0], lines[0][1])
    elif before:
        yield last
    yield from lines


def _sentences(text: str, block: Block) -> list[Span]:
    return [(block.start + start, block.start + end) for start, end in sentences(text[block.start : block.end])]


def _short(text: str, span: Span) -> Iterator[Span]:
    """A sentence over MAX_WORDS cut after every MAX_WORDS words; any other as it is."""
    places = [word.span() for word in _WORD.finditer(text, *span)]
    if len(places) <= MAX_WORDS:
        yield span
        return
    for first in range(0, len(places), MAX_WORDS):
        piece = places[first : first + MAX_WORDS]
        yield piece[0][0], piece[-1][1]


def _packed(text: str, atoms: Sequence[Span]) -> Iterator[Span]:
    """Neighbouring atoms joined as long as they stay within MAX_WORDS."""
    if not atoms:
        return
    start, end = atoms[0]
    for first, last in atoms[1:]:
        if words(text, (start, last)) > MAX_WORDS:
            yield start, end
            start = first
        end = last
    yield start, end


def words(text: str, span: Span) -> int:
    """Words of a slice, by white space."""
    return len(text[span[0] : span[1]].split())
