"""Trains the reader (`retrieval.crossencoder`) from the base encoder, and exports it.

python -m retrieval.training.reader --base var/base/all-MiniLM-L6-v2 --squad dev-v2.0.json --without xquad.en.json

Belongs to training: imports torch. Losses, added: whether the passage answers (binary cross-entropy on [CLS]); which
sentence does, or none (cross-entropy over the sentences' mean evidence and [CLS]'s own); and, where the answer's place
is known, its first and last token (as BERT on SQuAD 2: [CLS] where there is none), which is not exported.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
import random
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Tokenizer
from torch.nn import functional
from transformers import AutoModel

from retrieval.crossencoder import FORMAT, MANIFEST, Encoded, Pair, Pairing
from retrieval.datasets import read_questions
from retrieval.embedder import OnnxEmbedder
from retrieval.export import export_encoder
from retrieval.reader import DEFAULT_MODEL
from retrieval.reading import WINDOW_WORDS
from retrieval.sources import faq
from retrieval.sources.sandbox import read_folder
from retrieval.training.examples import (
    Example,
    company_examples,
    read_articles,
    split_titles,
    squad,
    squad_examples,
    texts_of,
)
from retrieval.training.labelled import labelled_examples
from retrieval.training.schedule import rate
from retrieval.words import content_words

HELD_OUT = 5
"""Articles of a SQuAD file that are never trained on."""
CHOSEN_ON = 2
"""So many of them are read when something is chosen or fitted, the others only when the end is reported."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the reader is trained. `layers` of the base are kept; `tokens` is the size of a batch; `masked` is the share
    of word pieces hidden in each step, which does what dropout does at half its price."""

    layers: int = 6
    epochs: int = 2
    rate: float = 1e-4
    head_rate: float = 1e-3
    weight_decay: float = 0.01
    warm_up: float = 0.06
    tokens: int = 4000
    dropout: float = 0.0
    masked: float = 0.1
    max_tokens: int = 192
    window_words: int = WINDOW_WORDS
    span_weight: float = 0.5


class ReaderModel(torch.nn.Module):
    """The encoder with a score for the pair and three for each token: evidence, first and last of an answer."""

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.encoder = encoder
        size = encoder.config.hidden_size
        self.relevance = torch.nn.Linear(size, 1)
        self.tokens = torch.nn.Linear(size, 3)

    def forward(
        self, ids: torch.Tensor, mask: torch.Tensor, segments: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Ids, mask and segments (n, tokens) to relevance (n,) and token scores (n, tokens, 3)."""
        states = self.encoder(
            input_ids=ids, attention_mask=mask, token_type_ids=segments, return_dict=True
        ).last_hidden_state
        return self.relevance(states[:, 0])[:, 0], self.tokens(states)


class _Served(torch.nn.Module):
    """What is exported: relevance (n,) and evidence (n, tokens)."""

    def __init__(self, model: ReaderModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor) -> Any:
        relevance, tokens = self.model(input_ids, attention_mask, token_type_ids)
        return relevance, tokens[:, :, 0]


def fresh_model(base: Path, recipe: Recipe) -> ReaderModel:
    """The base encoder's first layers with new heads; its word and position embeddings stay as they are."""
    encoder = AutoModel.from_pretrained(
        base, local_files_only=True, attn_implementation="eager", add_pooling_layer=False
    )
    encoder.encoder.layer = encoder.encoder.layer[: recipe.layers]
    encoder.config.num_hidden_layers = recipe.layers
    for name, parameter in encoder.named_parameters():
        if name.startswith(("embeddings.word", "embeddings.position")):
            parameter.requires_grad_(False)
    for name, module in encoder.named_modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0 if "attention.self" in name else recipe.dropout
    return ReaderModel(encoder.float())


def train(
    model: ReaderModel,
    examples: Sequence[Example],
    pairing: Pairing,
    recipe: Recipe,
    *,
    seed: int,
    on_step: Callable[[int, int, float], None] = lambda step, steps, loss: None,
) -> None:
    """Train in place; `on_step` is told the step, their number and the loss."""
    torch.manual_seed(seed)
    epochs = [_epoch(examples, pairing, recipe, random.Random(f"{seed}-{epoch}")) for epoch in range(recipe.epochs)]
    steps = sum(len(batches) for batches in epochs)
    optimiser = _optimiser(model, recipe)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: rate(step, steps, recipe.warm_up))
    model.train()
    for step, batch in enumerate(itertools.chain.from_iterable(epochs), start=1):
        loss = _loss(model, batch, pairing.encode([example.pair for example in batch]), recipe, pairing)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        on_step(step, steps, float(loss.detach()))
    model.eval()


def _epoch(examples: Sequence[Example], pairing: Pairing, recipe: Recipe, chance: random.Random) -> list[list[Example]]:
    """The batches of one epoch, each example in a window of its own."""
    shown = [windowed(each, recipe.window_words, chance) for each in examples]
    sizes = [len(encoded.ids) for encoded in pairing.encode([example.pair for example in shown])]
    return [[shown[row] for row in rows] for rows in _batches(sizes, recipe.tokens, chance)]


def windowed(example: Example, words: int, chance: random.Random) -> Example:
    """The example as serving shows it: of a longer passage neighbouring sentences within `words`, around one that
    answers, else around the one that shares most words with the question."""
    pair = example.pair
    counts = [len(pair.text[start:end].split()) for start, end in pair.spans]
    if sum(counts) <= words or (example.answers and not example.sentences):
        return example
    asked = set(content_words(pair.question))
    shared = [len(asked & set(content_words(pair.text[start:end]))) for start, end in pair.spans]
    first = chance.choice(example.sentences) if example.sentences else shared.index(max(shared))
    last, total = first + 1, counts[first]
    while True:
        sides = [n for n in (first - 1, last) if 0 <= n < len(counts) and total + counts[n] <= words]
        if not sides:
            break
        chosen = chance.choice(sides)
        total += counts[chosen]
        first, last = min(first, chosen), max(last, chosen + 1)
    start, end = pair.spans[first][0], pair.spans[last - 1][1]
    moved = tuple((one - start, other - start) for one, other in pair.spans[first:last])
    answer = (example.answer[0] - start, example.answer[1] - start) if example.answer else None
    kept = tuple(n - first for n in example.sentences if first <= n < last)
    return Example(Pair(pair.question, pair.heading, pair.text[start:end], moved), example.answers, kept, answer)


def _batches(sizes: Sequence[int], tokens: int, chance: random.Random) -> list[list[int]]:
    """Shuffled batches of rows of like length, each of about `tokens` with its padding."""
    order = list(range(len(sizes)))
    chance.shuffle(order)
    batches = []
    for first in range(0, len(order), 512):
        batch: list[int] = []
        for row in sorted(order[first : first + 512], key=lambda row: sizes[row]):
            if batch and sizes[row] * (len(batch) + 1) > tokens:
                batches.append(batch)
                batch = []
            batch.append(row)
        batches.append(batch)
    chance.shuffle(batches)
    return batches


def _loss(
    model: ReaderModel, examples: Sequence[Example], encoded: Sequence[Encoded], recipe: Recipe, pairing: Pairing
) -> torch.Tensor:
    ids, mask, segments = padded(encoded)
    if pairing.mask is not None:
        hidden = (torch.rand(ids.shape) < recipe.masked) & ~torch.isin(ids, torch.tensor(pairing.special)) & (mask > 0)
        ids = ids.masked_fill(hidden, pairing.mask)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        relevance, tokens = model(ids, mask, segments)
    relevance, tokens = relevance.float(), tokens.float()
    answers = torch.tensor([float(example.answers) for example in examples])
    loss = functional.binary_cross_entropy_with_logits(relevance, answers)
    loss = loss + _sentence_loss(tokens[:, :, 0], examples, encoded)
    return loss + recipe.span_weight * _span_loss(tokens[:, :, 1:], mask, segments, examples, encoded)


def padded(encoded: Sequence[Encoded]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Ids, mask and segments of shape (n, longest)."""
    width = max(len(each.ids) for each in encoded)
    ids, mask, segments = (np.zeros((len(encoded), width), dtype=np.int64) for _ in range(3))
    for row, each in enumerate(encoded):
        ids[row, : len(each.ids)], mask[row, : len(each.ids)], segments[row, : len(each.ids)] = (
            each.ids,
            1,
            each.segments,
        )
    return torch.from_numpy(ids), torch.from_numpy(mask), torch.from_numpy(segments)


def _sentence_loss(evidence: torch.Tensor, examples: Sequence[Example], encoded: Sequence[Encoded]) -> torch.Tensor:
    """Cross-entropy over [none, sentence 1, …]; where several sentences answer, over the sum of their shares. Of a
    passage that answers nobody knows where, nothing is learned: the sum over all would favour whatever is easiest."""
    most = max(len(each.ranges) for each in encoded)
    pool = torch.zeros(len(encoded), 1 + most, evidence.shape[1])
    open_, right = torch.zeros(len(encoded), 1 + most), torch.zeros(len(encoded), 1 + most)
    for row, (example, each) in enumerate(zip(examples, encoded, strict=True)):
        pool[row, 0, 0] = open_[row, 0] = 1.0
        for number, (first, last) in enumerate(each.ranges, start=1):
            if last > first:
                pool[row, number, first:last] = 1.0 / (last - first)
                open_[row, number] = 1.0
        for number in _wanted(example, len(each.ranges)):
            right[row, number] = open_[row, number]
    logits = torch.bmm(pool, evidence[:, :, None])[:, :, 0]
    everything = logits.masked_fill(open_ == 0, -1e9).logsumexp(dim=1)
    wanted_share = logits.masked_fill(right == 0, -1e9).logsumexp(dim=1)
    known = right.any(dim=1)
    return (everything - wanted_share)[known].sum() / max(1, len(encoded))


def _wanted(example: Example, sentences: int) -> list[int]:
    """Places of what is right in [none, sentence 1, …]; none where it is unknown."""
    if not example.answers:
        return [0]
    return [1] if sentences == 1 else [1 + n for n in example.sentences]


def _span_loss(
    scores: torch.Tensor,
    mask: torch.Tensor,
    segments: torch.Tensor,
    examples: Sequence[Example],
    encoded: Sequence[Encoded],
) -> torch.Tensor:
    places = [_place(example, each) for example, each in zip(examples, encoded, strict=True)]
    rows = [row for row, place in enumerate(places) if place is not None]
    if not rows:
        return scores.sum() * 0.0
    target = torch.tensor([places[row] for row in rows])
    hidden = ((mask == 0) | (segments == 0)).clone()
    hidden[:, 0] = False
    logits = scores.masked_fill(hidden[:, :, None], -1e9)[rows]
    return (
        functional.cross_entropy(logits[:, :, 0], target[:, 0])
        + functional.cross_entropy(logits[:, :, 1], target[:, 1])
    ) / 2


def _place(example: Example, encoded: Encoded) -> tuple[int, int] | None:
    """First and last token of the answer, [CLS] twice where there is none, None where it is unknown or cut off."""
    if not example.answers:
        return (0, 0)
    if example.answer is None:
        return None
    start, end = example.answer
    inside = [n for n, (one, other) in enumerate(encoded.offsets) if one >= 0 and one < end and other > start]
    return (inside[0], inside[-1]) if inside else None


def _optimiser(model: ReaderModel, recipe: Recipe) -> torch.optim.AdamW:
    tuned = [p for p in model.encoder.parameters() if p.requires_grad]
    heads = [*model.relevance.parameters(), *model.tokens.parameters()]
    return torch.optim.AdamW(
        [
            {"params": [p for p in tuned if p.ndim > 1], "lr": recipe.rate, "weight_decay": recipe.weight_decay},
            {"params": [p for p in tuned if p.ndim <= 1], "lr": recipe.rate, "weight_decay": 0.0},
            {"params": heads, "lr": recipe.head_rate, "weight_decay": 0.0},
        ],
        fused=True,
    )


def export(
    model: ReaderModel, tokenizer: Tokenizer, out: Path, facts: dict[str, Any], *, quantise: bool = True
) -> None:
    """Write `model.onnx` (int8, one scale per channel), `tokenizer.json`, and `reader.json` with `facts` and hashes."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out) as scratch:
        folder = Path(scratch)
        _trace(_Served(model).eval(), folder / "full.onnx")
        if quantise:
            quantize_dynamic(folder / "full.onnx", folder / "model.onnx", per_channel=True, weight_type=QuantType.QInt8)
        else:
            os.replace(folder / "full.onnx", folder / "model.onnx")
        (folder / "tokenizer.json").write_text(tokenizer.to_str(), "utf-8")
        hashes = {name: _sha256(folder / name) for name in ("model.onnx", "tokenizer.json")}
        stated = {"format": FORMAT, **facts, "sha256": hashes}
        (folder / MANIFEST).write_text(json.dumps(stated, indent=1, ensure_ascii=False) + "\n", "utf-8")
        for name in (*hashes, MANIFEST):
            os.replace(folder / name, out / name)


def _trace(served: _Served, graph: Path) -> None:
    ids = torch.tensor([[1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 0, 0]])
    mask = torch.tensor([[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0]])
    free = {0: "pairs", 1: "tokens"}
    with warnings.catch_warnings(), torch.no_grad():
        # torch's newer exporter needs one more package and writes the same graph
        warnings.simplefilter("ignore")
        torch.onnx.export(
            served,
            (ids, mask, (mask * 0).clone()),
            str(graph),
            input_names=["input_ids", "attention_mask", "token_type_ids"],
            output_names=["relevance", "evidence"],
            dynamic_axes={
                **dict.fromkeys(("input_ids", "attention_mask", "token_type_ids", "evidence"), free),
                "relevance": {0: "pairs"},
            },
            opset_version=17,
            dynamo=False,
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def material(arguments: argparse.Namespace, embedder: OnnxEmbedder) -> list[Example]:
    """All examples that the arguments name: of a SQuAD file given with `--held-out`, only the articles to train on."""
    without = frozenset().union(*(texts_of(read_articles(path)) for path in arguments.without))
    examples: list[Example] = []
    for path in arguments.squad:
        articles = read_articles(path)
        train, *_ = split_titles(articles, (len(articles) - HELD_OUT,), arguments.seed)
        examples += squad_examples(squad(articles, train, without), embedder, seed=arguments.seed)
    for path in arguments.squad_whole:
        articles = read_articles(path)
        examples += squad_examples(squad(articles, articles, without), embedder, seed=arguments.seed)
    if arguments.company:
        documents, failures = read_folder(arguments.company / "docs")
        if failures:
            raise failures[0]
        table = arguments.company / "faq" / "faq.csv"
        everything = [*documents, faq.parse(table.read_bytes(), "faq", name=table.name)]
        examples += company_examples(everything, embedder, seed=arguments.seed)
        for path in sorted((arguments.company / "known").glob("*.jsonl")):
            known = labelled_examples(read_questions(path), everything, embedder, seed=arguments.seed)
            examples += known * arguments.known_times
    return examples


def main(given: Sequence[str] | None = None) -> None:
    """Train and write the artefact; progress goes to stderr."""
    arguments = _arguments().parse_args(given)
    torch.set_num_threads(arguments.threads)
    recipe = Recipe(epochs=arguments.epochs)
    tokenizer = Tokenizer.from_file(str(arguments.base / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    with tempfile.TemporaryDirectory() as scratch:
        export_encoder(arguments.base, Path(scratch))
        examples = material(arguments, OnnxEmbedder.load(Path(scratch)))
    model = fresh_model(arguments.base, recipe)
    began = time.monotonic()

    def on_step(step: int, steps: int, loss: float) -> None:
        if step % 50 == 0 or step == steps:
            print(f"{time.monotonic() - began:.0f} s: step {step} of {steps}, loss {loss:.3f}", file=sys.stderr)  # noqa: T201

    train(model, examples, Pairing(tokenizer, recipe.max_tokens), recipe, seed=arguments.seed, on_step=on_step)
    files = [*arguments.squad, *arguments.squad_whole, *arguments.without]
    facts = {
        "base": {"name": arguments.base.name, "sha256": _sha256(arguments.base / "model.safetensors")},
        "max_tokens": recipe.max_tokens,
        "recipe": asdict(recipe),
        "seed": arguments.seed,
        "examples": len(examples),
        "read": {path.name: _sha256(path) for path in files},
        "confidence": DEFAULT_MODEL.to_json(),
    }
    export(model, tokenizer, arguments.out, facts)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m retrieval.training.reader", description="Train the reader.")
    add = parser.add_argument
    add("--base", type=Path, required=True, help="folder of the base encoder")
    add(
        "--squad", type=Path, action="append", default=[], help=f"SQuAD 2 file; {HELD_OUT} of its articles are left out"
    )
    add("--squad-whole", type=Path, action="append", default=[], help="SQuAD 2 file of which all articles are read")
    add(
        "--without", type=Path, action="append", default=[], help="SQuAD file of which no paragraph or question is read"
    )
    add("--company", type=Path, help="the company's folder, with docs/, faq/faq.csv and known/*.jsonl")
    add("--known-times", type=int, default=2, metavar="N", help="how often an epoch shows the known questions")
    add("--out", type=Path, default=Path("data/reader"), help="folder that is written")
    add("--epochs", type=int, default=Recipe().epochs)
    add("--seed", type=int, default=13)
    add("--threads", type=int, default=1)
    return parser


if __name__ == "__main__":
    main()
