"""Rows that were left out, and rows longer than what is learned from."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from bot.understanding.care.corpus import Corpus, alike
from bot.understanding.care.findings import Finding
from bot.understanding.utterances import WINDOW_WORDS
from retrieval.embedder import UTTERANCE_TOKENS

_LINES_SHOWN = 12


def unusable(corpus: Corpus) -> list[Finding]:
    """What the readers left out, one finding for each problem of a file."""
    lines: dict[tuple[Path, str], list[int]] = defaultdict(list)
    for flaw in corpus.flaws:
        if not flaw.whole:
            lines[flaw.path, flaw.problem].append(flaw.line)
    found = []
    for (path, problem), where in lines.items():
        listed = ", ".join(str(line) for line in where[:_LINES_SHOWN] if line)
        listed += " …" if len(where) > _LINES_SHOWN else ""
        found.append(
            Finding(
                "unusable",
                "matters",
                f"{path.name}:{listed}: {problem}" if listed else f"{path.name}: {problem}",
                subject=f"{path.name}: {problem}",
                figures={"rows": len(where)},
                weight=len(where),
            )
        )
    return found


def long_rows(corpus: Corpus) -> list[Finding]:
    """Rows with more words than surely fit `UTTERANCE_TOKENS`."""
    found = []
    for rows, text in alike(corpus):
        words = len(text.split())
        if words > WINDOW_WORDS:
            says = f"{words} words; training reads the first {UTTERANCE_TOKENS} tokens"
            found.append(Finding("length", "advice", says, rows, figures={"words": words}, weight=words))
    return found
