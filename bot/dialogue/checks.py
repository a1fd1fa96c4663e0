"""The checks on what a form has filled so far: what holds is kept, what does not is asked for again.

Nothing of an order is told before its number and e-mail address match. "No such order" and "another address" are one
answer, and the third mismatch goes to a human.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from bot.dialogue import reading, terms
from bot.dialogue.orders import Order, OrderBook
from bot.dialogue.said import TOLD, Checked, Said, Slots

WRONG_TRIES = 3
FREE_TEXTS = ("item", "reason", "new_address", "details", "remedy")
WITH_ITEM = ("start_return", "damaged_item")


def check(flow: str, slots: Slots, orders: OrderBook, today: date) -> Checked:
    """Check what is filled so far; the first thing that is off is what is said."""
    number, email = reading.order_number(slots.get("order_number")), reading.email(slots.get("email"))
    kept: dict[str, Any] = {"order_number": number, "email": email}
    if (said := _misread(slots, number, email)) is not None:
        return Checked(kept, said)
    if not number or not email:
        return Checked(kept)
    order = orders.find(number, email)
    if order is None:
        return _no_match(slots)
    kept["tries"] = None
    refused = terms.refusal(flow, order, reading.is_faulty(slots.get("reason")), today)
    if refused is not None:
        return Checked(kept, refused, TOLD)
    return _check_details(flow, slots, order, kept, today)


def _misread(slots: Slots, number: str | None, email: str | None) -> Said | None:
    """What to say of an order number or address that is none; nothing when the text answered the other question."""
    asked_number, asked_email = slots.get("order_number"), slots.get("email")
    if asked_number and not number and not reading.email(asked_number):
        return Said("That doesn't look like one of our order numbers: WF- and six digits.")
    if asked_email and not email and not reading.order_number(asked_email):
        return Said("That doesn't look like an e-mail address.")
    return None


def _no_match(slots: Slots) -> Checked:
    tries = int(slots.get("tries") or 0) + 1
    again = {"order_number": None, "email": None, "tries": tries}
    if tries >= WRONG_TRIES:
        said = Said("I still can't match that number and address, so a colleague will look it up with you.")
        return Checked(again, said, "three order numbers or addresses that do not match")
    said = Said("I can't find an order with that number and that e-mail address together. Let's try both again.")
    return Checked(again, said)


def _check_details(flow: str, slots: Slots, order: Order, kept: dict[str, Any], today: date) -> Checked:
    filled = {slot: slots[slot] for slot in FREE_TEXTS if slots.get(slot) is not None}
    for slot, value in filled.items():
        if reading.answers_something_else(value):
            kept[slot] = None
    filled = {slot: value for slot, value in filled.items() if slot not in kept}
    if flow in WITH_ITEM and (checked := _check_item(flow, filled, order, kept, today)) is not None:
        return checked
    if "details" in filled and reading.tells_of_harm(str(filled["details"])):
        said = Said("Please stop using it, and unplug it if it's safe to. A colleague takes over from here.")
        return Checked(kept, said, "damage that may have hurt somebody")
    if "remedy" in filled:
        kept["remedy"] = reading.remedy(str(filled["remedy"]))
        if kept["remedy"] is None:
            return Checked(kept, Said("One of the two, please."))
    if "new_address" in filled:
        return _check_address(str(filled["new_address"]), order, kept)
    return Checked(kept)


def _check_item(flow: str, filled: Slots, order: Order, kept: dict[str, Any], today: date) -> Checked | None:
    """The item, taken as given when the order has only one; for a return, whether it may go back."""
    said = str(filled["item"]) if "item" in filled else order.items[0].name if len(order.items) == 1 else ""
    if not said:
        return None
    item = reading.item(order, said)
    kept["item"] = item.name if item else None
    if item is None:
        return Checked(kept, Said("That isn't in this order."))
    if flow != "start_return":
        return None
    why_not = terms.no_return(item, order, reading.is_faulty(filled.get("reason")), today)
    return Checked(kept, Said(why_not), TOLD) if why_not else None


def _check_address(text: str, order: Order, kept: dict[str, Any]) -> Checked:
    kept["new_address"] = reading.address(text)
    if kept["new_address"] is None:
        return Checked(kept, Said("I need the street with its number, the town and the postcode."))
    if (reading.country(text) or order.country) != order.country:
        kept["new_address"] = None
        return Checked(kept, Said(f"An order for {order.country} can't be sent to another country, I'm afraid."))
    return Checked(kept)
