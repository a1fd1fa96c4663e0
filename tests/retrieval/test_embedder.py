from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from retrieval.embedder import OnnxEmbedder, mean_pooled, normalised
from retrieval.errors import BadModel


def test_vectors_are_unit_rows_in_the_order_of_the_texts(embedder: OnnxEmbedder) -> None:
    texts = ["order", "the cost of express delivery to you", "refund", "", "gift card " * 400]
    together = embedder.encode(texts)
    assert together.shape == (5, embedder.dimension)
    assert together.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1.0, atol=1e-5)
    alone = np.concatenate([embedder.encode([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-4)


def test_nothing_to_encode_gives_no_rows(embedder: OnnxEmbedder) -> None:
    assert embedder.encode([]).shape == (0, embedder.dimension)


def test_a_batch_smaller_than_the_texts_changes_nothing(model_folder: Path, embedder: OnnxEmbedder) -> None:
    texts = [f"order {number} costs {number * 7}" for number in range(9)]
    np.testing.assert_allclose(
        OnnxEmbedder.load(model_folder, batch=2).encode(texts), embedder.encode(texts), atol=1e-4
    )


def test_truncation_cuts_what_is_longer(model_folder: Path) -> None:
    short = OnnxEmbedder.load(model_folder, max_tokens=8)
    same = short.encode(["order " * 6, "order " * 60])
    np.testing.assert_allclose(same[0], same[1], atol=1e-5)


def test_the_fingerprint_names_weights_and_truncation(model_folder: Path, embedder: OnnxEmbedder) -> None:
    assert OnnxEmbedder.load(model_folder).fingerprint == embedder.fingerprint
    assert OnnxEmbedder.load(model_folder, max_tokens=64).fingerprint != embedder.fingerprint


@pytest.mark.parametrize("text", ["\x00", "😀😀", "مرحبا", "<b>" * 5000, "a" * 100_000, "\ud7ff"])
def test_odd_texts_have_vectors(embedder: OnnxEmbedder, text: str) -> None:
    assert np.isfinite(embedder.encode([text])).all()


@pytest.mark.parametrize("missing", ["model.onnx", "tokenizer.json"])
def test_a_missing_file_is_a_bad_model(model_folder: Path, tmp_path: Path, missing: str) -> None:
    folder = shutil.copytree(model_folder, tmp_path / "copy")
    (folder / missing).unlink()
    with pytest.raises(BadModel, match=missing):
        OnnxEmbedder.load(folder)


@pytest.mark.parametrize("broken", ["model.onnx", "tokenizer.json"])
def test_a_corrupt_file_is_a_bad_model(model_folder: Path, tmp_path: Path, broken: str) -> None:
    folder = shutil.copytree(model_folder, tmp_path / "copy")
    (folder / broken).write_bytes(b"not what it says")
    with pytest.raises(BadModel, match=broken):
        OnnxEmbedder.load(folder)


def test_mean_pooling_leaves_padding_out() -> None:
    tokens = np.array([[[1.0, 3.0], [3.0, 5.0], [99.0, 99.0]]], dtype=np.float32)
    np.testing.assert_allclose(mean_pooled(tokens, np.array([[1, 1, 0]])), [[2.0, 4.0]])


def test_a_zero_row_stays_zero() -> None:
    np.testing.assert_array_equal(normalised(np.zeros((1, 3))), np.zeros((1, 3)))


def test_serving_imports_no_torch() -> None:
    program = "import retrieval.knowledge, sys; assert not {'torch', 'transformers'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[2])
