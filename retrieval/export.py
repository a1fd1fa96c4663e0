"""Encoder to ONNX: from a transformers model to the folder that `OnnxEmbedder.load` reads.

Belongs to training: imports torch and transformers, and is imported by nothing that serves.
"""

from __future__ import annotations

import itertools
import json
import os
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from transformers import AutoModel, AutoTokenizer
from transformers.utils import logging as transformers_logging

from retrieval.embedder import OnnxEmbedder, Vectors
from retrieval.errors import BadModel

Pooling = Literal["mean", "cls"]

FAITHFUL = 0.999
"""Least cosine between the torch model and its full-precision graph; below it the trace went wrong."""


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export gave. The cosines compare the written graph with the torch model, sentence by sentence."""

    parameters: int
    model_bytes: int
    cosine_mean: float
    cosine_min: float
    quantised: bool


def export_encoder(
    model: Path | tuple[Any, Any],
    out: Path,
    *,
    quantise: bool = True,
    pooling: Pooling | None = None,
    sentences: Sequence[str] | None = None,
) -> ExportReport:
    """Write `out/model.onnx`, `out/tokenizer.json` and `out/config.json`.

    `model` is a local sentence-transformers or transformers folder, or a pair (transformers model, its fast
    tokenizer). `quantise` makes the weights int8, one scale per channel: one scale per tensor damages the vectors.
    `pooling` defaults to what the folder says, else to the mean. `BadModel` if the folder cannot be loaded or the
    graph does not give the torch model's vectors.
    """
    encoder, tokenizer = _load(model) if isinstance(model, Path) else model
    pooled = _Pooled(encoder, pooling or (_stated_pooling(model) if isinstance(model, Path) else "mean"))
    probe = list(sentences or probe_sentences())
    out.mkdir(parents=True, exist_ok=True)
    was_training = encoder.training
    pooled.eval()
    try:
        with tempfile.TemporaryDirectory(dir=out) as scratch:
            return _write(pooled, tokenizer, Path(scratch), out, quantise, probe)
    finally:
        encoder.train(was_training)


def probe_sentences() -> list[str]:
    """200 short support sentences, always the same, that exports are compared on."""
    openings = ["Where is", "I want to return", "How do I pay for", "Please cancel", "What does it cost to change"]
    things = ["my order", "the kettle I bought", "a gift card", "my subscription", "order WF-204817"]
    endings = ["?", " today.", " that arrived broken, and the box was open?", " before Friday"]
    again = ["", " Thanks, and sorry to ask twice; the first message may not have reached you."]
    return ["".join((o, " ", t, e, a)) for o, t, e, a in itertools.product(openings, things, endings, again)]


class _Pooled(torch.nn.Module):
    """Ids and mask (n, tokens) to sentence vectors (n, dimension), so that the pooling is part of the graph."""

    def __init__(self, encoder: Any, pooling: Pooling) -> None:
        super().__init__()
        self.encoder = encoder
        self.pooling = pooling

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        tokens = self.encoder(input_ids=input_ids, attention_mask=attention_mask, return_dict=True).last_hidden_state
        if self.pooling == "cls":
            return torch.as_tensor(tokens[:, 0])
        weights = attention_mask.unsqueeze(-1).to(tokens.dtype)
        return torch.as_tensor((tokens * weights).sum(1) / weights.sum(1).clamp(min=1e-9))


def _load(folder: Path) -> tuple[Any, Any]:
    try:
        transformers_logging.disable_progress_bar()
        encoder = AutoModel.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise BadModel(f"{folder} is not a local transformers folder: {error}") from error
    return encoder.float(), tokenizer


def _stated_pooling(folder: Path) -> Pooling:
    stated = folder / "1_Pooling" / "config.json"
    if not stated.exists():
        return "mean"
    settings = json.loads(stated.read_text("utf-8"))
    if settings.get("pooling_mode_mean_tokens") or settings.get("pooling_mode") == "mean":
        return "mean"
    if settings.get("pooling_mode_cls_token") or settings.get("pooling_mode") == "cls":
        return "cls"
    raise BadModel(f"{stated} asks for another pooling than mean or cls; export such a model by hand")


def _write(
    pooled: _Pooled, tokenizer: Any, scratch: Path, out: Path, quantise: bool, probe: Sequence[str]
) -> ExportReport:
    (scratch / "tokenizer.json").write_text(tokenizer.backend_tokenizer.to_str(), "utf-8")
    (scratch / "config.json").write_text(pooled.encoder.config.to_json_string(), "utf-8")
    reference = _torch_vectors(pooled, tokenizer, probe)
    _trace(pooled, scratch / "model.onnx")
    cosines = _cosines(scratch, probe, reference)
    if cosines.min() < FAITHFUL:
        family = pooled.encoder.config.model_type
        raise BadModel(f"the traced {family} graph is off: cosine {cosines.min():.4f} to torch, not ≥ {FAITHFUL}")
    if quantise:
        _quantise(scratch / "model.onnx")
        cosines = _cosines(scratch, probe, reference)
    for name in ("tokenizer.json", "config.json", "model.onnx"):
        os.replace(scratch / name, out / name)
    return ExportReport(
        parameters=sum(parameter.numel() for parameter in pooled.encoder.parameters()),
        model_bytes=(out / "model.onnx").stat().st_size,
        cosine_mean=float(cosines.mean()),
        cosine_min=float(cosines.min()),
        quantised=quantise,
    )


def _trace(pooled: _Pooled, graph: Path) -> None:
    ids = torch.tensor([[1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 0, 0]])
    mask = torch.tensor([[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0]])
    free = {0: "texts", 1: "tokens"}
    with warnings.catch_warnings(), torch.no_grad():
        # torch's newer exporter needs one more package and writes the same graph; what it warns of is checked after
        warnings.simplefilter("ignore")
        torch.onnx.export(
            pooled,
            (ids, mask),
            str(graph),
            input_names=["input_ids", "attention_mask"],
            output_names=["sentence_embedding"],
            dynamic_axes={"input_ids": free, "attention_mask": free, "sentence_embedding": {0: "texts"}},
            opset_version=17,
            dynamo=False,
        )


def _quantise(graph: Path) -> None:
    full = graph.with_name("full.onnx")
    os.replace(graph, full)
    quantize_dynamic(full, graph, per_channel=True, weight_type=QuantType.QInt8)


def _torch_vectors(pooled: _Pooled, tokenizer: Any, texts: Sequence[str]) -> Vectors:
    rows = []
    device = next(pooled.parameters()).device
    with torch.inference_mode():
        for first in range(0, len(texts), 32):
            batch = tokenizer(list(texts[first : first + 32]), padding=True, return_tensors="pt").to(device)
            vectors = pooled(batch["input_ids"], batch["attention_mask"])
            rows.append(torch.nn.functional.normalize(vectors.float()).cpu().numpy())
    return np.concatenate(rows)


def _cosines(folder: Path, texts: Sequence[str], reference: Vectors) -> Vectors:
    return np.asarray((OnnxEmbedder.load(folder).encode(texts) * reference).sum(axis=1))
