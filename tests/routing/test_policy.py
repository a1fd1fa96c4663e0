"""`policy.yml`: the demo's own file loads, and every mistake is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.errors import BadInput
from bot.messages import Understanding
from bot.routing.gate import Gate
from bot.routing.policy import load_policy, parse_policy
from bot.routing.signals import Signals
from tests.conftest import ROOT

MISTAKES: list[tuple[Any, str]] = [
    ([], "a policy is a mapping, got list"),
    ({"flow": []}, "unknown keys flow"),
    ({"sentences": {"helo": "x"}}, "unknown sentences helo"),
    ({"costs": {"wrong": 1}}, "unknown costs wrong"),
    ({"costs": {"wrong_answer": 0}}, "wrong_answer must be above 0"),
    ({"reserved": [{"id": "x"}]}, "a reserved topic needs id, reason, say"),
    ({"hours": {"monday": "08:00-20:00"}}, "opening hours name the days"),
    ({"hours": {"mon": "8-20"}}, "opening hours of mon look like 08:00-20:00"),
    ({"hours": {"mon": "20:00-08:00"}}, "end (08:00) before they begin"),
    ({"hours": {"timezone": "Europe/Bristol"}}, "opening hours"),
]


@pytest.mark.parametrize(("raw", "said"), MISTAKES)
def test_mistakes_are_named(raw: Any, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_policy(raw)
    assert said in str(caught.value)


LINES: list[tuple[str, str]] = [
    ("flows: [a]\nfloes: [b]\n", "policy.yml, line 2: unknown keys floes"),
    ("flows: [a]\ncosts:\n  wrong_answer: much\n", "policy.yml, line 3: wrong_answer is a number, got 'much'"),
    ("costs:\n  human_minute: -1\n", "policy.yml, line 2: human_minute lies between 0 and"),
    ("\ncosts:\n  cats: 1\n", "policy.yml, line 3: unknown costs cats"),
    ("frustration_before_human: 7\n", "policy.yml, line 1: frustration_before_human lies between 0 and 1, got 7"),
    ("sentences:\n  clarify: a\n  helo: b\n", "policy.yml, line 3: unknown sentences helo"),
    ("reserved:\n  - id: x\n    say: y\n", "policy.yml, line 2: a reserved topic needs"),
    ("risk: {most_wrong: 2}\n", "policy.yml, line 1: most_wrong lies between 0 and 1"),
    ("risk:\n  most_wrong: 0\n", "policy.yml, line 2: risk: most_wrong and confidence lie between"),
    ("risk:\n  wrong: 0.1\n", "policy.yml, line 2: risk names most_wrong and confidence"),
    ("learning:\n  from_outcomes: maybe\n", "policy.yml, line 2: from_outcomes is yes or no, got 'maybe'"),
    ("learning:\n  days: 0\n", "policy.yml, line 2: days lies between 1 and 3650"),
    ("learning:\n  from: yes\n", "policy.yml, line 2: unknown learning from"),
    ("hours:\n  timezone: UTC\n  special: {2026-12-24: 8-20}\n", "policy.yml, line 3: opening hours of 2026-12-24"),
    ("hours:\n  mon: 08:00-20:00\n  holidays:\n    - Christmas\n", "policy.yml, line 4: opening hours: a day looks"),
    ("vip: gold\n", "policy.yml, line 1: vip names an attribute and a value"),
    ("flows: a\n", "policy.yml, line 1: flows is a list, got 'a'"),
    ("titles: [a]\n", "policy.yml, line 1: titles is a mapping"),
    ("flows: [a]\nflows: [b]\n", "line 2: the key `flows` stands twice"),
    ("hours: {mon: 8-20}\n", "policy.yml, line 1: opening hours of mon"),
    ("", "policy.yml: a policy is a mapping, got nothing"),
]
RULE = "rules:\n  - id: one\n    when: {when}\n    route: human\n    reason: why\n"
RULES: list[tuple[str, str]] = [
    (RULE.format(when="confidense > 1"), "line 3: rule one: unknown signal `confidense`; did you mean `confidence`?"),
    (RULE.format(when="intent =="), "line 3: rule one: the condition ends where a word is expected"),
    (RULE.format(when="[a]"), "policy.yml, line 3: rule one: a condition is a line of text"),
    (RULE.format(when="rule two"), "line 2: rule one refers to the rule `two`; rules here are one"),
    (RULE.format(when="rule one"), "line 2: a circle: rule one → rule one"),
    (RULE.format(when="waiting").replace("human", "mars"), "line 4: rule one goes to `mars`; routes are human, offer"),
    (RULE.format(when="waiting").replace("reason: why", "raison: why"), "line 2: a rule has the unknown keys raison"),
    (RULE.format(when="waiting").replace("    reason: why\n", ""), "line 2: a rule needs id, when, route and reason"),
    (RULE.format(when="waiting").replace("one", "o" * 50), "is to have no spaces and at most 40 characters"),
    (RULE.format(when="waiting").replace("one", "one two"), "line 2: the id `one two`"),
    (
        RULE.format(when="waiting") + "  - {id: one, when: waiting, route: offer, reason: why}\n",
        "line 6: two rules have the id `one`",
    ),
    (
        "reserved: [{id: one, reason: a, say: b, words: [c]}]\n" + RULE.format(when="waiting"),
        "line 3: two rules have the id `one`",
    ),
    (
        "conditions:\n  a: b and waiting\n  b: not c\n  c: a\n" + RULE.format(when="a"),
        "line 2: a circle: condition a → condition b → condition c → condition a",
    ),
    (
        "conditions:\n  a: rule one\n" + RULE.format(when="a or waiting"),
        "line 2: a circle: condition a → rule one → condition a",
    ),
    ("conditions:\n  waiting: in_hours\n", "line 2: a condition is named `waiting`, which is a signal"),
    ("conditions:\n  not: in_hours\n", "line 2: a condition is named `not`"),
    ("conditions: [a]\n", "policy.yml, line 1: conditions is a mapping"),
    ("rules: a\n", "line 1: rules is a list, got a"),
    ("rules: [a]\n", "line 1: a rule is a mapping"),
]


@pytest.mark.parametrize(("text", "said"), [*LINES, *RULES])
def test_mistakes_are_named_with_their_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "policy.yml"
    path.write_text(text, "utf-8")
    with pytest.raises(BadInput) as caught:
        load_policy(path)
    assert said in str(caught.value)


def test_rules_may_refer_to_rules_and_named_conditions(tmp_path: Path) -> None:
    path = tmp_path / "policy.yml"
    second = "  - {id: two, when: rule one and evening, route: offer, reason: late}\n"
    path.write_text("conditions:\n  evening: out_of_hours\n" + RULE.format(when="failures > 1") + second, "utf-8")
    policy = load_policy(path)
    two = policy.rules[1]
    late = Signals("x", Understanding("", 0.0), failures=2, in_hours=False)
    assert two.holds(late, Gate())
    assert not two.holds(replace(late, failures=1), Gate())
    assert not two.holds(replace(late, in_hours=True), Gate())


def test_sections_of_others_are_kept_as_they_stand(tmp_path: Path) -> None:
    path = tmp_path / "policy.yml"
    path.write_text("teams:\n  trade: {members: [maud]}\n", "utf-8")
    assert load_policy(path).sections == {"teams": {"trade": {"members": ["maud"]}}}


def test_a_policy_has_the_name_of_its_text(tmp_path: Path) -> None:
    one, other = tmp_path / "one.yml", tmp_path / "other.yml"
    one.write_text("flows: [a]\n", "utf-8")
    other.write_text("flows: [b]\n", "utf-8")
    assert len(load_policy(one).hash) == 16
    assert load_policy(one).hash != load_policy(other).hash


def test_the_companys_policy_loads() -> None:
    policy = load_policy(ROOT / "data" / "policy.yml")
    assert policy.flows == set(policy.titles)
    assert {"safety", "legal"} <= {topic.id for topic in policy.reserved}


def test_a_file_that_is_no_yaml_is_named(tmp_path: Path) -> None:
    path = tmp_path / "policy.yml"
    path.write_text("flows: [unclosed")
    with pytest.raises(BadInput) as caught:
        load_policy(path)
    assert str(path) in str(caught.value)
