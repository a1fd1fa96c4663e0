"""The action server's protocol: names, events, responses, and the agreement with Rasa's domain."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from bot.dialogue.actions import ACTIONS, run
from bot.dialogue.install import PROJECT
from bot.dialogue.orders import OrderBook
from bot.errors import BadInput, NotFound
from tests.dialogue.conftest import TODAY

NADIA = {"order_number": "WF-204817", "email": "nadia.rahman@post.example"}
GRACE = {"order_number": "WF-204902", "email": "grace@okafor.example"}


def ask(name: str, orders: OrderBook, loop: str | None = None, **slots: Any) -> dict[str, Any]:
    return run({"next_action": name, "tracker": {"slots": slots, "active_loop": {"name": loop}}}, orders, TODAY)


def slots_set(answer: dict[str, Any]) -> dict[str, Any]:
    return {event["name"]: event["value"] for event in answer["events"]}


def test_the_domain_names_exactly_our_actions() -> None:
    domain = yaml.safe_load((PROJECT / "domain.yml").read_text("utf-8"))
    assert set(domain["actions"]) == set(ACTIONS)


def test_a_check_that_changes_nothing_sets_nothing(orders: OrderBook) -> None:
    assert ask("validate_order_status_form", orders, "order_status_form", **NADIA) == {"events": [], "responses": []}


def test_a_check_normalises_what_it_keeps(orders: OrderBook) -> None:
    answer = ask("validate_order_status_form", orders, "order_status_form", order_number="it's wf 204817")
    assert slots_set(answer) == {"order_number": "WF-204817"}


def test_a_refusal_ends_the_form_and_is_told_once(orders: OrderBook) -> None:
    answer = ask("validate_start_return_form", orders, "start_return_form", **NADIA)
    assert slots_set(answer) == {"ended": "told", "requested_slot": None}
    assert len(answer["responses"]) == 1
    end = ask("action_start_return", orders, **NADIA, ended="told")
    assert end["responses"] == []
    assert slots_set(end)["ended"] is None


def test_guessing_is_counted_across_flows(orders: OrderBook) -> None:
    assert "tries" not in slots_set(ask("action_stop", orders, tries=2))


def test_a_reason_for_a_human_is_handed_on(orders: OrderBook) -> None:
    answer = ask("action_order_status", orders, ended="no match")
    assert answer["responses"] == [{"custom": {"handover": "no match"}}]


def test_a_question_carries_its_buttons(orders: OrderBook) -> None:
    answer = ask("action_ask_confirm", orders, "cancel_order_form", **GRACE)
    assert [button["payload"] for button in answer["responses"][0]["buttons"]] == ["/affirm", "/deny"]


def test_what_a_flow_cannot_use_brings_the_question_again(orders: OrderBook) -> None:
    lost = ask("action_default_fallback", orders, "cancel_order_form", **GRACE)
    assert lost["events"] == [{"event": "followup", "name": "cancel_order_form", "timestamp": None}]
    assert "lost the thread" in ask("action_default_fallback", orders)["responses"][0]["text"]


def test_an_unknown_action_is_named(orders: OrderBook) -> None:
    with pytest.raises(NotFound, match="action_dance"):
        ask("action_dance", orders)


@pytest.mark.parametrize("request_", [{}, {"next_action": "action_stop"}, {"next_action": 1, "tracker": {"slots": {}}}])
def test_another_shape_is_bad_input(request_: dict[str, Any], orders: OrderBook) -> None:
    with pytest.raises(BadInput, match="next_action"):
        run(request_, orders, TODAY)
