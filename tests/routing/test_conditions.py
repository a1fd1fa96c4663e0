"""The language of conditions: what it says, and that every slip is named."""

from __future__ import annotations

from typing import Any

import pytest

from bot.errors import BadInput
from bot.messages import Concern, DialogueState, Entity, Understanding
from bot.routing.conditions import MAX_DEPTH, MAX_LENGTH, Condition, cycle, parse
from bot.routing.gate import Gate
from bot.routing.signals import Signals

UNDERSTOOD = Understanding(
    "complaint",
    0.7,
    frustration=0.5,
    language="en",
    entities=(Entity("order_number", "WF-1", 0, 4),),
    concern=Concern("anger", 0.6, "you lot"),
)
SIGNALS = Signals(
    "There is SMOKE, and it's on fire. WF-1!",
    UNDERSTOOD,
    answer_confidence=0.8,
    attributes={"tier": "Kestrel"},
    failures=2,
    in_hours=False,
    channel="slack",
    dialogue=DialogueState("order_form", "item"),
)


def holds(source: str, signals: Signals = SIGNALS, **named: str) -> bool:
    by_name: dict[str, Condition] = {}
    for name, text in named.items():
        by_name[name] = parse(text, by_name, {}, named)
    return parse(source, by_name, {}, named).holds(signals, Gate())


@pytest.mark.parametrize(
    ("source", "true"),
    [
        ("intent == complaint", True),
        ("intent == COMPLAINT", True),
        ("intent != complaint", False),
        ('intent == "order status"', False),
        ("confidence >= 0.7", True),
        ("confidence > 0.7", False),
        ("confidence<0.71", True),
        ("failures >= 2 and failures <= 2 and failures != 3", True),
        ("p_right >= 0.79", True),
        ("attribute tier == kestrel", True),
        ("attribute tier in [wren, kestrel]", True),
        ("attribute nothing == x", False),
        ("attribute nothing != x", True),
        ("out_of_hours", True),
        ("in_hours", False),
        ("not in_hours and not not out_of_hours", True),
        ("text matches [smoke]", True),
        ("text matches [smok]", False),
        ('text matches [sparks, "on fire"]', True),
        ("text matches [on fire]", True),
        ("text matches [WF-1]", True),
        ("entity order_number", True),
        ("entity email", False),
        ("concern anger >= 0.6", True),
        ("concern safety >= 0.1", False),
        ("concern any > 0.5", True),
        ("channel in [web, slack]", True),
        ("in_flow and slot == item", True),
        ("in_hours and asks_for_human or quoted", True),
        ("in_hours and (asks_for_human or quoted)", False),
        ("in_hours or asks_for_human and quoted", False),
        ("documents == 0", True),
        ("offered == no", True),
        ("words > 3", True),
    ],
)
def test_what_a_condition_says(source: str, true: bool) -> None:
    assert holds(source) is true


def test_conditions_with_names_are_used_by_others() -> None:
    assert holds("upset and not calm", upset="frustration >= 0.5", calm="not upset")
    assert not holds("calm", calm="not upset", upset="frustration >= 0.5")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("", "a condition is empty"),
        ("confidense > 0.5", "unknown signal `confidense`; did you mean `confidence`?"),
        ("qzx", "unknown signal `qzx`; known are "),
        ("confidence", "the condition ends where a comparison such as >= is expected"),
        ("confidence in [1]", "`confidence` is followed by `in`; it is a number"),
        ("confidence >= high", "`confidence` is compared with `high`; it is a number"),
        ("intent > complaint", "a text has no order"),
        ("intent == complaint confidence > 1", "`confidence` stands after the end of the condition"),
        ("(in_hours", "the condition ends where `)` is expected"),
        ("in_hours and", "the condition ends where a signal"),
        ("text == smoke", "`==` stands where `matches` is expected"),
        ("text matches smoke", "`smoke` stands where `[` is expected"),
        ("text matches []", "holds nothing"),
        ("text matches [a", "the condition ends where"),
        ("in_hours ; drop", "`;` stands after the end"),
        ("__import__('os')", "unknown signal `__import__`"),
        ('"in_hours"', "stands where a signal is expected"),
        ('intent == "unclosed', "is not understood"),
        ("(" * (MAX_DEPTH + 1) + "in_hours" + ")" * (MAX_DEPTH + 1), "nested deeper"),
        ("in_hours or " * MAX_LENGTH, "characters, at most"),
    ],
)
def test_slips_are_named(source: str, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        holds(source)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("referred", "circle"),
    [
        ({}, ()),
        ({"a": ["b"], "b": []}, ()),
        ({"a": ["b", "c"], "b": ["c"], "c": []}, ()),
        ({"a": ["a"]}, ("a", "a")),
        ({"x": ["a"], "a": ["b"], "b": ["c"], "c": ["a"]}, ("a", "b", "c", "a")),
    ],
)
def test_circles(referred: dict[str, Any], circle: tuple[str, ...]) -> None:
    assert cycle(referred) == circle
