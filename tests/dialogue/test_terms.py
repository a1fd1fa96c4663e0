"""Dates as the terms count them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from bot.dialogue import reading
from bot.dialogue.orders import OrderBook
from bot.dialogue.terms import return_until, working_days
from tests.dialogue.conftest import TODAY

FRIDAY = date(2026, 11, 13)


@pytest.mark.parametrize(("until", "days"), [(13, 0), (14, 0), (15, 0), (16, 1), (20, 5), (23, 6), (1, 0)])
def test_weekends_are_not_working_days(until: int, days: int) -> None:
    assert working_days(FRIDAY, date(2026, 11, until)) == days


def test_christmas_orders_go_back_until_january(orders: OrderBook) -> None:
    order = orders.find("WF-204310", "owen.pritchard@inbox.example")
    assert order is not None
    assert return_until(order, order.items[0]) == date(2027, 1, 31)
    summer = replace(order, placed_on=date(2026, 7, 1), delivered_on=date(2026, 7, 4))
    assert return_until(summer, order.items[0]) == date(2026, 9, 2)
    assert return_until(order, replace(order.items[0], return_days=14)) < TODAY.replace(month=12)


COUNTRIES = [
    ("3 Elm Road, Bath BA2 3AB", "United Kingdom"),
    ("18 Dominick Street, Galway H91 X2F9", "Ireland"),
    ("5 Botanic Avenue, Belfast, Northern Ireland", "United Kingdom"),
    ("4 O'Connell Street, Dublin, Ireland", "Ireland"),
    ("12 rue des Carmes, 44000 Nantes, France", "France"),
    ("8 France Street, Westhoughton BL5 2HP", "United Kingdom"),
    ("Oudegracht 112, 3511 AW Utrecht", None),
]


@pytest.mark.parametrize(("address", "country"), COUNTRIES)
def test_the_country_of_an_address(address: str, country: str | None) -> None:
    assert reading.country(address) == country
