"""Search: the nearest passages and the ones that share words, fused."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np

from retrieval.audiences import AUDIENCES, Audience, may_see
from retrieval.documents import Hit, Passage
from retrieval.embedder import Embedder, Vectors, normalised
from retrieval.followups import leaning
from retrieval.fusion import Fusion
from retrieval.index import Mask, PassageIndex, Rows
from retrieval.keywords import KeywordIndex
from retrieval.known import KnownQuestions, Near

CANDIDATES = 50
"""Passages each of the two searches hands to the fusion."""


def indexed_text(passage: Passage) -> str:
    """What is embedded and counted for a passage: title and headings in front of its text."""
    path = [passage.title, *(heading for heading in passage.heading if heading != passage.title)]
    return "\n".join((" › ".join(part for part in path if part), passage.text))


@dataclass(frozen=True, slots=True)
class Query:
    """A question made ready to search: its text, its unit vector of shape (dimension,), the text that
    keywords are taken from, and its content words with how telling each is (> 0). Passages that `audience` may not
    see are not searched. `history` is what a follow-up was read with, `near` the known questions nearest to it."""

    text: str
    vector: Vectors
    keywords: str
    weights: Mapping[str, float]
    audience: Audience = "public"
    history: str = ""
    near: tuple[Near, ...] = ()

    @property
    def weight(self) -> float:
        """What its content words weigh together."""
        return sum(self.weights.values())

    @property
    def in_full(self) -> str:
        """The question with what it goes on from, for whoever reads it beside a passage."""
        return f"{self.history} {self.text}" if self.history else self.text


class Retriever:
    """Searches passages. `owners[row]` is the passage that vector row `row` belongs to: a FAQ pair has two rows,
    one for the whole and one for the question alone. `audiences[i]` is who may see passage i; everybody by default.
    `known` questions are further keys to the passages that answer them: such a passage is as near as the nearest one.

    What an audience may not see is left out of both searches, not taken out of what they found: it costs no place
    among the best k. Only the rarity of words counts over all passages.
    """

    def __init__(
        self,
        passages: Sequence[Passage],
        owners: Rows,
        index: PassageIndex,
        keywords: KeywordIndex,
        embedder: Embedder,
        fusion: Fusion | None = None,
        *,
        audiences: Sequence[Audience] = (),
        known: KnownQuestions | None = None,
    ) -> None:
        self.passages = passages
        self.embedder = embedder
        self.fusion = fusion or Fusion()
        self.owners = owners
        self.index = index
        self.keywords = keywords
        self._seen = {viewer: _seen_by(viewer, audiences, owners) for viewer in AUDIENCES}
        self.known = known.among(passages) if known is not None else None
        self._answering = _answering(self.known, passages)

    def extended(
        self,
        passages: Sequence[Passage],
        owners: Rows,
        index: PassageIndex,
        keywords: KeywordIndex,
        *,
        audiences: Sequence[Audience],
        gone: Collection[str],
    ) -> Retriever:
        """This retriever with further passages behind its own, their rows behind its rows. `owners` and `audiences`
        are theirs alone; `index` and `keywords` are over all of them, and find nothing of the documents `gone`."""
        made = copy(self)
        made.passages = [*self.passages, *passages]
        made.owners = np.concatenate([self.owners, owners + len(self.passages)])
        made.index, made.keywords = index, keywords
        added = {viewer: _seen_by(viewer, audiences, owners)[1] for viewer in AUDIENCES}
        made._seen = {
            viewer: _joined(self._seen[viewer][1], len(self.passages), added[viewer], len(passages), made.owners)
            for viewer in AUDIENCES
        }
        if self.known is not None:
            made.known = self.known.moved(gone, passages)
            made._answering = self._answering | _answering(made.known, passages, len(self.passages))
        return made

    def query(self, text: str, history: str = "", audience: Audience = "public") -> Query:
        """Embed a question. `history` is what was said before (`followups.history_of`); how far the question is read
        with it, `followups.leaning` says."""
        lean = leaning(text) if history.strip() else 0.0
        if not lean:
            vector = self.embedder.encode([text])[0]
            return Query(text, vector, text, self.keywords.weights(text), audience, near=self._near(vector))
        own, before = self.embedder.encode([text, history])
        vector = normalised(((1 - lean) * own + lean * before)[None])[0]
        weights = {word: lean * weight for word, weight in self.keywords.weights(history).items()}
        words, weights = f"{text} {text} {history}", weights | self.keywords.weights(text)
        return Query(text, vector, words, weights, audience, history, self._near(vector))

    def _near(self, vector: Vectors) -> tuple[Near, ...]:
        return self.known.near(vector) if self.known is not None else ()

    def search(self, query: str | Query, k: int = 10, history: str = "") -> list[Hit]:
        """The best k passages, best first; fewer or none where fewer were found."""
        if isinstance(query, str):
            query = self.query(query, history)
        cosines, bm25 = self.parts(query, max(CANDIDATES, k))
        return [
            Hit(self.passages[number], score, cosines.get(number), bm25.get(number))
            for number, score in self.fusion.combine(cosines, bm25, query.weight)[:k]
        ]

    def parts(self, query: Query, k: int) -> tuple[dict[int, float], dict[int, float]]:
        """The best k of each search alone: passage number to cosine, passage number to BM25. What answers a known
        question near this one comes on top of the k."""
        if not query.text.strip():
            return {}, {}
        rows_seen, passages_seen = self._seen[query.audience]
        near, rows = self.index.search(query.vector[None], 2 * k, rows_seen)
        cosines: dict[int, float] = {}
        for cosine, row in zip(near[0].tolist(), rows[0].tolist(), strict=True):
            if row >= 0 and len(cosines) < k:
                cosines.setdefault(int(self.owners[row]), cosine)
        for each in query.near:
            for number in {self._answering[place.passage.id] for place in each.places}:
                if passages_seen is None or passages_seen[number]:
                    cosines[number] = max(cosines.get(number, -1.0), each.cosine)
        scores, numbers = self.keywords.search(query.keywords, k, passages_seen)
        return cosines, dict(zip(numbers.tolist(), scores.tolist(), strict=True))


def _answering(known: KnownQuestions | None, passages: Sequence[Passage], first: int = 0) -> dict[str, int]:
    """The numbers, counted from `first`, of the passages that answer known questions, by their ids."""
    wanted = {place.passage.id for places in known.places for place in places} if known is not None else set()
    return {each.id: number for number, each in enumerate(passages, first) if each.id in wanted} if wanted else {}


def _seen_by(viewer: Audience, audiences: Sequence[Audience], owners: Rows) -> tuple[Mask | None, Mask | None]:
    """Which vector rows and which passages an audience may see, None where it may see them all."""
    passages = np.array([may_see(viewer, audience) for audience in audiences], dtype=np.bool_)
    return (None, None) if passages.all() else (passages[owners], passages)


def _joined(
    first: Mask | None, firsts: int, second: Mask | None, seconds: int, owners: Rows
) -> tuple[Mask | None, Mask | None]:
    """What `_seen_by` gives, for `firsts` passages with `seconds` behind them; `owners` are those of all."""
    if first is None and second is None:
        return None, None
    parts = [
        np.ones(count, dtype=np.bool_) if seen is None else seen for seen, count in ((first, firsts), (second, seconds))
    ]
    passages = np.concatenate(parts)
    return passages[owners], passages


def vectors_of(passages: Sequence[Passage]) -> tuple[list[str], Rows]:
    """The texts to embed for these passages, and for each the number of the passage it belongs to."""
    texts = [indexed_text(passage) for passage in passages]
    owners = list(range(len(passages)))
    for number, passage in enumerate(passages):
        if passage.question:
            texts.append(passage.question)
            owners.append(number)
    return texts, np.array(owners, dtype=np.int64)
