"""Rows whose intent all other rows speak against: confident learning (Northcutt, Jiang and Chuang, 2021).

A row is suspect where another intent is at least as likely as that intent's own rows are on average, and likelier than
any other that is. Suspects are ranked by how many times likelier the suggested intent is than the given one.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from bot.understanding.care.corpus import Corpus
from bot.understanding.care.crossvalidation import Probabilities
from bot.understanding.care.duplicates import same_texts
from bot.understanding.care.findings import Finding, Fix
from bot.understanding.care.neighbours import Neighbours
from bot.understanding.space import Indices

FEWEST_ROWS = 3
"""Intents with fewer rows are hardly known to any fold: nothing is said against their rows, or for them."""

CLEARLY = 3.0
"""How many times likelier than the given intent, or than its rival in a conflict, a suggestion has to be."""

_LEAST = 1e-6


def suspects(probabilities: Probabilities, classes: Indices) -> Indices:
    """The suggested class of every row (n,), or -1 where the given one stands. Of probabilities (n, intents)."""
    rows = np.arange(len(classes))
    own = probabilities[rows, classes]
    counts = np.bincount(classes, minlength=probabilities.shape[1])
    usual = np.bincount(classes, weights=own, minlength=probabilities.shape[1]) / np.maximum(counts, 1)
    usual[counts < FEWEST_ROWS] = np.inf
    confident = np.where(probabilities >= usual, probabilities, -1.0)
    suggested = confident.argmax(axis=1)
    clear = (confident[rows, suggested] >= 0) & (suggested != classes) & (counts[classes] >= FEWEST_ROWS)
    clear &= probabilities[rows, suggested] >= CLEARLY * own
    return np.asarray(np.where(clear, suggested, -1), dtype=np.int32)


def doubt(probabilities: Probabilities, classes: Indices) -> npt.NDArray[np.float64]:
    """How strongly each row is contradicted (n,): the log of the best other intent's odds against the given one."""
    rows = np.arange(len(classes))
    own = probabilities[rows, classes]
    others = probabilities.copy()
    others[rows, classes] = 0
    return np.asarray(np.log(np.maximum(others.max(axis=1), _LEAST)) - np.log(np.maximum(own, _LEAST)))


def contradictions(
    corpus: Corpus, probabilities: Probabilities, classes: Indices, names: tuple[str, ...], near: Neighbours
) -> list[Finding]:
    """Suspect rows with the suggested intent; texts under two intents are left to `settled`."""
    suggested, strength = suspects(probabilities, classes), doubt(probabilities, classes)
    in_conflict = {
        position
        for group in same_texts(corpus).values()
        if len({int(classes[position]) for position in group}) > 1
        for position in group
    }
    together: dict[tuple[str, str, str, int], list[int]] = defaultdict(list)
    for position in np.flatnonzero(suggested >= 0):
        if position not in in_conflict:
            row = corpus.rows[position]
            together[str(row.path), row.intent, row.text, int(suggested[position])].append(int(position))
    found = []
    for (*_, label), positions in together.items():
        first = positions[0]
        given, likelier = float(probabilities[first, classes[first]]), float(probabilities[first, label])
        found.append(
            Finding(
                "contradicted",
                "advice",
                _says(
                    names[classes[first]], given, names[label], likelier, _closest(corpus, near, first, names[label])
                ),
                tuple(corpus.rows[position] for position in positions),
                fix=Fix("move", tuple(range(len(positions))), names[label]),
                figures={"given": given, "suggested": likelier, "log_odds": float(strength[first])},
                weight=float(strength[first]),
            )
        )
    return found


def settled(corpus: Corpus, found: Finding, probabilities: Probabilities, classes: Indices) -> Finding:
    """A conflict with the fix that the other rows speak for, or as it was where they do not."""
    position = {id(row): place for place, row in enumerate(corpus.rows)}
    places = [position[id(row)] for row in found.rows]
    chances = {int(classes[place]): float(probabilities[place, classes[place]]) for place in places}
    best, *rest = sorted(chances, key=lambda label: -chances[label])
    if chances[best] < CLEARLY * max(chances[label] for label in rest):
        return found
    targets = tuple(number for number, place in enumerate(places) if classes[place] != best)
    kept = next(corpus.rows[place].intent for place in places if classes[place] == best)
    says = f"{found.says}; the other rows speak for {kept} ({chances[best]:.0%})"
    return replace(found, says=says, fix=Fix("remove", targets), figures={"kept": chances[best]})


def _says(given: str, chance: float, suggested: str, likelier: float, closest: str) -> str:
    times = likelier / max(chance, _LEAST)
    said = f"{math.floor(times):,} times" if times < 1_000 else "over 1,000 times"
    return f"{suggested} ({likelier:.0%}) is {said} likelier than {given} ({chance:.1%}){closest}"


def _closest(corpus: Corpus, near: Neighbours, position: int, intent: str) -> str:
    for other, cosine in zip(near.positions[position], near.cosines[position], strict=True):
        if corpus.rows[other].intent == intent:
            return f"; compare “{corpus.cleaned[other]}” (cosine {cosine:.2f})"
    return ""
