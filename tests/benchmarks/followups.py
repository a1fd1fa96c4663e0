"""What questions gain from being searched with the question before them: the same rows with and without it.

python -m tests.benchmarks.followups [--split test] [--json FILE]     (reads the live release of FIRSTLINE_HOME)

Rows are `data/eval/followups.jsonl`: `before`, the questions already asked; `text`; `documents` in which the answer
stands and `quote`, words it holds; `follows` is false for a new topic, which must not be pulled to the old one. A found
passage is right when it is of one of the documents, or a FAQ row that says the quote; an answer is right when it says
the quote. Intervals of the difference are 95 % of 10,000 paired bootstrap samples; p is McNemar's exact test,
one-sided.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bot.commands.common import open_bench
from bot.releases.comparison import mcnemar
from bot.releases.release import load_release
from bot.routing.evaluation import holds
from retrieval.documents import Answer, Hit
from retrieval.followups import history_of
from retrieval.knowledge import Knowledge

ROOT = Path(__file__).resolve().parents[2]
ROWS = ROOT / "data" / "eval" / "followups.jsonl"
MEASURES = ("first", "top_3", "answer")
SAMPLES = 10_000
SEED = 13


@dataclass(frozen=True)
class Row:
    """One question with the questions before it, oldest first."""

    id: str
    split: str
    before: tuple[str, ...]
    text: str
    follows: bool
    documents: tuple[str, ...]
    quote: str


def read(path: Path = ROWS) -> tuple[Row, ...]:
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return tuple(
        Row(
            id=row["id"],
            split=row["split"],
            before=tuple(row["before"]),
            text=row["text"],
            follows=row["follows"],
            documents=tuple(row["documents"]),
            quote=row["quote"] or "",
        )
        for row in rows
    )


def ask(knowledge: Knowledge, row: Row, history: str) -> tuple[bool, bool, bool]:
    """Whether the right document comes first, whether among the first three, and whether the answer is right."""
    query = knowledge.query(row.text, history)
    hits = knowledge.search(query)
    best: dict[str, Hit] = {}
    for hit in hits:
        best.setdefault(_document(hit), hit)
    ranked = list(best.values())
    answer = knowledge.answer(query, hits=hits)
    said = isinstance(answer, Answer) and bool(row.quote) and holds(answer.text, row.quote)
    return _right(row, ranked[:1]), _right(row, ranked[:3]), said


def _document(hit: Hit) -> str:
    """The document of a hit; a FAQ row counts by itself."""
    return hit.passage.id if hit.passage.kind == "faq" else hit.passage.document


def _right(row: Row, hits: Sequence[Hit]) -> bool:
    return any(
        hit.passage.document in row.documents
        or (hit.passage.kind == "faq" and bool(row.quote) and holds(hit.passage.text, row.quote))
        for hit in hits
    )


def compare(without: Sequence[bool], given: Sequence[bool]) -> dict[str, Any]:
    """Shares without and with the history, their difference with its interval, and p that chance won as many rows."""
    a, b = np.array(without, dtype=float), np.array(given, dtype=float)
    drawn = np.random.default_rng(SEED).integers(0, len(a), size=(SAMPLES, len(a)))
    low, high = np.percentile((b - a)[drawn].mean(axis=1), [2.5, 97.5])
    won, lost = int(((b - a) > 0).sum()), int(((a - b) > 0).sum())
    return {
        "rows": len(a),
        "without": float(a.mean()),
        "with": float(b.mean()),
        "difference": float((b - a).mean()),
        "interval": [float(low), float(high)],
        "won": won,
        "lost": lost,
        "p": mcnemar(won, lost),
    }


def measure(knowledge: Knowledge, rows: Sequence[Row]) -> dict[str, Any]:
    """The figures of follow-ups and of changes of topic."""
    figures: dict[str, Any] = {}
    for name, follows in (("follow_ups", True), ("changes_of_topic", False)):
        chosen = [row for row in rows if row.follows == follows]
        without = [ask(knowledge, row, "") for row in chosen]
        given = [ask(knowledge, row, history_of(row.before)) for row in chosen]
        figures[name] = {
            measure: compare([each[place] for each in without], [each[place] for each in given])
            for place, measure in enumerate(MEASURES)
        }
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--split", choices=("validation", "test"), default="test")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    bench = open_bench()
    release = load_release(bench.registry, bench.registry.current_id() or "")
    figures = measure(release.knowledge, [row for row in read() if row.split == given.split])
    for kind, measures in figures.items():
        for name, each in measures.items():
            low, high = each["interval"]
            print(
                f"{kind:17} {name:7} {each['rows']:3} rows: {each['without']:.1%} without, {each['with']:.1%} with, "
                f"{each['difference']:+.1%} [{low:+.1%}, {high:+.1%}], {each['won']} won, {each['lost']} lost, "
                f"p = {each['p']:.4f}",
                file=sys.stderr,
            )
    if given.json:
        given.json.write_text(json.dumps({"split": given.split, "release": release.id, **figures}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
