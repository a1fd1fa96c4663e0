"""Nearest vectors in Milvus, for more of them than one machine holds. The only module that imports pymilvus.

Each snapshot has a collection of its own, named by the hash of its vectors: it is written once and then only read, so
that several releases, and the processes that still serve the one before, do not disturb each other. `uri` is the
address of a Milvus server, or a file of milvus-lite, which runs the same interface inside the process.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from retrieval.embedder import Vectors
from retrieval.errors import BadSnapshot, IndexUnreachable
from retrieval.index import GRAPH_BREADTH, GRAPH_LINKS, Mask, Rows

PREFIX = "firstline_"
WRITTEN_AT_ONCE = 2_000
"""Vectors in one request."""
NAMED_AT_MOST = 10_000
"""Rows that a filter names one by one; beyond, more neighbours are asked for and the others left out."""
ASKED_AT_MOST = 16_384
"""Neighbours that Milvus gives at most."""
BUILT = {"M": GRAPH_LINKS, "efConstruction": GRAPH_BREADTH}
TIMEOUT_S = 10.0

Result = TypeVar("Result")


class MilvusIndex:
    """A `PassageIndex` over a collection with the fields `row` and `vector`."""

    def __init__(self, client: Any, collection: str, rows: int) -> None:
        self._client = client
        self._collection = collection
        self._rows = rows

    def __len__(self) -> int:
        return self._rows

    def search(self, vectors: Vectors, k: int, among: Mask | None = None) -> tuple[Vectors, Rows]:
        chosen = len(self) if among is None else int(np.count_nonzero(among))
        k = min(k, chosen)
        if k == 0:
            return np.zeros((len(vectors), 0), np.float32), np.zeros((len(vectors), 0), np.int64)
        if among is None or chosen == len(self):
            return _padded(self._asked(vectors, k), k)
        breadth = GRAPH_BREADTH * len(self) // chosen
        if chosen <= NAMED_AT_MOST:
            return _padded(self._asked(vectors, k, _named("in", among), breadth), k)
        if len(self) - chosen <= NAMED_AT_MOST:
            return _padded(self._asked(vectors, k, _named("not in", ~among), breadth), k)
        more = k
        while True:
            more = min(max(2 * more, k * len(self) // chosen), ASKED_AT_MOST, len(self))
            found = self._asked(vectors, more)
            kept = [[each for each in near if among[each[1]]][:k] for near in found]
            if more in (ASKED_AT_MOST, len(self)) or all(len(each) == k for each in kept):
                return _padded(kept, k)

    def vectors(self, rows: Rows) -> Vectors:
        found: dict[int, list[float]] = {}
        listed = np.asarray(rows).tolist()
        for first in range(0, len(listed), WRITTEN_AT_ONCE):
            ids = listed[first : first + WRITTEN_AT_ONCE]
            got = _told(lambda ids=ids: self._client.get(self._collection, ids=ids, output_fields=["row", "vector"]))  # type: ignore[misc]
            found |= {int(each["row"]): each["vector"] for each in got}
        return np.array([found[row] for row in listed], dtype=np.float32)

    def _asked(self, vectors: Vectors, k: int, condition: str = "", breadth: int = GRAPH_BREADTH) -> list[list[_Near]]:
        given = _told(
            lambda: self._client.search(
                self._collection,
                data=np.asarray(vectors, dtype=np.float32).tolist(),
                limit=k,
                output_fields=["row"],
                search_params={"metric_type": "IP", "params": {"ef": min(max(breadth, k), ASKED_AT_MOST)}},
                filter=condition,
                timeout=TIMEOUT_S,
            )
        )
        return [[(float(hit["distance"]), int(hit["entity"]["row"])) for hit in near] for near in given]


_Near = tuple[float, int]


class MilvusStore:
    """An `IndexStore`: where the collections of snapshots are."""

    kind = "milvus"

    def __init__(self, uri: str, token: str = "") -> None:
        self._uri = uri
        self._token = token
        self._client: Any = None

    def build(self, vectors: Vectors, folder: Path) -> str:
        """Write the collection of these vectors, if it is not there whole already; returns its name."""
        rows, dimension = vectors.shape
        digest = hashlib.sha256(np.ascontiguousarray(vectors, dtype=np.float32).tobytes()).hexdigest()
        name = f"{PREFIX}{digest[:24]}_{rows}"
        client = self._connected()
        if rows and _told(lambda: client.has_collection(name)):
            if _count(client, name) == rows:
                return name
            _told(lambda: client.drop_collection(name))
        if rows:
            _told(lambda: _create(client, name, dimension))
            for first in range(0, rows, WRITTEN_AT_ONCE):
                part = vectors[first : first + WRITTEN_AT_ONCE]
                data = [{"row": first + number, "vector": vector.tolist()} for number, vector in enumerate(part)]
                _told(lambda data=data: client.insert(name, data))  # type: ignore[misc]
            _told(lambda: client.flush(name))
        return name

    def load(self, folder: Path, mark: str) -> MilvusIndex:
        """The collection of that name; `BadSnapshot` where it is missing or not whole."""
        rows = int(mark.rpartition("_")[2]) if mark.startswith(PREFIX) else -1
        if rows < 0:
            raise BadSnapshot(f"{folder} names the index {mark!r}, which is no collection; build the knowledge again")
        client = self._connected()
        if rows:
            there = _told(lambda: client.has_collection(mark))
            found = _count(client, mark) if there else 0
            if found != rows:
                raise BadSnapshot(f"collection {mark} at {self._uri} has {found:,} rows; build the knowledge again")
            _told(lambda: client.load_collection(mark))
        return MilvusIndex(client, mark, rows)

    def _connected(self) -> Any:
        if self._client is None:
            self._client = _told(lambda: _client(self._uri, self._token))
        return self._client


def _client(uri: str, token: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pymilvus import MilvusClient
    except ImportError as error:
        remedy = "pip install 'firstline[milvus]'"
        raise IndexUnreachable(f"the index is in Milvus, but pymilvus is missing; {remedy}") from error
    return MilvusClient(uri=uri, token=token, timeout=TIMEOUT_S)


def _create(client: Any, name: str, dimension: int) -> None:
    from pymilvus import DataType  # not at the head: most installations are without it

    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("row", DataType.INT64, is_primary=True)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimension)
    index = client.prepare_index_params()
    index.add_index("vector", index_type="HNSW", metric_type="IP", params=BUILT)
    client.create_collection(name, schema=schema, index_params=index, consistency_level="Strong")


def _count(client: Any, name: str) -> int:
    _told(lambda: client.load_collection(name))
    return int(_told(lambda: client.query(name, filter="", output_fields=["count(*)"]))[0]["count(*)"])


def _named(how: str, mask: Mask) -> str:
    """A filter that names the rows which are True. milvus-lite knows no parameters of filters; the rows are numbers."""
    return f"row {how} {np.flatnonzero(mask).tolist()}"


def _told(work: Callable[[], Result]) -> Result:
    """What the work gives; what Milvus says against it as `IndexUnreachable`."""
    try:
        return work()
    except (IndexUnreachable, BadSnapshot):
        raise
    except Exception as error:  # pymilvus lets grpc's errors, its own and OSError through
        raise IndexUnreachable(f"Milvus did not answer ({type(error).__name__}: {error}); is it up?") from error


def _padded(found: list[list[_Near]], k: int) -> tuple[Vectors, Rows]:
    """The neighbours of each question as arrays; rows of -1 where there were fewer than k."""
    cosines = np.full((len(found), k), -2, dtype=np.float32)
    rows = np.full((len(found), k), -1, dtype=np.int64)
    for number, near in enumerate(found):
        for place, (cosine, row) in enumerate(near[:k]):
            cosines[number, place], rows[number, place] = cosine, row
    return cosines, rows
