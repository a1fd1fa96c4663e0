from __future__ import annotations

import numpy as np
import pytest

from retrieval.confidence import FEATURES, ConfidenceModel, best_threshold, fit_confidence
from retrieval.reader import DEFAULT_MODEL


def rows(count: int, seed: int = 5) -> tuple[list[np.ndarray], list[bool]]:
    """Questions whose first signal after the bias decides, with noise."""
    random = np.random.default_rng(seed)
    features = np.hstack([np.ones((count, 1)), random.uniform(size=(count, len(FEATURES) - 1))])
    right = random.uniform(size=count) < 1 / (1 + np.exp(-6 * (features[:, 1] - 0.5)))
    return list(features), right.tolist()


def test_confidence_is_calibrated_on_questions_not_seen() -> None:
    model = fit_confidence(*rows(600))
    features, right = rows(2000, seed=6)
    confidences = np.array([model.confidence(each) for each in features])
    for low in np.arange(0, 1, 0.2):
        inside = (confidences >= low) & (confidences < low + 0.2)
        assert abs(confidences[inside].mean() - np.mean(np.array(right)[inside])) < 0.1


def test_the_threshold_follows_the_cost() -> None:
    careless, careful = (fit_confidence(*rows(600), wrong_cost=cost).threshold for cost in (0.5, 5.0))
    assert careless < careful


def test_best_threshold_on_known_answers() -> None:
    confidences, right = np.array([0.9, 0.8, 0.7, 0.6, 0.2]), np.array([1.0, 1.0, 0.0, 1.0, 0.0])
    assert best_threshold(confidences, right, 2.0) == pytest.approx(0.75)
    assert best_threshold(confidences, right, 0.5) == pytest.approx(0.4)
    assert best_threshold(confidences, np.zeros(5), 2.0) == 1.0


def test_too_few_questions_are_refused() -> None:
    features, right = rows(40)
    with pytest.raises(ValueError, match="got 40 questions"):
        fit_confidence(features, right)
    features, _ = rows(100)
    with pytest.raises(ValueError, match="100 answered right"):
        fit_confidence(features, [True] * 100)


def test_json_reads_back_and_other_features_are_refused() -> None:
    assert ConfidenceModel.from_json(DEFAULT_MODEL.to_json()) == DEFAULT_MODEL
    with pytest.raises(ValueError, match="fit them again"):
        ConfidenceModel.from_json({"weights": {"bias": 1.0}, "threshold": 0.5})
    with pytest.raises(ValueError, match="threshold is 7"):
        ConfidenceModel.from_json({**DEFAULT_MODEL.to_json(), "threshold": 7})


def test_extreme_features_stay_probabilities() -> None:
    model = ConfidenceModel((1e6,) * len(FEATURES), 0.5)
    assert model.confidence(np.ones(len(FEATURES))) == pytest.approx(1.0)
    assert model.confidence(-np.ones(len(FEATURES))) == pytest.approx(0.0)
