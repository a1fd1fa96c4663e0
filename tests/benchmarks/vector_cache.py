"""Vectors kept on disk by the hash of their text, so that a repeated measurement embeds nothing twice.

One SQLite file for each encoder: its name holds the encoder's fingerprint, so vectors of different weights never mix.
What is killed half-way keeps what it had.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from retrieval.embedder import Embedder, Vectors

BATCH = 256
"""Texts embedded between two writes."""
_LOOKED_UP = 500


class CachedEmbedder:
    """An `Embedder` that looks a text up before it embeds it. Not for threads.

    `progress(done, total)` counts the texts of one call that had to be embedded. `embedded` counts them over all calls.
    """

    def __init__(self, embedder: Embedder, folder: Path, progress: Callable[[int, int], None] | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        name = hashlib.sha256(embedder.fingerprint.encode()).hexdigest()[:16]
        self._embedder = embedder
        self._progress = progress
        self._stored = sqlite3.connect(folder / f"{name}.sqlite", timeout=60)
        self._stored.execute("PRAGMA journal_mode = WAL")
        self._stored.execute("CREATE TABLE IF NOT EXISTS vectors (hash BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID")
        self.embedded = 0

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._embedder.dimension

    @property
    def fingerprint(self) -> str:
        """That of the encoder behind it."""
        return self._embedder.fingerprint

    def encode(self, texts: Sequence[str]) -> Vectors:
        """float32 of shape (len(texts), dimension), every row of length 1."""
        hashes = [hashlib.sha256(text.encode()).digest() for text in texts]
        found = self._known(hashes)
        missing = {key: text for key, text in zip(hashes, texts, strict=True) if key not in found}
        keys = sorted(missing, key=lambda key: len(missing[key]))
        for first in range(0, len(keys), BATCH):
            some = keys[first : first + BATCH]
            vectors = self._embedder.encode([missing[key] for key in some])
            found.update(zip(some, vectors, strict=True))
            with self._stored:
                rows = [(key, vector.tobytes()) for key, vector in zip(some, vectors, strict=True)]
                self._stored.executemany("INSERT OR IGNORE INTO vectors VALUES (?, ?)", rows)
            self.embedded += len(some)
            if self._progress is not None:
                self._progress(first + len(some), len(keys))
        return np.array([found[key] for key in hashes], dtype=np.float32).reshape(len(texts), self.dimension)

    def _known(self, hashes: Sequence[bytes]) -> dict[bytes, Vectors]:
        found: dict[bytes, Vectors] = {}
        for first in range(0, len(hashes), _LOOKED_UP):
            some = hashes[first : first + _LOOKED_UP]
            marks = ",".join("?" * len(some))
            asked = self._stored.execute(f"SELECT hash, vector FROM vectors WHERE hash IN ({marks})", some)
            found.update((key, np.frombuffer(vector, dtype=np.float32)) for key, vector in asked)
        return found
