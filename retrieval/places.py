"""Where the answers of labelled questions stand: the sentences of passages that hold the words that were named."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from retrieval.datasets import Question
from retrieval.documents import Passage
from retrieval.sentences import spans_of

FAQ = "faq"
"""What a labelled question names in place of a document where a FAQ pair answers."""

_MARKS = re.compile(r"[\s*_`|]+")


@dataclass(frozen=True, slots=True)
class Place:
    """A sentence of a passage, counted from 0 as `spans_of` has them."""

    passage: Passage
    sentence: int

    @property
    def range(self) -> tuple[int, int]:
        """Where the sentence stands in its document, half-open."""
        start, end = spans_of(self.passage)[self.sentence]
        return self.passage.start + start, self.passage.start + end


def placed(questions: Sequence[Question], passages: Sequence[Passage]) -> list[tuple[Place, ...]]:
    """For each question the sentences, in the documents it names, that hold one of its answers; none for one that is
    not answerable, names no document, or whose words no longer stand there.

    Where the words run over the end of a sentence, the one with most of them is meant.
    """
    of_document: dict[str, list[_Read]] = {}
    named = {document for question in questions for document in question.documents}
    for passage in passages:
        keys = {passage.document, FAQ} if passage.kind == "faq" else {passage.document}
        if keys & named:
            read = _Read.of(passage)
            for key in keys:
                of_document.setdefault(key, []).append(read)
    return [tuple(dict.fromkeys(_places(question, of_document))) for question in questions]


@dataclass(frozen=True, slots=True)
class _Read:
    """A passage with its text and its sentences as words alone."""

    passage: Passage
    text: str
    sentences: tuple[str, ...]

    @classmethod
    def of(cls, passage: Passage) -> _Read:
        sentences = tuple(_plain(passage.text[start:end]) for start, end in spans_of(passage))
        return cls(passage, _plain(passage.text), sentences)


def _places(question: Question, of_document: Mapping[str, Sequence[_Read]]) -> Iterator[Place]:
    if not question.answerable:
        return
    wanted = [plain for answer in question.answers if (plain := _plain(answer))]
    for document in question.documents:
        for read in of_document.get(document, ()):
            for words in wanted:
                if words not in read.text:
                    continue
                whole = [number for number, sentence in enumerate(read.sentences) if words in sentence]
                yield from (Place(read.passage, number) for number in whole or [_nearest(words, read.sentences)])


def _nearest(words: str, sentences: Sequence[str]) -> int:
    asked = set(words.split())
    return max(range(len(sentences)), key=lambda number: len(asked & set(sentences[number].split())))


def _plain(text: str) -> str:
    """Lower case, without the marks of Markdown and tables, single spaces."""
    return _MARKS.sub(" ", text.replace("’", "'").replace("‘", "'")).strip().lower()
