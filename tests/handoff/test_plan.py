"""The desk's rules from the policy: what they say, and that every mistake is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.errors import BadInput
from bot.handoff.plan import PRIORITIES, Plan, parse_plan
from bot.routing.policy import load_policy

DEMO = Path(__file__).parents[2] / "data" / "policy.yml"


def test_the_demo_companys_desk_is_run_by_its_policy() -> None:
    plan = load_policy(DEMO).service
    assert PRIORITIES[plan.priority({"start_return", "safety"})] == "urgent"
    assert PRIORITIES[plan.priority({"order_status"})] == "normal"
    assert plan.team({"refund_status"}) == "returns"
    assert plan.title("returns") == "Returns and refunds"
    assert plan.is_vip({"tier": "kestrel"})
    assert plan.first_answer_minutes["high"] == 15


def test_a_policy_that_says_nothing_has_a_desk_all_the_same() -> None:
    assert parse_plan({}) == Plan()
    assert Plan().team({"anything"}) == ""
    assert Plan().title("gone") == "gone"
    assert not Plan().is_vip({"tier": "kestrel"})


@pytest.mark.parametrize(
    ("service", "said"),
    [
        ([], "service is a mapping, got list"),
        ({"team": []}, "unknown keys team; known are"),
        ({"teams": {"id": "x"}}, "teams is a list"),
        ({"teams": [{"title": "X"}]}, "a team has id, title and topics; got title"),
        ({"teams": [{"id": "x", "topics": "a"}]}, "topics of team 'x' are a list"),
        ({"teams": [{"id": "x"}, {"id": "x"}]}, "two teams have the id 'x'"),
        ({"teams": [{"id": "x" * 61}]}, "at most 60 characters"),
        ({"teams": ["x"]}, "a team is a mapping, got str"),
        ({"priorities": {"now": ["a"]}}, "priorities knows urgent, high, normal, low; got 'now'"),
        ({"priorities": {"high": "a"}}, "high is a list of topics, got str"),
        ({"priorities": {"high": ["a"], "low": ["a"]}}, "'a' is high and low; choose one"),
        ({"first_answer_minutes": {"high": "soon"}}, "high is a number from 0 to 100,000, got 'soon'"),
        ({"first_answer_minutes": {"soon": 1}}, "got 'soon'"),
        ({"warn_after": 1}, "warn_after is a number from 0.01 to 0.99, got 1"),
        ({"capacity": True}, "capacity is a number"),
        ({"assignment": "random"}, "by_hand, round_robin; got 'random'"),
    ],
)
def test_mistakes_are_named(service: Any, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        parse_plan({"service": service})


def test_a_mistake_in_the_file_is_named_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "policy.yml"
    file.write_text("flows: []\nservice:\n  assignment: random\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"policy\.yml.*by_hand, round_robin; got 'random'"):
        load_policy(file)
