"""Whether the sentences of a passage say what a sentence says: shared words and the encoder's likeness. Pure.

For each sentence of an answer the one or two sentences of the cited passages that cover most of its content words are
taken together. It is supported where they cover enough of it and are alike enough. What this cannot see (a word that
turns the meaning, a number of something else) `facts` looks at, in the same sentences.
The thresholds were chosen on validation rows by `python -m tests.benchmarks.llm_support`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from retrieval.documents import Passage
from retrieval.embedder import Vectors
from retrieval.sentences import sentences
from retrieval.words import content_words

MAX_SUPPORTING = 2
Encode = Callable[[Sequence[str]], Vectors]
"""Texts to unit vectors, as `retrieval.embedder.Embedder.encode`."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`overlap` is the share of a sentence's content words that the support has, `cosine` the likeness of the two in
    [-1, 1]: both have to be reached."""

    overlap: float = 0.9
    cosine: float = 0.3


@dataclass(frozen=True, slots=True)
class Place:
    """A sentence of a passage: `passage.text[start:end]`."""

    passage: Passage
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.passage.text[self.start : self.end]

    @property
    def heading(self) -> str:
        """The title and the headings above it, which say what it is about."""
        return " ".join(dict.fromkeys((self.passage.title, *self.passage.heading)))


@dataclass(frozen=True, slots=True)
class Support:
    """The places that cover a sentence best, in reading order, and how well."""

    places: tuple[Place, ...]
    overlap: float
    cosine: float

    @property
    def text(self) -> str:
        return " ".join(place.text for place in self.places)

    def holds(self, thresholds: Thresholds) -> bool:
        return self.overlap >= thresholds.overlap and self.cosine >= thresholds.cosine


def support_of(sentence: str, passages: Sequence[Passage], encode: Encode) -> Support | None:
    """The best support in these passages; None where they share no content word with the sentence."""
    wanted = set(content_words(sentence))
    places = list(_places(passages))
    chosen: list[Place] = []
    covered: set[str] = set()
    while wanted - covered and len(chosen) < MAX_SUPPORTING:
        best = max(
            (place for place in places if place not in chosen),
            key=lambda each: _gain(each, wanted - covered),
            default=None,
        )
        if best is None or not _gain(best, wanted - covered)[0]:
            break
        chosen.append(best)
        covered |= wanted & set(content_words(best.text))
    if not chosen:
        return None
    chosen.sort(key=lambda place: (passages.index(place.passage), place.start))
    text = " ".join(place.text for place in chosen)
    headings = " ".join(dict.fromkeys(place.heading for place in chosen))
    known = wanted & (covered | set(content_words(headings)))
    one, other, under = encode([sentence, text, f"{headings}: {text}"])
    likeness = max(float(one @ other), float(one @ under))
    return Support(tuple(chosen), len(known) / len(wanted), likeness)


def _places(passages: Sequence[Passage]) -> Iterator[Place]:
    for passage in passages:
        for start, end in sentences(passage.text):
            yield Place(passage, start, end)


def _gain(place: Place, missing: set[str]) -> tuple[int, int]:
    """How many of the missing words a place has; of two that have as many the shorter is the better."""
    return len(missing & set(content_words(place.text))), place.start - place.end
