"""The company's written policy: `policy.yml`, parsed once into a frozen record, every mistake named with its line.

The file says which intents start flows or small talk, which topics belong to a human, when the desk is open, what a
wrong answer and a human minute cost, how many answers may be wrong, and the sentences the bot uses; and it may hold
rules of its own (`bot.routing.rules`). Each rule's id is what a decision cites. Sections that another part of the
system reads (`FOREIGN`) are kept as they stand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from bot.errors import BadInput
from bot.handoff.hours import Hours
from bot.handoff.plan import Plan, parse_plan
from bot.routing.hashes import short_hash
from bot.routing.rules import LONGEST_ID, WrittenRule, at, read_rules
from bot.understanding.examples.yaml_nodes import Line, read_yaml

FOREIGN = ("teams", "service")
"""Sections of the file that the hand-off reads by itself, from the mapping as it stands."""


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
    """What outcomes cost the company, in one currency. `asking_back` is a customer's patience for one question back;
    `offers_taken` is the share in [0, 1] of customers who take an offered human although none is needed, where the rest
    ask in other words."""

    wrong_answer: float = 6.0
    human_minute: float = 0.6
    minutes_a_conversation: float = 4.0
    large_model_call: float = 0.01
    asking_back: float = 0.25
    offers_taken: float = 0.5

    @property
    def human(self) -> float:
        return self.human_minute * self.minutes_a_conversation

    @property
    def break_even(self) -> float:
        """Probability of being right from which an answer is cheaper than a human, in [0, 1]."""
        return min(max(1.0 - self.human / self.wrong_answer, 0.0), 1.0)

    @property
    def offer_until(self) -> float:
        """Probability that a human is needed up to which offering one is cheaper than fetching one, in [0, 1]."""
        saved = self.human * (1.0 - self.offers_taken)
        return min(max(1.0 - self.asking_back / saved, 0.0), 1.0) if saved else 0.0

    def offer(self, needed: float) -> float:
        """What offering a human costs where one is needed with the probability `needed`."""
        return self.asking_back + self.human * (needed + (1.0 - needed) * self.offers_taken)


@dataclass(frozen=True, slots=True)
class Risk:
    """What is asked of the answers: at most the share `most_wrong` of those given is wrong, said with `confidence`."""

    most_wrong: float
    confidence: float = 0.9


@dataclass(frozen=True, slots=True)
class Learning:
    """Whether trainings also learn from what became of answers (`bot.releases.outcomes`), and how many days back."""

    from_outcomes: bool = True
    days: int = 365


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
    rules: tuple[WrittenRule, ...] = ()
    risk: Risk | None = None
    sections: Mapping[str, Any] = field(default_factory=dict)
    service: Plan = field(default_factory=Plan)
    learning: Learning = field(default_factory=Learning)
    hash: str = ""
    """Of the file's text, so that a decision can name what it was made by; empty where there was no file."""

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
    "distress": "I am sorry. A person will look after this with you.",
    "payment_dispute": "Somebody who can look into payments takes this over now.",
    "wrong_information": "Thank you for saying so. A colleague will put it right.",
    "deletion": "A request about your data is for a person to carry out, so I am passing it on.",
    "offer": "I could not find that in our help pages. Shall I fetch a colleague?",
    "offer_refused": "All right. Ask me anything else, and say so whenever you want a person.",
    "not_found_again": "I could not find that one either. Put it in other words, or tap below for a person.",
    "file_only": "Thank you for the file. I cannot look into files myself, so a person will.",
    "file_in_words": "I cannot look into files. Tell me in words what it is about, or tap below for a person.",
    "while_waiting": "While you wait, this may help:",
}
"""Sentences a company may replace under `sentences:`; the keys are fixed."""

_YES, _NO = frozenset({"yes", "true", "on"}), frozenset({"no", "false", "off"})
_KEYS = {
    "flows",
    "smalltalk",
    "titles",
    "hours",
    "reserved",
    "vip",
    "costs",
    "conditions",
    "rules",
    "risk",
    "learning",
    "failures_before_human",
    "frustration_before_human",
    "sentences",
}


def load_policy(path: Path) -> Policy:
    """Read `policy.yml`; `BadInput` names the file, what was found and what is expected."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: not readable as YAML: {error}") from error
    return read_policy(text, str(path))


def read_policy(text: str, file: str) -> Policy:
    """The same from a file's text; `file` is how messages name it."""
    raw = read_yaml(text, file)
    try:
        return replace(parse_policy(raw), hash=short_hash(text))
    except BadInput as error:
        said = str(error)
        raise BadInput(f"{file}, {said}" if said.startswith("line ") else f"{file}: {said}") from error


def parse_policy(raw: Any) -> Policy:
    """From the parsed YAML, plain values or nodes that know their lines; see the module's text."""
    if not isinstance(raw, dict):
        kind = "nothing" if raw is None else type(raw).__name__
        raise BadInput(f"a policy is a mapping, got {kind}")
    raw = {key: value for key, value in raw.items() if not _is_empty(value)}
    for key in sorted(set(raw) - _KEYS - set(FOREIGN)):
        known = ", ".join(sorted({*_KEYS, *FOREIGN}))
        raise BadInput(at(raw[key], f"unknown keys {key}; known are {known}"))
    reserved = tuple(_reserved(entry) for entry in _list(raw, "reserved"))
    rules = read_rules(raw.get("conditions"), raw.get("rules"))
    _require_different([*reserved, *rules], [*_list(raw, "reserved"), *_list(raw, "rules")])
    return Policy(
        flows=frozenset(_words(raw, "flows")),
        smalltalk=_texts(raw, "smalltalk"),
        titles=_texts(raw, "titles"),
        hours=_hours(raw),
        reserved=reserved,
        vip=_vip(raw.get("vip")),
        costs=_costs(_mapping(raw, "costs")),
        failures_before_human=int(_number(raw, "failures_before_human", 3, 1, 100)),
        frustration_before_human=_number(raw, "frustration_before_human", 0.8, 0, 1),
        sentences=_sentences(raw),
        rules=rules,
        risk=_risk(raw.get("risk")),
        sections={key: _plain(raw[key]) for key in FOREIGN if key in raw},
        service=_service(raw),
        learning=_learning(raw),
    )


def _service(raw: Mapping[str, Any]) -> Plan:
    try:
        return parse_plan({key: _plain(raw[key]) for key in ("service", "vip") if key in raw})
    except BadInput as error:
        raise BadInput(at(raw.get("service"), str(error))) from error


def _sentences(raw: Mapping[str, Any]) -> dict[str, str]:
    sentences = _texts(raw, "sentences")
    for key in sorted(set(sentences) - set(SENTENCES)):
        value = raw["sentences"][key]
        raise BadInput(at(value, f"unknown sentences {key}; known are {', '.join(sorted(SENTENCES))}"))
    return sentences


def _hours(raw: Mapping[str, Any]) -> Hours:
    written = _mapping(raw, "hours")
    try:
        return _parsed_hours(written)
    except BadInput as error:
        raise BadInput(at(_refused_entry(written, raw.get("hours")), str(error))) from error


def _parsed_hours(written: Mapping[str, Any]) -> Hours:
    week = {str(key): _plain(value) for key, value in written.items()}
    zone, holidays, special = week.pop("timezone", None), week.pop("holidays", None), week.pop("special", None)
    return Hours.parse(zone or "UTC", week, holidays or (), special)


def _refused_entry(written: Mapping[str, Any], otherwise: Any) -> Any:
    """The entry of the hours that does not hold by itself, so that a mistake has the line it stands on."""
    for key, value in written.items():
        dates = value.items() if isinstance(value, Mapping) else [(str(each), each) for each in _items(value)]
        alone = [(each, {key: {name: each} if isinstance(value, Mapping) else [each]}) for name, each in dates]
        for node, entry in [*alone, (value, {key: value})]:
            try:
                _parsed_hours(entry)
            except BadInput:
                return node
    special = written.get("special")
    for day, value in special.items() if isinstance(special, Mapping) else ():
        try:
            _parsed_hours({**written, "special": {day: value}})
        except BadInput:
            return value
    return otherwise


def _items(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()


def _vip(raw: Any) -> Vip | None:
    if raw is None:
        return None
    if not isinstance(raw, Mapping) or set(raw) != {"attribute", "value"}:
        raise BadInput(at(raw, "vip names an attribute and a value, such as tier and kestrel"))
    return Vip(str(raw["attribute"]), str(raw["value"]))


def _costs(raw: Mapping[str, Any]) -> Costs:
    known = {each.name for each in fields(Costs)}
    for name in sorted(set(raw) - known):
        raise BadInput(at(raw[name], f"unknown costs {name}; known are {', '.join(sorted(known))}"))
    costs = Costs(**{name: _number(raw, name, 0.0, 0, 1.0 if name == "offers_taken" else 1e9) for name in raw})
    if costs.wrong_answer <= 0:
        raise BadInput(at(raw.get("wrong_answer"), f"costs: wrong_answer must be above 0, got {costs.wrong_answer}"))
    return costs


def _risk(raw: Any) -> Risk | None:
    if raw is None:
        return None
    if not isinstance(raw, Mapping) or set(raw) - {"most_wrong", "confidence"} or "most_wrong" not in raw:
        raise BadInput(at(raw, "risk names most_wrong and confidence, such as 0.05 and 0.9"))
    risk = Risk(_number(raw, "most_wrong", 0.05, 0, 1), _number(raw, "confidence", 0.9, 0, 1))
    if not (0 < risk.most_wrong < 1 and 0 < risk.confidence < 1):
        raise BadInput(at(raw, f"risk: most_wrong and confidence lie between 0 and 1, got {_plain(raw)}"))
    return risk


def _learning(raw: Mapping[str, Any]) -> Learning:
    given = _mapping(raw, "learning")
    for name in sorted(set(given) - {"from_outcomes", "days"}):
        raise BadInput(at(given[name], f"unknown learning {name}; known are days, from_outcomes"))
    said = str(given.get("from_outcomes", "yes")).lower()
    if said not in _YES | _NO:
        raise BadInput(
            at(given["from_outcomes"], f"from_outcomes is yes or no, got {_plain(given['from_outcomes'])!r}")
        )
    return Learning(said in _YES, int(_number(given, "days", 365, 1, 3650)))


def _reserved(entry: Any) -> Reserved:
    found = entry if isinstance(entry, Mapping) else {}
    missing = {"id", "reason", "say"} - set(found)
    if missing or not (found.get("intents") or found.get("words")):
        raise BadInput(at(entry, f"a reserved topic needs id, reason, say, and intents or words; got {sorted(found)}"))
    if len(str(found["id"])) > LONGEST_ID:
        raise BadInput(at(found["id"], f"the id `{found['id']}` is too long; at most {LONGEST_ID} characters"))
    words = [str(word) for word in _list(found, "words")]
    pattern = re.compile(rf"\b(?:{'|'.join(re.escape(word) for word in words)})\b", re.IGNORECASE)
    return Reserved(
        id=str(found["id"]),
        reason=str(found["reason"]),
        say=str(found["say"]),
        intents=frozenset(_words(found, "intents")),
        words=pattern if words else None,
    )


def _require_different(owners: Sequence[Reserved | WrittenRule], entries: Sequence[Any]) -> None:
    seen: set[str] = set()
    for owner, entry in zip(owners, entries, strict=True):
        if owner.id in seen:
            raise BadInput(at(entry, f"two rules have the id `{owner.id}`; rename one, decisions cite it"))
        seen.add(owner.id)


def _list(raw: Mapping[str, Any], key: str) -> Sequence[Any]:
    value = raw.get(key, ())
    if not isinstance(value, list | tuple):
        raise BadInput(at(value, f"{key} is a list, got {_plain(value)!r}"))
    return value


def _words(raw: Mapping[str, Any], key: str) -> list[str]:
    return [str(each) for each in _list(raw, key)]


def _mapping(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = raw.get(key, {})
    if not isinstance(value, Mapping):
        raise BadInput(at(value, f"{key} is a mapping, got {_plain(value)!r}"))
    return value


def _texts(raw: Mapping[str, Any], key: str) -> dict[str, str]:
    for name, value in _mapping(raw, key).items():
        if isinstance(value, Mapping | list | tuple):
            raise BadInput(at(value, f"{key}: {name} is a text, got {_plain(value)!r}"))
    return {str(name): str(value) for name, value in _mapping(raw, key).items()}


def _number(raw: Mapping[str, Any], key: str, default: float, least: float, most: float) -> float:
    value = raw.get(key, default)
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise BadInput(at(value, f"{key} is a number, got {_plain(value)!r}")) from error
    if not least <= number <= most:
        raise BadInput(at(value, f"{key} lies between {least:g} and {most:g}, got {number:g}"))
    return number


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, Line) and value.plain_null)


def _plain(value: Any) -> Any:
    """A node as plain Python: texts, lists and mappings."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Line):
        return None if value.plain_null else str(value)
    return value
