"""Keyword search: BM25 (Robertson & Zaragoza, 2009) through bm25s, saved without pickle."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import bm25s
import numpy as np
import numpy.typing as npt

from retrieval.errors import BadSnapshot
from retrieval.index import Mask, Rows
from retrieval.words import content_words

Scores = npt.NDArray[np.float32]

ARRAYS = "keywords.npz"
VOCABULARY = "keywords.json"


class KeywordIndex:
    """BM25 over texts; rows count from 0 in the order of the texts."""

    def __init__(self, ranker: bm25s.BM25, vocabulary: dict[str, int], texts: int) -> None:
        self._ranker = ranker
        self._vocabulary = vocabulary
        self._texts = texts
        self._rows = np.diff(ranker.scores["indptr"]) if vocabulary else np.zeros(0, np.int64)

    @classmethod
    def build(cls, texts: Sequence[str]) -> KeywordIndex:
        """Index the content words of the texts."""
        listed = [content_words(text) for text in texts]
        vocabulary = {word: number for number, word in enumerate(dict.fromkeys(w for words in listed for w in words))}
        ranker = bm25s.BM25(method="lucene", k1=1.5, b=0.75)
        if vocabulary:
            numbers = [[vocabulary[word] for word in words] for words in listed]
            ranker.index((numbers, vocabulary), show_progress=False, create_empty_token=False)
        return cls(ranker, vocabulary, len(texts))

    def __len__(self) -> int:
        return self._texts

    def weights(self, text: str) -> dict[str, float]:
        """How telling each content word of the text is: BM25's inverse document frequency, highest for words that
        stand nowhere."""
        found = {}
        for word in content_words(text):
            number = self._vocabulary.get(word)
            rows = int(self._rows[number]) if number is not None else 0
            found[word] = math.log(1 + (self._texts - rows + 0.5) / (rows + 0.5))
        return found

    def scores(self, text: str) -> Scores:
        """BM25 of every row against the text, shape (len(self),); 0 where no word is shared."""
        numbers = [self._vocabulary[word] for word in content_words(text) if word in self._vocabulary]
        if not numbers:
            return np.zeros(self._texts, np.float32)
        return np.asarray(self._ranker.get_scores_from_ids(numbers), dtype=np.float32)

    def search(self, text: str, k: int, among: Mask | None = None) -> tuple[Scores, Rows]:
        """The scores and rows of the best k rows that share a word, the best first; of those where `among`, shape
        (len(self),), is True."""
        scores = self.scores(text)
        if among is not None:
            scores = np.where(among, scores, np.float32(0))
        k = min(k, int(np.count_nonzero(scores)))
        if k == 0:
            return np.zeros(0, np.float32), np.zeros(0, np.int64)
        rows = np.argpartition(-scores, k - 1)[:k]
        rows = rows[np.lexsort((rows, -scores[rows]))]
        return scores[rows], rows.astype(np.int64)

    def save(self, folder: Path) -> None:
        """Write `keywords.npz` and `keywords.json` into the folder."""
        scores = self._ranker.scores if self._vocabulary else {}
        arrays = {name: np.asarray(scores[name]) for name in ("data", "indices", "indptr") if name in scores}
        np.savez(folder / ARRAYS, allow_pickle=False, **arrays)
        stored = {"texts": self._texts, "vocabulary": list(self._vocabulary)}
        (folder / VOCABULARY).write_text(json.dumps(stored, ensure_ascii=False), "utf-8")

    @classmethod
    def load(cls, folder: Path) -> KeywordIndex:
        """Read what `save` wrote; `BadSnapshot` if a file is missing or the parts do not belong together."""
        try:
            stored = json.loads((folder / VOCABULARY).read_text("utf-8"))
            with np.load(folder / ARRAYS, allow_pickle=False) as arrays:
                parts = {name: arrays[name] for name in arrays.files}
            vocabulary = {word: number for number, word in enumerate(stored["vocabulary"])}
            texts = int(stored["texts"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BadSnapshot(f"{folder} has no readable keyword index ({error}); build the knowledge again") from error
        if vocabulary and len(parts.get("indptr", ())) != len(vocabulary) + 1:
            raise BadSnapshot(f"{folder}: {len(vocabulary)} words but an index of {len(parts.get('indptr', ())) - 1}")
        ranker = bm25s.BM25(method="lucene", k1=1.5, b=0.75)
        ranker.scores = {**parts, "num_docs": texts}
        ranker.vocab_dict = vocabulary
        ranker.nonoccurrence_array = None  # only BM25+ and BM25L have one
        return cls(ranker, vocabulary, texts)
