"""The out-of-scope probability on clouds of vectors whose truth is known."""

from __future__ import annotations

import numpy as np

from bot.understanding.measuring.metrics import auroc
from bot.understanding.outofscope import FEATURES, SHARE, SIGNS, OutOfScope, features, fit_out_of_scope
from bot.understanding.space import Space, Vectors
from bot.understanding.tuning.recipe import Recipe
from bot.understanding.tuning.surveying import kept_rows, survey
from retrieval.embedder import normalised


def cloud(chance: np.random.Generator, centre: int, rows: int) -> Vectors:
    """Texts of one class, at two depths."""
    depths = [normalised(np.eye(16)[centre] + chance.normal(0, 0.12, (rows, 16))) for _ in range(2)]
    return np.concatenate(depths, axis=1)


def both_depths(vectors: Vectors) -> Vectors:
    """Vectors of the last layer as if the layer before saw the same."""
    return np.concatenate([vectors, vectors], axis=1)


def three_classes() -> tuple[Space, np.random.Generator]:
    chance = np.random.default_rng(0)
    rows = np.concatenate([cloud(chance, centre, 40) for centre in range(3)])
    classes = np.repeat([0, 1, 2], 40).tolist()
    directions = np.eye(16, dtype=np.float32)[:3]
    recipe = Recipe(epochs=1, neighbours_an_intent=30, linear_share=0.5, name_rows=1)
    return survey(directions, rows, classes, cloud(chance, 9, 8), directions, recipe), chance


def test_strangers_are_told_apart_with_a_fitting_probability() -> None:
    space, chance = three_classes()
    fit = fit_out_of_scope(
        features(space.view(np.concatenate([cloud(chance, centre, 40) for centre in range(3)]))),
        features(space.view(cloud(chance, 5, 60))),
    )
    known = fit.probability(space.view(cloud(chance, 1, 200)))
    unknown = fit.probability(space.view(cloud(chance, 7, 200)))
    assert auroc(unknown, known) > 0.99
    assert known.mean() < SHARE < 0.8 < unknown.mean()
    assert (known < fit.threshold).mean() > 0.9
    assert OutOfScope.from_json({name: getattr(fit, name) for name in fit.__slots__}) == fit


def test_no_view_speaks_against_its_meaning() -> None:
    chance = np.random.default_rng(3)
    shared = chance.normal(0, 1, 400)
    known, unknown = shared[:200], shared[200:] - 2.0
    alike = [np.column_stack([side + chance.normal(0, 0.3, 200) for _ in FEATURES]) for side in (known, unknown)]
    fit = fit_out_of_scope(*alike)
    coefficients = fit.coefficients[:-1]
    assert all(coefficient * sign >= 0 for coefficient, sign in zip(coefficients, SIGNS, strict=True))
    assert 0.0 in coefficients


def test_too_few_rows_leave_the_default_which_still_ranks() -> None:
    space, chance = three_classes()
    fit = fit_out_of_scope(features(space.view(cloud(chance, 0, 5))), features(space.view(cloud(chance, 5, 5))))
    assert fit == OutOfScope()
    view_in, view_out = space.view(cloud(chance, 1, 50)), space.view(cloud(chance, 8, 50))
    assert auroc(fit.probability(view_out), fit.probability(view_in)) > 0.95


def test_a_view_names_the_nearest_rows_best_first() -> None:
    space, _ = three_classes()
    assert space.rows.shape == (90, 16)
    assert kept_rows([0, 1, 0, 0], 2) == [0, 1, 2]
    seen = space.view(both_depths(space.rows[:4]))
    assert seen.neighbours[:, 0].tolist() == [0, 1, 2, 3]
    assert (np.diff(seen.closeness, axis=1) <= 1e-6).all()


def test_both_heads_know_their_classes() -> None:
    space, chance = three_classes()
    seen = space.view(cloud(chance, 2, 20))
    assert (seen.cosines.argmax(axis=1) == 2).all()
    assert (seen.linear.argmax(axis=1) == 2).all()


def test_the_spread_inside_classes_is_white_after_whitening() -> None:
    space, chance = three_classes()
    rows = np.concatenate([cloud(chance, centre, 400) for centre in range(3)])
    distance = space.view(rows).distance
    assert 12 < distance.mean() < 22  # the mean of chi-squared with 16 degrees of freedom is 16


def test_known_strangers_ignore_themselves_when_fitted_on() -> None:
    space, _ = three_classes()
    strangers = both_depths(space.strangers)
    alone, all_of_them = space.view(strangers, leave_self=True), space.view(strangers)
    assert (alone.strangeness < all_of_them.strangeness).all()
