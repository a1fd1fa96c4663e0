"""How likely each intent is for each row, said by a model that has not seen the row. Belongs to training: scikit-learn.

The encoder stays frozen and a logistic regression is fitted on four fifths of the rows for the fifth that is left,
as confident learning wants it (Northcutt, Jiang and Chuang, 2021). The same text is always held out together, so that
no row is judged by its own copy.
"""

from __future__ import annotations

import random
import warnings
from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from bot.understanding.space import Indices, Vectors

Probabilities = npt.NDArray[np.float64]
Progress = Callable[[int, int], None]

FOLDS = 5
_C = 3.0
"""Regularised more than a head that serves (30): it must not learn the wrong rows by heart. Chosen on CLINC150."""

_MOST_STEPS = 200


def out_of_fold(
    vectors: Vectors, classes: Indices, texts: Sequence[str], *, seed: int = 13, progress: Progress | None = None
) -> Probabilities:
    """Probabilities (n, intents) for unit vectors (n, d) of `classes` (n,), each from the folds it is not in.

    An intent all of whose rows are in one fold has probability 0 there. `ValueError` for fewer than two intents.
    """
    folds = assigned_folds(classes, texts, seed)
    told = np.zeros((len(classes), int(classes.max()) + 1))
    for fold in range(FOLDS):
        held = folds == fold
        if progress:
            progress(fold, FOLDS)
        known = np.unique(classes[~held])
        if held.any() and len(known) > 1:
            model = LogisticRegression(C=_C, max_iter=_MOST_STEPS)
            with warnings.catch_warnings(), threadpool_limits(1):
                # products this small run slower on several threads that share their cores with others
                # nearly converged is sure enough here: the order of rows no longer changes
                warnings.simplefilter("ignore", ConvergenceWarning)
                model.fit(vectors[~held], classes[~held])
            told[np.ix_(held, known)] = model.predict_proba(vectors[held])
    if progress:
        progress(FOLDS, FOLDS)
    return told


def assigned_folds(classes: Indices, texts: Sequence[str], seed: int) -> Indices:
    """A fold in 0…FOLDS-1 for every row (n,): equal texts together, every intent spread evenly."""
    groups: dict[str, list[int]] = defaultdict(list)
    for position, text in enumerate(texts):
        groups[text].append(position)
    by_class: dict[int, list[list[int]]] = defaultdict(list)
    for positions in groups.values():
        by_class[int(classes[positions[0]])].append(positions)
    folds = np.zeros(len(texts), dtype=np.int32)
    turn, chance = 0, random.Random(seed)
    for label in sorted(by_class):
        chance.shuffle(by_class[label])
        for positions in by_class[label]:
            folds[positions] = turn % FOLDS
            turn += 1
    return folds
