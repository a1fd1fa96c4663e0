"""What a policy would have decided on turns that are on record: pure, from records to where each would have gone.

Costs are expectations under the gate, in the policy's currency: an answer costs what a wrong one does, as often as it
is probably wrong; an offer a question back and a human as often as one is taken; flows and small talk nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.messages import Decision, Turn
from bot.routing.gate import Gate
from bot.routing.policy import Costs, Policy
from bot.routing.record import signals_from_json
from bot.routing.router import decide
from bot.routing.signals import Signals

MADE_BY_HAND = frozenset({"held-by-agent", "turn-failed"})
"""Rules of turns that the router was not asked about."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """One turn: the decision on record, the one that would be made, and what each is expected to cost."""

    conversation: str
    message_seq: int
    text: str
    before: Decision
    after: Decision
    cost_before: float
    cost_after: float

    @property
    def moved(self) -> bool:
        return self.before.route != self.after.route


@dataclass(frozen=True, slots=True)
class Replay:
    """All turns of a replay; `skipped` have no record to decide on again."""

    turns: tuple[Replayed, ...] = ()
    skipped: int = 0
    flows: tuple[tuple[str, str, int], ...] = field(default=())

    @property
    def cost_before(self) -> float:
        return sum(each.cost_before for each in self.turns)

    @property
    def cost_after(self) -> float:
        return sum(each.cost_after for each in self.turns)


@dataclass(frozen=True, slots=True)
class Past:
    """A turn on record with the message it answered."""

    conversation: str
    text: str
    payload: str | None
    turn: Turn

    def signals(self) -> Signals:
        """What the router saw."""
        return signals_from_json(
            self.turn.signals, text=self.text, understanding=self.turn.understanding, payload=self.payload
        )


def replay(past: Iterable[Past], before: tuple[Policy, Gate], after: tuple[Policy, Gate]) -> Replay:
    """Decide the turns again by `after`; costs of both sides are those of the policy that would be, so that they can be
    compared, under the gate that was (`before`) and the one that would be."""
    done: list[Replayed] = []
    skipped = 0
    for each in past:
        if not each.turn.signals or each.turn.decision.rule in MADE_BY_HAND:
            skipped += 1
            continue
        signals = each.signals()
        decision = decide(signals, *after)
        costs = after[0].costs
        done.append(
            Replayed(
                conversation=each.conversation,
                message_seq=each.turn.message_seq,
                text=each.text,
                before=each.turn.decision,
                after=decision,
                cost_before=expected_cost(each.turn.decision, signals, costs, before[1]),
                cost_after=expected_cost(decision, signals, costs, after[1]),
            )
        )
    counted = Counter((each.before.route, each.after.route) for each in done)
    flows = tuple((one, other, count) for (one, other), count in sorted(counted.items(), key=lambda each: -each[1]))
    return Replay(tuple(done), skipped, flows)


def differing(past: Sequence[Past], policy: Policy, gate: Gate) -> tuple[Replayed, ...]:
    """The turns whose decision on record is not the one that this policy and gate make: none, under those it names."""
    again = replay(past, (policy, gate), (policy, gate))
    return tuple(each for each in again.turns if each.before != each.after)


def expected_cost(decision: Decision, signals: Signals, costs: Costs, gate: Gate) -> float:
    """What a decision is expected to cost the company; who waits for a human already costs no second one."""
    if decision.route == "answer":
        return (1.0 - gate.p_right(signals)) * costs.wrong_answer
    if decision.route == "human":
        return 0.0 if signals.waiting else costs.human
    if decision.route == "offer":
        return costs.offer(gate.p_human(signals))
    if decision.route in ("clarify", "decline"):
        return costs.asking_back
    return costs.large_model_call if decision.route == "large_model" else 0.0


def figures(made: Replay) -> dict[str, Any]:
    """The replay as JSON: flows between routes, costs, and the turns that moved."""
    return {
        "turns": len(made.turns),
        "skipped": made.skipped,
        "moved": sum(each.moved for each in made.turns),
        "cost_before": round(made.cost_before, 2),
        "cost_after": round(made.cost_after, 2),
        "cost_difference": round(made.cost_after - made.cost_before, 2),
        "flows": [{"from": one, "to": other, "turns": count} for one, other, count in made.flows],
        "changed": [
            {
                "conversation": each.conversation,
                "message": each.message_seq,
                "text": each.text,
                "from": {"route": each.before.route, "rule": each.before.rule},
                "to": {"route": each.after.route, "rule": each.after.rule, "reason": each.after.reason},
            }
            for each in made.turns
            if (each.before.route, each.before.rule) != (each.after.route, each.after.rule)
        ],
    }
