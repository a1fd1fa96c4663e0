"""What the flows say and do: the checks on each slot, the questions that depend on the order, the ends.

Nothing of an order is told before its number and e-mail address match. "No such order" and "another address" are one
answer, and the third mismatch goes to a human.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from bot.dialogue.orders import Item, Order, OrderBook

Slots = Mapping[str, Any]

WRONG_TRIES = 3
RETURN_DAYS = 60
PEAK_RETURN = (11, 1), (12, 24)
DAMAGE_DAYS = 7
KEEP_UNDER = 40.0
TRACE_AFTER = timedelta(days=4)
"""Three working days without a scan, counted as four days so that a weekend in between is fair."""
REMEDIES = ("replacement", "refund")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,180}\.[A-Za-z]{2,24}")
_NUMBER = re.compile(r"(?i)(?<![0-9])(?:WF[\s-]?)?(\d{6})(?![0-9])")


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence with its buttons (title, payload), and the reason if a human has to take over."""

    text: str
    buttons: tuple[tuple[str, str], ...] = ()
    handover: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """Slots to set after a check (None: ask again), what to say about it, and whether the flow ends here.

    `ended` is "told" when everything is said, otherwise the reason for a human.
    """

    slots: Mapping[str, Any] = field(default_factory=dict)
    said: Said | None = None
    ended: str = ""


def check(flow: str, slots: Slots, orders: OrderBook, today: date) -> Checked:
    """Check what is filled so far; the first thing that is off is what is said."""
    number, email = _order_number(slots.get("order_number")), _email(slots.get("email"))
    set_: dict[str, Any] = {"order_number": number, "email": email}
    if slots.get("order_number") and not number:
        return Checked(set_, Said("That doesn't look like one of our order numbers: WF- and six digits."))
    if slots.get("email") and not email:
        return Checked(set_, Said("That doesn't look like an e-mail address."))
    if not number or not email:
        return Checked(set_)
    order = orders.find(number, email)
    if order is None:
        return _no_match(slots)
    refused = _refused(flow, order, today)
    if refused is not None:
        return Checked(set_, refused, "told" if not refused.handover else refused.handover)
    return _check_details(flow, slots, order, set_, today)


def _no_match(slots: Slots) -> Checked:
    tries = int(slots.get("tries") or 0) + 1
    if tries >= WRONG_TRIES:
        said = Said("I still can't match that number and address, so a colleague will look it up with you.")
        return Checked({"tries": tries}, said, "three order numbers or addresses that do not match")
    said = Said("I can't find an order with that number and that e-mail address together. Let's try both again.")
    return Checked({"order_number": None, "email": None, "tries": tries}, said)


def _refused(flow: str, order: Order, today: date) -> Said | None:
    """Why this flow cannot go on with this order, or None."""
    if flow == "cancel_order":
        return _cannot_cancel(order)
    if flow == "change_address" and (order.shipped or order.state in ("Packing", "Cancelled")):
        return Said(
            f"Order {order.number} is {order.state.lower()}, so its address can't be changed any more. "
            "You can pick a safe place or a neighbour in the courier's tracking until 07:00 on the delivery day."
            if order.state in ("Packing", "Dispatched", "Out for delivery")
            else f"Order {order.number} is {order.state.lower()}, so there's no delivery to redirect."
        )
    if flow == "start_return" and order.state != "Delivered":
        return Said(
            f"Order {order.number} is {order.state.lower()}. A return can be opened once it has been delivered."
        )
    if flow == "start_return" and today > return_until(order):
        return Said(
            f"Order {order.number} could be returned until {spoken(return_until(order))}, so that has passed. "
            "If something is faulty, the guarantee still stands: tell me what's wrong with it."
        )
    if flow == "damaged_item" and order.state not in ("Delivered", "Out for delivery"):
        return Said(f"Order {order.number} is {order.state.lower()} and hasn't been delivered yet, by our records.")
    return None


def _cannot_cancel(order: Order) -> Said | None:
    if order.state == "Cancelled":
        return Said(f"Order {order.number} is cancelled already. Nothing more to do.")
    if order.state == "Packing" or order.shipped:
        return Said(
            f"Order {order.number} is {order.state.lower()}, too late to stop. "
            "You can refuse the parcel at the door, or return it free within 60 days."
        )
    return None


def _check_details(flow: str, slots: Slots, order: Order, set_: dict[str, Any], today: date) -> Checked:
    if slots.get("item") is not None and flow in ("start_return", "damaged_item"):
        item = find_item(order, str(slots["item"]))
        set_["item"] = item.name if item else None
        if item is None:
            return Checked(set_, Said("That isn't in this order."))
        if flow == "start_return" and (why := _not_returnable(item)):
            return Checked(set_, Said(why), "told")
    elif flow in ("start_return", "damaged_item") and len(order.items) == 1:
        set_["item"] = order.items[0].name
        if flow == "start_return" and (why := _not_returnable(order.items[0])):
            return Checked(set_, Said(why), "told")
    if slots.get("remedy") is not None:
        remedy = next((each for each in REMEDIES if each[:6] in str(slots["remedy"]).lower()), None)
        set_["remedy"] = remedy
        if remedy is None:
            return Checked(set_, Said("A replacement or a refund: either is fine."))
    if slots.get("new_address") is not None and not _is_address(str(slots["new_address"])):
        set_["new_address"] = None
        return Checked(set_, Said("I need the street with its number, the town and the postcode."))
    return Checked(set_)


def _not_returnable(item: Item) -> str:
    if item.made_to_order:
        return f"The {item.name} was made to order, so it can't be returned unless it's faulty. If it is, say so."
    if item.not_returnable:
        return f"The {item.name} can't be returned unless it's faulty: {item.not_returnable}."
    return ""


def ask(slot: str, flow: str, slots: Slots, orders: OrderBook) -> Said:
    """The question for a slot whose wording depends on the order."""
    order = _matched(slots, orders)
    if order is None:
        return Said("Let's begin again with the order number.")
    if slot == "item":
        buttons = tuple((item.name, f'/inform{{"item": "{item.name}"}}') for item in order.items[:6])
        return Said("Which item is it?", buttons)
    yes_no = (("Yes, go ahead", "/affirm"), ("No, leave it", "/deny"))
    if flow == "cancel_order":
        listed = ", ".join(item.name for item in order.items)
        return Said(f"That's {order.number}: {listed}. Shall I cancel the whole order?", yes_no)
    if flow == "change_address":
        return Said(f"Send {order.number} to {slots.get('new_address')} instead?", yes_no)
    return Said(f"Return the {slots.get('item')} from {order.number}, reason: {slots.get('reason')}. Right?", yes_no)


def order_status(slots: Slots, orders: OrderBook, today: date) -> Said:
    order = _matched(slots, orders)
    if order is None:
        return _lost()
    told = {
        "Received": "has reached us and is waiting for the payment to clear",
        "Paid": "is paid and waits its turn to be packed",
        "Packing": "is being packed in Avonmouth right now",
        "On hold": "is on hold while we check something on our side",
        "Cancelled": "was cancelled; nothing will be charged",
        "Returned": "came back to us",
    }.get(order.state)
    if told:
        hand = "an order on hold" if order.state == "On hold" else ""
        return Said(f"Order {order.number} {told}.", handover=hand)
    tracking = f" Tracking: {order.tracking}." if order.tracking else ""
    if order.state == "Delivered":
        when = f" on {spoken(order.delivered_on)}" if order.delivered_on else ""
        return Said(f"Order {order.number} was delivered{when}.{tracking} If it isn't there, tell me it's missing.")
    due = f", due {spoken(order.due_on)}" if order.due_on else ""
    late = order.due_on is not None and order.due_on < today
    sorry = " That's late, and I'm sorry; tell me it hasn't come and I'll have it traced." if late else ""
    state = "is out for delivery today" if order.state == "Out for delivery" else f"left us by {order.service}{due}"
    return Said(f"Order {order.number} {state}.{tracking}{sorry}")


def refund_status(slots: Slots, orders: OrderBook, today: date) -> Said:
    order = _matched(slots, orders)
    if order is None:
        return _lost()
    refund = order.refund
    if refund is None:
        return Said(
            f"There's no refund under way for order {order.number}. Refunds start when a parcel reaches us, "
            "and take up to 5 working days from then."
        )
    if refund.sent_on is not None:
        late = today > refund.sent_on + timedelta(days=9)
        line = f"We sent {refund.amount} to your {refund.to} on {spoken(refund.sent_on)}."
        if late:
            return Said(
                f"{line} It should be there by now, so a colleague will check.", handover="a refund that is late"
            )
        return Said(f"{line} Banks take 3 to 5 working days after that.")
    if refund.received_on is not None:
        return Said(
            f"Your parcel reached us on {spoken(refund.received_on)} and is being checked. {refund.amount} goes to "
            f"your {refund.to} within 5 working days of that day."
        )
    return Said(f"Your return for order {order.number} is on its way to us; the refund of {refund.amount} starts then.")


def start_return(slots: Slots, orders: OrderBook, today: date) -> Said:
    order = _matched(slots, orders)
    if order is None:
        return _lost()
    if not slots.get("confirm"):
        return Said("Fine, nothing was opened. Keep it as long as you like.")
    number = orders.open_return(order, str(slots["item"]), str(slots["reason"]), today)
    if order.country != "United Kingdom":
        how = "The label is on its way by e-mail; €5.95 is taken off the refund for returns from Ireland and the EU."
    else:
        how = (
            "A QR code is on its way by e-mail; show it at any Parcelway drop-off or pick-up point, no printer needed. "
            "It's free."
        )
    return Said(
        f"Done: return {number} for the {slots['item']}. {how} The refund follows within 5 working days of it "
        "reaching us."
    )


def cancel_order(slots: Slots, orders: OrderBook, today: date) -> Said:
    order = _matched(slots, orders)
    if order is None:
        return _lost()
    if not slots.get("confirm"):
        return Said(f"Fine, order {order.number} stays as it is.")
    if (too_late := _cannot_cancel(order)) is not None and order.state != "Cancelled":
        return too_late
    if any(item.made_to_order for item in order.items):
        return Said(
            "Made-to-order pieces may carry a charge after seven days, so a colleague will do this with you.",
            handover="cancelling made-to-order furniture",
        )
    orders.cancel(order)
    return Said(f"Order {order.number} is cancelled. Nothing is charged; PayPal and Klarna payments are sent back.")


def change_address(slots: Slots, orders: OrderBook, today: date) -> Said:
    order = _matched(slots, orders)
    if order is None:
        return _lost()
    if not slots.get("confirm"):
        return Said(f"Fine, order {order.number} still goes to the old address.")
    orders.change_address(order, str(slots["new_address"]))
    return Said(f"Order {order.number} now goes to {slots['new_address']}. A confirmation is on its way by e-mail.")


def damaged_item(slots: Slots, orders: OrderBook, today: date) -> Said:
    order = _matched(slots, orders)
    if order is None:
        return _lost()
    item = find_item(order, str(slots["item"]))
    number = orders.report("DM", order, str(slots["item"]), str(slots["details"]), today)
    keep = item is not None and float(item.price.lstrip("£")) < KEEP_UNDER
    back = "No need to send it back. " if keep else "Keep it and the packaging until we've answered. "
    late = order.delivered_on is not None and today - order.delivered_on > timedelta(days=DAMAGE_DAYS)
    if late:
        return Said(
            f"I've noted it as {number}. It arrived over seven days ago, so a colleague decides.",
            handover=f"damage reported late ({number})",
        )
    return Said(
        f"I'm sorry. Reported as {number}: {slots['remedy']} for the {slots['item']}. {back}"
        "Please answer our e-mail with photos of the item, the inner and the outer packaging; we decide within one "
        "working day."
    )


def missing_parcel(slots: Slots, orders: OrderBook, today: date) -> Said:
    order = _matched(slots, orders)
    if order is None:
        return _lost()
    if not order.shipped:
        return Said(f"Order {order.number} is {order.state.lower()} and hasn't left us yet, so nothing is lost.")
    if not slots.get("looked"):
        return Said("Have a look first, then tell me. If it's not there, I'll have it traced.")
    since = order.delivered_on or order.dispatched_on
    if order.state != "Delivered" and since is not None and today - since < TRACE_AFTER:
        return Said(
            f"It left us on {spoken(since)}. A parcel counts as late after three working days without a scan; "
            "if nothing moves by then, come back and I'll have it traced."
        )
    number = orders.report("TR", order, "parcel", "not received", today)
    days = "2 working days" if order.country == "United Kingdom" else "10 working days"
    return Said(f"I've opened trace {number} with the courier. It takes up to {days}; then we resend or refund.")


FINISH: Mapping[str, Callable[[Slots, OrderBook, date], Said]] = {
    "order_status": order_status,
    "refund_status": refund_status,
    "start_return": start_return,
    "cancel_order": cancel_order,
    "change_address": change_address,
    "damaged_item": damaged_item,
    "missing_parcel": missing_parcel,
}


def return_until(order: Order) -> date:
    """Last day for a return: 60 days after delivery, and 31 January for what was bought before Christmas."""
    last = (order.delivered_on or order.placed_on) + timedelta(days=RETURN_DAYS)
    bought = (order.placed_on.month, order.placed_on.day)
    if PEAK_RETURN[0] <= bought <= PEAK_RETURN[1]:
        return max(last, date(order.placed_on.year + 1, 1, 31))
    return last


def find_item(order: Order, said: str) -> Item | None:
    """The item of an order that a customer means: by name, by part of it, or by its number in the list."""
    words = said.lower().strip()
    if words.isdigit() and 1 <= int(words) <= len(order.items):
        return order.items[int(words) - 1]
    for item in order.items:
        if words in item.name.lower() or item.name.lower() in words:
            return item
    significant = set(re.findall(r"[a-z]{3,}", words))
    scored = [(len(significant & set(re.findall(r"[a-z]{3,}", item.name.lower()))), item) for item in order.items]
    best = max(scored, key=lambda pair: pair[0])
    return best[1] if best[0] else None


def spoken(day: date | None) -> str:
    return f"{day:%A} {day.day} {day:%B}" if day is not None else "a day we don't know yet"


def _matched(slots: Slots, orders: OrderBook) -> Order | None:
    number, email = _order_number(slots.get("order_number")), _email(slots.get("email"))
    return orders.find(number, email) if number and email else None


def _lost() -> Said:
    return Said("I've lost the order, so a colleague will pick this up.", handover="a flow without its order")


def _order_number(value: object) -> str | None:
    match = _NUMBER.search(str(value)) if value else None
    return f"WF-{match[1]}" if match else None


def _email(value: object) -> str | None:
    match = _EMAIL.search(str(value)) if value else None
    return match[0].lower().rstrip(".,") if match else None


def _is_address(text: str) -> bool:
    return 10 <= len(text) <= 200 and any(c.isdigit() for c in text) and len(text.split()) >= 3
