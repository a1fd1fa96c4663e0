"""What a question says that a quote does not: names, figures, a negation, an opposite. Pure.

A text that is near a question and yet does not answer it mostly differs in one of these. They are the ways in which the
unanswerable questions of SQuAD 2 were made (Rajpurkar, Jia & Liang, "Know What You Don't Know", 2018, table 1), and in
which a customer asks for something next to what a page says.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, fields

from retrieval.words import STOP_WORDS

_NAME = re.compile(r"(?<!^)(?<![.!?] )\b[A-Z][\w'’-]+")
_FIGURE = re.compile(r"\d[\d,.]*\d|\d")
_NEGATION = re.compile(r"\b(?:not|never|no|without|except|cannot)\b|n['’]t\b", re.IGNORECASE)
_WORD = re.compile(r"[a-z]+")
_PREFIXES = ("un", "in", "im", "non", "dis", "il", "ir", "anti")

_LISTED = """
    most-least more-less more-fewer most-fewest first-last before-after increase-decrease north-south northern-southern
    east-west eastern-western high-low higher-lower highest-lowest large-small larger-smaller largest-smallest
    long-short longer-shorter longest-shortest old-new older-newer oldest-newest oldest-youngest old-young rich-poor
    good-bad better-worse best-worst above-below inside-outside include-exclude includes-excludes included-excluded
    allow-forbid allow-prohibit allowed-forbidden accept-reject accept-refuse win-lose won-lost start-end begin-end
    began-ended open-close opened-closed rise-fall rose-fell male-female men-women man-woman early-late earlier-later
    earliest-latest easy-hard easy-difficult fast-slow strong-weak support-oppose legal-illegal public-private
    positive-negative always-never all-none major-minor maximum-minimum true-false import-export buy-sell
    success-failure gain-loss cause-prevent same-different domestic-foreign internal-external majority-minority
    join-leave enter-leave create-destroy agree-disagree heavy-light hot-cold wide-narrow upper-lower left-right
    with-without many-few often-rarely common-rare after-prior live-die birth-death born-died up-down simple-complex
    modern-ancient urban-rural
"""


def _opposites() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for pair in _LISTED.split():
        one, other = pair.split("-")
        found.setdefault(one, set()).add(other)
        found.setdefault(other, set()).add(one)
    return {word: frozenset(others) for word, others in found.items()}


OPPOSITES = _opposites()


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Each in [0, 1]. `names`, `figures`: whether the question has any; `names_missing`, `figures_missing`: whether one
    of them stands nowhere in the passage; `names_quoted`: share of the names that the quote holds, 1 without names.
    `negated`, `quote_negated`: whether they negate; `same_polarity`: whether both or neither does. `opposite`: the
    quote holds the opposite of a word of the question and not the word; `opposite_anywhere`: the passage does;
    `prefixed`: the passage holds a word only with a negating prefix more, or one less."""

    names: float
    names_missing: float
    names_quoted: float
    figures: float
    figures_missing: float
    negated: float
    quote_negated: float
    same_polarity: float
    opposite: float
    opposite_anywhere: float
    prefixed: float

    def values(self) -> tuple[float, ...]:
        """In the order of MISMATCHES."""
        return tuple(getattr(self, name) for name in MISMATCHES)


MISMATCHES = tuple(field.name for field in fields(Mismatch))


def mismatch(question: str, quote: str, passage: str) -> Mismatch:
    """Hold the question against the quote and against the passage, with its headings, that it stands in."""
    quoted, held = quote.lower(), passage.lower()
    written = (name.group().lower().replace("’", "'").removesuffix("'s") for name in _NAME.finditer(question))
    names = frozenset(written) - STOP_WORDS
    figures = {figure.group() for figure in _FIGURE.finditer(question)}
    asked, said, near = (frozenset(_WORD.findall(text)) for text in (question.lower(), held, quoted))
    negated, quote_negated = bool(_NEGATION.search(question)), bool(_NEGATION.search(quote))
    return Mismatch(
        names=float(bool(names)),
        names_missing=float(any(name not in held for name in names)),
        names_quoted=sum(name in quoted for name in names) / len(names) if names else 1.0,
        figures=float(bool(figures)),
        figures_missing=float(any(figure not in held for figure in figures)),
        negated=float(negated),
        quote_negated=float(quote_negated),
        same_polarity=float(negated == quote_negated),
        opposite=float(_holds_opposite(asked, near)),
        opposite_anywhere=float(_holds_opposite(asked, said)),
        prefixed=float(any(_is_prefixed(word, said) for word in asked)),
    )


def _holds_opposite(asked: Collection[str], said: frozenset[str]) -> bool:
    return any(word not in said and OPPOSITES[word] & said for word in asked if word in OPPOSITES)


def _is_prefixed(word: str, said: Collection[str]) -> bool:
    if len(word) <= 3 or word in said:
        return False
    return any(
        prefix + word in said
        or (word.startswith(prefix) and len(word) - len(prefix) > 3 and word[len(prefix) :] in said)
        for prefix in _PREFIXES
    )
