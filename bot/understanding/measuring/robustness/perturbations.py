"""Every change that test rows are put through, in the order of the report."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from bot.understanding.measuring.robustness import dictation, forms, keyboard, varieties
from bot.understanding.measuring.robustness.words import tidy

Change = Callable[[str, Random], str]
"""The same wish written otherwise: a pure function of the text and the random numbers. A text that it does not apply
to comes back as it is; the docstring says what is changed and names the linguistic source."""


@dataclass(frozen=True, slots=True)
class Perturbation:
    """A change, and the group it is reported in."""

    group: str
    change: Change

    @property
    def name(self) -> str:
        """Stable, as in JSON: `few_typos`."""
        return self.change.__name__

    @property
    def about(self) -> str:
        """What is changed, in a sentence or two."""
        return self._parts()[0]

    @property
    def source(self) -> str:
        """The publications it follows."""
        return self._parts()[1]

    def apply(self, text: str, *, seed: int, row: int) -> str:
        """The changed text: the same for the same seed, row and text, whatever else is measured. The text itself where
        the change does not apply, or took nothing but spaces."""
        changed = self.change(text, Random(f"{seed}/{self.name}/{row}"))
        return text if tidy(changed) in {"", tidy(text)} else changed

    def _parts(self) -> tuple[str, str]:
        about, _, source = " ".join((inspect.getdoc(self.change) or "").split()).partition(" Source: ")
        return about, source


_GROUPS: dict[str, tuple[Change, ...]] = {
    "typing": (
        keyboard.few_typos,
        keyboard.many_typos,
        keyboard.misspelled,
        keyboard.joined_words,
        keyboard.no_punctuation,
        keyboard.no_apostrophes,
        keyboard.lower_case,
        keyboard.capitals,
        keyboard.texting,
        keyboard.drawn_out,
    ),
    "dictation": (dictation.spoken_numbers, dictation.fillers, dictation.dictated),
    "second language": (
        varieties.no_articles,
        varieties.no_prepositions,
        varieties.wrong_prepositions,
        varieties.tense_and_agreement,
        varieties.uninverted_questions,
        varieties.misplaced_adverbs,
        varieties.topic_first,
    ),
    "varieties of English": (
        varieties.british,
        varieties.american,
        varieties.indian_english,
        varieties.african_american_english,
    ),
    "length and frame": (
        forms.keywords,
        forms.with_greeting,
        forms.story_before,
        forms.story_after,
        forms.long_email,
    ),
}

PERTURBATIONS = tuple(Perturbation(group, change) for group, changes in _GROUPS.items() for change in changes)
