"""The whole check: what needs no model, then what cross-validation over frozen vectors says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from bot.errors import BadInput
from bot.settings import Settings
from bot.understanding.care.corpus import Corpus, normalised
from bot.understanding.care.duplicates import conflicts, duplicates
from bot.understanding.care.findings import KINDS, Finding, Report, ordered
from bot.understanding.care.intents import blocking, few_rows, odd_names
from bot.understanding.care.languages import strays
from bot.understanding.care.lengths import long_rows, unusable
from bot.understanding.care.neighbours import nearest
from bot.understanding.care.privacy import personal_data
from bot.understanding.entities.definitions import Spelling
from bot.understanding.space import Vectors
from retrieval.embedder import Embedder

Progress = Callable[[str, int, int], None]

_TEXTS_A_STEP = 512
_TOLD_BY_TRAINING = frozenset({"unreadable", "unusable", "conflict", "labels", "few_rows", "length"})


def quick_findings(corpus: Corpus, spelling: Spelling) -> list[Finding]:
    """What can be said without a model, in seconds."""
    return [
        *blocking(corpus, spelling),
        *unusable(corpus),
        *odd_names(corpus),
        *few_rows(corpus),
        *conflicts(corpus),
        *duplicates(corpus),
        *personal_data(corpus, spelling),
        *strays(corpus),
        *long_rows(corpus),
    ]


def check(
    corpus: Corpus,
    spelling: Spelling,
    load_encoder: Callable[[], Embedder] | None,
    *,
    seed: int = 13,
    progress: Progress | None = None,
) -> Report:
    """All findings, by kind and the worst first.

    `load_encoder` is only called where there is something to train on; without it there is no cross-validation.
    """
    say = progress or (lambda message, done, total: None)
    say("reading the rows", 0, 0)
    found = quick_findings(corpus, spelling)
    agreement = None
    if load_encoder is not None and len(corpus.labels) > 1:
        say("loading the encoder", 0, 0)
        vectors = embedded(corpus.cleaned, load_encoder(), say)
        found, agreement = judged(corpus, found, vectors, seed=seed, progress=say)
    return Report(corpus.paths, len(corpus.rows), len(corpus.labels), agreement, ordered(found))


def judged(
    corpus: Corpus, found: Sequence[Finding], vectors: Vectors, *, seed: int = 13, progress: Progress
) -> tuple[list[Finding], float]:
    """The findings with what vectors (n, d) add: conflicts settled, contradictions, near duplicates, overlaps; and
    the share of rows that cross-validation agrees with."""
    from bot.understanding.care.contradictions import contradictions, settled
    from bot.understanding.care.crossvalidation import out_of_fold
    from bot.understanding.care.overlap import near_duplicates, overlaps

    names = tuple(sorted(corpus.counts))
    number = {name: index for index, name in enumerate(names)}
    classes = np.array([number[row.intent] for row in corpus.rows], dtype=np.int32)
    texts = [normalised(text) for text in corpus.cleaned]
    progress("finding neighbours", 0, 0)
    near = nearest(vectors)
    step = lambda done, total: progress("cross-validating", done, total)  # noqa: E731
    chances = out_of_fold(vectors, classes, texts, seed=seed, progress=step)
    return [
        *(settled(corpus, each, chances, classes) if each.kind == "conflict" else each for each in found),
        *contradictions(corpus, chances, classes, names, near),
        *near_duplicates(corpus, near),
        *overlaps(corpus, chances, classes, names, near),
    ], float((chances.argmax(axis=1) == classes).mean())


def embedded(texts: Sequence[str], encoder: Embedder, progress: Progress) -> Vectors:
    """Unit vectors (n, d) of the texts, with progress; each different text is embedded once."""
    different = list(dict.fromkeys(texts))
    place = {text: position for position, text in enumerate(different)}
    parts = []
    for first in range(0, len(different), _TEXTS_A_STEP):
        progress("embedding rows", first, len(different))
        parts.append(encoder.encode(different[first : first + _TEXTS_A_STEP]))
    progress("embedding rows", len(different), len(different))
    return np.asarray(np.concatenate(parts)[[place[text] for text in texts]], dtype=np.float32)


def spelling_of(settings: Settings) -> Spelling:
    """How this company writes order numbers and phones."""
    return Spelling(settings.order_pattern, settings.order_format, settings.phone_region)


def one_line(paths: Sequence[Path], spelling: Spelling) -> str:
    """What of the quick part matters before a training, in a line, or ""; what stops a training it says itself."""
    try:
        found = quick_findings(Corpus.read(paths), spelling)
    except BadInput:
        return ""
    serious = [each for each in found if each.severity == "matters" and each.kind not in _TOLD_BY_TRAINING]
    counted = [(KINDS[kind].title.lower(), sum(each.kind == kind for each in serious)) for kind in KINDS]
    listed = ", ".join(f"{title}: {count}" for title, count in counted if count)
    return f"data check: {listed}; `firstline data check` shows them" if listed else ""
