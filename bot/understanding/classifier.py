"""The intent classifier as it serves: the int8 encoder and a little numpy, no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bot.errors import BadRelease
from bot.messages import NearestRow
from bot.understanding.artefact import IntentModel
from bot.understanding.space import Vectors, View
from bot.understanding.utterances import clean
from retrieval.embedder import UTTERANCE_TOKENS, OnnxEmbedder
from retrieval.errors import BadModel

RANKED = 5
NEAREST = 3


@dataclass(frozen=True, slots=True)
class IntentPrediction:
    """`confidence` is the calibrated probability of `intent`, `ranking` the likeliest intents with theirs, best
    first; `out_of_scope` the calibrated probability that none fits; `nearest` says why: the closest rows."""

    intent: str
    confidence: float
    ranking: tuple[tuple[str, float], ...]
    out_of_scope: float
    nearest: tuple[NearestRow, ...] = ()


class IntentClassifier:
    """Safe to share between threads."""

    def __init__(self, model: IntentModel, embedder: OnnxEmbedder) -> None:
        self.model = model
        self._embedder = embedder

    @classmethod
    def load(cls, folder: Path, *, threads: int = 1) -> IntentClassifier:
        """Load a trained folder; `BadRelease` if a file is missing, damaged, or does not fit the others."""
        model = IntentModel.load(folder)
        try:
            embedder = OnnxEmbedder.load(folder, max_tokens=UTTERANCE_TOKENS, threads=threads)
        except BadModel as error:
            raise BadRelease(str(error)) from error
        expected = model.space.directions.shape[1]
        if embedder.dimension != expected:
            raise BadRelease(f"{folder}: an encoder of {embedder.dimension} dimensions, a head of {expected}")
        return cls(model, embedder)

    @property
    def labels(self) -> tuple[str, ...]:
        """The intents it can predict."""
        return self.model.labels

    @property
    def fingerprint(self) -> str:
        """Names the encoder: equal ones give equal vectors for equal texts."""
        return self._embedder.fingerprint

    def classify(self, texts: Sequence[str]) -> list[IntentPrediction]:
        """One prediction a text, in their order; any text is accepted, read up to 64 tokens."""
        if not texts:
            return []
        model = self.model
        view = model.space.view(self.vectors(texts))
        probabilities = model.calibration.probabilities(view, model.space.row_classes)
        unknown = model.out_of_scope.probability(view)
        ranked = np.argsort(-probabilities, axis=1, kind="stable")[:, :RANKED]
        predictions = []
        for row, order in enumerate(ranked):
            ranking = tuple((model.labels[label], float(probabilities[row, label])) for label in order)
            predictions.append(IntentPrediction(*ranking[0], ranking, float(unknown[row]), self._nearest(view, row)))
        return predictions

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """The texts as the model sees them, at two depths side by side: (n, 2 * d)."""
        return self._embedder.encode_deep([clean(text) for text in texts])

    def _nearest(self, view: View, row: int) -> tuple[NearestRow, ...]:
        model = self.model
        return tuple(
            NearestRow(model.row_texts[index], model.labels[model.space.row_classes[index]], float(cosine))
            for index, cosine in zip(view.neighbours[row, :NEAREST], view.closeness[row, :NEAREST], strict=True)
        )
