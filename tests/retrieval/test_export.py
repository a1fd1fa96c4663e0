from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from tokenizers import Tokenizer

from retrieval.embedder import OnnxEmbedder
from retrieval.errors import BadModel
from retrieval.export import export_encoder, probe_sentences


def test_probe_sentences_are_two_hundred_different_ones() -> None:
    assert len(set(probe_sentences())) == 200


def test_the_full_graph_gives_the_vectors_of_torch(tiny_bert: tuple[Any, Any], tmp_path: Path) -> None:
    report = export_encoder(tiny_bert, tmp_path, quantise=False)
    assert report.cosine_min > 0.9999
    assert report.parameters == sum(parameter.numel() for parameter in tiny_bert[0].parameters())
    assert sorted(file.name for file in tmp_path.iterdir()) == ["config.json", "model.onnx", "tokenizer.json"]
    assert json.loads((tmp_path / "config.json").read_text())["hidden_size"] == 32


def test_quantising_shrinks_the_file_and_keeps_the_vectors(tiny_bert: tuple[Any, Any], tmp_path: Path) -> None:
    full = export_encoder(tiny_bert, tmp_path / "full", quantise=False)
    small = export_encoder(tiny_bert, tmp_path / "small")
    assert small.quantised
    assert small.model_bytes < full.model_bytes
    assert small.cosine_min > 0.98
    scales = [
        onnx.numpy_helper.to_array(tensor).size
        for tensor in onnx.load(tmp_path / "small" / "model.onnx").graph.initializer
        if tensor.name.endswith("_scale")
    ]
    assert max(scales) >= 32, "one scale a channel, not one a tensor"


def test_a_saved_folder_exports_like_the_model_in_memory(tiny_bert: tuple[Any, Any], tmp_path: Path) -> None:
    model, tokenizer = tiny_bert
    model.save_pretrained(tmp_path / "saved")
    tokenizer.save_pretrained(tmp_path / "saved")
    export_encoder(tmp_path / "saved", tmp_path / "one", quantise=False)
    export_encoder(tiny_bert, tmp_path / "other", quantise=False)
    texts = ["express delivery", "how do i return the kettle"]
    np.testing.assert_allclose(
        OnnxEmbedder.load(tmp_path / "one").encode(texts),
        OnnxEmbedder.load(tmp_path / "other").encode(texts),
        atol=1e-5,
    )


def test_the_first_token_is_pooled_where_the_folder_says_so(tiny_bert: tuple[Any, Any], tmp_path: Path) -> None:
    model, tokenizer = tiny_bert
    model.save_pretrained(tmp_path / "saved")
    tokenizer.save_pretrained(tmp_path / "saved")
    (tmp_path / "saved" / "1_Pooling").mkdir()
    (tmp_path / "saved" / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}')
    export_encoder(tmp_path / "saved", tmp_path / "first", quantise=False)
    batch = tokenizer(["express delivery"], return_tensors="pt")
    expected = model(**batch).last_hidden_state[0, 0].detach().numpy()
    (vector,) = OnnxEmbedder.load(tmp_path / "first").encode(["express delivery"])
    np.testing.assert_allclose(vector, expected / np.linalg.norm(expected), atol=1e-4)


def test_training_goes_on_in_the_mode_it_was_in(tiny_bert: tuple[Any, Any], tmp_path: Path) -> None:
    tiny_bert[0].train()
    export_encoder(tiny_bert, tmp_path, quantise=False)
    assert tiny_bert[0].training
    tiny_bert[0].eval()


def test_a_folder_without_a_model_is_a_bad_model(tmp_path: Path) -> None:
    with pytest.raises(BadModel, match=r"lacks config\.json, tokenizer\.json, model\.safetensors"):
        export_encoder(tmp_path, tmp_path / "out")


def test_padding_of_the_tokenizer_file_is_ignored(model_folder: Path) -> None:
    tokenizer = Tokenizer.from_file(str(model_folder / "tokenizer.json"))
    tokenizer.enable_padding(length=128)
    (model_folder / "padded").mkdir(exist_ok=True)
    tokenizer.save(str(model_folder / "padded" / "tokenizer.json"))
    (model_folder / "padded" / "model.onnx").write_bytes((model_folder / "model.onnx").read_bytes())
    texts = ["order", "refund of the gift card"]
    np.testing.assert_allclose(
        OnnxEmbedder.load(model_folder / "padded").encode(texts), OnnxEmbedder.load(model_folder).encode(texts)
    )
