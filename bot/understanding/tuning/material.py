"""What a training works on: cleaned texts, numbered intents, their names in words, texts out of scope."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.understanding.examples.dataset import IntentDataset
from bot.understanding.utterances import clean


@dataclass(frozen=True, slots=True)
class Material:
    """`classes[i]` in 0…len(names)-1 belongs to `texts[i]`; `names` are the intents' names as words."""

    texts: tuple[str, ...]
    classes: tuple[int, ...]
    names: tuple[str, ...]
    strangers: tuple[str, ...]

    @classmethod
    def of(cls, dataset: IntentDataset) -> Material:
        """All rows of a dataset; class i is `dataset.labels[i]`."""
        number = {label: index for index, label in enumerate(dataset.labels)}
        return cls(
            texts=tuple(clean(row.text) for row in dataset.in_scope),
            classes=tuple(number[row.intent] for row in dataset.in_scope),
            names=tuple(in_words(label) for label in dataset.labels),
            strangers=tuple(clean(text) for text in dataset.out_of_scope),
        )

    def only(self, rows: Sequence[int]) -> Material:
        """These rows and the intents they have, renumbered in the same order."""
        known = sorted({self.classes[row] for row in rows})
        number = {label: index for index, label in enumerate(known)}
        return Material(
            texts=tuple(self.texts[row] for row in rows),
            classes=tuple(number[self.classes[row]] for row in rows),
            names=tuple(self.names[label] for label in known),
            strangers=self.strangers,
        )

    def with_names(self, copies: int) -> tuple[list[str], list[int]]:
        """Texts and classes to tune on: the rows, and every intent's name `copies` times."""
        named = [(name, label) for label, name in enumerate(self.names) if name] * copies
        return [*self.texts, *(name for name, _ in named)], [*self.classes, *(label for _, label in named)]


def in_words(label: str) -> str:
    """An intent's name as words: `card_arrival` and `cardArrival` give `card arrival`."""
    apart = re.sub(r"([a-z])([A-Z])", r"\1 \2", label)
    return re.sub(r"[\W_]+", " ", apart).strip().lower()
