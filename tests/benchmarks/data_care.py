"""How well the check of training data finds wrong labels: known ones are put into a copy of real rows.

python -m tests.benchmarks.data_care --json FILE
python -m tests.benchmarks.data_care --rows FILE.csv --share 0.1 --seeds 1 2 3

Some labels of the rows are flipped, with a stated seed: to any other intent ("random"), or to one of the three intents
whose rows are nearest on average ("near", as people err). The figures say which share of the flipped rows stands among
the first k of the ranking, k being as many as were flipped, and twice as many; and what share of the findings are
flipped rows. Rows that were wrong before count as false alarms here, so the figures are lower bounds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from bot.settings import Settings
from bot.setup import ensure_base_model
from bot.understanding.care.checking import embedded, judged, quick_findings
from bot.understanding.care.contradictions import doubt, suspects
from bot.understanding.care.corpus import Corpus, normalised
from bot.understanding.care.crossvalidation import out_of_fold
from bot.understanding.care.encoder import base_encoder
from bot.understanding.entities.definitions import Spelling
from bot.understanding.space import Indices, Vectors
from retrieval.embedder import Embedder
from tests.benchmarks.serving import conditions

ROWS = Path(__file__).parents[3] / "shared" / "datasets" / "banking77" / "train.csv"
_NEAR_INTENTS = 3


def measure(corpus: Corpus, encoder: Embedder, share: float, seeds: list[int]) -> dict[str, Any]:
    """The whole check once on the rows as they are, then the ranking under each kind of flips and each seed."""
    started = time.perf_counter()
    vectors = embedded(corpus.cleaned, encoder, _quiet)
    embedding_s = time.perf_counter() - started
    findings, agreement = judged(corpus, quick_findings(corpus, Spelling()), vectors, progress=_quiet)
    check_s = time.perf_counter() - started
    names = sorted(corpus.counts)
    classes = np.array([names.index(row.intent) for row in corpus.rows], dtype=np.int32)
    texts = [normalised(text) for text in corpus.cleaned]
    return {
        "rows": len(corpus.rows),
        "intents": len(names),
        "embedding_s": round(embedding_s, 1),
        "check_s": round(check_s, 1),
        "findings": dict(Counter(finding.kind for finding in findings)),
        "cross_validation_agrees": round(agreement, 4),
        "flipped_share": share,
        "seeds": seeds,
        **{
            f"flipped_{kind}": _means([_ranked(vectors, classes, texts, share, seed, kind == "near") for seed in seeds])
            for kind in ("random", "near")
        },
    }


def flipped(vectors: Vectors, classes: Indices, share: float, seed: int, near: bool) -> tuple[Indices, Indices]:
    """Classes (n,) with a share of them changed, and the positions of the changed ones."""
    chance = np.random.default_rng(seed)
    count = int(classes.max()) + 1
    means = np.stack([vectors[classes == label].mean(axis=0) for label in range(count)])
    given = classes.copy()
    chosen = chance.choice(len(classes), round(share * len(classes)), replace=False)
    for row in chosen:
        cosines = means @ vectors[row]
        cosines[classes[row]] = -np.inf
        order = np.argsort(-cosines)[: _NEAR_INTENTS if near else count - 1]
        given[row] = chance.choice(order)
    return given, chosen.astype(np.int32)


def _ranked(
    vectors: Vectors, classes: Indices, texts: list[str], share: float, seed: int, near: bool
) -> dict[str, float]:
    given, chosen = flipped(vectors, classes, share, seed, near)
    wrong = np.zeros(len(given), dtype=bool)
    wrong[chosen] = True
    started = time.perf_counter()
    chances = out_of_fold(vectors, given, texts, seed=seed)
    took = time.perf_counter() - started
    order, suggested = np.argsort(-doubt(chances, given)), suspects(chances, given)
    reported = suggested >= 0
    hits = reported & wrong
    k = len(chosen)
    return {
        "flipped": k,
        "found_in_first_k": float(wrong[order[:k]].sum()) / k,
        "found_in_first_2k": float(wrong[order[: 2 * k]].sum()) / k,
        "findings": int(reported.sum()),
        "findings_that_are_flipped": float(hits.sum()) / max(int(reported.sum()), 1),
        "flipped_that_are_findings": float(hits.sum()) / k,
        "suggestion_is_the_original": float((suggested[hits] == classes[hits]).mean()) if hits.any() else 0.0,
        "cross_validation_s": took,
    }


def _quiet(message: str, done: int, total: int) -> None:
    """No progress: the figures are what is printed."""


def _means(runs: list[dict[str, float]]) -> dict[str, float]:
    return {name: round(statistics.mean(run[name] for run in runs), 4) for name in runs[0]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=Path, default=ROWS, help="CSV, JSONL or Rasa NLU YAML")
    parser.add_argument("--share", type=float, default=0.05, help="of the labels to flip")
    parser.add_argument("--seeds", type=int, nargs="+", default=[13, 14, 15])
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    options = parser.parse_args()
    if not options.rows.exists():
        print(f"skipped: {options.rows} is not there; name other rows with --rows", file=sys.stderr)
        return 0
    settings = Settings.load()
    ensure_base_model(settings, _quiet)
    base = Path(settings.base_model) if settings.base_model else settings.home / "base" / "all-MiniLM-L6-v2"
    encoder = base_encoder(base, settings.home / "care")
    figures = {
        "rows_of": options.rows.name,
        **measure(Corpus.read([options.rows]), encoder, options.share, options.seeds),
        "conditions": conditions(),
    }
    print(json.dumps(figures, indent=2))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
