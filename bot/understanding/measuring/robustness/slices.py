"""Accuracy by slice: test rows written otherwise, and test rows by their length, against the whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from random import Random
from typing import Any

from bot.understanding.classifier import IntentPrediction
from bot.understanding.measuring.metrics import paired_difference, part_difference
from bot.understanding.measuring.robustness.perturbations import PERTURBATIONS, Perturbation

Read = Callable[[Sequence[str]], list[IntentPrediction]]
"""One prediction a text."""

Progress = Callable[[int, int], None]

MOST_ROWS = 300
"""Rows that are written otherwise; of more rows these are drawn with the seed."""

FEWEST_ROWS = 20
"""Below it a slice is shown but never called weak: one row would be more than five points."""

WEAK_FALL = 0.05
SHOWN_FLIPS = 5

NATURAL = "length of the rows"
_LENGTHS = (
    ("up_to_5_words", 0, 5),
    ("6_to_12_words", 6, 12),
    ("13_to_25_words", 13, 25),
    ("over_25_words", 26, None),
)


@dataclass(frozen=True, slots=True)
class Flip:
    """A row that went wrong in the slice, and how: `before` is what the row as written is taken for, `after` what the
    changed text is, with its confidence in [0, 1]. In a natural slice `text` is the row and both are equal."""

    written: str
    text: str
    truth: str
    before: str
    after: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Slice:
    """How the model does on one slice; all shares are in [0, 1].

    A slice of changed rows has those of the measured rows that the change altered, and `reference` is the accuracy on
    the very same rows as they were written. A natural slice has some of the test rows, and `reference` is the
    accuracy on all. `difference` is accuracy less reference, `low` to `high` its paired bootstrap's 95 % interval.
    `refused` is the share that the model holds out of scope at its own threshold, `refused_reference` that of the
    reference. `example` is a row before and after. `flips` went wrong, the most confident first.
    """

    name: str
    group: str
    about: str
    source: str
    rows: int
    accuracy: float
    reference: float
    difference: float
    low: float
    high: float
    refused: float
    refused_reference: float
    example: tuple[str, str] | None = None
    flips: tuple[Flip, ...] = ()

    @property
    def weak(self) -> bool:
        """More than five points below the whole, on enough rows to say so."""
        return self.rows >= FEWEST_ROWS and self.difference < -WEAK_FALL - 1e-9

    @property
    def beyond_chance(self) -> bool:
        """Whether the interval of the difference lies below 0."""
        return self.high < 0.0

    def sentence(self) -> str:
        """What it says about the model, for people."""
        certainty = "beyond chance" if self.beyond_chance else "chance is not ruled out"
        return (
            f"weak slice {self.name} ({self.group}): {self.accuracy:.1%} of {self.rows} rows right, "
            f"{-100 * self.difference:.1f} points below {self.reference:.1%}, {certainty}"
        )

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"weak": self.weak, "beyond_chance": self.beyond_chance}


@dataclass(frozen=True, slots=True)
class TestRows:
    """The rows that are sliced: texts, their intents, and what the model takes them for as they are written.
    `threshold` is the model's, for out of scope."""

    __test__ = False

    texts: tuple[str, ...]
    truth: tuple[str, ...]
    predictions: tuple[IntentPrediction, ...]
    threshold: float

    def right(self) -> list[bool]:
        return [each.intent == intent for each, intent in zip(self.predictions, self.truth, strict=True)]

    def only(self, rows: Sequence[int]) -> TestRows:
        return TestRows(
            tuple(self.texts[row] for row in rows),
            tuple(self.truth[row] for row in rows),
            tuple(self.predictions[row] for row in rows),
            self.threshold,
        )


def measure_slices(
    rows: TestRows, read: Read, *, seed: int = 13, most: int = MOST_ROWS, progress: Progress | None = None
) -> tuple[Slice, ...]:
    """Every slice that has a row: those by length over all rows, then `PERTURBATIONS` over at most `most` of them.

    Only texts that a change altered are read again.
    """
    slices = list(natural_slices(rows))
    drawn = rows.only(_drawn(len(rows.texts), most, seed))
    for done, perturbation in enumerate(PERTURBATIONS, start=1):
        measured = changed_slice(drawn, perturbation, read, seed=seed)
        slices += [measured] if measured is not None else []
        if progress is not None:
            progress(done, len(PERTURBATIONS))
    return tuple(slices)


def natural_slices(rows: TestRows) -> list[Slice]:
    """The rows by their number of words."""
    slices = []
    lengths = [len(text.split()) for text in rows.texts]
    right = rows.right()
    for name, fewest, most in _LENGTHS:
        inside = [fewest <= length and (most is None or length <= most) for length in lengths]
        part = rows.only([row for row, chosen in enumerate(inside) if chosen])
        if not part.texts:
            continue
        difference, (low, high) = part_difference(right, inside)
        wrong = [
            Flip(text, text, intent, each.intent, each.intent, each.confidence)
            for text, intent, each in zip(part.texts, part.truth, part.predictions, strict=True)
            if each.intent != intent
        ]
        words = f"{fewest} or more words" if most is None else f"{max(fewest, 1)} to {most} words"
        slices.append(
            Slice(
                name=name,
                group=NATURAL,
                about=f"The test rows of {words}, as they were written.",
                source="",
                rows=len(part.texts),
                accuracy=_share(part.right()),
                reference=_share(right),
                difference=difference,
                low=low,
                high=high,
                refused=_refused(part.predictions, rows.threshold),
                refused_reference=_refused(rows.predictions, rows.threshold),
                flips=_worst(wrong),
            )
        )
    return slices


def changed_slice(rows: TestRows, perturbation: Perturbation, read: Read, *, seed: int) -> Slice | None:
    """The rows that the change alters, before and after; None if it alters none."""
    changed = [perturbation.apply(text, seed=seed, row=row) for row, text in enumerate(rows.texts)]
    altered = [row for row, text in enumerate(changed) if text != rows.texts[row]]
    if not altered:
        return None
    part = rows.only(altered)
    texts = [changed[row] for row in altered]
    after = read(texts)
    before_right = part.right()
    after_right = [each.intent == intent for each, intent in zip(after, part.truth, strict=True)]
    difference, (low, high) = paired_difference(before_right, after_right)
    flips = [
        Flip(written, text, intent, was.intent, now.intent, now.confidence)
        for written, text, intent, was, now in zip(part.texts, texts, part.truth, part.predictions, after, strict=True)
        if was.intent == intent != now.intent
    ]
    return Slice(
        name=perturbation.name,
        group=perturbation.group,
        about=perturbation.about,
        source=perturbation.source,
        rows=len(altered),
        accuracy=_share(after_right),
        reference=_share(before_right),
        difference=difference,
        low=low,
        high=high,
        refused=_refused(after, rows.threshold),
        refused_reference=_refused(part.predictions, rows.threshold),
        example=(part.texts[0], texts[0]),
        flips=_worst(flips),
    )


def _drawn(rows: int, most: int, seed: int) -> list[int]:
    return sorted(Random(f"{seed}/rows").sample(range(rows), min(rows, most)))


def _worst(flips: Sequence[Flip]) -> tuple[Flip, ...]:
    return tuple(sorted(flips, key=lambda flip: (-flip.confidence, flip.written))[:SHOWN_FLIPS])


def _share(right: Sequence[bool]) -> float:
    return sum(right) / len(right) if right else 0.0


def _refused(predictions: Sequence[IntentPrediction], threshold: float) -> float:
    return _share([each.out_of_scope >= threshold for each in predictions])
