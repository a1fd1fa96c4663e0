"""The rehearsal before a training: tune on most rows, look at the rest. Belongs to training: imports torch.

Rows held out show how sure the model may be. Rows of intents that were left out altogether look the way requests do
that nobody thought of, so they show what is out of scope; the company's own out-of-scope rows are added.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bot.understanding.calibration import Calibration, expected_calibration_error, fit_sharpness
from bot.understanding.outofscope import OutOfScope, features, fit_out_of_scope
from bot.understanding.tuning.finetuning import Tuned, encode_deep, fine_tune
from bot.understanding.tuning.material import Material
from bot.understanding.tuning.recipe import Recipe
from bot.understanding.tuning.surveying import survey

FEWEST_HELD_OUT = 20
_FEWEST_INTENTS_TO_LEAVE_OUT = 6


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What was learned about being sure. `accuracy` and `ece` in [0, 1] are of the held-out rows, None without."""

    calibration: Calibration
    out_of_scope: OutOfScope
    accuracy: float | None = None
    ece: float | None = None


@dataclass(frozen=True, slots=True)
class Split:
    """Positions of rows: tuned on, held out of known intents, and of intents that were left out."""

    tuned: tuple[int, ...]
    held_out: tuple[int, ...]
    left_out: tuple[int, ...]


def split_rows(classes: Sequence[int], recipe: Recipe, seed: int) -> Split:
    """Rows for the rehearsal, by intent: about `recipe.rehearsal_rows` in all. Intents of one or two rows are never
    held out. Fewer than `FEWEST_HELD_OUT` rows to hold out leave nothing to rehearse with: the split is empty."""
    chance = random.Random(seed)
    by_class: dict[int, list[int]] = defaultdict(list)
    for row, label in enumerate(classes):
        by_class[label].append(row)
    share = min(1.0, recipe.rehearsal_rows / max(len(classes), 1))
    strange = _left_out_classes(sorted(by_class), recipe, chance)
    tuned, held_out, left_out = [], [], []
    for label in sorted(by_class):
        rows = by_class[label]
        chance.shuffle(rows)
        rows = rows[: max(2, round(share * len(rows)))]
        held = max(1, round(recipe.held_out * len(rows))) if len(rows) >= 3 else 0
        if label in strange:
            left_out += rows
        else:
            held_out += rows[:held]
            tuned += rows[held:]
    if len(held_out) < FEWEST_HELD_OUT:
        return Split((), (), ())
    return Split(tuple(tuned), tuple(held_out), tuple(left_out))


def rehearse(
    base: Path, material: Material, split: Split, recipe: Recipe, *, seed: int, on_step: Callable[[], None]
) -> Rehearsal:
    """Calibration and out-of-scope fit for a model of this material; defaults where the split is empty."""
    mixture = Calibration(recipe.scale, recipe.linear_share, recipe.vote_share)
    if not split.held_out:
        return Rehearsal(mixture, OutOfScope())
    part = material.only(split.tuned)
    tuned = fine_tune(base, *part.with_names(recipe.name_rows), recipe, seed=seed, on_step=on_step)
    return _look(tuned, part, material, split, recipe, mixture)


def _look(
    tuned: Tuned, part: Material, material: Material, split: Split, recipe: Recipe, mixture: Calibration
) -> Rehearsal:
    strangers = encode_deep(tuned, part.strangers)
    space = survey(
        tuned.directions,
        encode_deep(tuned, part.texts),
        part.classes,
        strangers,
        encode_deep(tuned, part.names),
        recipe,
    )
    number = {label: index for index, label in enumerate(sorted({material.classes[row] for row in split.tuned}))}
    truth = [number[material.classes[row]] for row in split.held_out]
    view = space.view(encode_deep(tuned, [material.texts[row] for row in split.held_out]))
    left_out = space.view(encode_deep(tuned, [material.texts[row] for row in split.left_out]))
    unknown = [features(left_out), features(space.view(strangers, leave_self=True))]
    calibration = fit_sharpness(mixture, view, space.row_classes, truth)
    probabilities = calibration.probabilities(view, space.row_classes)
    correct = probabilities.argmax(axis=1) == np.asarray(truth)
    return Rehearsal(
        calibration,
        fit_out_of_scope(features(view), np.concatenate(unknown)),
        float(correct.mean()),
        expected_calibration_error(probabilities.max(axis=1).tolist(), correct.tolist()),
    )


def _left_out_classes(labels: Sequence[int], recipe: Recipe, chance: random.Random) -> set[int]:
    if len(labels) < _FEWEST_INTENTS_TO_LEAVE_OUT:
        return set()
    return set(chance.sample(list(labels), max(1, round(recipe.left_out * len(labels)))))
