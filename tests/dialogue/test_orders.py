"""The orders file: seeded relative to today, changed once, by many at a time."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from bot.dialogue.orders import STATES, OrderBook
from bot.errors import BadInput, NotFound
from tests.conftest import ROOT
from tests.dialogue.conftest import TODAY

SEED = ROOT / "data" / "shop" / "orders.json"
GRACE = ("WF-204902", "grace@okafor.example")


def test_the_demo_has_every_state_and_enough_of_it(orders: OrderBook) -> None:
    entries = json.loads(SEED.read_text("utf-8"))
    assert orders.count() == len(entries) >= 60
    assert len({entry["email"] for entry in entries}) >= 25
    assert {entry["state"] for entry in entries} == set(STATES)


def test_dates_are_relative_to_the_day_of_seeding(tmp_path: Path) -> None:
    later = OrderBook.open(tmp_path / "later.sqlite", SEED, TODAY + timedelta(days=100))
    order = later.find(*GRACE)
    assert order is not None
    assert order.placed_on == TODAY + timedelta(days=100)
    later.close()


def test_a_file_that_exists_is_not_filled_again(tmp_path: Path) -> None:
    first = OrderBook.open(tmp_path / "shop.sqlite", SEED, TODAY)
    first.cancel(GRACE[0])
    first.close()
    again = OrderBook.open(tmp_path / "shop.sqlite", SEED, TODAY + timedelta(days=1))
    order = again.find(*GRACE)
    assert order is not None
    assert order.state == "Cancelled"
    again.close()


def test_the_address_is_part_of_the_key(orders: OrderBook) -> None:
    assert orders.find(GRACE[0], GRACE[1].upper()) is not None
    assert orders.find(GRACE[0], "eve@post.example") is None


def test_what_is_being_packed_does_not_change_any_more(orders: OrderBook) -> None:
    assert orders.cancel("WF-204871").state == "Packing"
    before = orders.find("WF-204871", "priya.menon@inbox.example")
    assert before is not None
    assert orders.change_address("WF-204871", "3 Elm Road, Bath BA2 3AB").address == before.address


def test_a_change_keeps_the_change_before_it(orders: OrderBook) -> None:
    orders.change_address(GRACE[0], "3 Elm Road, Bath BA2 3AB")
    cancelled = orders.cancel(GRACE[0])
    assert (cancelled.state, cancelled.address) == ("Cancelled", "3 Elm Road, Bath BA2 3AB")
    assert orders.cancel(GRACE[0]) == cancelled


def test_an_order_that_is_not_there_cannot_change(orders: OrderBook) -> None:
    with pytest.raises(NotFound, match="WF-000000"):
        orders.cancel("WF-000000")


def test_the_same_return_by_many_threads_and_two_processes_is_one(orders: OrderBook, tmp_path: Path) -> None:
    other = OrderBook.open(tmp_path / "shop.sqlite", SEED, TODAY)
    books = [orders, other] * 8
    with ThreadPoolExecutor(8) as pool:
        numbers = set(pool.map(lambda book: book.open_return("WF-204310", "board", "faulty", TODAY), books))
        traces = set(pool.map(lambda book: book.open_trace("WF-204688", TODAY), books))
    other.close()
    assert numbers == {"RT-50001"}
    assert traces == {"TR-30001"}
    assert orders.report_damage("WF-204310", "board", "cracked", TODAY) == "DM-30002"


def test_a_broken_seed_is_told_with_its_name(tmp_path: Path) -> None:
    seed = tmp_path / "orders.json"
    seed.write_text('[{"number": "WF-1"}]', encoding="utf-8")
    with pytest.raises(BadInput, match=r"orders\.json"):
        OrderBook.open(tmp_path / "shop.sqlite", seed, TODAY)


def test_the_orders_to_try_in_the_data_card_exist(orders: OrderBook) -> None:
    card = (ROOT / "data" / "README.md").read_text("utf-8")
    rows = re.findall(r"^\| (WF-\d{6}) \| (\S+) \|", card, re.MULTILINE)
    assert len(rows) >= 10
    assert [number for number, email in rows if orders.find(number, email) is None] == []
