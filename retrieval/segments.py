"""Changes made since a snapshot was built, searched together with it: a small delta segment, and tombstones.

A snapshot is never altered. What was added or changed since stands in a segment of its own, in memory; what was changed
or deleted is masked out of the snapshot's search (O'Neil et al., "The Log-Structured Merge-Tree", 1996, and Lucene's
segments). Building a new snapshot merges both. The cost of a change is then that of the change, not of everything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from retrieval.documents import Document, Passage
from retrieval.embedder import Embedder, Vectors
from retrieval.index import FaissIndex, Mask, PassageIndex, Rows
from retrieval.keywords import KeywordIndex, Scores
from retrieval.knowledge import Knowledge
from retrieval.passages import cut
from retrieval.retriever import indexed_text, vectors_of
from retrieval.words import content_words

K1, B = 1.5, 0.75
"""BM25's constants, those of `retrieval.keywords`."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Passages of some documents, ready to be searched. `vectors` has shape (len(owners), dimension), and `owners` says
    for each row which of the passages it belongs to; `words` counts the content words of each passage."""

    documents: tuple[Document, ...]
    passages: tuple[Passage, ...]
    owners: Rows
    vectors: Vectors
    words: tuple[Mapping[str, int], ...]

    @classmethod
    def of(cls, document: Document, embedder: Embedder, known: Mapping[str, Vectors] | None = None) -> Segment:
        """A document's segment. Texts that are `known` keep their vector, the rest is embedded."""
        passages = cut(document)
        texts, owners = vectors_of(passages)
        vectors = dict(known or {})
        if unknown := [text for text in texts if text not in vectors]:
            vectors |= zip(unknown, embedder.encode(unknown), strict=True)
        rows = np.array([vectors[text] for text in texts], np.float32).reshape(len(texts), embedder.dimension)
        words = tuple(Counter(content_words(indexed_text(passage))) for passage in passages)
        return cls((document,), passages, owners, rows, words)

    @classmethod
    def joined(cls, segments: Sequence[Segment], dimension: int) -> Segment:
        """Segments one behind the other."""
        starts = np.cumsum([0, *(len(each.passages) for each in segments)])
        owners = [each.owners + start for each, start in zip(segments, starts, strict=False)]
        return cls(
            tuple(document for each in segments for document in each.documents),
            tuple(passage for each in segments for passage in each.passages),
            np.concatenate([np.zeros(0, np.int64), *owners]),
            np.concatenate([np.zeros((0, dimension), np.float32), *(each.vectors for each in segments)]),
            tuple(words for each in segments for words in each.words),
        )


class Layers:
    """A snapshot, and what may be laid over it."""

    def __init__(self, base: Knowledge) -> None:
        self.base = base
        self._spans = _spans(base.retriever.passages)

    def superseded(self, current: Mapping[str, int]) -> set[str]:
        """Ids of the snapshot's documents that are not in use in the version it holds. `current` maps ids to the
        version in use, 0 or nothing where there is none."""
        return {id for id, version in self.base.versions.items() if current.get(id) != version}

    def missing(self, current: Mapping[str, int]) -> dict[str, int]:
        """Versions in use that the snapshot does not hold: first those of documents it holds in another version."""
        held = self.base.versions
        wanted = {id: version for id, version in current.items() if version and held.get(id) != version}
        return dict(sorted(wanted.items(), key=lambda each: (each[0] not in held, each[0])))

    def vectors(self, id: str) -> dict[str, Vectors]:
        """The vectors that the snapshot holds of a document's texts, so that an update embeds what it changed."""
        if id not in self._spans:
            return {}
        retriever = self.base.retriever
        first, last = self._spans[id]
        rows = np.flatnonzero((retriever.owners >= first) & (retriever.owners < last))
        texts, _ = vectors_of(retriever.passages[first:last])
        return dict(zip(texts, retriever.index.vectors(rows), strict=True))

    def over(self, gone: Collection[str], segment: Segment) -> Knowledge:
        """The snapshot without the documents that are `gone`, and with those of the segment.

        Vectors of sentences are shared with the snapshot: a passage has another name in every version.
        """
        if not gone and not segment.documents:
            return self.base
        old = self.base.retriever
        alive = self._alive(gone)
        audiences = {document.id: document.audience for document in segment.documents}
        retriever = old.extended(
            segment.passages,
            segment.owners,
            LayeredIndex(old.index, None if alive is None else alive[old.owners], FaissIndex.build(segment.vectors)),
            LayeredKeywords(old.keywords, alive, segment.words),
            audiences=[audiences[passage.document] for passage in segment.passages],
            gone=gone,
        )
        kept = [each for each in self.base.documents() if each.id not in gone]
        return self.base.over(retriever, [*kept, *segment.documents])

    def _alive(self, gone: Collection[str]) -> Mask | None:
        spans = [self._spans[id] for id in gone if id in self._spans]
        if not spans:
            return None
        alive = np.ones(len(self.base.retriever.passages), dtype=np.bool_)
        for first, last in spans:
            alive[first:last] = False
        return alive


class LayeredIndex:
    """A `PassageIndex` of two: the rows of `base` where `alive` is True, then those of `delta`."""

    def __init__(self, base: PassageIndex, alive: Mask | None, delta: PassageIndex) -> None:
        self._base = base
        self._alive = alive
        self._delta = delta

    def __len__(self) -> int:
        return len(self._base) + len(self._delta)

    def vectors(self, rows: Rows) -> Vectors:
        split = len(self._base)
        found = np.zeros((len(rows), 0), np.float32)
        for index, own in ((self._base, rows < split), (self._delta, rows >= split)):
            if own.any():
                given = index.vectors(rows[own] - (0 if index is self._base else split))
                found = found if found.size else np.zeros((len(rows), given.shape[1]), np.float32)
                found[own] = given
        return found

    def search(self, vectors: Vectors, k: int, among: Mask | None = None) -> tuple[Vectors, Rows]:
        split = len(self._base)
        old, new = (None, None) if among is None else (among[:split], among[split:])
        if self._alive is not None:
            old = self._alive if old is None else old & self._alive
        cosines, rows = self._base.search(vectors, k, old)
        near, added = self._delta.search(vectors, k, new)
        cosines = np.concatenate([np.where(rows < 0, np.float32(-2), cosines), near], axis=1)
        rows = np.concatenate([rows, np.where(added < 0, added, added + split)], axis=1)
        best = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
        return np.take_along_axis(cosines, best, axis=1), np.take_along_axis(rows, best, axis=1)


class LayeredKeywords(KeywordIndex):
    """BM25 over the rows of `base`, of which only those that are `alive` have a score, and over further texts, given as
    their counted words.

    These are scored with the length statistics of the base, counted in distinct words, which the base's
    matrix still tells; how rare a word is counts over both. Masked rows go on counting for that until the next
    snapshot.
    """

    def __init__(self, base: KeywordIndex, alive: Mask | None, added: Sequence[Mapping[str, int]]) -> None:
        super().__init__(base._ranker, base._vocabulary, len(base) + len(added))
        self._base = base
        self._alive = alive
        self._added = added
        self._holding = Counter(word for words in self._added for word in words)
        mean = float(base._rows.sum()) / max(len(base), 1) or 1.0
        self._norms = [K1 * (1 - B + B * len(words) / mean) for words in self._added]

    def weights(self, text: str) -> dict[str, float]:
        found = self._base.weights(text)
        return found | {word: self._rarity(word) for word in found if word in self._holding}

    def scores(self, text: str) -> Scores:
        old = self._base.scores(text) if len(self._base) else np.zeros(0, np.float32)
        if self._alive is not None:
            old = np.where(self._alive, old, np.float32(0))
        rarity = {word: self._rarity(word) for word in content_words(text) if word in self._holding}
        new = [
            sum(rarity[word] * words[word] / (norm + words[word]) for word in rarity if word in words)
            for words, norm in zip(self._added, self._norms, strict=True)
        ]
        return np.concatenate([old, np.array(new, dtype=np.float32)])

    def _rarity(self, word: str) -> float:
        number = self._vocabulary.get(word)
        rows = self._holding[word] + (int(self._rows[number]) if number is not None else 0)
        return float(np.log1p((self._texts - rows + 0.5) / (rows + 0.5)))


def _spans(passages: Sequence[Passage]) -> dict[str, tuple[int, int]]:
    """Where the passages of each document stand; a snapshot has them one behind the other."""
    spans: dict[str, tuple[int, int]] = {}
    for number, passage in enumerate(passages):
        first, _ = spans.get(passage.document, (number, number))
        spans[passage.document] = (first, number + 1)
    return spans
