"""All that the small model and the recognisers make of one message, in one record."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from bot.messages import MAX_TEXT, Understanding
from bot.understanding.classifier import IntentClassifier, IntentPrediction
from bot.understanding.entities import EntityFinder
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
        prediction = self._read(plain)
        return Understanding(
            intent=prediction.intent,
            confidence=prediction.confidence,
            ranking=prediction.ranking,
            out_of_scope=prediction.out_of_scope,
            entities=self._finder.find(text, today=today),
            asks_for_human=asks_for_human(plain, prediction.ranking),
            frustration=frustration(plain, prediction.ranking),
            language=language(plain),
        )

    def _read(self, plain: str) -> IntentPrediction:
        """Of a long message, the end that says more clearly what is wanted."""
        predictions = self.classifier.classify(windows(plain))
        return max(predictions, key=lambda each: each.confidence * (1.0 - each.out_of_scope))
