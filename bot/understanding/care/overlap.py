"""Rows and intents that lie too close: near duplicates within an intent, and pairs of intents hard to tell apart."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from bot.understanding.care.corpus import Corpus, PlacedRow, normalised
from bot.understanding.care.crossvalidation import Probabilities
from bot.understanding.care.findings import Finding, Fix
from bot.understanding.care.neighbours import Neighbours
from bot.understanding.examples.dataset import OUT_OF_SCOPE
from bot.understanding.space import Indices

NEAR_COSINE = 0.97
NEAR_OVERLAP = 0.8
"""Near duplicates have at least this cosine and this share of common words (Jaccard); either alone misleads."""

TAKEN_FOR = 0.05
SHARED_NEIGHBOURS = 0.1
"""Two intents overlap where at least this share of their rows is taken for the other, and at least this share of their
rows' neighbours belong to the other."""

_MUCH = 0.15
_WORD = re.compile(r"[\w'’]+")


def near_duplicates(corpus: Corpus, near: Neighbours) -> list[Finding]:
    """Rows of one intent that hardly differ; each joins the first row it is close to, so that nothing chains."""
    texts = [normalised(text) for text in corpus.cleaned]
    words = [frozenset(_WORD.findall(text)) for text in texts]
    taken: set[int] = set()
    found = []
    for first, row in enumerate(corpus.rows):
        if first in taken:
            continue
        joined = []
        for other, cosine in zip(near.positions[first].tolist(), near.cosines[first].tolist(), strict=True):
            if cosine < NEAR_COSINE:
                break
            shared = jaccard(words[first], words[other])
            same_intent = corpus.rows[other].intent == row.intent and texts[other] != texts[first]
            if other > first and other not in taken and same_intent and shared >= NEAR_OVERLAP:
                joined.append((other, cosine, shared))
        if joined:
            taken |= {other for other, *_ in joined}
            least, share = min(cosine for _, cosine, _ in joined), min(shared for *_, shared in joined)
            rows = (row, *(corpus.rows[other] for other, *_ in joined))
            found.append(
                Finding(
                    "near_duplicate",
                    "advice",
                    f"{len(rows)} rows of {row.intent}: cosine {least:.3f}, {share:.0%} of the words shared",
                    rows,
                    fix=Fix("remove", tuple(range(1, len(rows)))),
                    figures={"cosine": least, "token_overlap": share},
                    weight=least + share,
                )
            )
    return found


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """Shared words over all words of two texts, in [0, 1]."""
    return len(one & other) / max(len(one | other), 1)


def taken_for(probabilities: Probabilities, classes: Indices) -> npt.NDArray[np.float64]:
    """Confusion (intents, intents): the share of each intent's rows that out of fold are taken for each intent."""
    size = probabilities.shape[1]
    counts = np.zeros((size, size))
    np.add.at(counts, (classes, probabilities.argmax(axis=1)), 1)
    return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))


def neighbourhood(near: Neighbours, classes: Indices, size: int) -> npt.NDArray[np.float64]:
    """Shares (intents, intents): of the neighbours of each intent's rows, how many belong to each intent."""
    counts = np.zeros((size, size))
    np.add.at(counts, (np.repeat(classes, near.positions.shape[1]), classes[near.positions].ravel()), 1)
    return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))


def overlaps(
    corpus: Corpus, probabilities: Probabilities, classes: Indices, names: tuple[str, ...], near: Neighbours
) -> list[Finding]:
    """Pairs of intents above both thresholds, each figure the mean of both directions, with their closest rows."""
    confused = taken_for(probabilities, classes)
    shared = neighbourhood(near, classes, len(names))
    found = []
    for a in range(len(names)):
        for b in range(a + 1, len(names)):
            taken, neighbours = float(confused[a, b] + confused[b, a]) / 2, float(shared[a, b] + shared[b, a]) / 2
            if taken < TAKEN_FOR or neighbours < SHARED_NEIGHBOURS or {names[a], names[b]} & OUT_OF_SCOPE:
                continue
            says = f"{taken:.0%} of their rows are taken for the other, {neighbours:.0%} of their neighbours shared"
            found.append(
                Finding(
                    "overlap",
                    "matters" if taken >= _MUCH else "advice",
                    f"{names[a]} and {names[b]}: {says}",
                    _closest_rows(corpus, near, classes, a, b),
                    subject=f"{names[a]} / {names[b]}",
                    figures={"taken_for": taken, "neighbours": neighbours},
                    weight=taken + neighbours,
                )
            )
    return found


def _closest_rows(corpus: Corpus, near: Neighbours, classes: Indices, a: int, b: int) -> tuple[PlacedRow, ...]:
    """The two rows of either intent that are nearest to each other."""
    across = (classes[:, None] == a) & (classes[near.positions] == b)
    if not across.any():
        return ()
    row, rank = np.unravel_index(np.where(across, near.cosines, -2.0).argmax(), across.shape)
    return corpus.rows[row], corpus.rows[near.positions[row, rank]]
