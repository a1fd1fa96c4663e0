"""The gate under a company's costs and risk: what may change without fitting anything anew. Pure."""

from __future__ import annotations

from dataclasses import replace

from bot.routing.gate import Gate
from bot.routing.policy import Policy
from bot.routing.risk import Guarantee, guarantee
from bot.routing.signals import Signals


def promise(gate: Gate, policy: Policy) -> Guarantee | None:
    """What the labelled questions behind the gate show for the risk the policy asks for; None where it asks none."""
    if policy.risk is None:
        return None
    return guarantee(gate.calibration, policy.risk.most_wrong, policy.risk.confidence)


def under(gate: Gate, policy: Policy) -> Gate:
    """The gate with the thresholds that follow from the policy: of answering, and of fetching a human unasked.

    An answer has to pay (`Costs.break_even`) and, where a risk is promised and the promise can be kept, to keep it.
    """
    kept = promise(gate, policy)
    answer = policy.costs.break_even
    if kept is not None and kept.reached:
        answer = max(answer, kept.threshold)
    return replace(gate, answer=answer, human=policy.costs.offer_until if gate.need else gate.human)


def answers_from(signals: Signals, policy: Policy, gate: Gate) -> float:
    """Probability of being right from which an answer is the cheapest action for this message, in [0, 1].

    Beside a human stands the offer of one, which costs a question back, and a human where one is needed.
    """
    if not gate.need or signals.offered:
        return gate.answer
    instead = min(policy.costs.offer(gate.p_human(signals)), policy.costs.human)
    pays = 1.0 - instead / policy.costs.wrong_answer
    return max(gate.answer, pays)
