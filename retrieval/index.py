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
"""Up to this many vectors every one is compared (exact); above, a graph is searched (approximate). A search among fewer
rows than this compares every one of them as well, whatever the size of the index."""
GRAPH_LINKS = 16
GRAPH_BREADTH = 96
"""HNSW: links a vector, and candidates kept while building and searching (Malkov & Yashunin, 2016). A search among part
of the rows keeps as many more as that part is smaller."""
ADDED_AT_ONCE = 50_000
INDEX = "index.faiss"


class PassageIndex(Protocol):
    """Unit vectors that can be asked for the nearest. Rows count from 0 in the order they were added."""

    def __len__(self) -> int: ...

    def search(self, vectors: Vectors, k: int, among: Mask | None = None) -> tuple[Vectors, Rows]:
        """Cosines and rows, both of shape (len(vectors), at most k), the nearest first.

        `among`, shape (len(self),), limits the search to the rows that are True; a row of -1 means that there was no
        further one.
        """
        ...

    def vectors(self, rows: Rows) -> Vectors:
        """The vectors of these rows, shape (len(rows), dimension), as exact as the index keeps them."""
        ...


class IndexStore(Protocol):
    """Where the index of a snapshot is kept. `kind` stands in the snapshot's manifest."""

    @property
    def kind(self) -> str: ...

    def build(self, vectors: Vectors, folder: Path) -> str:
        """Index float32 unit vectors of shape (n, dimension) for the snapshot in `folder`; returns the mark by which
        `load` knows this index from any other."""
        ...

    def load(self, folder: Path, mark: str) -> PassageIndex:
        """The index with that mark; `BadSnapshot` where it is not there or not whole, `IndexUnreachable` where the
        store does not answer."""
        ...


class FaissIndex:
    """Inner product over unit vectors, in memory. Those of a graph are kept as 16-bit floats: half the memory, and the
    same neighbours."""

    def __init__(self, index: Any, flat_limit: int = FLAT_LIMIT) -> None:
        self._index = index
        self._flat_limit = flat_limit

    @classmethod
    def build(cls, vectors: Vectors, *, flat_limit: int = FLAT_LIMIT) -> FaissIndex:
        """An index over float32 unit vectors of shape (n, dimension), which may be a memory map."""
        rows, dimension = vectors.shape
        library: Any = faiss
        index: Any
        if rows <= flat_limit:
            index = library.IndexFlatIP(dimension)
        else:
            half = library.ScalarQuantizer.QT_fp16
            index = library.IndexHNSWSQ(dimension, half, GRAPH_LINKS, library.METRIC_INNER_PRODUCT)
            index.hnsw.efConstruction = GRAPH_BREADTH
            index.hnsw.efSearch = GRAPH_BREADTH
            index.is_trained = True  # halving a float needs no training
        for first in range(0, rows, ADDED_AT_ONCE):
            index.add(np.ascontiguousarray(vectors[first : first + ADDED_AT_ONCE], dtype=np.float32))
        return cls(index, flat_limit)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def search(self, vectors: Vectors, k: int, among: Mask | None = None) -> tuple[Vectors, Rows]:
        chosen = len(self) if among is None else int(np.count_nonzero(among))
        k = min(k, chosen)
        if k == 0:
            return np.zeros((len(vectors), 0), np.float32), np.zeros((len(vectors), 0), np.int64)
        asked = np.ascontiguousarray(vectors, dtype=np.float32)
        if among is None or chosen == len(self):
            nearest: tuple[Vectors, Rows] = self._index.search(asked, k)
            return nearest
        library: Any = faiss  # its stubs know neither the selectors' arrays nor the parameters' names
        selector = library.IDSelectorBitmap(np.packbits(among, bitorder="little"))
        index, limits = self._index, library.SearchParameters(sel=selector)
        if isinstance(index, library.IndexHNSW) and chosen > self._flat_limit:
            breadth = index.hnsw.efSearch * len(self) // chosen
            limits = library.SearchParametersHNSW(sel=selector, efSearch=breadth)
        elif isinstance(index, library.IndexHNSW):
            index = library.downcast_index(index.storage)
        near: tuple[Vectors, Rows] = index.search(asked, k, params=limits)
        return near

    def vectors(self, rows: Rows) -> Vectors:
        return np.asarray(self._index.reconstruct_batch(np.asarray(rows, dtype=np.int64)), dtype=np.float32)

    def save(self, path: Path) -> str:
        """Write the index and return the SHA-256 (hex) that `load` asks for."""
        faiss.write_index(self._index, str(path))
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    @classmethod
    def load(cls, path: Path, sha256: str) -> FaissIndex:
        """Read an index. FAISS's reader trusts its input, so the hash is checked before it sees a byte."""
        library: Any = faiss
        try:
            with open(path, "rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
                if found != sha256:
                    raise BadSnapshot(f"{path} has SHA-256 {found}, expected {sha256}; build the knowledge again")
                file.seek(0)
                return cls(library.read_index(library.PyCallbackIOReader(file.read)))
        except OSError as error:
            raise BadSnapshot(f"{path} cannot be read ({error.strerror}); build the knowledge again") from error


class FaissFiles:
    """An `IndexStore`: a file in the snapshot's folder, searched in memory. The mark is its SHA-256."""

    kind = "faiss"

    def build(self, vectors: Vectors, folder: Path) -> str:
        return FaissIndex.build(vectors).save(folder / INDEX)

    def load(self, folder: Path, mark: str) -> FaissIndex:
        return FaissIndex.load(folder / INDEX, mark)
