"""Fitting what the router has learned: the recognition of concerns, the gate, and the thresholds. Belongs to training.

All of it from labelled questions as a draft release sees them. Probabilities that a threshold is chosen on come from
fits that had not seen the question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from bot.releases.release import Release
from bot.routing.evaluation import Judged, Scenario, Seen, answers, fit_thresholds, judge, look_at
from bot.routing.gate import Gate, fit_gate, fit_need
from bot.routing.policy import Policy
from bot.routing.router import decide
from bot.routing.signals import Signals
from bot.routing.thresholds import promise, under
from bot.understanding.concerns import ConcernHead
from bot.understanding.examples.dataset import IntentDataset
from bot.understanding.tone import COMPLAINT_INTENT, HUMAN_INTENT

FOLDS = 10
RECALL, MOST_FALSE = 0.97, 0.03
"""Of the matters for a person the share that the encoder is to recognise by itself, and of the other messages the share
that it may take for one."""
MATTERS_OF_INTENTS = frozenset({HUMAN_INTENT, COMPLAINT_INTENT})
"""Intents whose rows are no harmless sentences; those that the policy reserves are added."""
UNANSWERED = frozenset({"no-answer", "offer-human", "large-model", "sure-answer"})
"""Rules that decide where no written rule, no flow and no small talk did."""


@dataclass(frozen=True, slots=True)
class FittedRouter:
    """The gate, the recognition of concerns (None without examples), and what is known of both."""

    gate: Gate
    concerns: ConcernHead | None = None
    report: dict[str, Any] = field(default_factory=dict)


def fit_router(
    draft: Release,
    scenarios: Sequence[Scenario],
    data: Path,
    *,
    today: date,
    seed: int = 13,
    also: Sequence[Seen] = (),
) -> FittedRouter:
    """Everything the router learns, from rows that say what should happen to them; see `fit_gate_on` for `also`."""
    concerns, concern = fit_concern_head(draft, scenarios, data, seed=seed)
    release = replace(draft, concerns=concerns)
    seen = look_at(scenarios, lambda text: release.look(text, today=today))
    if not seen:
        return FittedRouter(replace(draft.gate, concern=concern), concerns)
    gate = fit_gate_on(seen, release.policy, replace(draft.gate, concern=concern), seed=seed, also=also)
    kept = promise(gate, release.policy)
    report = {"rows": len(seen), "promise": kept.sentence() if kept else "none asked for"}
    return FittedRouter(gate, concerns, report)


def fit_concern_head(
    draft: Release, scenarios: Sequence[Scenario], data: Path, *, seed: int
) -> tuple[ConcernHead | None, float]:
    """The recognition of concerns and its threshold; (None, the default) where the company has no examples."""
    from bot.understanding.tuning.concerns import FILE, calibrated, fit_concerns, read_concerns, threshold

    if not (data / FILE).is_file():
        return None, Gate().concern
    reserved = frozenset().union(*(topic.intents for topic in draft.policy.reserved))
    rows = [
        row.text for row in IntentDataset.read(data / "nlu").rows if row.intent not in MATTERS_OF_INTENTS | reserved
    ]
    classifier = draft.understander.classifier
    head = fit_concerns(read_concerns(data / FILE), rows, classifier, seed=seed)
    # a row that expects a human and does not say why may be either, so it is left out
    told = [each for each in scenarios if each.expect != "human" or each.why]
    texts, matters = [each.text for each in told], [each.matter for each in told]
    head = calibrated(head, texts, matters, classifier)
    found = [head.of(text, classifier) for text in texts]
    probabilities = [each.probability if each else 0.0 for each in found]
    return head, threshold(probabilities, matters, recall=RECALL, most_false=MOST_FALSE)


def fit_gate_on(
    seen: Sequence[Seen], policy: Policy, start: Gate, *, seed: int = 13, also: Sequence[Seen] = ()
) -> Gate:
    """Weights, thresholds and calibration of the gate from labelled rows.

    What the rows `also` say goes into the weights of being right alone: customers rate as they like, so thresholds
    and the promise of `risk` are measured on the labelled rows.
    """
    signals = [each.look.signals(each.scenario.text) for each in seen]
    right = [answers(each) for each in seen]
    more = [(each.look.signals(each.scenario.text), answers(each)) for each in also]
    weights = fit_gate([*signals, *(each for each, _ in more)], [*right, *(good for _, good in more)]).weights
    gate = replace(start, weights=weights)
    open_rows = reaching(signals, policy, gate)
    needed = [seen[row].scenario.expect == "human" for row in open_rows]
    need = fit_need([signals[row] for row in open_rows], needed)
    unseen = held_out(signals, right, seed=seed, also=more)
    calibration = tuple((unseen[row], right[row]) for row in open_rows if unseen[row] > 0)
    gate = replace(gate, need=need, calibration=calibration)
    return under(fit_thresholds(seen, policy, under(gate, policy)), policy)


def cross_judged(
    release: Release,
    scenarios: Sequence[Scenario],
    also: Sequence[Scenario],
    *,
    today: date,
    folds: int,
    seed: int = 13,
) -> tuple[Judged, ...]:
    """Every scenario judged by a gate that was fitted on the other folds and on `also`, in the order given.

    The models are those of the release, and so is the recognition of concerns but for its threshold.
    """
    seen = look_at((*scenarios, *also), lambda text: release.look(text, today=today))
    own, more = seen[: len(scenarios)], seen[len(scenarios) :]
    order = np.random.default_rng(seed).permutation(len(own))
    judged: dict[int, Judged] = {}
    for fold in np.array_split(order, min(folds, len(own))):
        outside = set(fold.tolist())
        rest = [*(each for row, each in enumerate(own) if row not in outside), *more]
        start = replace(release.gate, concern=_concern_threshold(rest, release.gate.concern))
        gate = fit_gate_on(rest, release.policy, start, seed=seed)
        judged |= {row: judge(own[row], release.policy, gate) for row in fold.tolist()}
    return tuple(judged[row] for row in range(len(own)))


def _concern_threshold(seen: Sequence[Seen], default: float) -> float:
    from bot.understanding.tuning.concerns import threshold

    told = [each for each in seen if each.scenario.expect != "human" or each.scenario.why]
    found = [each.look.understanding.concern for each in told]
    if not any(each is not None for each in found):
        return default
    probabilities = [each.probability if each else 0.0 for each in found]
    return threshold(probabilities, [each.scenario.matter for each in told], recall=RECALL, most_false=MOST_FALSE)


def reaching(signals: Sequence[Signals], policy: Policy, gate: Gate) -> list[int]:
    """The rows that the written rules leave to the gate, by number."""
    silent = replace(gate, answer=1.1, out_of_scope=1.1, need=())
    return [row for row, each in enumerate(signals) if decide(each, policy, silent).rule in UNANSWERED]


def held_out(
    signals: Sequence[Signals],
    right: Sequence[bool],
    *,
    seed: int = 13,
    also: Sequence[tuple[Signals, bool]] = (),
) -> list[float]:
    """P(right) of every row by a gate that was fitted on the other folds, and on `also`."""
    order = np.random.default_rng(seed).permutation(len(signals))
    found = [0.0] * len(signals)
    for fold in np.array_split(order, min(FOLDS, len(signals))):
        rest = np.setdiff1d(order, fold)
        rows = [*((signals[row], right[row]) for row in rest), *also]
        gate = fit_gate([each for each, _ in rows], [good for _, good in rows])
        for row in fold:
            found[row] = gate.p_right(signals[row])
    return found
