"""The company's written policy: `policy.yml`, parsed once into a frozen record, every mistake named.

The file says which intents start flows or small talk, which topics belong to a human, when the desk is open, what a
wrong answer and a human minute cost, and the sentences the bot uses. Each rule's id is what a decision cites.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from bot.errors import BadInput
from bot.handoff.hours import Hours


@dataclass(frozen=True, slots=True)
class Reserved:
    """A topic that always goes to a human: by intent, or by words (whole words, any case)."""

    id: str
    reason: str
    say: str
    intents: frozenset[str] = frozenset()
    words: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True)
class Vip:
    """Customers whose attribute has this value go to a human as soon as the bot is not sure."""

    attribute: str
    value: str


@dataclass(frozen=True, slots=True)
class Costs:
    """What outcomes cost the company, in one currency."""

    wrong_answer: float = 6.0
    human_minute: float = 0.6
    minutes_a_conversation: float = 4.0
    large_model_call: float = 0.01

    @property
    def human(self) -> float:
        return self.human_minute * self.minutes_a_conversation

    @property
    def break_even(self) -> float:
        """Probability of being right from which an answer is cheaper than a human, in [0, 1]."""
        return min(max(1.0 - self.human / self.wrong_answer, 0.0), 1.0)


@dataclass(frozen=True, slots=True)
class Policy:
    flows: frozenset[str]
    smalltalk: Mapping[str, str]
    titles: Mapping[str, str]
    hours: Hours
    reserved: tuple[Reserved, ...] = ()
    vip: Vip | None = None
    costs: Costs = field(default_factory=Costs)
    failures_before_human: int = 3
    frustration_before_human: float = 0.8
    sentences: Mapping[str, str] = field(default_factory=dict)

    def say(self, key: str) -> str:
        """The company's sentence for `key`, or ours."""
        return self.sentences.get(key, SENTENCES[key])


SENTENCES = {
    "clarify": "I want to be sure I help with the right thing. Which of these is it?",
    "clarify_open": "I did not quite follow. Could you say it in other words, with what it is about?",
    "out_of_scope": "That is outside what I can help with. I know about orders, delivery, returns and our products; "
    "or I can fetch a human.",
    "no_answer": "I could not find that in our help pages, and I would rather not guess.",
    "documents_disagree": "Our pages do not agree about that, so a colleague will tell you what holds.",
    "out_of_date": "Our page about that is due for a check, so a colleague will tell you what holds now.",
    "human": "Of course.",
    "flow_unavailable": "I cannot look into orders at the moment, so I am passing this to a colleague who can.",
    "frustrated": "I am sorry, this has not gone the way it should. Let me get somebody.",
    "while_waiting": "While you wait, this may help:",
}
"""Sentences a company may replace under `sentences:`; the keys are fixed."""

_KEYS = {
    "flows",
    "smalltalk",
    "titles",
    "hours",
    "reserved",
    "vip",
    "costs",
    "failures_before_human",
    "frustration_before_human",
    "sentences",
}


def load_policy(path: Path) -> Policy:
    """Read `policy.yml`; `BadInput` names the file, what was found and what is expected."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadInput(f"{path}: not readable as YAML: {error}") from error
    try:
        return parse_policy(raw)
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from error


def parse_policy(raw: Any) -> Policy:
    """From the parsed YAML; see the module's text."""
    if not isinstance(raw, dict):
        raise BadInput(f"a policy is a mapping, got {type(raw).__name__}")
    if unknown := set(raw) - _KEYS:
        raise BadInput(f"unknown keys {', '.join(sorted(unknown))}; known are {', '.join(sorted(_KEYS))}")
    sentences = raw.get("sentences", {})
    if unknown := set(sentences) - set(SENTENCES):
        raise BadInput(f"unknown sentences {', '.join(sorted(unknown))}; known are {', '.join(sorted(SENTENCES))}")
    week = dict(raw.get("hours", {}))
    hours = Hours.parse(week.pop("timezone", "UTC"), holidays=week.pop("holidays", ()), week=week)
    return Policy(
        flows=frozenset(raw.get("flows", ())),
        smalltalk=dict(raw.get("smalltalk", {})),
        titles=dict(raw.get("titles", {})),
        hours=hours,
        reserved=tuple(_reserved(entry) for entry in raw.get("reserved", ())),
        vip=Vip(**raw["vip"]) if raw.get("vip") else None,
        costs=_costs(raw.get("costs", {})),
        failures_before_human=int(raw.get("failures_before_human", 3)),
        frustration_before_human=float(raw.get("frustration_before_human", 0.8)),
        sentences=sentences,
    )


def _costs(raw: Mapping[str, Any]) -> Costs:
    known = {each.name for each in fields(Costs)}
    if unknown := set(raw) - known:
        raise BadInput(f"unknown costs {', '.join(sorted(unknown))}; known are {', '.join(sorted(known))}")
    costs = Costs(**{name: float(value) for name, value in raw.items()})
    if costs.wrong_answer <= 0:
        raise BadInput(f"costs: wrong_answer must be above 0, got {costs.wrong_answer}")
    return costs


def _reserved(entry: Mapping[str, Any]) -> Reserved:
    missing = {"id", "reason", "say"} - set(entry)
    if missing or not (entry.get("intents") or entry.get("words")):
        raise BadInput(f"a reserved topic needs id, reason, say, and intents or words; got {sorted(entry)}")
    words = entry.get("words", ())
    pattern = re.compile(rf"\b(?:{'|'.join(re.escape(str(word)) for word in words)})\b", re.IGNORECASE)
    return Reserved(
        id=entry["id"],
        reason=entry["reason"],
        say=entry["say"],
        intents=frozenset(entry.get("intents", ())),
        words=pattern if words else None,
    )
