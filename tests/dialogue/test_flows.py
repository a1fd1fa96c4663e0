"""What each flow says and does at its end, on a real orders database."""

from __future__ import annotations

from typing import Any

import pytest

from bot.dialogue.flows import ask, finish
from bot.dialogue.orders import OrderBook
from tests.dialogue.conftest import TODAY

NADIA = {"order_number": "WF-204817", "email": "nadia.rahman@post.example"}
GRACE = {"order_number": "WF-204902", "email": "grace@okafor.example"}
OWEN = {"order_number": "WF-204310", "email": "owen.pritchard@inbox.example"}
SOFA = {"order_number": "WF-203118", "email": "dev.patel@post.example"}
CHAIRS = {"order_number": "WF-204391", "email": "callum.reid@mailbox.example"}


def test_a_return_is_opened_once(orders: OrderBook) -> None:
    slots = {**OWEN, "item": "Beech chopping board", "reason": "changed mind", "confirm": True}
    first, again = (finish("start_return", slots, orders, TODAY) for _ in range(2))
    assert first == again
    assert "return RT-50001" in first.text


def test_nothing_changes_without_a_yes(orders: OrderBook) -> None:
    assert "stays as it is" in finish("cancel_order", {**GRACE, "confirm": False}, orders, TODAY).text
    order = orders.find(GRACE["order_number"], GRACE["email"])
    assert order is not None
    assert order.state == "Paid"
    finish("cancel_order", {**GRACE, "confirm": True}, orders, TODAY)
    cancelled = orders.find(GRACE["order_number"], GRACE["email"])
    assert cancelled is not None
    assert cancelled.state == "Cancelled"
    assert "is cancelled" in finish("cancel_order", {**GRACE, "confirm": True}, orders, TODAY).text


STATES = [
    (NADIA, "out for delivery today", ""),
    ({"order_number": "WF-204601", "email": "zofia.nowak@post.example"}, "That's late", ""),
    ({"order_number": "WF-204777", "email": "ruth.abrams@mailbox.example"}, "on hold", "an order on hold"),
    (OWEN, "was delivered on Friday 13 November", ""),
]


@pytest.mark.parametrize(("slots", "said", "handover"), STATES)
def test_order_status(slots: dict[str, Any], said: str, handover: str, orders: OrderBook) -> None:
    told = finish("order_status", slots, orders, TODAY)
    assert said in told.text
    assert told.handover == handover


def test_refund_status_knows_each_stage(orders: OrderBook) -> None:
    waiting = {"order_number": "WF-204120", "email": "maeve.byrne@post.example"}
    sent = {"order_number": "WF-204055", "email": "anneke@dewit.example"}
    late = {"order_number": "WF-203870", "email": "julian.hart@inbox.example"}
    assert "is being checked" in finish("refund_status", waiting, orders, TODAY).text
    assert "We sent £78" in finish("refund_status", sent, orders, TODAY).text
    assert finish("refund_status", late, orders, TODAY).handover == "a refund that is late"
    assert "no refund under way" in finish("refund_status", OWEN, orders, TODAY).text


def test_cheap_damaged_things_need_not_come_back_and_late_reports_go_to_a_human(orders: OrderBook) -> None:
    slots = {**OWEN, "item": "Beech chopping board", "details": "cracked", "remedy": "refund"}
    assert "No need to send it back" in finish("damaged_item", slots, orders, TODAY).text
    old = {"order_number": "WF-204519", "email": "ed.shaw@mailbox.example"}
    told = finish(
        "damaged_item", {**old, "item": "Potting Shed hand trowel", "details": "x", "remedy": "refund"}, orders, TODAY
    )
    assert "damage reported late" in told.handover


def test_every_item_can_be_reported_damaged(orders: OrderBook) -> None:
    told = finish(
        "damaged_item", {**SOFA, "item": "Marsh sofa, oatmeal", "details": "torn", "remedy": "refund"}, orders, TODAY
    )
    assert "over 48 hours ago" in told.text
    assert "damage reported late" in told.handover


TRACES = [
    ({"order_number": "WF-204601", "email": "zofia.nowak@post.example"}, "opened trace TR-30001", ""),
    ({"order_number": "WF-204733", "email": "tom.ashworth@mailbox.example"}, "last scanned it on", ""),
    ({"order_number": "WF-204655", "email": "ingrid@solberg.example"}, "after 7 working days", ""),
    ({"order_number": "WF-204688", "email": "farah.aziz@post.example"}, "opened trace TR-30001", ""),
    (
        {"order_number": "WF-204212", "email": "sam@whitlock.example"},
        "over 14 days ago",
        "a missing parcel reported late",
    ),
]


@pytest.mark.parametrize(("slots", "said", "handover"), TRACES)
def test_a_parcel_is_traced_when_it_is_late(slots: dict[str, Any], said: str, handover: str, orders: OrderBook) -> None:
    told = finish("missing_parcel", {**slots, "looked": True}, orders, TODAY)
    assert said in told.text
    assert told.handover == handover


WAYS_BACK = [
    (OWEN, "board", "QR code"),
    ({"order_number": "WF-204640", "email": "maeve.byrne@post.example"}, "towels", "€5.95"),
    ({"order_number": "WF-202197", "email": "ingrid@solberg.example"}, "toaster", "yours to pay"),
    (SOFA, "sofa", "free as it is faulty"),
]


@pytest.mark.parametrize(("slots", "item", "said"), WAYS_BACK)
def test_how_a_return_travels(slots: dict[str, Any], item: str, said: str, orders: OrderBook) -> None:
    filled = {**slots, "item": item, "reason": "faulty", "confirm": True}
    assert said in finish("start_return", filled, orders, TODAY).text


def test_made_to_order_is_cancelled_in_its_free_days_and_by_a_human_after(orders: OrderBook) -> None:
    free = {"order_number": "WF-204905", "email": "alice.fenwick@mailbox.example", "confirm": True}
    paid = {"order_number": "WF-204844", "email": "beth.lowry@inbox.example", "confirm": True}
    assert "is cancelled" in finish("cancel_order", free, orders, TODAY).text
    assert finish("cancel_order", paid, orders, TODAY).handover == "cancelling made-to-order furniture"


def test_a_sealed_item_goes_back_unopened_only(orders: OrderBook) -> None:
    slots = {"order_number": "WF-203991", "email": "siobhan.kelly@post.example", "item": "Dunlin wool pillow"}
    assert "seal has to be unbroken" in ask("confirm", "start_return", {**slots, "reason": "wrong size"}, orders).text


def test_a_flow_without_its_order_goes_to_a_human(orders: OrderBook) -> None:
    assert finish("order_status", {}, orders, TODAY).handover == "a flow without its order"
