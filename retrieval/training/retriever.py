"""Tunes the retriever's copy of the encoder on a company's known questions and its FAQ. Belongs to training.

Contrastive learning with the other rows of a batch as negatives (Henderson et al., 2017; Karpukhin et al., "Dense
Passage Retrieval", 2020) and one more from the right document that does not answer. A question is drawn to the sentence
that answers it, to its passage, and to other questions with the same answer. Afterwards the weights move part of the
way back to the base (Wortsman et al., 2022).
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from retrieval.datasets import Question
from retrieval.documents import Passage
from retrieval.embedder import Embedder
from retrieval.export import load_encoder, pooled_tokens
from retrieval.families import Pooling, stated_pooling
from retrieval.places import Place, placed
from retrieval.retriever import indexed_text
from retrieval.sentence_vectors import sentence_texts
from retrieval.training.schedule import rate

MIN_QUESTIONS = 200
"""Known questions with an answer below which the base encoder stays as it is."""
ENCODED = 48
"""Texts that are encoded at once."""
SIBLING, SENTENCE = 0.3, 0.4
"""How often a question is drawn to another with the same answer, and to the sentence; else to the whole passage."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How it is tuned. `masked` is the share of a question's word pieces that are hidden, `keep_tuned` how far of the
    way from the base the weights stay."""

    epochs: int = 2
    batch: int = 48
    learning_rate: float = 6e-5
    weight_decay: float = 0.01
    warm_up: float = 0.1
    temperature: float = 0.05
    masked: float = 0.1
    max_tokens: int = 96
    keep_tuned: float = 0.75


@dataclass(frozen=True, slots=True)
class Item:
    """A question and the sentences that answer it."""

    text: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Triple:
    """What one step sees of an item."""

    question: str
    answer: str
    other: str


def items_of(questions: Sequence[Question], passages: Sequence[Passage]) -> list[Item]:
    """The known questions whose answers stand in the passages, and the FAQ's own."""
    known = [Item(each.text, places) for each, places in zip(questions, placed(questions, passages), strict=True)]
    own = [Item(each.question, (Place(each, 0),)) for each in passages if each.question]
    return [*(each for each in known if each.places), *own]


def tune(
    base: Path,
    items: Sequence[Item],
    passages: Sequence[Passage],
    recipe: Recipe | None = None,
    *,
    seed: int = 13,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Any, Any]:
    """A tuned copy of the encoder in `base`, a local folder, with its tokenizer, as `export_encoder` takes them.

    The same seed gives the same weights on the same number of threads.
    """
    chosen = recipe or Recipe()
    torch.manual_seed(seed)
    # the fused attention's backward pass takes twice the time of the plain one's
    encoder, tokenizer = load_encoder(base, attention="eager")
    start = {name: value.detach().clone() for name, value in encoder.named_parameters()}
    _prepare(encoder)
    learned = [parameter for parameter in encoder.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(learned, chosen.learning_rate, weight_decay=chosen.weight_decay, fused=True)
    steps = chosen.epochs * math.ceil(len(items) / chosen.batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: rate(step, steps, chosen.warm_up))
    encode = _Encode(encoder, tokenizer, stated_pooling(base), chosen.max_tokens)
    encoder.train()
    for step, batch in enumerate(_batches(items, passages, chosen, random.Random(seed)), start=1):
        loss = _loss(encode, batch, chosen)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(learned, 1.0)
        optimiser.step()
        schedule.step()
        if progress is not None:
            progress(step, steps)
    encoder.eval()
    with torch.no_grad():
        for name, value in encoder.named_parameters():
            value.lerp_(start[name], 1.0 - chosen.keep_tuned)
    return encoder, tokenizer


def mean_reciprocal_rank(embedder: Embedder, labelled: Sequence[Question], passages: Sequence[Passage]) -> float:
    """Of the first passage that answers each question, by cosine alone, in [0, 1]; 0 where no answer stands in any.
    Over questions that it was not tuned on, it says whether tuning was worth anything."""
    rows = {passage.id: row for row, passage in enumerate(passages)}
    right = [
        (each.text, {rows[place.passage.id] for place in places})
        for each, places in zip(labelled, placed(labelled, passages), strict=True)
        if places
    ]
    if not right:
        return 0.0
    vectors = embedder.encode([indexed_text(passage) for passage in passages])
    cosines = embedder.encode([text for text, _ in right]) @ vectors.T
    best = [float(row[sorted(answering)].max()) for row, (_, answering) in zip(cosines, right, strict=True)]
    return float(np.mean([1 / (1 + np.sum(row > own)) for row, own in zip(cosines, best, strict=True)]))


@dataclass(frozen=True, slots=True)
class _Encode:
    encoder: Any
    tokenizer: Any
    pooling: Pooling
    max_tokens: int

    def __call__(self, texts: Sequence[str], masked: float = 0.0) -> torch.Tensor:
        """Unit vectors (n, dimension) that gradients flow through; texts of like length together, so that little is
        padded."""
        order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
        vectors = [
            self._encode([texts[row] for row in order[first : first + ENCODED]], masked)
            for first in range(0, len(order), ENCODED)
        ]
        return torch.cat(vectors)[torch.tensor(order).argsort()]

    def _encode(self, texts: list[str], masked: float) -> torch.Tensor:
        given = self.tokenizer(texts, padding=True, truncation=True, max_length=self.max_tokens, return_tensors="pt")
        ids, mask, cover = given["input_ids"], given["attention_mask"], self.tokenizer.mask_token_id
        if masked and cover is not None:
            special = torch.tensor(self.tokenizer.all_special_ids)
            ids = ids.masked_fill((torch.rand(ids.shape) < masked) & ~torch.isin(ids, special), cover)
        states = self.encoder(input_ids=ids, attention_mask=mask, return_dict=True).last_hidden_state
        return functional.normalize(pooled_tokens(states.float(), mask, self.pooling), dim=1)


def _prepare(encoder: Any) -> None:
    """Embeddings stay as they are, and nothing is dropped: hidden words do what dropout does at half its price."""
    for name, parameter in encoder.named_parameters():
        parameter.requires_grad_("embeddings." not in name)
    for module in encoder.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0


def _batches(
    items: Sequence[Item], passages: Sequence[Passage], recipe: Recipe, chance: random.Random
) -> Iterator[list[tuple[Item, Triple]]]:
    of_document: dict[str, list[Passage]] = {}
    for passage in passages:
        of_document.setdefault(passage.document, []).append(passage)
    asking: dict[Place, list[Item]] = {}
    for item in items:
        for place in item.places:
            asking.setdefault(place, []).append(item)
    for _ in range(recipe.epochs):
        order = chance.sample(range(len(items)), len(items))
        for first in range(0, len(order), recipe.batch):
            batch = [items[row] for row in order[first : first + recipe.batch]]
            yield [(item, _triple(item, asking, of_document, passages, chance)) for item in batch]


def _triple(
    item: Item,
    asking: dict[Place, list[Item]],
    of_document: dict[str, list[Passage]],
    passages: Sequence[Passage],
    chance: random.Random,
) -> Triple:
    place = chance.choice(item.places)
    siblings = [each.text for each in asking[place] if each is not item]
    draw = chance.random()
    if siblings and draw < SIBLING:
        answer = chance.choice(siblings)
    elif draw < SIBLING + SENTENCE:
        answer = sentence_texts(place.passage)[place.sentence]
    else:
        answer = indexed_text(place.passage)
    answering = {each.passage.id for each in item.places}
    others = [each for each in of_document[place.passage.document] if each.id not in answering] or list(passages)
    return Triple(item.text, answer, chance.choice(sentence_texts(chance.choice(others))))


def _loss(encode: _Encode, batch: Sequence[tuple[Item, Triple]], recipe: Recipe) -> torch.Tensor:
    """Cross-entropy of each question over all answers and others of the batch, and of each answer over the questions;
    what answers another row's question as well counts for neither."""
    triples = [triple for _, triple in batch]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        asked = encode([each.question for each in triples], recipe.masked)
        given = encode([*(each.answer for each in triples), *(each.other for each in triples)])
    asked, given = asked.float(), given.float()
    logits = asked @ given.T / recipe.temperature
    places = [set(item.places) for item, _ in batch]
    both = torch.tensor(
        [[n != m and bool(one & other) for m, other in enumerate(places)] for n, one in enumerate(places)]
    )
    logits = logits.masked_fill(torch.cat([both, torch.zeros_like(both)], dim=1), -1e4)
    right = torch.arange(len(batch))
    back = logits[:, : len(batch)].T
    return functional.cross_entropy(logits, right) + functional.cross_entropy(back, right)
