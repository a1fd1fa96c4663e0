"""The flows without Rasa: what is checked, asked, said and done, on a real orders database."""

from __future__ import annotations

from typing import Any

import pytest

from bot.dialogue import flows
from bot.dialogue.orders import OrderBook
from tests.dialogue.conftest import TODAY

NADIA = {"order_number": "WF-204817", "email": "nadia.rahman@post.example"}
GRACE = {"order_number": "WF-204902", "email": "grace@okafor.example"}
OWEN = {"order_number": "WF-204310", "email": "owen.pritchard@inbox.example"}


def test_number_and_address_must_both_match_and_neither_is_told(orders: OrderBook) -> None:
    unknown = flows.check("order_status", {**NADIA, "order_number": "WF-999999"}, orders, TODAY)
    stranger = flows.check("order_status", {**NADIA, "email": "eve@post.example"}, orders, TODAY)
    assert unknown == stranger
    assert unknown.slots["order_number"] is None
    assert unknown.said is not None
    assert "nadia" not in unknown.said.text.lower()


def test_the_third_mismatch_goes_to_a_human(orders: OrderBook) -> None:
    checked = flows.check("order_status", {**NADIA, "email": "eve@post.example", "tries": 2}, orders, TODAY)
    assert "do not match" in checked.ended


@pytest.mark.parametrize("written", ["WF-204817", "wf 204817", "204817", "order WF204817 please"])
def test_order_numbers_are_read_as_people_write_them(written: str, orders: OrderBook) -> None:
    checked = flows.check("order_status", {**NADIA, "order_number": written}, orders, TODAY)
    assert checked.slots["order_number"] == "WF-204817"


REFUSALS = [
    ("cancel_order", {"order_number": "WF-204871", "email": "priya.menon@inbox.example"}, "packing, too late"),
    ("cancel_order", {"order_number": "WF-204488", "email": "marcus@bellandsons.example"}, "cancelled already"),
    ("change_address", NADIA, "safe place"),
    ("start_return", NADIA, "once it has been delivered"),
    ("start_return", {"order_number": "WF-203402", "email": "lewis.grant@mailbox.example"}, "so that has passed"),
    ("start_return", {"order_number": "WF-203118", "email": "dev.patel@post.example"}, "made to order"),
    ("damaged_item", GRACE, "hasn't been delivered yet"),
]


@pytest.mark.parametrize(("flow", "slots", "said"), REFUSALS)
def test_a_flow_that_cannot_go_on_says_why_and_ends(
    flow: str, slots: dict[str, Any], said: str, orders: OrderBook
) -> None:
    checked = flows.check(flow, slots, orders, TODAY)
    assert checked.ended == "told"
    assert checked.said is not None
    assert said in checked.said.text


def test_an_item_is_found_by_part_of_its_name_and_another_is_not(orders: OrderBook) -> None:
    found = flows.check("start_return", {**OWEN, "item": "the chopping board"}, orders, TODAY)
    assert found.slots["item"] == "Beech chopping board"
    missing = flows.check("start_return", {**OWEN, "item": "a toaster"}, orders, TODAY)
    assert missing.slots["item"] is None


def test_a_return_is_opened_once(orders: OrderBook) -> None:
    slots = {**OWEN, "item": "Beech chopping board", "reason": "changed mind", "confirm": True}
    first, again = (flows.start_return(slots, orders, TODAY) for _ in range(2))
    assert first == again
    assert "return RT-50001" in first.text


def test_nothing_changes_without_a_yes(orders: OrderBook) -> None:
    assert "stays as it is" in flows.cancel_order({**GRACE, "confirm": False}, orders, TODAY).text
    order = orders.find(GRACE["order_number"], GRACE["email"])
    assert order is not None
    assert order.state == "Paid"
    flows.cancel_order({**GRACE, "confirm": True}, orders, TODAY)
    cancelled = orders.find(GRACE["order_number"], GRACE["email"])
    assert cancelled is not None
    assert cancelled.state == "Cancelled"
    assert "is cancelled" in flows.cancel_order({**GRACE, "confirm": True}, orders, TODAY).text


def test_an_address_needs_a_number_and_a_town(orders: OrderBook) -> None:
    checked = flows.check("change_address", {**GRACE, "new_address": "my mum's"}, orders, TODAY)
    assert checked.slots["new_address"] is None
    good = flows.check("change_address", {**GRACE, "new_address": "3 Elm Road, Bath BA2 3AB"}, orders, TODAY)
    assert good.said is None


STATES = [
    (NADIA, "out for delivery today", ""),
    ({"order_number": "WF-204601", "email": "zofia.nowak@post.example"}, "That's late", ""),
    ({"order_number": "WF-204777", "email": "ruth.abrams@mailbox.example"}, "on hold", "an order on hold"),
    (OWEN, "was delivered on Friday 13 November", ""),
]


@pytest.mark.parametrize(("slots", "said", "handover"), STATES)
def test_order_status(slots: dict[str, Any], said: str, handover: str, orders: OrderBook) -> None:
    told = flows.order_status(slots, orders, TODAY)
    assert said in told.text
    assert told.handover == handover


def test_refund_status_knows_each_stage(orders: OrderBook) -> None:
    waiting = {"order_number": "WF-204120", "email": "maeve.byrne@post.example"}
    sent = {"order_number": "WF-204055", "email": "anneke@dewit.example"}
    late = {"order_number": "WF-203870", "email": "julian.hart@inbox.example"}
    assert "is being checked" in flows.refund_status(waiting, orders, TODAY).text
    assert "We sent £78" in flows.refund_status(sent, orders, TODAY).text
    assert flows.refund_status(late, orders, TODAY).handover == "a refund that is late"
    assert "no refund under way" in flows.refund_status(OWEN, orders, TODAY).text


def test_cheap_damaged_things_need_not_come_back_and_late_reports_go_to_a_human(orders: OrderBook) -> None:
    slots = {**OWEN, "item": "Beech chopping board", "details": "cracked", "remedy": "refund"}
    assert "No need to send it back" in flows.damaged_item(slots, orders, TODAY).text
    old = {"order_number": "WF-204519", "email": "ed.shaw@mailbox.example"}
    told = flows.damaged_item(
        {**old, "item": "Potting Shed hand trowel", "details": "x", "remedy": "refund"}, orders, TODAY
    )
    assert "damage reported late" in told.handover


def test_christmas_orders_go_back_until_january(orders: OrderBook) -> None:
    order = orders.find(OWEN["order_number"], OWEN["email"])
    assert order is not None
    assert flows.return_until(order).isoformat() == "2027-01-31"


def test_the_orders_file_is_big_and_complete(orders: OrderBook) -> None:
    rows = orders._connection.execute("SELECT COUNT(*), COUNT(DISTINCT email) FROM orders").fetchone()
    assert rows[0] >= 60
    assert rows[1] >= 20
