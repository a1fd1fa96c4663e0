"""Search: the nearest passages and the ones that share words, fused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from retrieval.documents import Hit, Passage
from retrieval.embedder import Embedder, Vectors, normalised
from retrieval.fusion import Fusion
from retrieval.index import PassageIndex, Rows
from retrieval.keywords import KeywordIndex
from retrieval.words import content_words

CANDIDATES = 50
"""Passages each of the two searches hands to the fusion."""
SHORT_QUESTION = 3
"""A question with fewer content words leans on what was said before."""
HISTORY_WEIGHT = 0.4
LEANING = frozenset(("it", "its", "that", "this", "those", "these", "they", "them", "one", "ones", "there", "same"))


def indexed_text(passage: Passage) -> str:
    """What is embedded and counted for a passage: title and headings in front of its text."""
    path = [passage.title, *(heading for heading in passage.heading if heading != passage.title)]
    return "\n".join((" › ".join(part for part in path if part), passage.text))


def question_of(passage: Passage) -> str | None:
    """The question of a FAQ passage, else None."""
    return passage.heading[-1] if passage.kind == "faq" and passage.heading else None


@dataclass(frozen=True, slots=True)
class Query:
    """A question made ready to search: its text, its unit vector of shape (dimension,), the text that
    keywords are taken from, and its content words with how telling each is (> 0)."""

    text: str
    vector: Vectors
    keywords: str
    weights: Mapping[str, float]


class Retriever:
    """Searches passages. `owners[row]` is the passage that vector row `row` belongs to: a FAQ pair has two rows,
    one for the whole and one for the question alone."""

    def __init__(
        self,
        passages: Sequence[Passage],
        owners: Rows,
        index: PassageIndex,
        keywords: KeywordIndex,
        embedder: Embedder,
        fusion: Fusion | None = None,
    ) -> None:
        self.passages = passages
        self.embedder = embedder
        self.fusion = fusion or Fusion()
        self._owners = owners
        self._index = index
        self._keywords = keywords

    def query(self, text: str, history: str = "") -> Query:
        """Embed a question. `history` is what the customer said before; a short question is read with it."""
        if not (history.strip() and leans(text)):
            return Query(text, self.embedder.encode([text])[0], text, self._keywords.weights(text))
        own, before = self.embedder.encode([text, history])
        vector = normalised(((1 - HISTORY_WEIGHT) * own + HISTORY_WEIGHT * before)[None])[0]
        keywords = f"{text} {text} {history}"
        return Query(text, vector, keywords, self._keywords.weights(keywords))

    def search(self, query: str | Query, k: int = 10, history: str = "") -> list[Hit]:
        """The best k passages, best first; fewer or none where fewer were found."""
        if isinstance(query, str):
            query = self.query(query, history)
        cosines, bm25 = self.parts(query, max(CANDIDATES, k))
        return [
            Hit(self.passages[number], score, cosines.get(number), bm25.get(number))
            for number, score in self.fusion.combine(cosines, bm25)[:k]
        ]

    def parts(self, query: Query, k: int) -> tuple[dict[int, float], dict[int, float]]:
        """The best k of each search alone: passage number to cosine, passage number to BM25."""
        if not query.text.strip():
            return {}, {}
        near, rows = self._index.search(query.vector[None], 2 * k)
        cosines: dict[int, float] = {}
        for cosine, row in zip(near[0].tolist(), rows[0].tolist(), strict=True):
            if row >= 0 and len(cosines) < k:
                cosines.setdefault(int(self._owners[row]), cosine)
        scores, numbers = self._keywords.search(query.keywords, k)
        return cosines, dict(zip(numbers.tolist(), scores.tolist(), strict=True))


def leans(text: str) -> bool:
    """Whether a question can hardly be understood without what was said before it."""
    words = {word.strip("?!.,'’").lower() for word in text.split()}
    return len(content_words(text)) < SHORT_QUESTION or (bool(words & LEANING) and len(words) <= 8)


def vectors_of(passages: Sequence[Passage]) -> tuple[list[str], Rows]:
    """The texts to embed for these passages, and for each the number of the passage it belongs to."""
    texts = [indexed_text(passage) for passage in passages]
    owners = list(range(len(passages)))
    for number, passage in enumerate(passages):
        question = question_of(passage)
        if question:
            texts.append(question)
            owners.append(number)
    return texts, np.array(owners, dtype=np.int64)
