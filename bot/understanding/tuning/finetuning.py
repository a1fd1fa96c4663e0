"""Tuning the sentence encoder and a cosine head on labelled texts. Belongs to training: imports torch.

Loss: cross-entropy with label smoothing, plus supervised contrastive loss (Khosla et al., 2020) within the batch.
Embeddings stay frozen: few rows touch few of them, and the rest must keep their places. Afterwards the weights move
back towards the base (Wortsman et al., "Robust fine-tuning of zero-shot models", 2022), which costs nothing to serve.
"""

from __future__ import annotations

import math
import os
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch.nn import functional

from bot.errors import BadInput
from bot.understanding.space import Vectors
from bot.understanding.tuning.recipe import Recipe
from bot.understanding.tuning.surveying import class_means
from retrieval.errors import BadModel
from retrieval.export import pooled_tokens, read_tokenizer
from retrieval.families import read_encoder

_ENCODED = 64
"""Texts of one batch that is only encoded."""

Batch = tuple[dict[str, torch.Tensor], torch.Tensor]

_QUERIES = frozenset({"query", "q_lin", "q", "Wqkv"})
"""What the families call the projection to queries."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """A tuned sentence-transformers model and its class directions (intents, d), unit length."""

    model: Any
    directions: Vectors

    @property
    def encoder(self) -> Any:
        """The transformers model inside."""
        return self.model[0].model

    @property
    def tokenizer(self) -> Any:
        return self.model.tokenizer

    @property
    def pooling(self) -> Literal["mean", "cls"]:
        return "cls" if self.model[1].pooling_mode == "cls" else "mean"


def load_base(folder: Path, recipe: Recipe) -> Any:
    """A local sentence-transformers or transformers folder, never the network; `BadInput` if it is not a model."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    try:
        read_encoder(folder)
    except BadModel as error:
        raise BadInput(str(error)) from error
    try:
        model = SentenceTransformer(
            str(folder),
            device="cpu",
            local_files_only=True,
            trust_remote_code=False,
            # on short rows the fused attention's backward pass takes more than half of a step
            model_kwargs={"attn_implementation": "eager", "use_safetensors": True},
        )
        model[0].processor = read_tokenizer(folder)
    except Exception as error:  # foreign files fail in many ways
        raise BadInput(f"{folder} is not a sentence encoder that can be loaded: {error}") from error
    model.max_seq_length = recipe.max_tokens
    return model.float()  # half-precision weights would lose most of each step


def fine_tune(
    base: Path,
    texts: Sequence[str],
    classes: Sequence[int],
    recipe: Recipe,
    *,
    seed: int,
    on_step: Callable[[], None],
) -> Tuned:
    """Tune a fresh copy of the base on texts and their classes 0…n-1; the same seed gives the same model."""
    torch.manual_seed(seed)
    model = load_base(base, recipe)
    labels = torch.tensor(classes)
    start = _start(model, texts, labels)
    head = torch.nn.Parameter(start.clone())
    _set_dropout(model, recipe.dropout)
    optimiser = _optimiser(model, head, recipe)
    steps = steps_of(len(texts), recipe)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, steps, recipe.warm_up))
    tokens = [model.tokenizer(text, truncation=True, max_length=recipe.max_tokens) for text in texts]
    model.train()
    for epoch in range(recipe.epochs):
        for features, wanted in _batches(model.tokenizer, tokens, labels, recipe.batch, random.Random(seed + epoch)):
            batch = _masked(features, model.tokenizer, recipe.masked), wanted
            loss = _loss(model, head, batch, recipe)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_([*model.parameters(), head], 1.0)
            optimiser.step()
            schedule.step()
            on_step()
    model.eval()
    _move_back(model, load_base(base, recipe), recipe.keep_tuned)
    directions = start + recipe.keep_tuned * (functional.normalize(head.detach()) - start)
    return Tuned(model, functional.normalize(directions).numpy())


def encode(model: Any, texts: Sequence[str]) -> Vectors:
    """Unit vectors (n, d) in full precision; (0, d) without texts."""
    if not texts:
        return np.zeros((0, model.get_embedding_dimension()), dtype=np.float32)
    vectors = model.encode(list(texts), batch_size=64, show_progress_bar=False, normalize_embeddings=True)
    return np.asarray(vectors, dtype=np.float32).reshape(len(texts), -1)


@torch.inference_mode()
def encode_deep(tuned: Tuned, texts: Sequence[str]) -> Vectors:
    """What `OnnxEmbedder.encode_deep` gives of the exported model, in full precision: (n, 2 * d)."""
    dimension = tuned.model.get_embedding_dimension()
    vectors = np.zeros((len(texts), 2 * dimension), dtype=np.float32)
    order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
    for first in range(0, len(order), _ENCODED):
        rows = order[first : first + _ENCODED]
        limit = tuned.model.max_seq_length
        batch = tuned.tokenizer(
            [texts[row] for row in rows], padding=True, truncation=True, max_length=limit, return_tensors="pt"
        )
        given = {name: batch[name] for name in ("input_ids", "attention_mask")}
        layers = tuned.encoder(**given, return_dict=True, output_hidden_states=True)
        for depth, tokens in enumerate((layers.last_hidden_state, layers.hidden_states[-2])):
            pooled = pooled_tokens(tokens.float(), batch["attention_mask"], tuned.pooling)
            place = slice(depth * dimension, (depth + 1) * dimension)
            vectors[rows, place] = functional.normalize(pooled).numpy()
    return vectors


def steps_of(rows: int, recipe: Recipe) -> int:
    """How often `fine_tune` calls `on_step`."""
    return recipe.epochs * math.ceil(rows / recipe.batch)


def _start(model: Any, texts: Sequence[str], labels: torch.Tensor) -> torch.Tensor:
    vectors = encode(model, texts)
    means = class_means(vectors, labels.numpy().astype(np.int32), int(labels.max()) + 1)
    return functional.normalize(torch.from_numpy(means))


def _set_dropout(model: Any, share: float) -> None:
    """Dropout everywhere but on attention's weights, where it costs accuracy and time.

    Those weights are made where the queries are; some families keep the share there as a plain number.
    """
    for module in model.modules():
        makes_weights = any(name in _QUERIES for name, _ in module.named_children())
        for name, child in module.named_children():
            if isinstance(child, torch.nn.Dropout):
                child.p = 0.0 if makes_weights and not name.startswith("out") else share
        if isinstance(getattr(module, "attention_dropout", None), float):
            module.attention_dropout = 0.0


@torch.no_grad()
def _move_back(tuned: Any, base: Any, keep: float) -> None:
    """Interpolate in place to base + `keep` * (tuned - base)."""
    for moved, fixed in zip(tuned.parameters(), base.parameters(), strict=True):
        moved.lerp_(fixed, 1.0 - keep)


def _optimiser(model: Any, head: torch.nn.Parameter, recipe: Recipe) -> torch.optim.AdamW:
    for name, parameter in model.named_parameters():
        parameter.requires_grad_("embeddings." not in name)
    decayed = [p for p in model.parameters() if p.requires_grad and p.ndim > 1]
    plain = [p for p in model.parameters() if p.requires_grad and p.ndim <= 1]
    return torch.optim.AdamW(
        [
            {"params": decayed, "lr": recipe.encoder_rate, "weight_decay": recipe.weight_decay},
            {"params": plain, "lr": recipe.encoder_rate, "weight_decay": 0.0},
            {"params": [head], "lr": recipe.head_rate, "weight_decay": 0.0},
        ],
        fused=True,
    )


def _rate(step: int, steps: int, warm_up: float) -> float:
    rising = max(1, round(warm_up * steps))
    return (step + 1) / rising if step < rising else max(0.0, (steps - step) / max(1, steps - rising))


def _batches(
    tokenizer: Any, tokens: Sequence[Any], labels: torch.Tensor, size: int, chance: random.Random
) -> Iterator[Batch]:
    """Shuffled batches whose texts are of like length, so that little is padded."""
    order = list(range(len(tokens)))
    chance.shuffle(order)
    pool = size * 16
    batches = []
    for first in range(0, len(order), pool):
        rows = sorted(order[first : first + pool], key=lambda row: len(tokens[row]["input_ids"]))
        batches += [rows[start : start + size] for start in range(0, len(rows), size)]
    chance.shuffle(batches)
    for rows in batches:
        yield dict(tokenizer.pad([tokens[row] for row in rows], return_tensors="pt")), labels[rows]


def _masked(features: dict[str, torch.Tensor], tokenizer: Any, share: float) -> dict[str, torch.Tensor]:
    """The batch with `share` of its word pieces hidden behind the mask, never a special token: an intent has to be
    seen from several of its words (word dropout, Iyyer et al., 2015). A tokenizer without a mask hides nothing."""
    ids, cover = features["input_ids"], tokenizer.mask_token_id
    if cover is None:
        return features
    hidden = (torch.rand(ids.shape) < share) & ~torch.isin(ids, torch.tensor(tokenizer.all_special_ids))
    return {**features, "input_ids": ids.masked_fill(hidden, cover)}


def _loss(model: Any, head: torch.nn.Parameter, batch: Batch, recipe: Recipe) -> torch.Tensor:
    features, labels = batch
    with torch.autocast("cpu", dtype=torch.bfloat16):
        vectors = model(features)["sentence_embedding"]
    vectors = functional.normalize(vectors.float())
    logits = recipe.scale * vectors @ functional.normalize(head).T
    loss = functional.cross_entropy(logits, labels, label_smoothing=recipe.label_smoothing)
    return loss + recipe.contrastive * _contrastive(vectors, labels, recipe.contrastive_temperature)


def _contrastive(vectors: torch.Tensor, labels: torch.Tensor, temperature: float) -> torch.Tensor:
    itself = torch.eye(len(labels), dtype=torch.bool)
    same = (labels[:, None] == labels[None, :]) & ~itself
    likeness = (vectors @ vectors.T / temperature).masked_fill(itself, -1e9)
    log_share = likeness - likeness.logsumexp(dim=1, keepdim=True)
    paired = same.any(dim=1)
    if not bool(paired.any()):
        return vectors.sum() * 0.0
    return -((log_share * same).sum(dim=1)[paired] / same.sum(dim=1)[paired]).mean()
