"""Nearest vectors by cosine. The only module that imports FAISS."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Protocol

import faiss
import numpy as np
import numpy.typing as npt

from retrieval.embedder import Vectors
from retrieval.errors import BadSnapshot

Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

FLAT_LIMIT = 50_000
"""Up to this many vectors every one is compared (exact); above, a graph is searched (approximate)."""
GRAPH_LINKS = 32
GRAPH_BREADTH = 128
"""HNSW: links a vector, and candidates kept while building and searching (Malkov & Yashunin, 2016)."""


class PassageIndex(Protocol):
    """Unit vectors that can be asked for the nearest. Rows count from 0 in the order they were added."""

    def __len__(self) -> int: ...

    def search(self, vectors: Vectors, k: int, among: Mask | None = None) -> tuple[Vectors, Rows]:
        """Cosines and rows, both of shape (len(vectors), at most k), the nearest first.

        `among`, shape (len(self),), limits the search to the rows that are True; a row of -1 means that there was no
        further one.
        """
        ...


class FaissIndex:
    """Inner product over unit vectors."""

    def __init__(self, index: Any) -> None:
        self._index = index

    @classmethod
    def build(cls, vectors: Vectors, *, flat_limit: int = FLAT_LIMIT) -> FaissIndex:
        """An index over float32 unit vectors of shape (n, dimension)."""
        rows, dimension = vectors.shape
        index: Any
        if rows <= flat_limit:
            index = faiss.IndexFlatIP(dimension)
        else:
            index = faiss.IndexHNSWFlat(dimension, GRAPH_LINKS, faiss.METRIC_INNER_PRODUCT)
            index.hnsw.efConstruction = GRAPH_BREADTH
            index.hnsw.efSearch = GRAPH_BREADTH
        index.add(np.ascontiguousarray(vectors, dtype=np.float32))
        return cls(index)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def search(self, vectors: Vectors, k: int, among: Mask | None = None) -> tuple[Vectors, Rows]:
        k = min(k, len(self) if among is None else int(among.sum()))
        if k == 0:
            return np.zeros((len(vectors), 0), np.float32), np.zeros((len(vectors), 0), np.int64)
        limits = {} if among is None else {"params": self._among(among)}
        cosines, rows = self._index.search(np.ascontiguousarray(vectors, dtype=np.float32), k, **limits)
        return cosines, rows

    def _among(self, mask: Mask) -> Any:
        """FAISS's search parameters with a selector of the rows that are True."""
        library: Any = faiss  # its stubs know neither the selectors' arrays nor the parameters' names
        chosen = library.IDSelectorBitmap(np.packbits(mask, bitorder="little"))
        if isinstance(self._index, library.IndexHNSW):
            return library.SearchParametersHNSW(sel=chosen, efSearch=self._index.hnsw.efSearch)
        return library.SearchParameters(sel=chosen)

    def save(self, path: Path) -> str:
        """Write the index and return the SHA-256 (hex) that `load` asks for."""
        content = faiss.serialize_index(self._index).tobytes()
        path.write_bytes(content)
        return hashlib.sha256(content).hexdigest()

    @classmethod
    def load(cls, path: Path, sha256: str) -> FaissIndex:
        """Read an index. FAISS's reader trusts its input, so the hash is checked before it sees a byte."""
        try:
            content = path.read_bytes()
        except OSError as error:
            raise BadSnapshot(f"{path} cannot be read ({error.strerror}); build the knowledge again") from error
        found = hashlib.sha256(content).hexdigest()
        if found != sha256:
            raise BadSnapshot(f"{path} has SHA-256 {found}, expected {sha256}; build the knowledge again")
        return cls(faiss.deserialize_index(np.frombuffer(content, dtype=np.uint8)))
