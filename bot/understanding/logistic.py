"""Ridge-penalised logistic regression by Newton steps: a dozen weights, fitted in milliseconds without scikit-learn."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def fit_logistic(x: Floats, y: Floats, weights: Floats, *, ridge: float = 1.0, steps: int = 100) -> Floats:
    """Coefficients (features + 1), the intercept last and not penalised.

    `x` is (rows, features), best standardised; `y` is 0 or 1 a row; `weights` say how much each row counts.
    """
    design = np.column_stack([x, np.ones(len(x))])
    penalty = ridge * np.eye(design.shape[1])
    penalty[-1, -1] = 1e-6
    coefficients = np.zeros(design.shape[1])
    for _ in range(steps):
        p = sigmoid(design @ coefficients)
        gradient = design.T @ (weights * (p - y)) + penalty @ coefficients
        hessian = (design.T * (weights * p * (1 - p))) @ design + penalty
        step = np.linalg.solve(hessian, gradient)
        step *= min(1.0, 5.0 / max(float(np.abs(step).max()), 1e-12))
        coefficients -= step
        if float(np.abs(step).max()) < 1e-8:
            break
    return coefficients


def sigmoid(values: Floats) -> Floats:
    """1 / (1 + exp(-values)) without overflow."""
    return np.asarray(1 / (1 + np.exp(-np.clip(values, -60, 60))))
