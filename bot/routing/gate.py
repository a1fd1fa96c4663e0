"""The learned gate: the calibrated probability that answering is right, against what being wrong costs.

Two logistic regressions over a handful of signals, fitted on labelled questions: that the best quote is right, and that
a human is needed where it is not said. With them stand the thresholds that were chosen on the same rows, and the rows'
own probabilities, each from a fit that had not seen it, so that a threshold can be chosen again for other costs or
another risk. It is stored as JSON in the release.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bot.messages import Understanding
from bot.routing.signals import Signals

MIN_ROWS = 20
FEATURES = (
    "bias",
    "answer_logit",
    "cosine",
    "in_scope",
    "question_intent",
    "verbatim",
    "margin",
    "cosine_margin",
    "dense_rank",
    "keyword_rank",
    "agree",
    "share",
    "coverage",
    "quote_coverage",
    "unknown",
    "figures",
    "kind",
    "length",
    "known",
    "known_elsewhere",
    "unanswered",
)
FIRST_FEATURES = FEATURES[:6]
"""What a gate weighed that was stored without the names of its features."""
PRIOR = (0.0, 1.0, *(0.0 for _ in FEATURES[2:]))
"""The gate before any row: the reader's own confidence."""
LIMIT = 6.0
LONGEST_STEP = 2.0
"""Most that a weight moves in one Newton step: far from the optimum the full step overshoots."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Gate:
    """`weights` and `need` belong to `FEATURES`: the log-odds that the best quote is right, and that a human is needed.

    Thresholds are probabilities in [0, 1]: an answer needs `answer`, a flow `flow`, small talk `smalltalk`; above
    `out_of_scope` nothing known is meant; two intents within `close` are a doubt; a matter for a person is one with
    `concern`; a human is fetched without being offered first where one is needed with `human`. `calibration` holds
    (probability, right) of labelled questions that reach the gate. One that was fitted on nothing fetches a human.
    """

    weights: tuple[float, ...] = PRIOR
    answer: float = 0.6
    flow: float = 0.6
    smalltalk: float = 0.5
    out_of_scope: float = 0.6
    close: float = 0.25
    concern: float = 0.9
    human: float = 0.0
    need: tuple[float, ...] = ()
    calibration: tuple[tuple[float, bool], ...] = ()

    def p_right(self, signals: Signals) -> float:
        """Calibrated probability in [0, 1] that quoting the best answer is right."""
        if signals.answer_confidence <= 0.0:
            return 0.0
        return _sigmoid(float(np.dot(self.weights, features(signals))))

    def p_human(self, signals: Signals) -> float:
        """Calibrated probability in [0, 1] that a human is needed: no document answers, or it is no question."""
        return _sigmoid(float(np.dot(self.need, features(signals)))) if self.need else 0.0

    def to_json(self) -> dict[str, Any]:
        stored = {each.name: getattr(self, each.name) for each in fields(self)}
        calibration = [[round(p, 4), right] for p, right in self.calibration]
        return {**stored, "features": list(FEATURES), "weights": list(self.weights), "need": list(self.need)} | {
            "calibration": calibration
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Gate:
        """Read it back; weights are matched by the names of their features, one that is not named counts nothing."""
        names = stored.get("features", FIRST_FEATURES)
        given = {each.name: stored[each.name] for each in fields(cls) if each.name in stored}
        given["weights"] = _matched(names, stored["weights"])
        given["need"] = _matched(names, stored["need"]) if stored.get("need") else ()
        given["calibration"] = tuple((float(p), bool(right)) for p, right in stored.get("calibration", ()))
        return cls(**given)

    def with_thresholds(self, **thresholds: float) -> Gate:
        return replace(self, **thresholds)  # type: ignore[arg-type]


def _matched(names: Sequence[str], weights: Sequence[float]) -> tuple[float, ...]:
    by_name = dict(zip(names, weights, strict=True))
    if unknown := set(by_name) - set(FEATURES):
        raise ValueError(
            f"the gate weighs {', '.join(sorted(unknown))}, which this version does not know; fit it again"
        )
    return tuple(float(by_name.get(name, 0.0)) for name in FEATURES)


def features(signals: Signals) -> tuple[float, ...]:
    """The values of `FEATURES` for one message."""
    confidence = min(max(signals.answer_confidence, 1e-4), 1 - 1e-4)
    found = signals.evidence
    return (
        1.0,
        min(max(math.log(confidence / (1 - confidence)), -LIMIT), LIMIT),
        signals.cosine,
        1.0 - signals.understanding.out_of_scope,
        question_mass(signals.understanding),
        float(signals.verbatim),
        found.margin,
        found.cosine_margin,
        found.dense_rank,
        found.keyword_rank,
        float(found.agree),
        found.share,
        found.coverage,
        found.quote_coverage,
        found.unknown,
        found.figures,
        found.kind,
        math.log1p(found.length) / 4.0,
        found.known,
        found.known_elsewhere,
        found.unanswered,
    )


def question_mass(understanding: Understanding) -> float:
    """Confidence that falls on intents that ask something (named `ask_…`), in [0, 1]."""
    return min(sum(confidence for name, confidence in understanding.ranking if name.startswith("ask_")), 1.0)


def fit_gate(rows: Sequence[Signals], right: Sequence[bool], *, trust: float = 10.0) -> Gate:
    """Weights by logistic regression with a Gaussian prior around the default gate (Newton steps).

    The default is the reader's own confidence; the weights leave it only as far as the rows say. `trust` is how many
    rows' worth the default counts. Without `MIN_ROWS` right and wrong rows it stands as it is.
    """
    kept = [(features(row), good) for row, good in zip(rows, right, strict=True) if row.answer_confidence > 0]
    goods = sum(good for _, good in kept)
    if min(goods, len(kept) - goods) < MIN_ROWS:
        return Gate()
    x, y = np.array([values for values, _ in kept]), np.array([float(good) for _, good in kept])
    return Gate(weights=fit_weights(x, y, np.array(PRIOR), trust=trust))


def fit_need(rows: Sequence[Signals], needed: Sequence[bool], *, trust: float = 3.0) -> tuple[float, ...]:
    """The weights of `Gate.need`, around a prior of nothing; () without `MIN_ROWS` rows that need a human and that do
    not."""
    goods = sum(needed)
    if min(goods, len(rows) - goods) < MIN_ROWS:
        return ()
    x, y = np.array([features(row) for row in rows]), np.array([float(each) for each in needed])
    return fit_weights(x, y, np.zeros(len(FEATURES)), trust=trust)


def fit_weights(x: Floats, y: Floats, prior: Floats, *, trust: float, steps: int = 100) -> tuple[float, ...]:
    """Weights of shape (features,) for rows `x` (n, features) and labels `y` (n,) in {0, 1}; see `fit_gate`."""
    penalty = trust * np.eye(x.shape[1])
    penalty[0, 0] = trust / 10
    w = prior.copy()
    for _ in range(steps):
        p = 1 / (1 + np.exp(-np.clip(x @ w, -60, 60)))
        step = np.linalg.solve((x.T * (p * (1 - p))) @ x + penalty, x.T @ (p - y) + penalty @ (w - prior))
        step *= min(1.0, LONGEST_STEP / max(float(np.abs(step).max()), 1e-12))
        while _loss(x, y, w - step, prior, penalty) > _loss(x, y, w, prior, penalty) and np.abs(step).max() > 1e-8:
            step /= 2  # steps of full length may go round in a circle
        w -= step
        if float(np.abs(step).max()) < 1e-8:
            break
    return tuple(float(value) for value in w)


def _loss(x: Floats, y: Floats, w: Floats, prior: Floats, penalty: Floats) -> float:
    """What `fit_weights` makes least: the negative log-likelihood and the prior's."""
    logits, away = x @ w, w - prior
    return float(np.sum(np.logaddexp(0.0, logits) - y * logits) + 0.5 * away @ penalty @ away)


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-min(max(value, -60.0), 60.0)))
