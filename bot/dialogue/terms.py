"""The company's terms as the flows apply them: until when, for what, in which state. Pure; today is passed in."""

from __future__ import annotations

from datetime import date, timedelta

from bot.dialogue.orders import Item, Order
from bot.dialogue.said import Said

RETURN_DAYS = 60
PEAK = (11, 1), (12, 24)
"""First and last (month, day) of orders that may go back until 31 January."""
DAMAGE_DAYS, FURNITURE_DAMAGE_DAYS = 7, 2
MISSING_DAYS = 14
TRACE_AFTER, TRACE_AFTER_ABROAD = 3, 7
"""Working days without a scan before a parcel is traced."""
FURNITURE_NOTICE = 3
"""Working days before the delivery day until which furniture may be sent elsewhere."""
FREE_CANCEL_DAYS, PRODUCTION_DAY = 7, 15
"""Made-to-order pieces: days of free cancelling, and the day production starts."""
REFUND_WORKING_DAYS = 5
UK = "United Kingdom"
FAULT = "If something is faulty, the guarantee still stands: tell me what's wrong with it."


def refusal(flow: str, order: Order, faulty: bool, today: date) -> Said | None:
    """Why this flow cannot go on with this order at all, or None. `faulty`: the reason given is a fault."""
    if flow == "cancel_order":
        return _no_cancelling(order, today)
    if flow == "change_address":
        return _no_redirecting(order, today)
    if flow == "start_return":
        return _no_return_yet(order) or _no_return_any_more(order, faulty, today)
    if flow == "missing_parcel":
        return _not_missing(order)
    if flow == "damaged_item" and order.state not in ("Delivered", "Out for delivery"):
        return Said(f"Order {order.number} is {order.state.lower()}, so by our records you don't have it.")
    return None


def no_return(item: Item, order: Order, faulty: bool, today: date) -> str:
    """Why this item cannot go back, or nothing when it can; a fault lifts every limit, as the guarantee is longer."""
    if faulty:
        return ""
    if item.made_to_order:
        return f"The {item.name} was made to order, so it can't go back unless it's faulty. If it is, say so."
    if item.not_returnable:
        return f"The {item.name} can't go back unless it's faulty: {item.not_returnable}."
    last = return_until(order, item)
    return f"The {item.name} could go back until {spoken(last)}, so that has passed. {FAULT}" if today > last else ""


def return_until(order: Order, item: Item) -> date:
    """Last day for a return: counted from delivery, and 31 January for what was bought before Christmas."""
    last = (order.delivered_on or order.placed_on) + timedelta(days=item.return_days)
    bought = (order.placed_on.month, order.placed_on.day)
    if item.return_days == RETURN_DAYS and PEAK[0] <= bought <= PEAK[1]:
        return max(last, date(order.placed_on.year + 1, 1, 31))
    return last


def late_damage(order: Order, today: date) -> bool:
    """Whether damage is reported after the days we decide it in without looking."""
    days = FURNITURE_DAMAGE_DAYS if order.is_furniture else DAMAGE_DAYS
    return order.delivered_on is not None and (today - order.delivered_on).days > days


def trace_from(order: Order) -> int:
    """Working days without a scan after which this parcel counts as late."""
    return TRACE_AFTER if order.country == UK else TRACE_AFTER_ABROAD


def working_days(since: date, until: date) -> int:
    """Mondays to Fridays after `since` up to and with `until`; 0 when `until` is not later."""
    days = (since + timedelta(days=n) for n in range(1, (until - since).days + 1))
    return sum(day.weekday() < 5 for day in days)


def spoken(day: date | None) -> str:
    """A day as people say it: `Friday 13 November`."""
    return f"{day:%A} {day.day} {day:%B}" if day is not None else "a day we don't know yet"


def _no_cancelling(order: Order, today: date) -> Said | None:
    if order.state == "Cancelled":
        return Said(f"Order {order.number} is cancelled already. Nothing more to do.")
    if order.state == "Returned":
        return Said(f"Order {order.number} came back to us already, so there's nothing to cancel.")
    if order.state == "Delivered":
        return Said(f"Order {order.number} is delivered, too late to stop. You can return it within 60 days.")
    if order.state == "Packing" or order.shipped:
        return Said(
            f"Order {order.number} is {order.state.lower()}, too late to stop. "
            "You can refuse the parcel at the door, or return it within 60 days."
        )
    if order.is_made_to_order and (today - order.placed_on).days >= PRODUCTION_DAY:
        return Said(f"Order {order.number} is made to order and already being made, so it can't be cancelled any more.")
    return None


def _no_redirecting(order: Order, today: date) -> Said | None:
    if order.state in ("Packing", "Dispatched", "Out for delivery"):
        return Said(
            f"Order {order.number} is {order.state.lower()}, so its address can't be changed any more. "
            "You can pick a safe place or a neighbour in the courier's tracking until 07:00 on the delivery day."
        )
    if order.shipped or order.state == "Cancelled":
        return Said(f"Order {order.number} is {order.state.lower()}, so there's no delivery to redirect.")
    if order.is_furniture and order.due_on is not None and working_days(today, order.due_on) < FURNITURE_NOTICE:
        return Said(
            f"Order {order.number} comes on {spoken(order.due_on)}. Furniture can go elsewhere until three working "
            'days before, so that has passed. A colleague can move the day: say "talk to a human".'
        )
    return None


def _no_return_yet(order: Order) -> Said | None:
    if order.state == "Delivered":
        return None
    if order.state == "Returned":
        return Said(f"Order {order.number} came back to us already. Ask me about its refund if that's what's missing.")
    if order.state == "Cancelled":
        return Said(f"Order {order.number} was cancelled, so there's nothing to send back.")
    return Said(f"Order {order.number} is {order.state.lower()}. A return can be opened once it has been delivered.")


def _no_return_any_more(order: Order, faulty: bool, today: date) -> Said | None:
    last = max(return_until(order, item) for item in order.items)
    if faulty or today <= last:
        return None
    return Said(f"Order {order.number} could be returned until {spoken(last)}, so that has passed. {FAULT}")


def _not_missing(order: Order) -> Said | None:
    if order.state == "Returned":
        return Said(f"Order {order.number} came back to us, so it isn't lost. Ask me about its refund if you like.")
    if not order.shipped:
        return Said(f"Order {order.number} is {order.state.lower()} and hasn't left us yet, so nothing is lost.")
    if order.state == "Out for delivery":
        return Said(f"Order {order.number} is on the van today. If it isn't there by this evening, come back to me.")
    return None
