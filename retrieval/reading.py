"""Where in the passages that were found the answer stands, and the signals of how well it fits the question."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from retrieval.asking import kinds_of, share_held
from retrieval.confidence import LIMIT, Features
from retrieval.crossencoder import CrossEncoder, Judged, Pair
from retrieval.documents import Hit, Passage
from retrieval.embedder import Vectors
from retrieval.mismatch import mismatch
from retrieval.quotes import Span, quote_around
from retrieval.retriever import Query, indexed_text
from retrieval.sentence_vectors import SentenceVectors
from retrieval.sentences import spans_of
from retrieval.words import content_words

READ = 5
"""Passages read for one question, the best of the search, where there is no cross-encoder."""
LOOKED_AT = 10
"""Passages of the search from which the ones to be read by the cross-encoder are chosen."""
JUDGED = 2
"""Passages it reads: the best by everything that costs next to nothing."""
WINDOW_WORDS = 64
"""A longer passage is shown to it from sentence to sentence around the best ones, up to this many words."""
SIGNALS = (
    "sentence",
    "passage",
    "rank",
    "passage_share",
    "sentence_share",
    "asked_kind",
    "near_share",
    "short",
)
"""What a sentence is chosen by, in this order. `sentence`, `passage`: cosine of the question to it and to its passage;
`rank`: 1 / rank of the passage in the search; `passage_share`, `sentence_share`, `near_share`: share of the question's
words in the passage ("express" and "standard" are near as vectors), in the sentence, and in the better one of its
neighbours; `asked_kind`: share of the kinds of answer asked for (`asking.Kind`) that it holds; `short`: 1 where it has
fewer than SHORT words."""
WEIGHTS = np.array((1.0, 1.27, 0.15, 0.73, 0.88, 0.39, 0.05, -0.47), dtype=np.float32)
"""What the signals count, the first being 1; fitted by `python -m retrieval.training.choosing`."""
SHORT = 6
KNOWN_WEIGHT = 2.0
KNOWN_FLOOR = 0.5
"""What a sentence gains that answers a known question: the weight times how far the two questions' cosine is above the
floor, below which they are not about one thing."""
RELEVANCE_WEIGHT = 0.1
"""What the cross-encoder's relevance counts, a logit, when the passage is chosen."""
EVIDENCE_WEIGHT = 0.05
"""What its evidence counts, a logit, when the sentences are chosen."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage that is read: its cosine, its sentences with their scores and cosines, shape (sentences,), its content
    words with those of its headings, its score, and what the cross-encoder makes of it, if it read it."""

    hit: Hit
    cosine: float
    spans: tuple[Span, ...]
    scores: Vectors
    cosines: Vectors
    words: frozenset[str]
    score: float
    judged: Judged | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """The best place to quote from: the hit, the quoted ranges in its passage's text, and the signals."""

    hit: Hit
    spans: tuple[Span, ...]
    features: Features


def find(
    query: Query, hits: Sequence[Hit], vectors: SentenceVectors, crossencoder: CrossEncoder | None = None
) -> Reading | None:
    """The best place to quote from among the first hits, None if there is nothing to read."""
    if not query.text.strip() or not hits:
        return None
    candidates = _candidates(query, hits[: LOOKED_AT if crossencoder else READ], hits, vectors)
    if crossencoder is not None:
        candidates = _judged(query, candidates, crossencoder)
    best = max(candidates, key=lambda each: each.score)
    passage = best.hit.passage
    spans = best.spans if passage.kind == "faq" else quote_around(passage.text, best.spans, best.scores)
    return Reading(best.hit, spans, _features(query, hits, candidates, best, spans))


def pair_of(question: str, passage: Passage, window: tuple[int, int] | None = None) -> Pair:
    """What is read of a passage: its text, sentence by sentence, under its title and headings; of a `window` only the
    sentences from its first to before its last."""
    path = " › ".join(dict.fromkeys(part for part in (passage.title, *passage.heading) if part))
    spans = spans_of(passage)
    if window is None:
        return Pair(question, path, passage.text, spans)
    shown = spans[window[0] : window[1]]
    start, end = shown[0][0], shown[-1][1]
    return Pair(question, path, passage.text[start:end], tuple((one - start, other - start) for one, other in shown))


def share(asked: Mapping[str, float], found: Collection[str]) -> float:
    """Share of the question's words that were found, each counted by how telling it is; 0 if it has none."""
    total = sum(asked.values())
    return sum(weight for word, weight in asked.items() if word in found) / total if total else 0.0


def signals(query: Query, hits: Sequence[Hit], sentences: Sequence[Vectors]) -> list[Vectors]:
    """For each hit, best first, the values of SIGNALS for every sentence of its passage: float32 of shape
    (sentences, len(SIGNALS)). `sentences` are the vectors of the passages' sentences."""
    # a passage that the dense search did not return is no nearer than the furthest it did return
    furthest = min((hit.cosine for hit in hits if hit.cosine is not None), default=0.0)
    kinds = kinds_of(query.text)
    found = []
    for rank, (hit, vectors) in enumerate(zip(hits, sentences, strict=True), start=1):
        texts = [hit.passage.text[start:end] for start, end in spans_of(hit.passage)]
        words = frozenset(content_words(indexed_text(hit.passage)))
        whole = share(query.weights, words)
        own = [whole] if hit.passage.kind == "faq" else [share(query.weights, content_words(text)) for text in texts]
        values = np.empty((len(texts), len(SIGNALS)), dtype=np.float32)
        values[:, 0] = vectors @ query.vector
        values[:, 1] = furthest if hit.cosine is None else hit.cosine
        values[:, 2] = 1 / rank
        values[:, 3] = whole
        values[:, 4] = own
        values[:, 5] = [share_held(text, kinds, query.text) for text in texts]
        values[:, 6] = [max(pair) for pair in zip([0.0, *own[:-1]], [*own[1:], 0.0], strict=True)]
        values[:, 7] = [len(text.split()) < SHORT for text in texts]
        found.append(values)
    return found


def _candidates(query: Query, read: Sequence[Hit], hits: Sequence[Hit], vectors: SentenceVectors) -> list[Candidate]:
    candidates = []
    sentences = vectors.of([hit.passage for hit in read])
    for hit, values in zip(read, signals(query, read, sentences), strict=True):
        scores = values @ WEIGHTS + KNOWN_WEIGHT * _known(query, hit.passage, len(values))
        candidates.append(
            Candidate(
                hit=hit,
                cosine=float(values[0, 1]),
                spans=spans_of(hit.passage),
                scores=scores,
                cosines=values[:, 0],
                words=frozenset(content_words(indexed_text(hit.passage))),
                score=float(scores.max()),
            )
        )
    return candidates


def _known(query: Query, passage: Passage, sentences: int) -> Vectors:
    """How far above KNOWN_FLOOR the nearest known question is that each sentence answers, 0 without one."""
    above = np.zeros(sentences, dtype=np.float32)
    for near in query.near:
        for place in near.places:
            if place.passage.id == passage.id:
                above[place.sentence] = max(above[place.sentence], near.cosine - KNOWN_FLOOR)
    return above


def _judged(query: Query, candidates: Sequence[Candidate], crossencoder: CrossEncoder) -> list[Candidate]:
    """The best JUDGED candidates, read by the cross-encoder and scored with what it says."""
    chosen = sorted(candidates, key=lambda each: -each.score)[:JUDGED]
    shown = [_window(each) for each in chosen]
    pairs = [pair_of(query.in_full, each.hit.passage, window) for each, window in zip(chosen, shown, strict=True)]
    judged = crossencoder.judge(pairs)
    return [_rescored(each, window, one) for each, window, one in zip(chosen, shown, judged, strict=True)]


def _window(candidate: Candidate) -> tuple[int, int]:
    """The half-open range of neighbouring sentences, within WINDOW_WORDS, around the best of them; one at least."""
    text, spans = candidate.hit.passage.text, candidate.spans
    counts = [len(text[start:end].split()) for start, end in spans]
    first = int(candidate.scores.argmax())
    last, total = first + 1, counts[first]
    while True:
        sides = [(float(candidate.scores[n]), n) for n in (first - 1, last) if 0 <= n < len(spans)]
        fitting = [(score, n) for score, n in sides if total + counts[n] <= WINDOW_WORDS]
        if not fitting:
            return first, last
        chosen = max(fitting)[1]
        total += counts[chosen]
        first, last = min(first, chosen), max(last, chosen + 1)


def _rescored(candidate: Candidate, window: tuple[int, int], judged: Judged) -> Candidate:
    """The candidate with the cross-encoder's evidence in its sentences' scores and its relevance in its own. A sentence
    that was not shown counts as the least of those that were."""
    first, last = window
    evidence = np.full(len(candidate.spans), judged.sentences.min() - judged.none, dtype=np.float32)
    evidence[first:last] = judged.sentences - judged.none
    return replace(
        candidate,
        scores=candidate.scores + EVIDENCE_WEIGHT * np.clip(evidence, -LIMIT, LIMIT),
        score=candidate.score + RELEVANCE_WEIGHT * judged.relevance,
        judged=judged,
    )


def _features(
    query: Query, hits: Sequence[Hit], candidates: Sequence[Candidate], best: Candidate, spans: Sequence[Span]
) -> Features:
    """The values of `confidence.FEATURES`."""
    passage = best.hit.passage
    quote = " ".join(passage.text[start:end] for start, end in spans)
    quoted = content_words(" ".join([passage.title, *passage.heading, quote]))
    others = [each.cosine for each in candidates if each.hit.passage.document != passage.document]
    sentence = float(best.cosines.max())
    faq = float(passage.kind == "faq")
    kinds = kinds_of(query.text)
    lacking = query.weights.keys() - set(content_words(quote))
    return np.array(
        [
            1.0,
            sentence,
            best.cosine,
            best.cosine - max(others, default=0.0),
            share(query.weights, best.words),
            share(query.weights, quoted),
            1.0 - share(query.weights, frozenset().union(*(each.words for each in candidates))),
            _reciprocal_rank(best.hit, hits, [each.bm25 for each in hits]),
            _reciprocal_rank(best.hit, hits, [each.cosine for each in hits]),
            faq,
            faq * sentence,
            share_held(quote, kinds, query.text) if kinds else 0.5,
            max((query.weights[word] for word in lacking), default=0.0) / LIMIT,
            _pairs(query, best),
            len(query.text.split()) / 20,
            math.log(len(best.spans)),
            *mismatch(query.text, quote, indexed_text(passage)).values(),
            *_judgement(candidates, best),
        ]
    )


def _pairs(query: Query, best: Candidate) -> float:
    """Share of the question's neighbouring words that stand together in one sentence; 1 where it has no two."""
    words = list(query.weights)
    pairs = list(pairwise(words))
    sentences = [frozenset(content_words(best.hit.passage.text[start:end])) for start, end in best.spans]
    held = sum(any(one in each and other in each for each in sentences) for one, other in pairs)
    return held / len(pairs) if pairs else 1.0


def _judgement(candidates: Sequence[Candidate], best: Candidate) -> tuple[float, ...]:
    """The signals that a cross-encoder adds; zeros without one."""
    if best.judged is None:
        return 0.0, 0.0, 0.0, 0.0
    document = best.hit.passage.document
    others = [each.judged.relevance for each in candidates if each.judged and each.hit.passage.document != document]
    evidence = float(best.judged.sentences.max()) - best.judged.none
    margin = best.judged.relevance - max(others, default=-LIMIT)
    return 1.0, *(min(max(value / LIMIT, -1.0), 1.0) for value in (best.judged.relevance, evidence, margin))


def _reciprocal_rank(hit: Hit, hits: Sequence[Hit], scores: Sequence[float | None]) -> float:
    own = scores[hits.index(hit)]
    if own is None:
        return 0.0
    return 1 / (1 + sum(score is not None and score > own for score in scores))
