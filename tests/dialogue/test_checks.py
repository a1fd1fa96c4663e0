"""What a form accepts, asks again, refuses, and hands over, on a real orders database."""

from __future__ import annotations

from typing import Any

import pytest

from bot.dialogue.checks import check
from bot.dialogue.orders import OrderBook
from tests.dialogue.conftest import TODAY

NADIA = {"order_number": "WF-204817", "email": "nadia.rahman@post.example"}
GRACE = {"order_number": "WF-204902", "email": "grace@okafor.example"}
OWEN = {"order_number": "WF-204310", "email": "owen.pritchard@inbox.example"}
SOFA = {"order_number": "WF-203118", "email": "dev.patel@post.example"}
CHAIRS = {"order_number": "WF-204391", "email": "callum.reid@mailbox.example"}


def test_number_and_address_must_both_match_and_neither_is_told(orders: OrderBook) -> None:
    unknown = check("order_status", {**NADIA, "order_number": "WF-999999"}, orders, TODAY)
    stranger = check("order_status", {**NADIA, "email": "eve@post.example"}, orders, TODAY)
    assert unknown == stranger
    assert unknown.slots["order_number"] is None
    assert unknown.said is not None
    assert "nadia" not in unknown.said.text.lower()


def test_the_third_mismatch_goes_to_a_human(orders: OrderBook) -> None:
    checked = check("order_status", {**NADIA, "email": "eve@post.example", "tries": 2}, orders, TODAY)
    assert "do not match" in checked.ended


@pytest.mark.parametrize("written", ["WF-204817", "wf 204817", "204817", "order WF204817 please"])
def test_order_numbers_are_read_as_people_write_them(written: str, orders: OrderBook) -> None:
    checked = check("order_status", {**NADIA, "order_number": written}, orders, TODAY)
    assert checked.slots["order_number"] == "WF-204817"


REFUSALS = [
    ("cancel_order", {"order_number": "WF-204871", "email": "priya.menon@inbox.example"}, "packing, too late"),
    ("cancel_order", {"order_number": "WF-204488", "email": "marcus@bellandsons.example"}, "cancelled already"),
    ("change_address", NADIA, "safe place"),
    ("start_return", NADIA, "once it has been delivered"),
    ("start_return", {"order_number": "WF-203402", "email": "lewis.grant@mailbox.example"}, "so that has passed"),
    ("start_return", SOFA, "made to order"),
    ("start_return", {"order_number": "WF-204120", "email": "maeve.byrne@post.example"}, "Ask me about its refund"),
    ("start_return", {"order_number": "WF-204488", "email": "marcus@bellandsons.example"}, "nothing to send back"),
    ("start_return", {"order_number": "WF-204519", "email": "ed.shaw@mailbox.example", "item": "bulbs"}, "has passed"),
    ("cancel_order", {"order_number": "WF-203655", "email": "hannah.price@inbox.example"}, "already being made"),
    ("cancel_order", OWEN, "return it within 60 days"),
    ("change_address", CHAIRS, "three working days before"),
    ("missing_parcel", GRACE, "hasn't left us yet"),
    ("missing_parcel", NADIA, "on the van today"),
    ("missing_parcel", {"order_number": "WF-204120", "email": "maeve.byrne@post.example"}, "isn't lost"),
    ("damaged_item", GRACE, "you don't have it"),
]


@pytest.mark.parametrize(("flow", "slots", "said"), REFUSALS)
def test_a_flow_that_cannot_go_on_says_why_and_ends(
    flow: str, slots: dict[str, Any], said: str, orders: OrderBook
) -> None:
    checked = check(flow, slots, orders, TODAY)
    assert checked.ended == "told"
    assert checked.said is not None
    assert said in checked.said.text


def test_an_item_is_found_by_part_of_its_name_and_another_is_not(orders: OrderBook) -> None:
    found = check("start_return", {**OWEN, "item": "the chopping board"}, orders, TODAY)
    assert found.slots["item"] == "Beech chopping board"
    missing = check("start_return", {**OWEN, "item": "a toaster"}, orders, TODAY)
    assert missing.slots["item"] is None


def test_an_address_needs_a_number_and_a_town(orders: OrderBook) -> None:
    checked = check("change_address", {**GRACE, "new_address": "my mum's"}, orders, TODAY)
    assert checked.slots["new_address"] is None
    good = check("change_address", {**GRACE, "new_address": "3 Elm Road, Bath BA2 3AB"}, orders, TODAY)
    assert good.said is None


def test_an_address_in_another_country_is_refused(orders: OrderBook) -> None:
    checked = check(
        "change_address", {**GRACE, "new_address": "12 Rue des Carmes, 44000 Nantes, France"}, orders, TODAY
    )
    assert checked.slots["new_address"] is None
    assert checked.said is not None
    assert "another country" in checked.said.text


def test_a_fault_lifts_what_cannot_go_back(orders: OrderBook) -> None:
    assert check("start_return", {**SOFA, "reason": "faulty"}, orders, TODAY).ended == ""


@pytest.mark.parametrize(
    ("asked", "value"),
    [("order_number", "owen.pritchard@inbox.example"), ("email", "sorry, it's WF-204310")],
)
def test_the_answer_to_the_other_question_is_not_called_wrong(asked: str, value: str, orders: OrderBook) -> None:
    checked = check("order_status", {asked: value}, orders, TODAY)
    assert checked.slots[asked] is None
    assert checked.said is None


def test_a_correction_does_not_become_the_description(orders: OrderBook) -> None:
    slots = {**OWEN, "item": "chopping board", "details": "sorry, wrong number, it's WF-204310"}
    checked = check("damaged_item", slots, orders, TODAY)
    assert checked.slots["details"] is None
    assert checked.said is None


@pytest.mark.parametrize(
    "details", ["it gave me a shock", "the glass cut my hand", "there was smoke", "my son was hurt"]
)
def test_harm_goes_to_a_human(details: str, orders: OrderBook) -> None:
    checked = check("damaged_item", {**OWEN, "item": "board", "details": details}, orders, TODAY)
    assert "hurt" in checked.ended


@pytest.mark.parametrize(
    "details", ["cut in half lengthwise", "shocking quality", "not as sparkling as in the picture"]
)
def test_strong_words_alone_are_no_harm(details: str, orders: OrderBook) -> None:
    slots = {**OWEN, "item": "board", "details": details}
    assert check("damaged_item", slots, orders, TODAY).ended == ""


def test_a_remedy_is_one_of_two(orders: OrderBook) -> None:
    slots = {**OWEN, "item": "board", "details": "cracked"}
    assert (
        check("damaged_item", {**slots, "remedy": "just send a new one"}, orders, TODAY).slots["remedy"]
        == "replacement"
    )
    assert check("damaged_item", {**slots, "remedy": "replacement or refund"}, orders, TODAY).slots["remedy"] is None


def test_a_match_forgives_the_tries_before_it(orders: OrderBook) -> None:
    assert check("order_status", {**NADIA, "tries": 2}, orders, TODAY).slots["tries"] is None
