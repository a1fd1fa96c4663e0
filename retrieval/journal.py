"""Vectors computed so far by a build that is not done, so that one that was broken off goes on where it was.

A folder of blocks, each written beside its place and moved there: a crash loses at most the block on its way. The
folder belongs to one encoder, and is cleared once the snapshot holds the vectors.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from retrieval.embedder import Vectors

BLOCK = 2_048
"""Texts a block; about three megabytes with 384 dimensions."""
HASH_BYTES = 32


class Journal:
    def __init__(self, folder: Path, fingerprint: str) -> None:
        self._folder = folder / hashlib.sha256(fingerprint.encode()).hexdigest()[:16]

    def read(self) -> dict[str, Vectors]:
        """Vectors by the SHA-256 (hex) of their text; a damaged block is passed over."""
        found: dict[str, Vectors] = {}
        for path in sorted(self._folder.glob("*.npz")):
            try:
                with open(path, "rb") as file, np.load(file, allow_pickle=False) as block:
                    hashes, vectors = block["hashes"], block["vectors"]
            except (OSError, ValueError, KeyError, BadZipFile):
                continue
            found |= {bytes(each).hex(): vector for each, vector in zip(hashes, vectors, strict=False)}
        return found

    def add(self, hashes: Sequence[str], vectors: Vectors) -> None:
        """Keep a block; durable when this returns."""
        self._folder.mkdir(parents=True, exist_ok=True)
        listed = np.frombuffer(bytes.fromhex("".join(hashes)), np.uint8).reshape(len(hashes), HASH_BYTES)
        name = hashlib.sha256(listed.tobytes()).hexdigest()[:24]
        partial = self._folder / f"{name}.{os.getpid()}.partial"
        with open(partial, "wb") as file:
            np.savez(file, allow_pickle=False, hashes=listed, vectors=vectors)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, self._folder / f"{name}.npz")

    def clear(self) -> None:
        """Forget everything, of other encoders too."""
        shutil.rmtree(self._folder.parent, ignore_errors=True)
