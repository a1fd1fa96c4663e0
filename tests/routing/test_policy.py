"""`policy.yml`: the demo's own file loads, and every mistake is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.errors import BadInput
from bot.routing.policy import load_policy, parse_policy
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
