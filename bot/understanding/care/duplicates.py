"""The same text twice: under one intent a copy, under two intents a contradiction that no model can learn."""

from __future__ import annotations

from collections import defaultdict

from bot.understanding.care.corpus import Corpus, PlacedRow, normalised
from bot.understanding.care.findings import Finding, Fix


def same_texts(corpus: Corpus) -> dict[str, list[int]]:
    """Positions of the rows of every normalised text, in the order they stand."""
    groups: dict[str, list[int]] = defaultdict(list)
    for position, text in enumerate(corpus.cleaned):
        groups[normalised(text)].append(position)
    return groups


def duplicates(corpus: Corpus) -> list[Finding]:
    """Rows of one intent that differ in case, punctuation and space at most; the fix keeps the first."""
    found = []
    for group in same_texts(corpus).values():
        by_intent: dict[str, list[PlacedRow]] = defaultdict(list)
        for position in group:
            by_intent[corpus.rows[position].intent].append(corpus.rows[position])
        for intent, rows in by_intent.items():
            if len(rows) > 1:
                says = f"{len(rows)} times under {intent}"
                fix = Fix("remove", tuple(range(1, len(rows))))
                found.append(Finding("duplicate", "advice", says, tuple(rows), fix=fix, weight=len(rows)))
    return found


def conflicts(corpus: Corpus) -> list[Finding]:
    """The same text under two or more intents; which one is right takes a person, or `contradictions.settled`."""
    found = []
    for group in same_texts(corpus).values():
        rows = tuple(corpus.rows[position] for position in group)
        intents = sorted({row.intent for row in rows})
        if len(intents) > 1:
            found.append(Finding("conflict", "matters", f"under {' and '.join(intents)}", rows, weight=len(rows)))
    return found
