"""Matters for a person, recognised in how people write: a linear head over the live encoder's sentence vectors.

The head is a multinomial logistic regression over kinds of concern and one class of harmless sentences, learned from
the company's examples (`bot.understanding.tuning.concerns`). What it says is the probability that a message is no
harmless one, calibrated on labelled questions (J. Platt, 1999), the likeliest kind, and the nearest example of it.

concerns.npz    weights, bias, and the examples' vectors and kinds: arrays only, nothing that could run
concerns.json   kinds, example texts, calibration, the encoder it belongs to
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bot.errors import BadRelease
from bot.messages import Concern
from bot.understanding.classifier import IntentClassifier
from bot.understanding.logistic import fit_logistic, sigmoid
from bot.understanding.utterances import clean, has_words, windows

FORMAT = 1
ARRAYS, STATED = "concerns.npz", "concerns.json"
_LEAST = 1e-6

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ConcernHead:
    """`weights` (kinds + 1, d) and `bias` (kinds + 1,), harmless first; `kinds` name the rest. `examples` (n, d) are
    unit vectors of `texts`, of the kinds `example_kinds` (n,) from 1. `slope` and `offset` calibrate the log-odds.
    `encoder` is the fingerprint of the weights whose vectors it reads."""

    kinds: tuple[str, ...]
    weights: Vectors
    bias: Vectors
    texts: tuple[str, ...]
    examples: Vectors
    example_kinds: npt.NDArray[np.int32]
    encoder: str
    slope: float = 1.0
    offset: float = 0.0

    def probabilities(self, vectors: Vectors) -> npt.NDArray[np.float64]:
        """(n, kinds + 1) of the head alone, harmless first, not calibrated."""
        logits = np.asarray(vectors @ self.weights.T + self.bias, dtype=np.float64)
        logits -= logits.max(axis=1, keepdims=True)
        odds = np.exp(logits)
        return np.asarray(odds / odds.sum(axis=1, keepdims=True))

    def log_odds(self, vectors: Vectors) -> npt.NDArray[np.float64]:
        """(n,) log-odds that a text is no harmless one, not calibrated."""
        harmless = np.clip(self.probabilities(vectors)[:, 0], _LEAST, 1 - _LEAST)
        return np.asarray(np.log((1 - harmless) / harmless))

    def of(self, text: str, classifier: IntentClassifier) -> Concern | None:
        """The concern of a text, of its most telling part where it is long; None where there is no word in it."""
        plain = clean(text)
        if not has_words(plain):
            return None
        return self.see(classifier.vectors(windows(plain)))

    def see(self, vectors: Vectors) -> Concern:
        """The concern of one text whose parts have these vectors, (parts, d)."""
        odds = self.log_odds(vectors)
        part = int(odds.argmax())
        kind = int(self.probabilities(vectors[part : part + 1])[0, 1:].argmax())
        own = np.flatnonzero(self.example_kinds == kind + 1)
        cosines = self.examples[own].astype(np.float32) @ _unit(vectors[part])
        nearest = int(cosines.argmax())
        probability = float(sigmoid(np.array([self.slope * odds[part] + self.offset]))[0])
        return Concern(self.kinds[kind], probability, self.texts[int(own[nearest])], float(cosines[nearest]))

    def save(self, folder: Path) -> None:
        """Write both files into the folder."""
        np.savez(
            folder / ARRAYS,
            weights=self.weights,
            bias=self.bias,
            examples=self.examples.astype(np.float16),
            example_kinds=self.example_kinds,
        )
        stated = {
            "format": FORMAT,
            "kinds": self.kinds,
            "texts": self.texts,
            "encoder": self.encoder,
            "slope": self.slope,
            "offset": self.offset,
        }
        (folder / STATED).write_text(json.dumps(stated, ensure_ascii=False, indent=1), "utf-8")

    @classmethod
    def load(cls, folder: Path, encoder: str) -> ConcernHead | None:
        """Read it back, None where the folder has none. `BadRelease` where the files do not belong together or the head
        reads the vectors of another encoder than the one with this fingerprint."""
        if not (folder / STATED).is_file():
            return None
        try:
            stated = json.loads((folder / STATED).read_text("utf-8"))
            with np.load(folder / ARRAYS, allow_pickle=False) as arrays:
                loaded = {name: np.asarray(arrays[name]) for name in ("weights", "bias", "examples", "example_kinds")}
            head = cls(
                kinds=tuple(stated["kinds"]),
                weights=loaded["weights"].astype(np.float32),
                bias=loaded["bias"].astype(np.float32),
                texts=tuple(stated["texts"]),
                examples=loaded["examples"].astype(np.float32),
                example_kinds=loaded["example_kinds"].astype(np.int32),
                encoder=str(stated["encoder"]),
                slope=float(stated["slope"]),
                offset=float(stated["offset"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BadRelease(f"{folder}: the recognition of concerns does not load: {error}") from error
        head.require_whole(folder, encoder)
        return head

    def require_whole(self, folder: Path, encoder: str) -> None:
        """`BadRelease` unless the parts fit each other and the encoder."""
        classes, dimension = self.weights.shape
        shapes = (self.bias.shape, self.examples.shape, self.example_kinds.shape)
        expected = ((classes,), (len(self.texts), dimension), (len(self.texts),))
        if classes != len(self.kinds) + 1 or shapes != expected:
            raise BadRelease(f"{folder}: concerns have the shapes {shapes}, expected {expected}; train again")
        if set(range(1, classes)) != set(self.example_kinds.tolist()):
            raise BadRelease(f"{folder}: a kind of concern has no example; train again")
        if self.encoder != encoder:
            raise BadRelease(
                f"{folder}: concerns were learned over the encoder {self.encoder[:12]}…, the intents have "
                f"{encoder[:12]}…; train again"
            )


def unit(vectors: Vectors) -> Vectors:
    """The rows scaled to length 1."""
    return np.asarray(np.stack([_unit(row) for row in vectors]), dtype=np.float32)


def _unit(vector: npt.NDArray[np.floating]) -> Vectors:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9), dtype=np.float32)


def platt(log_odds: Sequence[float], positive: Sequence[bool]) -> tuple[float, float]:
    """Slope and offset that calibrate log-odds to labels; (1, 0) without both kinds."""
    labels = np.asarray(positive, dtype=np.float64)
    if not labels.any() or labels.all():
        return 1.0, 0.0
    x = np.asarray(log_odds, dtype=np.float64)[:, None]
    slope, offset = fit_logistic(x, labels, np.ones(len(labels)), ridge=0.1)
    return max(float(slope), 0.05), float(offset)
