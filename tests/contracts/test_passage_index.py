"""What every `PassageIndex` promises, asked of each: compared one by one, a graph, and Milvus (milvus-lite)."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from retrieval.embedder import Vectors, normalised
from retrieval.errors import BadSnapshot, IndexUnreachable
from retrieval.index import FaissFiles, FaissIndex, IndexStore, PassageIndex
from retrieval.milvus import MilvusStore

ROWS, DIMENSION = 400, 16
Build = Callable[[Vectors], PassageIndex]


@pytest.fixture(scope="session")
def milvus(tmp_path_factory: pytest.TempPathFactory) -> MilvusStore:
    """milvus-lite in a file of its own; skipped with the reason where it is not installed."""
    for package in ("pymilvus", "milvus_lite"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed (pip install 'firstline[milvus]')")
    return MilvusStore(str(tmp_path_factory.mktemp("milvus") / "index.db"))


@pytest.fixture(params=["flat", "graph", "graph among few", "milvus"])
def build(request: pytest.FixtureRequest, tmp_path: Path) -> Build:
    """Makes an index of vectors."""
    if request.param == "milvus":
        store = request.getfixturevalue("milvus")
        return lambda vectors: store.load(tmp_path, store.build(vectors, tmp_path))
    limit = {"flat": 1_000, "graph": 10, "graph among few": 200}[request.param]
    return lambda vectors: FaissIndex.build(vectors, flat_limit=limit)


@pytest.fixture(params=["files", "milvus"])
def store(request: pytest.FixtureRequest) -> IndexStore:
    return request.getfixturevalue("milvus") if request.param == "milvus" else FaissFiles()


@pytest.fixture(scope="session")
def vectors() -> Vectors:
    return normalised(np.random.default_rng(3).normal(size=(ROWS, DIMENSION)))


def nearest(vectors: Vectors, asked: Vectors, k: int, among: np.ndarray | None = None) -> np.ndarray:
    """The rows of brute force."""
    cosines = asked @ vectors.T
    if among is not None:
        cosines[:, ~among] = -2
    return np.argsort(-cosines, axis=1, kind="stable")[:, :k]


def test_the_nearest_come_first_with_their_cosines(build: Build, vectors: Vectors) -> None:
    index = build(vectors)
    cosines, rows = index.search(vectors[:20], 5)
    assert (len(index), rows.dtype, cosines.dtype) == (ROWS, np.int64, np.float32)
    assert (rows == nearest(vectors, vectors[:20], 5)).mean() > 0.97
    np.testing.assert_allclose(cosines[:, 0], 1.0, atol=2e-3)
    assert (np.diff(cosines, axis=1) <= 1e-6).all()


@pytest.mark.parametrize("share", [0.5, 0.05, 0.01, 0.995])
def test_a_filter_holds_before_the_search(build: Build, vectors: Vectors, share: float) -> None:
    among = np.random.default_rng(int(share * 1_000)).random(ROWS) < share
    among[7] = True
    k = min(10, int(among.sum()))
    _, rows = build(vectors).search(vectors[20:40], 10, among)
    assert rows.shape == (20, k)
    assert among[rows].all()
    expected = nearest(vectors, vectors[20:40], k, among)
    shared = [len(set(a) & set(b)) / k for a, b in zip(rows.tolist(), expected.tolist(), strict=True)]
    assert np.mean(shared) >= 0.97


def test_no_row_chosen_finds_nothing_and_all_chosen_is_no_filter(build: Build, vectors: Vectors) -> None:
    index = build(vectors)
    assert index.search(vectors[:2], 5, np.zeros(ROWS, np.bool_))[1].shape == (2, 0)
    every = index.search(vectors[:2], 5, np.ones(ROWS, np.bool_))
    np.testing.assert_array_equal(every[1], index.search(vectors[:2], 5)[1])


def test_more_than_there_are_gives_all(build: Build, vectors: Vectors) -> None:
    rows = build(vectors[:30]).search(vectors[:1], 50)[1]
    assert rows.shape == (1, 30)
    assert set(rows[0].tolist()) - {-1} <= set(range(30))


def test_an_empty_index_finds_nothing(build: Build) -> None:
    index = build(np.zeros((0, DIMENSION), np.float32))
    assert len(index) == 0
    assert index.search(np.ones((2, DIMENSION), np.float32), 5)[1].shape == (2, 0)


def test_the_vectors_are_given_back(build: Build, vectors: Vectors) -> None:
    rows = np.array([399, 0, 7])
    np.testing.assert_allclose(build(vectors).vectors(rows), vectors[rows], atol=1e-3)


def test_what_was_built_is_loaded_by_its_mark_alone(store: IndexStore, vectors: Vectors, tmp_path: Path) -> None:
    mark = store.build(vectors[:50], tmp_path)
    assert store.build(vectors[:50], tmp_path) == mark != store.build(vectors[:51], tmp_path / "..")
    assert len(store.load(tmp_path, mark)) == 50
    with pytest.raises(BadSnapshot, match="build the knowledge again"):
        store.load(tmp_path, "another")


def test_a_collection_that_was_left_half_written_is_refused_and_written_anew(
    milvus: MilvusStore, vectors: Vectors, tmp_path: Path
) -> None:
    mark = milvus.build(vectors[:60], tmp_path)
    milvus._connected().delete(mark, filter="row >= 40")
    with pytest.raises(BadSnapshot, match="has 40 rows"):
        milvus.load(tmp_path, mark)
    assert milvus.build(vectors[:60], tmp_path) == mark
    assert len(milvus.load(tmp_path, mark)) == 60


def test_a_milvus_that_does_not_answer_is_told(tmp_path: Path) -> None:
    pytest.importorskip("pymilvus", reason="pymilvus is not installed (pip install 'firstline[milvus]')")
    with pytest.raises(IndexUnreachable, match="Milvus did not answer"):
        MilvusStore("http://127.0.0.1:9").build(np.ones((1, 4), np.float32), tmp_path)
