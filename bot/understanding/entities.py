"""Entities of one message: found by several recognisers, normalised, overlaps resolved, exact offsets kept."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date

import phonenumbers

from bot.messages import MAX_TEXT, Entity
from bot.understanding.amounts import find_amounts
from bot.understanding.dates import find_dates
from bot.understanding.definitions import BUILT_IN, EntityDefinitions, compiled

PATTERN_TIMEOUT_S = 0.05
"""What a company's own pattern may take on one message; one that takes longer finds nothing."""

_MONTH_FIRST = frozenset({"US"})
_SPECIFIC = ("email", "order_number", "amount", "date", "phone")
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\w@-])")
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
        self._phrases = _by_first_word(definitions)

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
        for start, end, core in _matches(self._order, text):
            yield Entity("order_number", self._spelling.order_format.format(core).upper(), start, end)

    def _emails(self, text: str) -> Iterator[Entity]:
        for match in _EMAIL.finditer(text):
            yield Entity("email", match[0].lower().lstrip("."), *match.span())

    def _phones(self, text: str) -> Iterator[Entity]:
        for match in phonenumbers.PhoneNumberMatcher(text, self._spelling.phone_region):
            number = phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164)
            yield Entity("phone", number, match.start, match.end)

    def _patterns(self, text: str) -> Iterator[Entity]:
        for name, pattern in self._regexes:
            for start, end, _ in _matches(pattern, text):
                value = text[start:end].upper() if name == "order_number" else text[start:end]
                yield Entity(name, value, start, end)

    def _listed(self, text: str) -> Iterator[Entity]:
        words = [(match[0].casefold(), *match.span()) for match in _WORD.finditer(text)]
        for position, (word, start, _) in enumerate(words):
            for phrase, name, value in self._phrases.get(word, ()) or self._phrases.get(_singular(word), ()):
                last = position + len(phrase) - 1
                if last < len(words) and _same(phrase, [each[0] for each in words[position : last + 1]]):
                    yield Entity(name, value, start, words[last][2])
                    break


def resolve(found: Sequence[Entity]) -> tuple[Entity, ...]:
    """Drop overlaps: the longest entity stays, of equally long ones the most specific, then the first."""
    kept: list[Entity] = []
    for entity in sorted(found, key=lambda each: (each.start - each.end, _rank(each.name), each.start)):
        if all(entity.end <= other.start or entity.start >= other.end for other in kept):
            kept.append(entity)
    return tuple(sorted(kept, key=lambda each: each.start))


def _rank(name: str) -> int:
    return _SPECIFIC.index(name) if name in _SPECIFIC else len(_SPECIFIC)


def _matches(pattern: object, text: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, group 1 or all) of matches that are not empty."""
    try:
        for match in pattern.finditer(text, timeout=PATTERN_TIMEOUT_S):  # type: ignore[attr-defined]
            if match.end() > match.start():
                yield match.start(), match.end(), (match[1] if match.re.groups else None) or match[0]
    except TimeoutError:
        return


Phrase = tuple[tuple[str, ...], str, str]


def _by_first_word(definitions: EntityDefinitions) -> dict[str, list[Phrase]]:
    """Phrases by their first word, longest first."""
    index: dict[str, list[Phrase]] = defaultdict(list)
    for phrase, (name, value) in definitions.phrases.items():
        words = tuple(match[0].casefold() for match in _WORD.finditer(phrase))
        if words:
            index[words[0]].append((words, name, value))
    return {first: sorted(phrases, key=lambda each: -len(each[0])) for first, phrases in index.items()}


def _same(phrase: Sequence[str], words: Sequence[str]) -> bool:
    return list(phrase[:-1]) == list(words[:-1]) and phrase[-1] in (words[-1], _singular(words[-1]))


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") else word
