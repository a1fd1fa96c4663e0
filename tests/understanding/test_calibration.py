"""Calibration on data whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from bot.understanding.calibration import Calibration, expected_calibration_error, fit_sharpness, softmax, votes
from bot.understanding.space import View

NOBODY = np.zeros(1, np.int32)


def view_of(cosines: np.ndarray, neighbours: np.ndarray | None = None, closeness: np.ndarray | None = None) -> View:
    rows = len(cosines)
    nothing = np.zeros(rows, np.float32)
    return View(
        cosines=cosines.astype(np.float32),
        linear=cosines.astype(np.float32)[:, ::-1],
        neighbours=np.zeros((rows, 1), np.int32) if neighbours is None else neighbours,
        closeness=np.ones((rows, 1), np.float32) if closeness is None else closeness,
        centrality=nothing,
        distance=nothing,
        background=nothing,
        strangeness=nothing,
        inner_centrality=nothing,
        inner_relative=nothing,
    )


def test_the_sharpness_that_made_the_labels_is_found() -> None:
    chance = np.random.default_rng(0)
    cosines = chance.uniform(-1, 1, (4_000, 6))
    truth = [int(chance.choice(6, p=row / row.sum())) for row in softmax(5 * cosines).astype(float)]
    fitted = fit_sharpness(Calibration(scale=10.0), view_of(cosines), NOBODY, truth)
    assert fitted.sharpness == pytest.approx(0.5, abs=0.04)
    assert fitted.rows == 4_000
    p = fitted.probabilities(view_of(cosines), NOBODY)
    right = (p.argmax(axis=1) == np.array(truth)).tolist()
    assert expected_calibration_error(p.max(axis=1).tolist(), right) < 0.03


def test_votes_are_shared_by_closeness() -> None:
    seen = view_of(np.zeros((1, 3)), np.array([[0, 1, 2]], np.int32), np.array([[0.9, 0.9, 0.1]], np.float32))
    vote = votes(seen, np.array([2, 2, 0], np.int32))
    assert vote[0, 2] > 0.99
    assert np.isclose(vote.sum(), 1.0)


def test_heads_and_neighbours_are_mixed_by_their_shares() -> None:
    seen = view_of(np.array([[1.0, -1.0, -1.0]]))
    row_classes = np.array([1], np.int32)
    assert Calibration().probabilities(seen, row_classes)[0] == pytest.approx([1, 0, 0], abs=1e-3)
    voted = Calibration(vote_share=0.25).probabilities(seen, row_classes)[0]
    assert voted == pytest.approx([0.75, 0.25, 0], abs=1e-3)
    both = Calibration(linear_share=1.0, vote_share=0.25).probabilities(seen, row_classes)[0]
    assert both == pytest.approx(0.75 * softmax(np.array([[-1.0, -1.0, 1.0]]))[0] + [0, 0.25, 0], abs=1e-3)


def test_without_rows_nothing_is_fitted() -> None:
    assert fit_sharpness(Calibration(vote_share=0.3), view_of(np.zeros((0, 2))), NOBODY, []) == Calibration(
        vote_share=0.3
    )


def test_few_rows_hardly_move_what_is_usual() -> None:
    cosines = np.random.default_rng(1).uniform(-1, 1, (4, 3))
    truth = [int(row.argmin()) for row in cosines]  # every one wrong: alone they would ask for the least sharpness
    assert 0.9 < fit_sharpness(Calibration(scale=3.0), view_of(cosines), NOBODY, truth).sharpness < 1.3
