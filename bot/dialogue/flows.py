"""What each flow asks and says, and what it does at its end. The checks on the way stand in `bot.dialogue.checks`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date

from bot.dialogue import reading, terms
from bot.dialogue.orders import Order, OrderBook
from bot.dialogue.said import Said, Slots
from bot.dialogue.terms import UK, spoken, working_days

Finish = Callable[[Order, Slots, OrderBook, date], Said]

KEEP_UNDER = 40
"""Pounds: a damaged item that cost less need not come back."""
YES_NO = (("Yes, go ahead", "/affirm"), ("No, leave it", "/deny"))
_WAITS = {
    "Received": "has reached us and is waiting for the payment to clear",
    "Paid": "is paid and waits its turn to be packed",
    "Packing": "is being packed in Avonmouth right now",
    "On hold": "is on hold while we check something on our side",
    "Cancelled": "was cancelled; nothing will be charged",
    "Returned": "came back to us",
}


def ask(slot: str, flow: str, slots: Slots, orders: OrderBook) -> Said:
    """The question for a slot whose wording depends on the order."""
    order = _matched(slots, orders)
    if order is None:
        return Said("Let's begin again with the order number.")
    if slot == "item":
        buttons = tuple((item.name, f"/inform{json.dumps({'item': item.name})}") for item in order.items[:6])
        return Said("Which item is it?", buttons)
    if flow == "cancel_order":
        listed = ", ".join(item.name for item in order.items)
        return Said(f"That's {order.number}: {listed}. Shall I cancel the whole order?", YES_NO)
    if flow == "change_address":
        return Said(f"Send {order.number} to {slots.get('new_address')} instead?", YES_NO)
    item = reading.item(order, str(slots.get("item")))
    seal = " Its hygiene seal has to be unbroken." if item is not None and item.sealed else ""
    asked = f"Return the {slots.get('item')} from {order.number}, reason: {slots.get('reason')}.{seal} Right?"
    return Said(asked, YES_NO)


def finish(flow: str, slots: Slots, orders: OrderBook, today: date) -> Said:
    """Do what the flow is for and say so; the order is matched once more, as it may have changed since."""
    order = _matched(slots, orders)
    if order is None:
        return Said("I've lost the order, so a colleague will pick this up.", handover="a flow without its order")
    return FINISH[flow](order, slots, orders, today)


def order_status(order: Order, slots: Slots, orders: OrderBook, today: date) -> Said:
    """Where an order is; one on hold goes to a human."""
    if order.state in _WAITS:
        hand = "an order on hold" if order.state == "On hold" else ""
        return Said(f"Order {order.number} {_WAITS[order.state]}.", handover=hand)
    tracking = f" Tracking: {order.tracking}." if order.tracking else ""
    if order.state == "Delivered":
        when = f" on {spoken(order.delivered_on)}" if order.delivered_on else ""
        return Said(f"Order {order.number} was delivered{when}.{tracking} If it isn't there, tell me it's missing.")
    if order.state == "Out for delivery":
        return Said(f"Order {order.number} is out for delivery today.{tracking}")
    due = f", due {spoken(order.due_on)}" if order.due_on else ""
    late = order.due_on is not None and order.due_on < today
    sorry = " That's late, and I'm sorry; tell me it hasn't come and I'll have it traced." if late else ""
    return Said(f"Order {order.number} left us by {order.service}{due}.{tracking}{sorry}")


def refund_status(order: Order, slots: Slots, orders: OrderBook, today: date) -> Said:
    """Where a refund is; one that is late on our side or the bank's goes to a human."""
    refund = order.refund
    if refund is None:
        return Said(
            f"There's no refund under way for order {order.number}. Refunds start when a parcel reaches us, "
            "and take up to 5 working days from then."
        )
    if refund.sent_on is not None:
        line = f"We sent {refund.amount} to your {refund.to} on {spoken(refund.sent_on)}."
        if working_days(refund.sent_on, today) > terms.REFUND_WORKING_DAYS:
            line += " It should be there by now, so a colleague will check."
            return Said(line, handover="a refund that is late")
        return Said(f"{line} {_arrival(refund.to)}")
    if refund.received_on is None:
        return Said(f"Your return for {order.number} is on its way to us; the refund of {refund.amount} starts then.")
    line = f"Your parcel reached us on {spoken(refund.received_on)}"
    if working_days(refund.received_on, today) > terms.REFUND_WORKING_DAYS:
        return Said(f"{line} and should be refunded by now. That's on us.", handover="a refund that is late")
    return Said(f"{line} and is being checked. {refund.amount} goes to your {refund.to} within 5 working days of that.")


def start_return(order: Order, slots: Slots, orders: OrderBook, today: date) -> Said:
    """Open a return and say how to send it."""
    if not slots.get("confirm"):
        return Said("Fine, nothing was opened. Keep it as long as you like.")
    number = orders.open_return(order.number, str(slots["item"]), str(slots["reason"]), today)
    return Said(
        f"Done: return {number} for the {slots['item']}. {_way_back(order, reading.is_faulty(slots['reason']))} "
        "The refund follows within 5 working days of it reaching us."
    )


def cancel_order(order: Order, slots: Slots, orders: OrderBook, today: date) -> Said:
    """Cancel an order that is not being packed; a made-to-order piece after its free days goes to a human."""
    if not slots.get("confirm"):
        return Said(f"Fine, order {order.number} stays as it is.")
    if order.is_made_to_order and (today - order.placed_on).days > terms.FREE_CANCEL_DAYS:
        return Said(
            "It's made to order, and after seven days cancelling costs 25% of the price. A colleague will do that "
            "with you, so that nothing surprises you.",
            handover="cancelling made-to-order furniture",
        )
    after = orders.cancel(order.number)
    if after.state != "Cancelled":
        return Said(f"Order {order.number} went to {after.state.lower()} a moment ago, too late to stop.")
    return Said(f"Order {order.number} is cancelled. Nothing is charged; PayPal and Klarna payments are sent back.")


def change_address(order: Order, slots: Slots, orders: OrderBook, today: date) -> Said:
    """Send an order elsewhere."""
    if not slots.get("confirm"):
        return Said(f"Fine, order {order.number} still goes to the old address.")
    after = orders.change_address(order.number, str(slots["new_address"]))
    if after.address != slots["new_address"]:
        return Said(f"Order {order.number} went to {after.state.lower()} a moment ago, so it keeps the old address.")
    return Said(f"Order {order.number} now goes to {slots['new_address']}. A confirmation is on its way by e-mail.")


def damaged_item(order: Order, slots: Slots, orders: OrderBook, today: date) -> Said:
    """Report damage; late reports go to a human."""
    number = orders.report_damage(order.number, str(slots["item"]), str(slots["details"]), today)
    if terms.late_damage(order, today):
        days = "48 hours" if order.is_furniture else "seven days"
        return Said(
            f"I've noted it as {number}. It arrived over {days} ago, so a colleague decides.",
            handover=f"damage reported late ({number})",
        )
    item = reading.item(order, str(slots["item"]))
    keep = item is not None and item.pounds < KEEP_UNDER
    back = "No need to send it back." if keep else "Keep it and the packaging until we've answered."
    return Said(
        f"I'm sorry. Reported as {number}: {slots['remedy']} for the {slots['item']}. {back} "
        "Please answer our e-mail with photos of the item, the inner and the outer packaging; we decide within one "
        "working day."
    )


def missing_parcel(order: Order, slots: Slots, orders: OrderBook, today: date) -> Said:
    """Trace a parcel that is late by its last scan, or that is marked delivered and is not there."""
    if not slots.get("looked"):
        return Said("Have a look first, then tell me. If it's not there, I'll have it traced.")
    if order.state == "Delivered":
        return _trace_delivered(order, orders, today)
    scanned, limit = order.scanned_on or order.dispatched_on, terms.trace_from(order)
    if scanned is not None and working_days(scanned, today) < limit:
        return Said(
            f"The courier last scanned it on {spoken(scanned)}. It counts as late after {limit} working days without "
            "a scan; if nothing moves by then, come back and I'll have it traced."
        )
    return _trace(order, orders, today)


FINISH: Mapping[str, Finish] = {
    "order_status": order_status,
    "refund_status": refund_status,
    "start_return": start_return,
    "cancel_order": cancel_order,
    "change_address": change_address,
    "damaged_item": damaged_item,
    "missing_parcel": missing_parcel,
}


def _trace_delivered(order: Order, orders: OrderBook, today: date) -> Said:
    if order.delivered_on is not None and (today - order.delivered_on).days > terms.MISSING_DAYS:
        return Said(
            f"It was marked delivered on {spoken(order.delivered_on)}, over 14 days ago, so a colleague decides.",
            handover="a missing parcel reported late",
        )
    return _trace(order, orders, today)


def _trace(order: Order, orders: OrderBook, today: date) -> Said:
    number = orders.open_trace(order.number, today)
    days = "2 working days" if order.country == UK else "10 working days"
    return Said(f"I've opened trace {number} with the courier. It takes up to {days}; then we resend or refund.")


def _way_back(order: Order, faulty: bool) -> str:
    """How a return travels and what it costs, by country and kind."""
    if order.is_furniture:
        return f"We collect furniture, {'free as it is faulty' if faulty else 'for £35'}; we'll write to agree a day."
    if order.country == UK:
        return "A QR code is on its way by e-mail; any Parcelway drop-off takes it, no printer needed. It's free."
    if order.country in ("Norway", "Switzerland"):
        return "The address is on its way by e-mail; write the number on the parcel. The postage is yours to pay."
    return "The label is on its way by e-mail; €5.95 is taken off the refund."


def _arrival(to: str) -> str:
    if "PayPal" in to:
        return "PayPal takes a day or two."
    if "Klarna" in to:
        return "Klarna takes it off your next instalment."
    return "Banks take 3 to 5 working days after that."


def _matched(slots: Slots, orders: OrderBook) -> Order | None:
    number, email = reading.order_number(slots.get("order_number")), reading.email(slots.get("email"))
    return orders.find(number, email) if number and email else None
