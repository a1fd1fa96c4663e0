"""Encoder to ONNX: from a transformers model to the folder that `OnnxEmbedder.load` reads.

Belongs to training: imports torch and transformers, and is imported by nothing that serves.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Tokenizer, normalizers
from transformers import AutoModel, PreTrainedTokenizerFast
from transformers.utils import logging as transformers_logging

from retrieval.embedder import INNER, PASSAGE_TOKENS, OnnxEmbedder, Vectors
from retrieval.errors import BadModel
from retrieval.families import Pooling, most_tokens, read_encoder, stated_pooling

FAITHFUL = 0.999
"""Least cosine between the torch model and its full-precision graph; below it the trace went wrong."""

WORTH_QUANTISING = 0.95
"""Least mean cosine between the torch model and its int8 graph; below it the graph stays in full precision."""


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
    full: Path | None = None,
    inner: bool = False,
) -> ExportReport:
    """Write `out/model.onnx`, `out/tokenizer.json` and `out/config.json`.

    `model` is a local sentence-transformers or transformers folder, or a pair (transformers model, its fast
    tokenizer). `quantise` makes the weights int8, one scale per channel: one scale per tensor damages the vectors;
    what is damaged all the same (`WORTH_QUANTISING`) stays in full precision.
    `pooling` defaults to what the folder says, else to the mean. `full` is a folder for the same three files with the
    graph in full precision, to be measured against. `inner` adds the output that
    `OnnxEmbedder.encode_deep` reads. `BadModel` if the folder cannot be loaded or the graph does not
    give the torch model's vectors.
    """
    encoder, tokenizer = load_encoder(model) if isinstance(model, Path) else model
    pooled = _Pooled(encoder, pooling or (stated_pooling(model) if isinstance(model, Path) else "mean"), inner)
    probe = list(sentences or [*probe_sentences(), " ".join(probe_sentences())])
    out.mkdir(parents=True, exist_ok=True)
    was_training = encoder.training
    pooled.eval()
    try:
        with tempfile.TemporaryDirectory(dir=out) as scratch:
            return _write(pooled, tokenizer, Path(scratch), out, quantise, probe, full)
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
    """Ids and mask (n, tokens) to sentence vectors (n, dimension), so that the pooling is part of the graph; with
    `inner` to a pair, the second of the layer before."""

    def __init__(self, encoder: Any, pooling: Pooling, inner: bool) -> None:
        super().__init__()
        self.encoder = encoder
        self.pooling = pooling
        self.inner = inner

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
        seen = self.encoder(
            input_ids=input_ids, attention_mask=attention_mask, return_dict=True, output_hidden_states=self.inner
        )
        last = pooled_tokens(seen.last_hidden_state, attention_mask, self.pooling)
        return (last, pooled_tokens(seen.hidden_states[-2], attention_mask, self.pooling)) if self.inner else last


def pooled_tokens(tokens: torch.Tensor, mask: torch.Tensor, pooling: Pooling) -> torch.Tensor:
    """Token vectors (n, tokens, dimension) where mask (n, tokens) is 1 to sentence vectors (n, dimension)."""
    if pooling == "cls":
        return tokens[:, 0]
    weights = mask.unsqueeze(-1).to(tokens.dtype)
    return torch.as_tensor((tokens * weights).sum(1) / weights.sum(1).clamp(min=1e-9))


_USUAL = {
    "cls_token": ("[CLS]", "<s>"),
    "sep_token": ("[SEP]", "</s>"),
    "mask_token": ("[MASK]", "<mask>"),
    "unk_token": ("[UNK]", "<unk>"),
}


def read_tokenizer(folder: Path) -> Any:
    """The tokenizer of a model folder as its tokenizer.json says, which is what serving reads.

    The tokenizer classes of transformers build some families' rules anew and tokenise otherwise.
    """
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    stated = folder / "sentence_bert_config.json"
    if stated.is_file() and json.loads(stated.read_text("utf-8")).get("do_lower_case"):
        given = [tokenizer.normalizer] if tokenizer.normalizer is not None else []
        tokenizer.normalizer = normalizers.Sequence([normalizers.Lowercase(), *given])
    tokenizer.no_padding()
    tokenizer.no_truncation()
    padding = json.loads((folder / "config.json").read_text("utf-8")).get("pad_token_id") or 0
    special = _special_tokens(folder, tokenizer)
    special["pad_token"] = tokenizer.id_to_token(padding) or tokenizer.id_to_token(0)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special)


def _special_tokens(folder: Path, tokenizer: Tokenizer) -> dict[str, str | None]:
    """The special tokens by what the folder calls them, else by their usual names; only what the vocabulary has."""
    stated: dict[str, Any] = {}
    for path in (folder / "special_tokens_map.json", folder / "tokenizer_config.json"):
        stated |= json.loads(path.read_text("utf-8")) if path.is_file() else {}
    found: dict[str, str | None] = {}
    for key, usual in _USUAL.items():
        named = stated.get(key)
        named = named.get("content") if isinstance(named, dict) else named
        given = [each for each in (named, *usual) if isinstance(each, str)]
        found[key] = next((each for each in given if tokenizer.token_to_id(each) is not None), None)
    return found


def load_encoder(folder: Path, *, attention: str | None = None) -> tuple[Any, Any]:
    """A transformers model in full precision and its fast tokenizer from a local folder, never the network.
    `attention` is the implementation, transformers' choice by default. `BadModel` if it cannot be loaded."""
    read_encoder(folder)
    try:
        transformers_logging.disable_progress_bar()
        encoder = AutoModel.from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            attn_implementation=attention,
        )
        tokenizer = read_tokenizer(folder)
    except Exception as error:  # foreign files fail in many ways
        raise BadModel(f"{folder} is not an encoder that transformers can load: {error}; copy it anew") from error
    return encoder.float(), tokenizer


def _write(
    pooled: _Pooled,
    tokenizer: Any,
    scratch: Path,
    out: Path,
    quantise: bool,
    probe: Sequence[str],
    full: Path | None,
) -> ExportReport:
    (scratch / "tokenizer.json").write_text(tokenizer.backend_tokenizer.to_str(), "utf-8")
    config = json.loads(pooled.encoder.config.to_json_string())
    (scratch / "config.json").write_text(json.dumps(config | {"max_tokens": most_tokens(config)}, indent=2), "utf-8")
    reference = _torch_vectors(pooled, tokenizer, probe)
    _trace(pooled, scratch / "model.onnx")
    cosines = _cosines(scratch, probe, reference)
    if cosines.min() < FAITHFUL:
        family = pooled.encoder.config.model_type
        raise BadModel(f"the traced {family} graph is off: cosine {cosines.min():.4f} to torch, not ≥ {FAITHFUL}")
    if full is not None:
        shutil.copytree(scratch, full, dirs_exist_ok=True)
    if quantise:
        _quantise(scratch / "model.onnx")
        small = _cosines(scratch, probe, reference)
        quantise = bool(small.mean() >= WORTH_QUANTISING)
        cosines = small if quantise else cosines
        if not quantise:
            os.replace(scratch / "full.onnx", scratch / "model.onnx")
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
    outputs = ["sentence_embedding", INNER] if pooled.inner else ["sentence_embedding"]
    with warnings.catch_warnings(), torch.no_grad():
        # torch's newer exporter needs one more package and writes the same graph; what it warns of is checked after
        warnings.simplefilter("ignore")
        torch.onnx.export(
            pooled,
            (ids, mask),
            str(graph),
            input_names=["input_ids", "attention_mask"],
            output_names=outputs,
            dynamic_axes={"input_ids": free, "attention_mask": free} | {name: {0: "texts"} for name in outputs},
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
    limit = min(PASSAGE_TOKENS, most_tokens(json.loads(pooled.encoder.config.to_json_string())))
    with torch.inference_mode():
        for first in range(0, len(texts), 32):
            part = list(texts[first : first + 32])
            batch = tokenizer(part, padding=True, truncation=True, max_length=limit, return_tensors="pt").to(device)
            given = pooled(batch["input_ids"], batch["attention_mask"])
            vectors = given[0] if pooled.inner else given
            rows.append(torch.nn.functional.normalize(vectors.float()).cpu().numpy())
    return np.concatenate(rows)


def _cosines(folder: Path, texts: Sequence[str], reference: Vectors) -> Vectors:
    return np.asarray((OnnxEmbedder.load(folder).encode(texts) * reference).sum(axis=1))
