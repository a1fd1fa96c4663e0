"""What a company's labelled questions teach the reader: which passage answers, in which sentence, and which only look
as if they did.

A question whose answer is known is shown with every passage of its documents that holds the words of the answer, and
with passages that the search finds and that do not; one that nothing answers only with what the search finds.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from retrieval.datasets import Question
from retrieval.documents import Document, Passage
from retrieval.embedder import Embedder
from retrieval.judging import holds
from retrieval.knowledge import Knowledge, build
from retrieval.places import Place, placed
from retrieval.reading import pair_of
from retrieval.training.examples import DEPTH, Example

NEAR_MISSES = 3
"""Passages beside an answerable question that do not answer it."""
MISSES = 4
"""… beside one that nothing answers."""


def labelled_examples(
    questions: Sequence[Question], documents: Sequence[Document], embedder: Embedder, *, seed: int
) -> list[Example]:
    """Examples of the questions over the documents, FAQ tables among them. A question whose answer stands in none of
    its documents teaches nothing."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as scratch:
        build(documents, embedder, Path(scratch), sentence_limit=0)
        knowledge = Knowledge.load(Path(scratch), embedder)
        places = placed(questions, knowledge.retriever.passages)
        return [
            example
            for question, found in zip(questions, places, strict=True)
            for example in _examples(question, found, knowledge, chance)
        ]


def _examples(
    question: Question, places: Sequence[Place], knowledge: Knowledge, chance: random.Random
) -> Iterator[Example]:
    if question.answerable and not places:
        return
    hits = [hit.passage for hit in knowledge.search(question.text, DEPTH)]
    answering: dict[str, list[int]] = {}
    for place in places:
        answering.setdefault(place.passage.id, []).append(place.sentence)
    for passage in dict.fromkeys(place.passage for place in places):
        pair = pair_of(question.text, passage)
        if passage.kind == "faq" and chance.random() < 0.5:
            pair = replace(pair, heading=" › ".join(passage.heading[:-1]))
        yield Example(pair, True, tuple(answering[passage.id]))
    misses = [each for each in hits if each.id not in answering and not _may_answer(each, question)]
    wanted = NEAR_MISSES if question.answerable else MISSES
    for passage in chance.sample(misses[: 2 * wanted], min(wanted, len(misses))):
        yield Example(pair_of(question.text, passage), False)


def _may_answer(passage: Passage, question: Question) -> bool:
    """Whether the passage says what an expected answer says, though nobody named it."""
    return any(holds(passage.text, answer) for answer in question.answers)
