"""Cases for a policy: a message or its signals, and what has to become of it.

    - case: an upset member is fetched somebody
      signals: {intent: complaint, confidence: 0.9, attributes: {tier: kestrel}, frustration: 0.6}
      text: this will not do
      route: human
      rule: rule:kestrel-upset

`signals` says what the models would make of the text; without them the live release is asked. Unknown keys are named.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from bot.errors import BadInput
from bot.messages import Concern, Decision, DialogueState, Entity, Offered, Route, Understanding
from bot.routing.evidence import Evidence
from bot.routing.gate import Gate
from bot.routing.policy import Policy
from bot.routing.router import decide
from bot.routing.signals import Signals
from bot.understanding.examples.yaml_nodes import Line, read_yaml

_KEYS = frozenset({"case", "text", "signals", "route", "rule", "payload"})
_STATE = (
    "answer_confidence",
    "cosine",
    "verbatim",
    "flows_available",
    "large_model_available",
    "clarified",
    "failures",
    "waiting",
    "in_hours",
    "channel",
    "agents_present",
)
_UNDERSTOOD = ("intent", "confidence", "out_of_scope", "asks_for_human", "frustration", "language")
_MORE = ("attributes", "entities", "concern", "form", "slot", "offered")
KNOWN = (*_UNDERSTOOD, *_STATE, *_MORE)
"""Names that may stand under `signals`."""

_DEFAULTS = Signals("", Understanding("", 0.0))


@dataclass(frozen=True, slots=True)
class Case:
    """A case and the line it stands on; `signals` is None where the live release is to be asked."""

    name: str
    line: int
    text: str
    route: str
    rule: str = ""
    payload: str | None = None
    signals: Signals | None = None


@dataclass(frozen=True, slots=True)
class Tried:
    """A case with what the policy decided."""

    case: Case
    decision: Decision

    @property
    def passed(self) -> bool:
        return self.decision.route == self.case.route and self.case.rule in ("", self.decision.rule)


def read_cases(path: Path) -> tuple[Case, ...]:
    """Read a file of cases; `BadInput` names the file, the line, and what is expected."""
    try:
        found = read_yaml(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read as UTF-8 text: {error}") from error
    if not isinstance(found, list) or not found:
        raise BadInput(f"{path}: a file of cases is a list of one case at least")
    cases = []
    for entry in found:
        line = getattr(entry, "line", 1)
        try:
            cases.append(_case(entry, line))
        except BadInput as error:
            raise BadInput(f"{path}, line {line}: {error}") from error
    return tuple(cases)


def try_cases(
    cases: tuple[Case, ...], policy: Policy, gate: Gate, look: Callable[[str], Signals] | None
) -> list[Tried]:
    """Decide each case. `look` reads a text as the live release does; `BadInput` where it is needed and None."""
    tried = []
    for case in cases:
        signals = case.signals
        if signals is None:
            if look is None:
                raise BadInput(f"line {case.line}: {case.name} has no signals and no release is live; state them")
            signals = look(case.text)
        tried.append(Tried(case, decide(replace(signals, payload=case.payload), policy, gate)))
    return tried


def _case(entry: Any, line: int) -> Case:
    if not isinstance(entry, Mapping):
        raise BadInput(f"a case is a mapping with {', '.join(sorted(_KEYS))}")
    if unknown := sorted(set(entry) - _KEYS):
        raise BadInput(f"unknown keys {', '.join(unknown)}; known are {', '.join(sorted(_KEYS))}")
    if not entry.get("text") or entry.get("route") not in get_args(Route):
        routes = ", ".join(get_args(Route))
        raise BadInput(f"a case needs a text and a route of {routes}; got {entry.get('route') or 'none'}")
    text, payload = str(entry["text"]), entry.get("payload")
    given = entry.get("signals")
    if given is not None and not isinstance(given, Mapping):
        raise BadInput(f"signals is a mapping, got {given!r}")
    return Case(
        name=str(entry.get("case") or text),
        line=line,
        text=text,
        route=str(entry["route"]),
        rule=str(entry.get("rule") or ""),
        payload=str(payload) if payload else None,
        signals=_signals(text, given) if given is not None else None,
    )


def _signals(text: str, given: Mapping[str, Any]) -> Signals:
    if unknown := sorted(set(given) - set(KNOWN)):
        raise BadInput(f"unknown signals {', '.join(unknown)}; known are {', '.join(KNOWN)}")
    intent = str(given.get("intent", "ask_something"))
    confidence = _typed("confidence", given.get("confidence", "0.9"), 0.9)
    understanding = Understanding(
        intent=intent,
        confidence=confidence,
        ranking=((intent, confidence),),
        out_of_scope=_typed("out_of_scope", given.get("out_of_scope", "0"), 0.0),
        entities=tuple(Entity(str(name), str(name), 0, 0) for name in _listed(given.get("entities"), "entities")),
        asks_for_human=_typed("asks_for_human", given.get("asks_for_human", "no"), False),
        frustration=_typed("frustration", given.get("frustration", "0"), 0.0),
        language=str(given.get("language", "en")),
        concern=_concern(given.get("concern")),
    )
    state = {name: _typed(name, given[name], getattr(_DEFAULTS, name)) for name in _STATE if name in given}
    offered = str(given.get("offered") or "")
    if offered not in get_args(Offered):
        raise BadInput(f"offered is one of {', '.join(filter(None, get_args(Offered)))} or nothing, got {offered!r}")
    return Signals(
        text=text,
        understanding=understanding,
        dialogue=DialogueState(str(given.get("form") or ""), str(given.get("slot") or "")),
        attributes={str(key): str(value) for key, value in _mapped(given.get("attributes"), "attributes").items()},
        evidence=Evidence(),
        **{**state, "offered": offered},
    )


def _concern(given: Any) -> Concern | None:
    found = _mapped(given, "concern")
    if not found:
        return None
    if set(found) != {"kind", "probability"}:
        raise BadInput("concern has a kind and a probability, such as {kind: anger, probability: 0.8}")
    return Concern(str(found["kind"]), _typed("probability", found["probability"], 0.0))


def _typed(name: str, value: Any, like: Any) -> Any:
    """The text of a scalar as what the signal is: yes or no, a number, or a text."""
    said = str(value)
    if isinstance(like, bool):
        if said.lower() not in ("yes", "no", "true", "false"):
            raise BadInput(f"{name} is yes or no, got {said!r}")
        return said.lower() in ("yes", "true")
    if isinstance(like, int | float):
        try:
            return type(like)(float(said))
        except ValueError as error:
            raise BadInput(f"{name} is a number, got {said!r}") from error
    return said


def _mapped(value: Any, name: str) -> Mapping[str, Any]:
    if value is None or (isinstance(value, Line) and value.plain_null):
        return {}
    if not isinstance(value, Mapping):
        raise BadInput(f"{name} is a mapping, got {value!r}")
    return value


def _listed(value: Any, name: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadInput(f"{name} is a list, got {value!r}")
    return value
