"""Sentences as statements: what they are about, and the figures, dates and conditions they commit the company to.

Two statements contradict each other where they are about the same and commit to something else. Only near-identical
wordings are compared, so what is found is worth a look, and a contradiction in other words is not found.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from retrieval.documents import Passage
from retrieval.sentences import sentences
from retrieval.similarity import jaccard
from retrieval.words import content_words, stem_of

ALIKE = 0.7
"""Jaccard similarity of the words, figures taken out, from which two statements are about the same."""
ALIKE_CONDITIONS = 0.85
"""… where nothing but a condition differs."""
LEAST_WORDS = 3
"""Words that a statement must be about to be compared."""

_NUMBER = r"\d+(?:[.,]\d+)*"
_MONTH = r"(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*"
_FIGURES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        (
            "date",
            rf"\b\d{{4}}-\d\d-\d\d\b|\b\d{{1,2}}(?:st|nd|rd|th)?\s+{_MONTH}\b(?:\s+\d{{4}})?|\b{_MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?\b",
        ),
        ("time", r"(?<![£$€.])\b\d{1,2}[:.][0-5]\d\s?(?:[ap]\.?m\b)?|\b\d{1,2}\s?[ap]\.?m\b|\bnoon\b|\bmidnight\b"),
        ("amount", rf"[£$€]\s?{_NUMBER}|\b{_NUMBER}\s?(?:pounds?|euros?|dollars?|pence|gbp|eur|usd|chf)\b"),
        ("percentage", rf"\b{_NUMBER}\s?(?:%|per\s?cent\b)"),
        ("weekday", r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b"),
        (
            "number",
            rf"\b(?P<n>{_NUMBER}|WORDS)(?:\s?[-–]\s?(?:{_NUMBER}|WORDS))?[\s-]+(?:(?:working|business|calendar|full)\s+)?(?P<unit>[a-z]+)",
        ),
    )
    for pattern in [
        pattern.replace("WORDS", "one|two|three|four|five|six|seven|eight|nine|ten|twelve|fourteen|thirty|sixty|ninety")
    ]
)
_SPELT: Mapping[str, str] = {
    "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9",
    "ten": "10", "twelve": "12", "fourteen": "14", "thirty": "30", "sixty": "60", "ninety": "90",
}  # fmt: skip
_CONDITIONS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        ("not", r"\b(?:not|no|never|cannot|nor|neither)\b|n['’]t\b"),
        ("only", r"\bonly\b"),
        ("unless", r"\b(?:unless|except|excluding|other than)\b"),
        ("without", r"\bwithout\b"),
        ("free", r"\bfree(?: of charge)?\b"),
    )
)
_CONDITION_WORDS = frozenset(
    stem_of(word) for word in ["never", "cannot", "unless", "except", "excluding", "without", "free", "charge"]
)


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence of a passage: `text == passage.text[start:end]`. `words` is what it is about, `around` these with the
    words of its headings and title; `figures` the values by kind or unit, `conditions` the names of those it makes."""

    passage: Passage
    start: int
    end: int
    words: frozenset[str]
    around: frozenset[str]
    figures: tuple[tuple[str, frozenset[str]], ...]
    conditions: frozenset[str]

    @property
    def text(self) -> str:
        """The sentence."""
        return self.passage.text[self.start : self.end]


def statements_of(passage: Passage) -> Iterator[Statement]:
    """The statements of a passage that are about something."""
    headings = frozenset(content_words(" ".join([passage.title, *passage.heading])))
    last = content_words(passage.heading[-1]) if passage.heading else []
    for start, end in sentences(passage.text):
        text = passage.text[start:end]
        figures, rest = _figures(text)
        conditions = frozenset(name for name, pattern in _CONDITIONS if pattern.search(rest))
        words = frozenset(content_words(rest)) - _CONDITION_WORDS
        if len(words) < LEAST_WORDS:
            words |= frozenset(last)
        if len(words) >= LEAST_WORDS:
            yield Statement(passage, start, end, words, words | headings, tuple(sorted(figures.items())), conditions)


def contradiction(one: Statement, other: Statement) -> str:
    """How two statements contradict each other, as `£6.95 / £7.95`; empty where they do not."""
    similarity = jaccard(one.words, other.words)
    if similarity < ALIKE or (one.words - other.around and other.words - one.around):
        return ""
    theirs = dict(other.figures)
    for kind, values in one.figures:
        here, there = values - theirs.get(kind, values), theirs.get(kind, values) - values
        if here and there:
            return f"{_listed(kind, here)} / {_listed(kind, there)}"
    same_figures = dict(one.figures) == theirs
    if same_figures and similarity >= ALIKE_CONDITIONS and one.conditions != other.conditions:
        return f"{_named(one.conditions - other.conditions)} / {_named(other.conditions - one.conditions)}"
    return ""


def _figures(text: str) -> tuple[dict[str, frozenset[str]], str]:
    """Values by kind, numbers by their unit, and the text without them."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    rest = text
    for kind, pattern in _FIGURES:
        for match in pattern.finditer(rest):
            name = kind if kind != "number" else stem_of(match["unit"].lower())
            value = match[0] if kind != "number" else match[0][: match.start("unit") - match.start()]
            found[name].add(_value(value))
        rest = pattern.sub(" ", rest)
    return {name: frozenset(values) for name, values in found.items()}, rest


def _value(text: str) -> str:
    flat = " ".join(text.lower().replace(",", "").replace("–", "-").replace("-", " - ").split()).strip(" -")
    flat = re.sub(r"([£$€])\s+", r"\1", flat).replace(" %", "%").replace(" per cent", "%").replace(" percent", "%")
    words = [_SPELT.get(word, word) for word in flat.split() if word not in ("working", "business", "calendar", "full")]
    value = " ".join(words).replace(" - ", "-")
    return re.sub(r"(\d)\.00\b", r"\1", value)


def _listed(kind: str, values: frozenset[str]) -> str:
    unit = "" if kind in {name for name, _ in _FIGURES} else f" {kind}"
    return f"{', '.join(sorted(values))}{unit}"


def _named(conditions: frozenset[str]) -> str:
    return ", ".join(f"“{name}”" for name in sorted(conditions)) or "without condition"
