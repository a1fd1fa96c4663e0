"""Where in the passages that were found the answer stands, and the signals of how well it fits the question."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from retrieval.confidence import Features
from retrieval.documents import Hit
from retrieval.embedder import Vectors
from retrieval.quotes import Span, quote_around
from retrieval.retriever import Query, indexed_text
from retrieval.sentence_vectors import SentenceVectors, spans_of
from retrieval.words import content_words

READ = 5
"""Passages read for one question, the best of the search."""
PASSAGE_WEIGHT = 0.8
"""What the passage's cosine counts beside the sentence's when the place to quote from is chosen."""
RANK_WEIGHT = 0.2
"""What the passage's fused rank counts."""
SHARE_WEIGHT = 0.2
"""What the share of the question's words in the passage counts: "express" and "standard" are near as vectors."""
SENTENCE_SHARE_WEIGHT = 0.2
"""What their share in the sentence counts."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage that is read: its cosine, its sentences with their scores and cosines, shape (sentences,), and its
    content words with those of its headings."""

    hit: Hit
    cosine: float
    spans: tuple[Span, ...]
    scores: Vectors
    cosines: Vectors
    words: frozenset[str]


@dataclass(frozen=True, slots=True)
class Reading:
    """The best place to quote from: the hit, the quoted ranges in its passage's text, and the signals."""

    hit: Hit
    spans: tuple[Span, ...]
    features: Features


def find(query: Query, hits: Sequence[Hit], vectors: SentenceVectors) -> Reading | None:
    """The best place to quote from among the first READ hits, None if there is nothing to read."""
    if not query.text.strip() or not hits:
        return None
    candidates = _candidates(query, hits, vectors)
    scores = [
        float(each.scores.max())
        + PASSAGE_WEIGHT * each.cosine
        + RANK_WEIGHT / rank
        + SHARE_WEIGHT * share(query.weights, each.words)
        for rank, each in enumerate(candidates, start=1)
    ]
    best = candidates[int(np.argmax(scores))]
    passage = best.hit.passage
    spans = best.spans if passage.kind == "faq" else quote_around(passage.text, best.spans, best.scores)
    return Reading(best.hit, spans, _features(query, hits, candidates, best, spans))


def share(asked: Mapping[str, float], found: Collection[str]) -> float:
    """Share of the question's words that were found, each counted by how telling it is; 0 if it has none."""
    total = sum(asked.values())
    return sum(weight for word, weight in asked.items() if word in found) / total if total else 0.0


def _candidates(query: Query, hits: Sequence[Hit], vectors: SentenceVectors) -> list[Candidate]:
    # a passage that the dense search did not return is no nearer than the furthest it did return
    furthest = min((hit.cosine for hit in hits if hit.cosine is not None), default=0.0)
    candidates = []
    for hit, sentences in zip(hits[:READ], vectors.of([hit.passage for hit in hits[:READ]]), strict=True):
        spans = spans_of(hit.passage)
        words = frozenset(content_words(indexed_text(hit.passage)))
        cosines = np.asarray(sentences @ query.vector)
        scores = cosines + SENTENCE_SHARE_WEIGHT * _sentence_shares(query, hit, spans, words)
        cosine = furthest if hit.cosine is None else hit.cosine
        candidates.append(Candidate(hit, cosine, spans, scores, cosines, words))
    return candidates


def _sentence_shares(query: Query, hit: Hit, spans: Sequence[Span], words: Collection[str]) -> Vectors:
    if hit.passage.kind == "faq":
        return np.array([share(query.weights, words)], dtype=np.float32)
    texts = [hit.passage.text[start:end] for start, end in spans]
    return np.array([share(query.weights, content_words(text)) for text in texts], dtype=np.float32)


def _features(
    query: Query, hits: Sequence[Hit], candidates: Sequence[Candidate], best: Candidate, spans: Sequence[Span]
) -> Features:
    """The values of `confidence.FEATURES`."""
    passage = best.hit.passage
    quotes = [passage.text[start:end] for start, end in spans]
    quoted = content_words(" ".join([passage.title, *passage.heading, *quotes]))
    others = [each.cosine for each in candidates if each.hit.passage.document != passage.document]
    sentence = float(best.cosines.max())
    faq = float(passage.kind == "faq")
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
        ]
    )


def _reciprocal_rank(hit: Hit, hits: Sequence[Hit], scores: Sequence[float | None]) -> float:
    own = scores[hits.index(hit)]
    if own is None:
        return 0.0
    return 1 / (1 + sum(score is not None and score > own for score in scores))
