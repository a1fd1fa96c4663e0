"""All that the small model and the recognisers make of one message, in one record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from bot.messages import MAX_TEXT, Understanding
from bot.understanding.classifier import IntentClassifier, IntentPrediction
from bot.understanding.entities.finder import EntityFinder
from bot.understanding.language import UNDETERMINED, language
from bot.understanding.tone import asks_for_human, frustration
from bot.understanding.utterances import clean, has_words, windows

NOTHING = "out_of_scope"
"""Intent of a message without a word in it."""


class Understander:
    """The understanding part of a release. Safe to share between threads."""

    def __init__(self, classifier: IntentClassifier, finder: EntityFinder) -> None:
        self.classifier = classifier
        self._finder = finder

    @classmethod
    def load(cls, folder: Path, *, threads: int = 1) -> Understander:
        """Load a trained folder; `BadRelease` if it is damaged."""
        classifier = IntentClassifier.load(folder, threads=threads)
        return cls(classifier, EntityFinder(classifier.model.entities))

    def understand(self, text: str, *, today: date) -> Understanding:
        """Any text gives an understanding; one without words gives no confidence and certainly no known intent."""
        text = text[:MAX_TEXT]
        plain = clean(text)
        if not has_words(plain):
            return Understanding(NOTHING, 0.0, out_of_scope=1.0, frustration=frustration(plain), language=UNDETERMINED)
        (prediction,) = read(self.classifier, [plain])
        return Understanding(
            intent=prediction.intent,
            confidence=prediction.confidence,
            ranking=prediction.ranking,
            out_of_scope=prediction.out_of_scope,
            entities=self._finder.find(text, today=today),
            asks_for_human=asks_for_human(plain, prediction.ranking),
            frustration=frustration(plain, prediction.ranking),
            language=language(plain),
            nearest=prediction.nearest,
        )


def read(classifier: IntentClassifier, texts: Sequence[str]) -> list[IntentPrediction]:
    """One prediction a text; of a long one, that of the part that says most clearly what is wanted."""
    parts = [windows(clean(text)) for text in texts]
    predictions = iter(classifier.classify([part for each in parts for part in each]))
    return [
        max((next(predictions) for _ in each), key=lambda found: found.confidence * (1.0 - found.out_of_scope))
        for each in parts
    ]
