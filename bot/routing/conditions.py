"""The plain conditions of `policy.yml`: a small language, parsed by hand into functions, evaluating nothing else.

    condition  = term { "or" term }
    term       = factor { "and" factor }
    factor     = [ "not" ] ( "(" condition ")" | comparison | name )
    comparison = signal operator value              confidence >= 0.6   intent == complaint   channel in [web, slack]
               | "attribute" name operator value    attribute tier == kestrel
               | "concern" name operator number     concern anger >= 0.4
               | "entity" name                      entity order_number
               | "text" "matches" list              text matches [smoke, "on fire"]: whole words, any case
    name       = a signal that is true or false, or a condition that has a name, or "rule" and the id of another rule

Operators are == != < <= > >= and `in`. Words may stand in quotes; what is compared as text is compared in any case.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from bot.errors import BadInput
from bot.routing.gate import Gate
from bot.routing.signals import Signals

MAX_DEPTH = 20
MAX_LENGTH = 2_000

Test = Callable[[Signals, Gate], bool]
_Number = Callable[[Signals, Gate], float]
_Word = Callable[[Signals, Gate], str]

NUMBERS: Mapping[str, _Number] = {
    "confidence": lambda signals, gate: signals.understanding.confidence,
    "out_of_scope": lambda signals, gate: signals.understanding.out_of_scope,
    "frustration": lambda signals, gate: signals.understanding.frustration,
    "p_right": lambda signals, gate: gate.p_right(signals),
    "answer_confidence": lambda signals, gate: signals.answer_confidence,
    "cosine": lambda signals, gate: signals.cosine,
    "margin": lambda signals, gate: signals.evidence.margin,
    "documents": lambda signals, gate: float(signals.evidence.documents),
    "failures": lambda signals, gate: float(signals.failures),
    "clarified": lambda signals, gate: float(signals.clarified),
    "agents_present": lambda signals, gate: float(signals.agents_present),
    "files": lambda signals, gate: float(signals.files),
    "words": lambda signals, gate: float(len(signals.text.split())),
}
WORDS: Mapping[str, _Word] = {
    "intent": lambda signals, gate: signals.understanding.intent,
    "language": lambda signals, gate: signals.understanding.language,
    "channel": lambda signals, gate: signals.channel,
    "flow": lambda signals, gate: signals.dialogue.form,
    "slot": lambda signals, gate: signals.dialogue.slot,
    "offered": lambda signals, gate: signals.offered or "no",
}
FACTS: Mapping[str, Test] = {
    "in_hours": lambda signals, gate: signals.in_hours,
    "out_of_hours": lambda signals, gate: not signals.in_hours,
    "nobody_present": lambda signals, gate: signals.agents_present == 0,
    "asks_for_human": lambda signals, gate: signals.understanding.asks_for_human,
    "waiting": lambda signals, gate: signals.waiting,
    "in_flow": lambda signals, gate: bool(signals.dialogue.form),
    "flows_available": lambda signals, gate: signals.flows_available,
    "large_model_available": lambda signals, gate: signals.large_model_available,
    "quoted": lambda signals, gate: signals.answer_confidence > 0.0,
    "verbatim": lambda signals, gate: signals.verbatim,
    "searches_agree": lambda signals, gate: signals.evidence.agree,
    "documents_object": lambda signals, gate: signals.withheld is not None,
    "tapped": lambda signals, gate: signals.payload is not None,
}
SIGNALS = (*NUMBERS, *WORDS, *FACTS)
SIGNS = ("attribute", "concern", "entity", "rule", "text")
KEYWORDS = frozenset({"and", "or", "not", "in", "matches", *SIGNS})

_TOKEN = re.compile(
    r"""\s*(?:(?P<quoted>"[^"]*"|'[^']*')|(?P<mark>[()\[\],]|==|!=|<=|>=|<|>)|(?P<word>[^\s()\[\],=!<>"']+))"""
)
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "==": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """A parsed condition: `holds` decides, `names` and `rules` are the conditions and rules it refers to."""

    source: str
    holds: Test
    names: frozenset[str] = frozenset()
    rules: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    quoted: bool = False


def parse(
    source: str, named: Mapping[str, Condition], rules: Mapping[str, Condition], known: Iterable[str]
) -> Condition:
    """The condition in `source`. `BadInput` names what was found and what is expected.

    `named` and `rules` are looked into when the condition is asked, so they may be filled later; `known` holds the
    names that will stand in `named`.
    """
    if len(source) > MAX_LENGTH:
        raise BadInput(
            f"a condition has {len(source):,} characters, at most {MAX_LENGTH:,} are read; split it by names"
        )
    return _Parser(source, named, rules, frozenset(known)).parse()


class _Parser:
    def __init__(
        self, source: str, named: Mapping[str, Condition], rules: Mapping[str, Condition], known: frozenset[str]
    ) -> None:
        self._source = source
        self._tokens = _tokens(source)
        self._place = 0
        self._named, self._rules, self._known = named, rules, known
        self._names: set[str] = set()
        self._cited: set[str] = set()
        self._depth = 0

    def parse(self) -> Condition:
        holds = self._condition()
        if (left := self._peek()) is not None:
            raise BadInput(f"`{left.text}` stands after the end of the condition; expected `and`, `or` or nothing")
        return Condition(self._source, holds, frozenset(self._names), frozenset(self._cited))

    def _condition(self) -> Test:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise BadInput(f"a condition is nested deeper than {MAX_DEPTH} levels; give its parts names")
        parts = [self._term()]
        while self._takes("or"):
            parts.append(self._term())
        self._depth -= 1
        return parts[0] if len(parts) == 1 else lambda signals, gate: any(part(signals, gate) for part in parts)

    def _term(self) -> Test:
        parts = [self._factor()]
        while self._takes("and"):
            parts.append(self._factor())
        return parts[0] if len(parts) == 1 else lambda signals, gate: all(part(signals, gate) for part in parts)

    def _factor(self) -> Test:
        negated = False
        while self._takes("not"):
            negated = not negated
        if self._takes("("):
            inner = self._condition()
            self._expect(")")
        else:
            inner = self._atom()
        return (lambda signals, gate: not inner(signals, gate)) if negated else inner

    def _atom(self) -> Test:
        token = self._next("a signal, a name or `(`")
        if token.quoted or not re.match(r"[^\W\d]", token.text):
            raise BadInput(f"`{token.text}` stands where a signal is expected, such as `intent == complaint`")
        name = token.text
        if name == "attribute":
            key = self._next("the name of an attribute").text
            return self._words(lambda signals, gate: signals.attributes.get(key, ""))
        if name == "concern":
            kind = self._next("the kind of a concern").text
            return self._numbers(f"concern {kind}", lambda signals, gate: _concern(signals, kind))
        if name == "entity":
            wanted = self._next("the name of an entity").text
            return lambda signals, gate: any(each.name == wanted for each in signals.understanding.entities)
        if name == "text":
            return self._text()
        if name == "rule":
            return self._rule()
        if name in NUMBERS:
            return self._numbers(name, NUMBERS[name])
        if name in WORDS:
            return self._words(WORDS[name])
        if name in FACTS:
            return FACTS[name]
        if name in self._known:
            self._names.add(name)
            named = self._named
            return lambda signals, gate: named[name].holds(signals, gate)
        raise BadInput(f"unknown signal `{name}`; {_nearest(name, (*SIGNALS, *SIGNS, *self._known))}")

    def _rule(self) -> Test:
        id, rules = self._next("the id of a rule").text, self._rules
        self._cited.add(id)
        return lambda signals, gate: rules[id].holds(signals, gate)

    def _text(self) -> Test:
        self._expect("matches")
        words = self._list()
        pattern = re.compile(rf"(?<!\w)(?:{'|'.join(re.escape(word) for word in words)})(?!\w)", re.IGNORECASE)
        return lambda signals, gate: pattern.search(signals.text) is not None

    def _numbers(self, name: str, value: _Number) -> Test:
        operator = self._next("a comparison such as >=").text
        if operator not in _COMPARE:
            raise BadInput(
                f"`{name}` is followed by `{operator}`; it is a number, compare it with {', '.join(_COMPARE)}"
            )
        said = self._next("a number").text
        try:
            bound = float(said)
        except ValueError as error:
            raise BadInput(f"`{name}` is compared with `{said}`; it is a number") from error
        compare = _COMPARE[operator]
        return lambda signals, gate: compare(value(signals, gate), bound)

    def _words(self, value: _Word) -> Test:
        operator = self._next("==, != or in").text
        if operator == "in":
            wanted = frozenset(word.casefold() for word in self._list())
            return lambda signals, gate: value(signals, gate).casefold() in wanted
        if operator not in ("==", "!="):
            raise BadInput(f"`{operator}` stands where ==, != or in is expected; a text has no order")
        expected, equal = self._next("a word").text.casefold(), operator == "=="
        return lambda signals, gate: (value(signals, gate).casefold() == expected) is equal

    def _list(self) -> list[str]:
        self._expect("[")
        words: list[str] = []
        while not self._takes("]"):
            said = [self._next("a word or ]")]
            while (token := self._peek()) is not None and (token.quoted or token.text not in (",", "]")):
                said.append(self._next("a word"))
            words.append(" ".join(each.text for each in said).strip())
            if not self._takes(","):
                self._expect("]")
                break
        if not words or not all(words):
            raise BadInput("a list in a condition holds nothing, or an empty word; expected such as [smoke, sparks]")
        return words

    def _peek(self) -> _Token | None:
        return self._tokens[self._place] if self._place < len(self._tokens) else None

    def _next(self, expected: str) -> _Token:
        token = self._peek()
        if token is None:
            raise BadInput(f"the condition ends where {expected} is expected: `{self._source.strip()}`")
        self._place += 1
        return token

    def _takes(self, text: str) -> bool:
        token = self._peek()
        if token is None or token.quoted or token.text != text:
            return False
        self._place += 1
        return True

    def _expect(self, text: str) -> None:
        found = self._next(f"`{text}`")
        if found.quoted or found.text != text:
            raise BadInput(f"`{found.text}` stands where `{text}` is expected")


def _tokens(source: str) -> list[_Token]:
    tokens, place = [], 0
    while source[place:].strip():
        match = _TOKEN.match(source, place)
        if match is None:
            raise BadInput(f"`{source[place:].strip()[:20]}` is not understood in a condition")
        quoted = match["quoted"] is not None
        tokens.append(_Token(match["quoted"][1:-1] if quoted else match[0].strip(), quoted))
        place = match.end()
    if not tokens:
        raise BadInput("a condition is empty; expected such as `confidence < 0.5 and out_of_hours`")
    return tokens


def _concern(signals: Signals, kind: str) -> float:
    concern = signals.understanding.concern
    return concern.probability if concern is not None and kind in ("any", concern.kind) else 0.0


def _nearest(name: str, known: Iterable[str]) -> str:
    listed = sorted(set(known))
    near = difflib.get_close_matches(name, listed, n=1)
    return f"did you mean `{near[0]}`?" if near else f"known are {', '.join(listed)}"


def cycle(referred: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """The first circle of names that refer to each other, closed (a, b, a); empty where there is none."""
    done: set[str] = set()

    def walk(name: str, path: tuple[str, ...]) -> tuple[str, ...]:
        if name in path:
            return (*path[path.index(name) :], name)
        if name in done:
            return ()
        for following in referred.get(name, ()):
            if found := walk(following, (*path, name)):
                return found
        done.add(name)
        return ()

    for name in referred:
        if found := walk(name, ()):
            return found
    return ()
