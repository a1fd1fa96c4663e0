"""Whether an answer is right, and the curves that confidence draws over many answers.

F1 and exact match as in SQuAD (Rajpurkar et al., 2016 and 2018): lower case, without punctuation and articles.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from retrieval.datasets import Question
from retrieval.documents import Answer
from retrieval.words import content_words

SIMILAR = 0.5
"""F1 from which an answer counts as right although no expected answer stands in it literally."""

HALF, MOST = 0.5, 0.7
"""Share of the expected quote's content words that a right answer holds: half beside the right figures, which say more
than words do, most where there are none."""

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Judgement:
    """`right` is False for any answer to an unanswerable question; `f1` and `exact` compare with the best of the
    expected answers, in [0, 1]."""

    right: bool
    f1: float
    exact: bool


def judge(question: Question, answer: Answer) -> Judgement:
    """Judge a given answer. Where the question states answers, one of them must stand in it (or share most words);
    where it only states documents, one of them must be quoted."""
    if not question.answerable:
        return Judgement(False, 0.0, False)
    given = plain(answer.text)
    if not question.answers:
        right = any(citation.document in question.documents for citation in answer.citations)
        return Judgement(right, float(right), right)
    expected = [plain(each) for each in question.answers]
    f1 = max(word_f1(given, each) for each in expected)
    contained = any(f" {each} " in f" {given} " for each in expected if each)
    return Judgement(contained or f1 >= SIMILAR, f1, given in expected)


def holds(text: str, quote: str) -> bool:
    """Whether `text` says what `quote` says: all its figures and half of its content words, or most of them where it
    has no figures, in any order.

    A company states one fact in several places and in several wordings, so the very words are not asked for.
    """
    wanted, given = set(content_words(quote)), set(content_words(text))
    figures = {word for word in wanted if any(c.isdigit() for c in word)}
    return figures <= given and len(wanted & given) >= (HALF if figures else MOST) * len(wanted)


def plain(text: str) -> str:
    """Lower case, punctuation and articles out, single spaces."""
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", re.sub(r"[^\w\s]", "", text.lower())).split())


def word_f1(given: str, expected: str) -> float:
    """Harmonic mean of precision and recall over the words, counted with their repetitions."""
    one, other = given.split(), expected.split()
    if not one or not other:
        return float(one == other)
    common = sum((Counter(one) & Counter(other)).values())
    return 2 * common / (len(one) + len(other))


def auroc(scores: Sequence[float], positive: Sequence[bool]) -> float | None:
    """Probability that a positive scores above a negative, ties half; None without both kinds."""
    values, labels = np.asarray(scores, dtype=np.float64), np.asarray(positive, dtype=bool)
    if labels.all() or not labels.any():
        return None
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    positives = int(labels.sum())
    above = ranks[labels].sum() - positives * (positives + 1) / 2
    return float(above / (positives * (len(labels) - positives)))


def aurc(confidences: Sequence[float], wrong: Sequence[bool]) -> float:
    """Area under the risk-coverage curve (Geifman & El-Yaniv, 2017): mean share of wrong answers among the k most
    confident, over all k. Lower is better."""
    return float(_risks(confidences, wrong).mean()) if len(wrong) else 0.0


def coverage_at(confidences: Sequence[float], wrong: Sequence[bool], share: float) -> float:
    """Largest share of questions that can be answered, most confident first, with at most `share` of them wrong."""
    fits = np.flatnonzero(_risks(confidences, wrong) <= share)
    return float((fits[-1] + 1) / len(wrong)) if len(fits) else 0.0


def _risks(confidences: Sequence[float], wrong: Sequence[bool]) -> Values:
    order = np.argsort(-np.asarray(confidences, dtype=np.float64), kind="stable")
    return np.asarray(np.cumsum(np.asarray(wrong, dtype=np.float64)[order]) / np.arange(1, len(order) + 1))
