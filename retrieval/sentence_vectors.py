"""Vectors of the sentences of passages: stored in the snapshot where it is small, else computed when first read."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from retrieval.documents import Passage
from retrieval.embedder import Embedder, Vectors
from retrieval.sentences import spans_of

KEPT_PASSAGES = 20_000
"""About 8 kB each with 384 dimensions and five sentences: 160 MB at most."""


def sentence_texts(passage: Passage) -> list[str]:
    """What is embedded for each of `spans_of`: the sentence under its heading, for a FAQ pair its question."""
    heading = passage.heading[-1] if passage.heading else passage.title
    return (
        [passage.question]
        if passage.question
        else [f"{heading}: {passage.text[start:end]}" for start, end in spans_of(passage)]
    )


class SentenceVectors:
    """Sentence vectors by passage. Safe to share between threads.

    `stored` are the vectors of all sentences of `passages` in order, or None; passages without a stored vector are
    embedded when asked for, and the last `kept` of them remembered.
    """

    def __init__(
        self,
        embedder: Embedder,
        passages: Sequence[Passage] = (),
        stored: Vectors | None = None,
        *,
        kept: int = KEPT_PASSAGES,
    ) -> None:
        self._embedder = embedder
        self._kept = kept
        self._stored = stored
        self._places = _places(passages) if stored is not None else {}
        self._cache: OrderedDict[str, Vectors] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, passages: Sequence[Passage]) -> list[Vectors]:
        """For each passage a float32 array of shape (len(spans_of(passage)), dimension)."""
        found = {passage.id: vectors for passage in passages if (vectors := self._known(passage.id)) is not None}
        missing = [passage for passage in passages if passage.id not in found]
        if missing:
            found.update(self._embedded(missing))
            with self._lock:
                self._cache.update((passage.id, found[passage.id]) for passage in missing)
                while len(self._cache) > self._kept:
                    self._cache.popitem(last=False)
        return [found[passage.id] for passage in passages]

    def _known(self, id: str) -> Vectors | None:
        if self._stored is not None and id in self._places:
            first, last = self._places[id]
            return np.asarray(self._stored[first:last])
        with self._lock:
            return self._cache.get(id)

    def _embedded(self, passages: Sequence[Passage]) -> dict[str, Vectors]:
        texts = {passage.id: sentence_texts(passage) for passage in passages}
        vectors = self._embedder.encode([text for each in texts.values() for text in each])
        done, row = {}, 0
        for id, each in texts.items():
            done[id] = vectors[row : row + len(each)]
            row += len(each)
        return done


def _places(passages: Sequence[Passage]) -> dict[str, tuple[int, int]]:
    places, row = {}, 0
    for passage in passages:
        count = len(spans_of(passage))
        places[passage.id] = (row, row + count)
        row += count
    return places
