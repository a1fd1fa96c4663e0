"""Margins to probabilities for contenders that give none: one temperature, fitted on margins of rows not fitted on.

Guo et al., "On Calibration of Modern Neural Networks" (2017). Cross-validation gives the margins, so that all rows
are learned from and none is both learned from and calibrated on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

FOLDS = 3
_SHARPNESSES = np.geomspace(0.05, 50.0, 300)

Margins = npt.NDArray[np.floating]


def cross_validated_sharpness(estimator: Any, x: Any, intents: Sequence[str], *, seed: int) -> float:
    """The factor for margins under which held-out rows are likeliest; 1 where an intent has a single row."""
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    folds = min(FOLDS, *Counter(intents).values())
    if folds < 2:
        return 1.0
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    margins = cross_val_predict(estimator, x, intents, cv=splitter, method="decision_function")
    return fitted_sharpness(two_sided(margins), np.unique(intents, return_inverse=True)[1])


def fitted_sharpness(margins: Margins, classes: npt.NDArray[np.integer]) -> float:
    """The likeliest factor for margins (n, intents) of rows whose classes (n,) are known."""
    rows = np.arange(len(classes))
    losses = [-np.log(probabilities(each * margins)[rows, classes] + 1e-12).mean() for each in _SHARPNESSES]
    return float(_SHARPNESSES[int(np.argmin(losses))])


def two_sided(margins: Margins) -> Margins:
    """Margins (n, intents); scikit-learn gives (n,) where there are two intents."""
    return np.column_stack([-margins, margins]) if margins.ndim == 1 else margins


def probabilities(margins: Margins) -> Margins:
    """Softmax of every row."""
    powers = np.exp(margins - margins.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
