"""Measuring the router on scenarios: messages with what should happen to each.

A scenario file is JSONL: `{id, text, expect, intent?, documents?, quote?, also?, why?}`. `expect` is a route (answer,
flow, clarify, decline, human, smalltalk); `intent` the flow that should start; `documents` where a right answer may
stand; `quote` what a right answer contains, or one of `also`, where the fact stands in other words; `why` says why a
human is expected: `unanswerable`, or the kind of matter.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from bot.errors import BadInput
from bot.messages import Decision
from bot.routing.gate import Gate
from bot.routing.policy import Policy
from bot.routing.risk import interval
from bot.routing.router import decide
from bot.routing.signals import Look, Signals
from retrieval.documents import Answer
from retrieval.judging import holds

GRID = tuple(number / 20 for number in range(4, 20))
EXPECTED = ("answer", "flow", "clarify", "human", "smalltalk", "decline")
UNANSWERABLE = "unanswerable"


@dataclass(frozen=True, slots=True)
class Scenario:
    """A message and what should happen to it."""

    id: str
    text: str
    expect: str
    intent: str = ""
    documents: tuple[str, ...] = ()
    quote: str = ""
    why: str = ""
    also: tuple[str, ...] = ()

    @property
    def matter(self) -> bool:
        """Whether the row says that this is a matter for a person, whatever the documents hold."""
        return self.expect == "human" and self.why not in ("", UNANSWERABLE)


@dataclass(frozen=True, slots=True)
class Seen:
    """A scenario and what the models make of it; decisions under other thresholds need no second look."""

    scenario: Scenario
    look: Look


@dataclass(frozen=True, slots=True)
class Judged:
    """A scenario with its decision; `right` when the route is the expected one and, for flows, the intent is.

    A human who is offered at once counts where the row does not say that it is a matter for a person, and what is
    declined as none of our business counts where a question back is expected: older files have no word for either.
    """

    scenario: Scenario
    decision: Decision
    right: bool
    answer_right: bool
    p_right: float


@dataclass(frozen=True, slots=True)
class RoutingReport:
    """Shares in [0, 1]. `must_escalate_recall`: of the messages for a human, how many reached one or were offered one
    at once, `fetched_at_once` how many of them without being asked; `matters_at_once`: the same of those that the file
    calls a matter for a person (None where it calls none so), which no offer will do for. `false_escalation_rate`: of
    the others, how many were sent to one or offered one needlessly: the sum of `fetched_needlessly` and
    `offered_needlessly`.

    `coverage_at_5pct_wrong`: the largest share of all messages that could be answered, by falling probability, with
    at most 5 % of the answers wrong. `answerable_answered`: of the answerable, how many got an answer;
    `answerable_at_5pct_wrong`, `answerable_at_2pct_wrong`: the most that could; `best_quote_right`: of how many the
    best quote is right, which no gate can go beyond. `intervals`: 95 % of Clopper and Pearson (1934) for the shares.
    """

    rows: int
    accuracy: float
    must_escalate_recall: float
    false_escalation_rate: float
    coverage_at_5pct_wrong: float
    answered_wrong_rate: float
    per_route: dict[str, dict[str, float]]
    fetched_at_once: float = 0.0
    fetched_needlessly: float = 0.0
    matters_at_once: float | None = None
    offered_needlessly: float = 0.0
    answerable_answered: float = 0.0
    answerable_at_5pct_wrong: float = 0.0
    answerable_at_2pct_wrong: float = 0.0
    best_quote_right: float = 0.0
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)


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
    if not isinstance(also := given.get("also") or [], list) or not all(isinstance(each, str) for each in also):
        raise ValueError(f"also is a list of quotes, got {also!r}")
    return Scenario(
        id=str(given.get("id", number)),
        text=given["text"],
        expect=given["expect"],
        intent=given.get("intent") or "",
        documents=tuple(given.get("documents") or ()),
        quote=given.get("quote") or "",
        why=str(given.get("why") or ""),
        also=tuple(also),
    )


def judge(seen: Seen, policy: Policy, gate: Gate) -> Judged:
    """Decide one scenario as a conversation's first message, and hold it against what was expected."""
    return _judged(seen, seen.look.signals(seen.scenario.text), policy, gate)


def _judged(seen: Seen, signals: Signals, policy: Policy, gate: Gate) -> Judged:
    scenario = seen.scenario
    decision = decide(signals, policy, gate)
    right = _fits(decision.route, scenario)
    if right and decision.route == "flow" and scenario.intent:
        right = signals.understanding.intent == scenario.intent
    return Judged(scenario, decision, right, answers(seen), gate.p_right(signals))


def _fits(route: str, scenario: Scenario) -> bool:
    """Whether this is the route the row expects; see `Judged`."""
    if scenario.expect == "human":
        return route == "human" or (route == "offer" and not scenario.matter)
    return route == scenario.expect or (scenario.expect == "clarify" and route == "decline")


def answers(seen: Seen) -> bool:
    """Whether the best quote is a right answer: it holds what an expected quote says."""
    answer, scenario = seen.look.answer, seen.scenario
    if scenario.expect != "answer" or not isinstance(answer, Answer):
        return False
    if not scenario.quote:
        return any(citation.document in scenario.documents for citation in answer.citations)
    return any(holds(answer.text, quote) for quote in (scenario.quote, *scenario.also))


def report(judged: Sequence[Judged]) -> RoutingReport:
    """The figures of a list of judged scenarios."""
    must = [each for each in judged if each.scenario.expect == "human"]
    others = [each for each in judged if each.scenario.expect != "human"]
    answered = [each for each in judged if each.decision.route == "answer"]
    matters = [each.decision.route == "human" for each in judged if each.scenario.matter]
    answerable = [each for each in judged if each.scenario.expect == "answer"]
    shares = {
        "accuracy": [each.right for each in judged],
        "must_escalate_recall": [each.decision.route in ("human", "offer") for each in must],
        "fetched_at_once": [each.decision.route == "human" for each in must],
        "false_escalation_rate": [each.decision.route in ("human", "offer") for each in others],
        "fetched_needlessly": [each.decision.route == "human" for each in others],
        "offered_needlessly": [each.decision.route == "offer" for each in others],
        "answered_wrong_rate": [not each.answer_right for each in answered],
        "answerable_answered": [each.decision.route == "answer" for each in answerable],
        "best_quote_right": [each.answer_right for each in answerable],
    }
    return RoutingReport(
        rows=len(judged),
        coverage_at_5pct_wrong=coverage(judged, 0.05),
        per_route=_per_route(judged),
        matters_at_once=_share(matters) if matters else None,
        answerable_at_5pct_wrong=coverage(answerable, 0.05),
        answerable_at_2pct_wrong=coverage(answerable, 0.02),
        intervals={name: interval(sum(values), len(values)) for name, values in shares.items() if values},
        **{name: _share(values) for name, values in shares.items()},
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
    pairs = [(each, each.look.signals(each.scenario.text)) for each in seen]
    best = gate.with_thresholds(answer=policy.costs.break_even)
    for _ in range(2):
        for name in ("flow", "smalltalk", "out_of_scope", "close"):
            default = getattr(Gate(), name)
            costs = {value: _total(pairs, policy, best.with_thresholds(**{name: value})) for value in (default, *GRID)}
            affordable = [value for value, each in costs.items() if each <= min(costs.values()) + policy.costs.human]
            best = best.with_thresholds(**{name: min(affordable, key=partial(_distance, default))})
    return best


def _distance(one: float, other: float) -> float:
    return abs(one - other)


def cost(seen: Sequence[Seen], policy: Policy, gate: Gate) -> float:
    """What the decisions on these rows cost the company, in its currency."""
    return _total([(each, each.look.signals(each.scenario.text)) for each in seen], policy, gate)


def _total(pairs: Sequence[tuple[Seen, Signals]], policy: Policy, gate: Gate) -> float:
    return sum(_cost(_judged(each, signals, policy, gate), policy) for each, signals in pairs)


def _cost(judged: Judged, policy: Policy) -> float:
    costs, route = policy.costs, judged.decision.route
    if route == "answer":
        return 0.0 if judged.answer_right else costs.wrong_answer
    if route == "offer":
        return costs.offer(float(judged.scenario.expect == "human")) + costs.human * judged.scenario.matter
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
