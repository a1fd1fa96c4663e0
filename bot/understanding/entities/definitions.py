"""What counts as an entity: the company's regexes and phrases, and how its order numbers and phones are written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.errors import BadInput
from bot.understanding.entities.patterns import PATTERN_TIMEOUT_S, compiled
from bot.understanding.examples.dataset import IntentDataset
from bot.understanding.examples.rows import BUILT_IN

_MAX_PHRASE = 80


@dataclass(frozen=True, slots=True)
class Spelling:
    """How this company writes things: group 1 of `order_pattern` is an order number's core, put into `order_format`;
    `phone_region` (ISO 3166) reads phone numbers without a country code, and tells 3/4 from 4/3."""

    order_pattern: str = r"(?:WF[\s-]?)?(\d{6})"
    order_format: str = "WF-{}"
    phone_region: str = "GB"


@dataclass(frozen=True, slots=True)
class EntityDefinitions:
    """`phrases` map a lower-cased phrase to (entity, canonical value); `regexes` are (entity, pattern)."""

    phrases: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    regexes: tuple[tuple[str, str], ...] = ()
    spelling: Spelling = field(default_factory=Spelling)

    @classmethod
    def of(cls, dataset: IntentDataset, spelling: Spelling | None = None) -> EntityDefinitions:
        """From lookups, synonyms, regexes and annotated rows; `BadInput` for a pattern that is none."""
        phrases = _annotated(dataset)
        for name, entries in dataset.lookups.items():
            phrases |= {entry.casefold(): (name, entry) for entry in entries}
        names = {value.casefold(): name for name, value in phrases.values()}
        for variant, value in dataset.synonyms.items():
            name = names.get(value.casefold()) or (phrases.get(variant) or ("",))[0]
            if name:
                phrases[variant] = (name, value)
        canonical = {phrase: (name, dataset.synonyms.get(phrase, value)) for phrase, (name, value) in phrases.items()}
        usable = {phrase: named for phrase, named in canonical.items() if named[0] not in BUILT_IN}
        return cls(usable, tuple(_checked(*each, dataset.texts) for each in dataset.regexes), spelling or Spelling())

    def to_json(self) -> dict[str, Any]:
        return {
            "phrases": {phrase: list(named) for phrase, named in self.phrases.items()},
            "regexes": [list(each) for each in self.regexes],
            "order_pattern": self.spelling.order_pattern,
            "order_format": self.spelling.order_format,
            "phone_region": self.spelling.phone_region,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> EntityDefinitions:
        spelling = Spelling(stored["order_pattern"], stored["order_format"], stored["phone_region"])
        phrases = {phrase: (name, value) for phrase, (name, value) in stored["phrases"].items()}
        return cls(phrases, tuple((name, pattern) for name, pattern in stored["regexes"]), spelling)


def _checked(name: str, pattern: str, texts: Sequence[str]) -> tuple[str, str]:
    """The pattern, tried on all rows: one too slow for them would find nothing in customers' messages either."""
    usable = compiled(pattern, f"regex {name}")
    for text in texts:
        try:
            usable.search(text, timeout=PATTERN_TIMEOUT_S)
        except TimeoutError as error:
            raise BadInput(
                f"regex {name}: {pattern!r} takes longer than {PATTERN_TIMEOUT_S * 1000:.0f} ms on {text[:60]!r}; "
                "write it without a repetition inside a repetition"
            ) from error
    return name, pattern


def _annotated(dataset: IntentDataset) -> dict[str, tuple[str, str]]:
    """Phrases that rows annotate; the reading seen most often wins."""
    seen: Counter[tuple[str, str, str]] = Counter()
    for row in dataset.rows:
        for entity in row.entities:
            phrase = row.text[entity.start : entity.end]
            if 2 < len(phrase) <= _MAX_PHRASE:
                value = entity.value if entity.value != phrase else phrase.lower()
                seen[phrase.casefold(), entity.name, value] += 1
    return {phrase: (name, value) for (phrase, name, value), _ in reversed(seen.most_common())}
