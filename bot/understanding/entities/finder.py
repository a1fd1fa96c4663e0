"""Entities of one message: found by several recognisers, normalised, overlaps resolved, exact offsets kept."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date

import phonenumbers
import regex

from bot.messages import MAX_TEXT, Entity
from bot.understanding.entities.amounts import find_amounts
from bot.understanding.entities.dates import find_dates
from bot.understanding.entities.definitions import EntityDefinitions
from bot.understanding.entities.patterns import PATTERN_TIMEOUT_S, compiled
from bot.understanding.examples.rows import BUILT_IN

MAX_SLOW_PATTERNS = 4
"""After so many of a company's own patterns ran out of time on one message, the others are not tried."""

_MONTH_FIRST = frozenset({"US"})
_SPECIFIC = ("email", "order_number", "amount", "date", "phone")
_EMAIL = re.compile(r"(?<![\w.+-])\w(?:[\w.+'’-]{0,62}[\w+-])?@(?:\w[\w-]{0,62}\.){1,8}[^\W\d_]{2,24}(?![\w@-])")
_INTERNET_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_WORD = re.compile(r"\w+(?:['’]\w+)?")


class EntityFinder:
    """Finds the entities of a company's definitions. Safe to share between threads."""

    def __init__(self, definitions: EntityDefinitions) -> None:
        spelling = definitions.spelling
        self._spelling = spelling
        self._order = compiled(rf"(?<![\w-])(?:{spelling.order_pattern})(?![\w-])", "the order number's pattern")
        self._regexes = [
            (name, compiled(pattern, f"regex {name}"))
            for name, pattern in definitions.regexes
            if name not in BUILT_IN - {"order_number"}
        ]
        self._phrases = _in_words(definitions)
        self._sizes = _by_first_word(self._phrases)

    def find(self, text: str, *, today: date) -> tuple[Entity, ...]:
        """The entities in the order they stand; none overlap: the longer wins, then the more specific."""
        text = text[:MAX_TEXT]
        found = [*self._orders(text), *self._emails(text), *self._phones(text), *self._patterns(text)]
        month_first = self._spelling.phone_region in _MONTH_FIRST
        dates = find_dates(text, today, month_first=month_first)
        found += [Entity("date", day.isoformat(), start, end) for day, start, end in dates]
        found += [Entity("amount", value, start, end) for value, start, end in find_amounts(text)]
        found += self._listed(text)
        return resolve(found)

    def _orders(self, text: str) -> Iterator[Entity]:
        with suppress(TimeoutError):
            for start, end, core in _matches(self._order, text):
                yield Entity("order_number", self._spelling.order_format.format(_plain(core)).upper(), start, end)

    def _emails(self, text: str) -> Iterator[Entity]:
        for match in _EMAIL.finditer(text):
            yield Entity("email", match[0].lower(), *match.span())

    def _phones(self, text: str) -> Iterator[Entity]:
        for match in phonenumbers.PhoneNumberMatcher(text, self._spelling.phone_region):
            number = phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164)
            if _INTERNET_ADDRESS.fullmatch(match.raw_string):
                continue
            yield Entity("phone", number, match.start, match.end)

    def _patterns(self, text: str) -> Iterator[Entity]:
        slow = 0
        for name, pattern in self._regexes:
            try:
                for start, end, _ in _matches(pattern, text):
                    value = text[start:end].upper() if name == "order_number" else text[start:end]
                    yield Entity(name, value, start, end)
            except TimeoutError:
                slow += 1
                if slow == MAX_SLOW_PATTERNS:
                    return

    def _listed(self, text: str) -> Iterator[Entity]:
        words = [(match[0].casefold(), *match.span()) for match in _WORD.finditer(text)]
        for position, (word, start, _) in enumerate(words):
            for size in dict.fromkeys((*self._sizes.get(word, ()), *self._sizes.get(_singular(word), ()))):
                phrase = tuple(each[0] for each in words[position : position + size])
                named = self._phrases.get(phrase) or self._phrases.get((*phrase[:-1], _singular(phrase[-1])))
                if named and len(phrase) == size:
                    yield Entity(*named, start, words[position + size - 1][2])


def resolve(found: Sequence[Entity]) -> tuple[Entity, ...]:
    """Drop overlaps: the longest entity stays, of equally long ones the most specific, then the first."""
    kept: list[Entity] = []
    for entity in sorted(found, key=lambda each: (each.start - each.end, _rank(each.name), each.start)):
        if all(entity.end <= other.start or entity.start >= other.end for other in kept):
            kept.append(entity)
    return tuple(sorted(kept, key=lambda each: each.start))


def _rank(name: str) -> int:
    return _SPECIFIC.index(name) if name in _SPECIFIC else len(_SPECIFIC)


def _matches(pattern: regex.Pattern[str], text: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, group 1 or all) of matches that are not empty; `TimeoutError` after `PATTERN_TIMEOUT_S`."""
    for match in pattern.finditer(text, timeout=PATTERN_TIMEOUT_S):
        if match.end() > match.start():
            yield match.start(), match.end(), (match[1] if match.re.groups else None) or match[0]


Phrases = Mapping[tuple[str, ...], tuple[str, str]]


def _in_words(definitions: EntityDefinitions) -> Phrases:
    """Phrases by their words, as `_WORD` splits a message."""
    split = {
        tuple(match[0].casefold() for match in _WORD.finditer(phrase)): named
        for phrase, named in definitions.phrases.items()
    }
    return {words: named for words, named in split.items() if words}


def _by_first_word(phrases: Phrases) -> dict[str, tuple[int, ...]]:
    """How many words the phrases have that start with a word; a message is then read in linear time."""
    sizes: dict[str, set[int]] = defaultdict(set)
    for words in phrases:
        sizes[words[0]].add(len(words))
    return {first: tuple(sorted(lengths)) for first, lengths in sizes.items()}


def _plain(core: str) -> str:
    """Digits of any script and full-width letters as ASCII."""
    return unicodedata.normalize("NFKC", "".join(str(unicodedata.digit(each, each)) for each in core))


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") else word
