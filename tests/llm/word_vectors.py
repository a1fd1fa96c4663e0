"""An encoder that needs no weights: content words hashed into a unit vector, so that shared words are likeness."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from retrieval.embedder import Vectors, normalised
from retrieval.words import content_words


class WordVectors:
    """Implements `retrieval.embedder.Embedder`."""

    dimension = 256
    fingerprint = "words"

    def encode(self, texts: Sequence[str]) -> Vectors:
        rows = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in content_words(text):
                rows[row, zlib.crc32(word.encode()) % self.dimension] += 1.0
        return normalised(rows)
