"""Measuring the router on scenarios: messages with what should happen to each.

A scenario file is JSONL: `{id, text, expect, intent?, documents?, quote?}`. `expect` is a route (answer, flow, clarify,
human, smalltalk); `intent` the flow that should start; `documents` where a right answer may stand; `quote` what a right
answer contains.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bot.errors import BadInput
from bot.messages import Decision
from bot.routing.gate import Gate
from bot.routing.policy import Policy
from bot.routing.router import decide
from bot.routing.signals import Look
from retrieval.documents import Answer
from retrieval.judging import holds

GRID = tuple(number / 20 for number in range(4, 20))
EXPECTED = ("answer", "flow", "clarify", "human", "smalltalk")


@dataclass(frozen=True, slots=True)
class Scenario:
    """A message and what should happen to it."""

    id: str
    text: str
    expect: str
    intent: str = ""
    documents: tuple[str, ...] = ()
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """A scenario and what the models make of it; decisions under other thresholds need no second look."""

    scenario: Scenario
    look: Look


@dataclass(frozen=True, slots=True)
class Judged:
    """A scenario with its decision; `right` when the route is the expected one and, for flows, the intent is."""

    scenario: Scenario
    decision: Decision
    right: bool
    answer_right: bool
    p_right: float


@dataclass(frozen=True, slots=True)
class RoutingReport:
    """Shares in [0, 1]. `must_escalate_recall`: of the messages for a human, how many reached one;
    `false_escalation_rate`: of the others, how many were sent to one needlessly; `coverage_at_5pct_wrong`: the largest
    share of all messages that could be answered at a threshold where at most 5 % of the answers are wrong."""

    rows: int
    accuracy: float
    must_escalate_recall: float
    false_escalation_rate: float
    coverage_at_5pct_wrong: float
    answered_wrong_rate: float
    per_route: dict[str, dict[str, float]]


def read_scenarios(path: Path) -> tuple[Scenario, ...]:
    """Read a scenario file; `BadInput` names the file, the line and what is off."""
    scenarios = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read as UTF-8 text: {error}") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            scenarios.append(_scenario(json.loads(line), number))
        except (ValueError, RecursionError) as error:
            raise BadInput(f"{path}, line {number}: {error}") from error
    if not scenarios:
        raise BadInput(f"{path} has no scenarios")
    return tuple(scenarios)


def _scenario(given: Any, number: int) -> Scenario:
    if not isinstance(given, dict):
        raise ValueError(f"a scenario is an object, got {type(given).__name__}")
    if given.get("expect") not in EXPECTED:
        raise ValueError(f"expect is one of {', '.join(EXPECTED)}, got {given.get('expect')!r}")
    if not isinstance(given.get("text"), str):
        raise ValueError(f"text is a string, got {given.get('text')!r}")
    if not isinstance(given.get("documents") or [], list):
        raise ValueError(f"documents is a list of ids, got {given['documents']!r}")
    return Scenario(
        id=str(given.get("id", number)),
        text=given["text"],
        expect=given["expect"],
        intent=given.get("intent") or "",
        documents=tuple(given.get("documents") or ()),
        quote=given.get("quote") or "",
    )


def judge(seen: Seen, policy: Policy, gate: Gate) -> Judged:
    """Decide one scenario as a conversation's first message, and hold it against what was expected."""
    scenario = seen.scenario
    signals = seen.look.signals(scenario.text)
    decision = decide(signals, policy, gate)
    right = decision.route == scenario.expect
    if right and decision.route == "flow" and scenario.intent:
        right = signals.understanding.intent == scenario.intent
    return Judged(scenario, decision, right, answers(seen), gate.p_right(signals))


def answers(seen: Seen) -> bool:
    """Whether the best quote is a right answer: it holds what the expected quote says."""
    answer, scenario = seen.look.answer, seen.scenario
    if scenario.expect != "answer" or not isinstance(answer, Answer):
        return False
    if not scenario.quote:
        return any(citation.document in scenario.documents for citation in answer.citations)
    return holds(answer.text, scenario.quote)


def report(judged: Sequence[Judged]) -> RoutingReport:
    """The figures of a list of judged scenarios."""
    must = [each for each in judged if each.scenario.expect == "human"]
    others = [each for each in judged if each.scenario.expect != "human"]
    answered = [each for each in judged if each.decision.route == "answer"]
    return RoutingReport(
        rows=len(judged),
        accuracy=_share(each.right for each in judged),
        must_escalate_recall=_share(each.decision.route == "human" for each in must),
        false_escalation_rate=_share(each.decision.route == "human" for each in others),
        coverage_at_5pct_wrong=coverage(judged, 0.05),
        answered_wrong_rate=_share(not each.answer_right for each in answered),
        per_route=_per_route(judged),
    )


def coverage(judged: Sequence[Judged], wrong: float) -> float:
    """The largest share of rows answered, by falling `p_right`, with at most `wrong` of the answers wrong."""
    ordered = sorted((each for each in judged if each.p_right > 0), key=lambda each: -each.p_right)
    best, mistakes = 0, 0
    for count, each in enumerate(ordered, 1):
        mistakes += not each.answer_right
        if mistakes <= wrong * count:
            best = count
    return best / len(judged) if judged else 0.0


def fit_thresholds(seen: Sequence[Seen], policy: Policy, gate: Gate) -> Gate:
    """The thresholds of least cost on these rows, searched one after the other, twice.

    Of values that cost no more than one human's time above the least, the one nearest to the default is taken: on a
    few hundred rows the rest is chance. The threshold of answering is not searched: it follows from the costs,
    because the gate's probability is calibrated.
    """
    best = gate.with_thresholds(answer=policy.costs.break_even)
    for _ in range(2):
        for name in ("flow", "smalltalk", "out_of_scope", "close"):
            default = getattr(Gate(), name)
            costs = {value: cost(seen, policy, best.with_thresholds(**{name: value})) for value in (default, *GRID)}
            affordable = [value for value, each in costs.items() if each <= min(costs.values()) + policy.costs.human]
            best = best.with_thresholds(**{name: min(affordable, key=partial(_distance, default))})
    return best


def _distance(one: float, other: float) -> float:
    return abs(one - other)


def cost(seen: Sequence[Seen], policy: Policy, gate: Gate) -> float:
    """What the decisions on these rows cost the company, in its currency."""
    return sum(_cost(judge(each, policy, gate), policy) for each in seen)


def _cost(judged: Judged, policy: Policy) -> float:
    costs, route = policy.costs, judged.decision.route
    if route == "answer":
        return 0.0 if judged.answer_right else costs.wrong_answer
    if judged.right:
        return costs.human if route == "human" else 0.0
    missed_human = judged.scenario.expect == "human"
    return costs.human * (2.0 if missed_human else 1.0 if route == "human" else 0.5)


def _per_route(judged: Sequence[Judged]) -> dict[str, dict[str, float]]:
    expected: dict[str, list[Judged]] = defaultdict(list)
    decided: dict[str, list[Judged]] = defaultdict(list)
    for each in judged:
        expected[each.scenario.expect].append(each)
        decided[each.decision.route].append(each)
    return {
        route: {
            "expected": float(len(expected[route])),
            "recall": _share(each.right for each in expected[route]),
            "decided": float(len(decided[route])),
            "precision": _share(each.right for each in decided[route]),
        }
        for route in sorted(set(expected) | set(decided))
    }


def look_at(scenarios: Sequence[Scenario], look: Callable[[str], Look]) -> tuple[Seen, ...]:
    return tuple(Seen(scenario, look(scenario.text)) for scenario in scenarios)


def _share(values: Any) -> float:
    listed = [bool(value) for value in values]
    return sum(listed) / len(listed) if listed else 0.0
