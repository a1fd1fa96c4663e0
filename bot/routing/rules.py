"""The company's own rules of `policy.yml`: an id, a plain condition, and where a message goes for which it holds.

    conditions:                       # parts that have a name
      evening: out_of_hours and not waiting
    rules:
      - id: kestrel-complaint
        when: attribute tier == kestrel and intent == complaint and confidence >= 0.6
        route: human
        reason: a complaint of a priority customer
        say: "One moment, I am fetching somebody."

The language of `when` is `bot.routing.conditions`. Every mistake names its line where the file told it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from bot.errors import BadInput
from bot.routing import conditions
from bot.routing.conditions import Condition
from bot.routing.gate import Gate
from bot.routing.signals import Signals

RuleRoute = Literal["human", "offer", "clarify", "decline", "answer", "large_model"]
ROUTES: tuple[str, ...] = get_args(RuleRoute)
LONGEST_ID = 40
"""Characters of an id: the turn's record keeps it behind a prefix."""
_KEYS = frozenset({"id", "when", "route", "reason", "say"})


@dataclass(frozen=True, slots=True)
class WrittenRule:
    """A rule as the company wrote it. `say` is the sentence that goes with it, empty for the usual one."""

    id: str
    route: RuleRoute
    reason: str
    condition: Condition
    say: str = ""

    def holds(self, signals: Signals, gate: Gate) -> bool:
        """Whether the condition holds, and the route is one that can be gone."""
        if self.route == "answer" and signals.answer_confidence <= 0.0:
            return False
        if self.route == "large_model" and not signals.large_model_available:
            return False
        return self.condition.holds(signals, gate)


def read_rules(named: Any, listed: Any) -> tuple[WrittenRule, ...]:
    """The rules under `rules:`, with the conditions under `conditions:` that they may use. `BadInput` names the line
    of an unknown signal, a second rule of one id, and a circle of conditions or rules."""
    named, listed = named or {}, listed or []
    if not isinstance(named, Mapping):
        raise BadInput(at(named, f"conditions is a mapping of names to conditions, got {type(named).__name__}"))
    if not isinstance(listed, Sequence) or isinstance(listed, str):
        raise BadInput(
            at(listed, f"rules is a list, got {listed if isinstance(listed, str) else type(listed).__name__}")
        )
    by_name: dict[str, Condition] = {}
    by_rule: dict[str, Condition] = {}
    for name, source in named.items():
        if name in conditions.SIGNALS or name in conditions.KEYWORDS:
            raise BadInput(at(source, f"a condition is named `{name}`, which is a signal; give it another name"))
        by_name[str(name)] = _parsed(source, by_name, by_rule, named, f"condition {name}")
    rules = []
    for entry in listed:
        rule = _rule(entry, by_name, by_rule, named)
        if rule.id in by_rule:
            raise BadInput(at(entry, f"two rules have the id `{rule.id}`; rename one, decisions cite it"))
        by_rule[rule.id] = rule.condition
        rules.append(rule)
    _check_references(named, listed, by_name, by_rule)
    return tuple(rules)


def at(value: object, message: str) -> str:
    """The message with the line that the value stands on, where it is known."""
    line = getattr(value, "line", None)
    return f"line {line}: {message}" if line else message


def _rule(
    entry: Any, by_name: Mapping[str, Condition], by_rule: Mapping[str, Condition], named: Mapping[str, Any]
) -> WrittenRule:
    if not isinstance(entry, Mapping):
        raise BadInput(at(entry, f"a rule is a mapping with id, when, route and reason; got {entry!r}"))
    if unknown := set(entry) - _KEYS:
        raise BadInput(
            at(entry, f"a rule has the unknown keys {', '.join(sorted(unknown))}; known are {_listed(_KEYS)}")
        )
    if missing := {"id", "when", "route", "reason"} - {key for key, value in entry.items() if value}:
        raise BadInput(at(entry, f"a rule needs id, when, route and reason; {', '.join(sorted(missing))} missing"))
    id, route = str(entry["id"]), str(entry["route"])
    if len(id) > LONGEST_ID or any(c.isspace() for c in id):
        raise BadInput(at(entry["id"], f"the id `{id[:60]}` is to have no spaces and at most {LONGEST_ID} characters"))
    if route not in ROUTES:
        raise BadInput(at(entry["route"], f"rule {id} goes to `{route}`; routes are {', '.join(ROUTES)}"))
    condition = _parsed(entry["when"], by_name, by_rule, named, f"rule {id}")
    return WrittenRule(id, cast(RuleRoute, route), str(entry["reason"]), condition, str(entry.get("say") or ""))


def _parsed(
    source: Any,
    by_name: Mapping[str, Condition],
    by_rule: Mapping[str, Condition],
    known: Mapping[str, Any],
    owner: str,
) -> Condition:
    if not isinstance(source, str):
        raise BadInput(at(source, f"{owner}: a condition is a line of text, got {type(source).__name__}"))
    try:
        return conditions.parse(str(source), by_name, by_rule, (str(name) for name in known))
    except BadInput as error:
        raise BadInput(at(source, f"{owner}: {error}")) from error


def _check_references(
    named: Mapping[str, Any],
    listed: Sequence[Any],
    by_name: Mapping[str, Condition],
    by_rule: Mapping[str, Condition],
) -> None:
    """Rules that are referred to exist, and nothing refers to itself, at once or round a corner."""
    places = {f"condition {name}": value for name, value in named.items()}
    places |= {f"rule {entry['id']}": entry for entry in listed}
    owned = {f"condition {name}": condition for name, condition in by_name.items()}
    owned |= {f"rule {id}": condition for id, condition in by_rule.items()}
    referred: dict[str, list[str]] = {}
    for owner, condition in owned.items():
        if unknown := sorted(condition.rules - set(by_rule)):
            ids = _listed(by_rule) or "none"
            raise BadInput(at(places[owner], f"{owner} refers to the rule `{unknown[0]}`; rules here are {ids}"))
        referred[owner] = [f"condition {name}" for name in sorted(condition.names)]
        referred[owner] += [f"rule {id}" for id in sorted(condition.rules)]
    if circle := conditions.cycle(referred):
        raise BadInput(at(places[circle[0]], f"a circle: {' → '.join(circle)}; take one of these references out"))


def _listed(names: Any) -> str:
    return ", ".join(sorted(names))
