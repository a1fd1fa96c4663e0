"""A turn's decision, made again from its record: what the router saw as JSON and back, and what decided by name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from functools import lru_cache
from typing import Any

from bot.messages import Decision, DialogueState, Understanding
from bot.routing.evidence import Evidence
from bot.routing.gate import Gate
from bot.routing.hashes import short_hash
from bot.routing.policy import Policy
from bot.routing.router import decide
from bot.routing.signals import Signals
from retrieval.documents import Abstention

_ELSEWHERE = frozenset({"text", "understanding", "payload"})
"""Fields of `Signals` that the log and the turn's record hold already."""


def signals_to_json(signals: Signals) -> dict[str, Any]:
    """All but what stands in the message and in the understanding; a withheld answer as reason, confidence, cause."""
    stored = {each.name: getattr(signals, each.name) for each in fields(Signals) if each.name not in _ELSEWHERE}
    withheld = signals.withheld
    return {
        **stored,
        "attributes": dict(signals.attributes),
        "dialogue": asdict(signals.dialogue),
        "evidence": asdict(signals.evidence),
        "withheld": withheld and {name: getattr(withheld, name) for name in ("reason", "confidence", "cause")},
    }


def signals_from_json(
    stored: Mapping[str, Any], *, text: str, understanding: Understanding, payload: str | None
) -> Signals:
    """What `signals_to_json` wrote, with the message it belongs to. A field of a later version is left out."""
    known = {each.name for each in fields(Signals)} - _ELSEWHERE
    given = {name: value for name, value in stored.items() if name in known}
    given["dialogue"] = DialogueState(**stored.get("dialogue", {}))
    given["evidence"] = Evidence(**stored.get("evidence", {}))
    given["withheld"] = Abstention(**stored["withheld"]) if stored.get("withheld") else None
    return Signals(text=text, understanding=understanding, payload=payload, **given)


def decide_again(
    stored: Mapping[str, Any],
    *,
    text: str,
    understanding: Understanding,
    payload: str | None,
    policy: Policy,
    gate: Gate,
) -> Decision:
    """The decision on a recorded turn under this policy and gate; the recorded one under those it names."""
    return decide(signals_from_json(stored, text=text, understanding=understanding, payload=payload), policy, gate)


@lru_cache(maxsize=8)
def gate_hash(gate: Gate) -> str:
    """The name of the gate: the hash of how it is stored."""
    return short_hash(json.dumps(gate.to_json(), sort_keys=True))
