from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from retrieval.embedder import normalised
from retrieval.errors import BadSnapshot
from retrieval.index import FaissIndex


@pytest.fixture
def vectors() -> np.ndarray:
    return normalised(np.random.default_rng(3).normal(size=(300, 16)))


@pytest.mark.parametrize("flat_limit", [1_000, 10])
def test_the_nearest_are_those_of_brute_force(vectors: np.ndarray, flat_limit: int) -> None:
    index = FaissIndex.build(vectors, flat_limit=flat_limit)
    cosines, rows = index.search(vectors[:20], 5)
    expected = np.argsort(-(vectors[:20] @ vectors.T), axis=1)[:, :5]
    assert (rows == expected).mean() > 0.98
    np.testing.assert_allclose(cosines[:, 0], 1.0, atol=1e-5 if flat_limit > 300 else 1e-3)
    assert (np.diff(cosines, axis=1) <= 1e-6).all()


def test_more_than_there_are_gives_all(vectors: np.ndarray) -> None:
    assert FaissIndex.build(vectors[:3]).search(vectors[:1], 10)[1].shape == (1, 3)


def test_an_empty_index_finds_nothing() -> None:
    index = FaissIndex.build(np.zeros((0, 16), dtype=np.float32))
    assert len(index) == 0
    assert index.search(np.ones((2, 16), dtype=np.float32), 5)[1].shape == (2, 0)


def test_what_was_saved_is_loaded(vectors: np.ndarray, tmp_path: Path) -> None:
    index = FaissIndex.build(vectors)
    sha256 = index.save(tmp_path / "index.faiss")
    loaded = FaissIndex.load(tmp_path / "index.faiss", sha256)
    np.testing.assert_array_equal(loaded.search(vectors[:3], 4)[1], index.search(vectors[:3], 4)[1])


def test_an_altered_file_is_refused_before_faiss_reads_it(vectors: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "index.faiss"
    sha256 = FaissIndex.build(vectors).save(path)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(BadSnapshot, match="SHA-256"):
        FaissIndex.load(path, sha256)
    with pytest.raises(BadSnapshot, match="cannot be read"):
        FaissIndex.load(tmp_path / "none", sha256)
