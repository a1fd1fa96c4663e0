"""The action server's side of the protocol: Rasa asks for an action by name, and gets events and responses.

    {next_action, sender_id, tracker: {slots, latest_message, …}}  →  {events: […], responses: […]}

The protocol is Rasa's "action server" HTTP API. What each flow says and does stands in `bot.dialogue.flows`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from bot.dialogue import flows
from bot.dialogue.orders import OrderBook
from bot.errors import NotFound

FORM_SLOTS = ("item", "reason", "new_address", "details", "remedy", "confirm", "looked", "tries", "ended")
"""Slots of one run of a flow; order number and e-mail are kept for the next."""


@dataclass(slots=True)
class Saying:
    """Collects what an action says and sets, in Rasa's shape."""

    events: list[dict[str, Any]] = field(default_factory=list)
    responses: list[dict[str, Any]] = field(default_factory=list)

    def set(self, slot: str, value: object) -> None:
        self.events.append({"event": "slot", "name": slot, "value": value, "timestamp": None})

    def say(self, said: flows.Said) -> None:
        response: dict[str, Any] = {"text": said.text}
        if said.buttons:
            response["buttons"] = [{"title": title, "payload": payload} for title, payload in said.buttons]
        self.responses.append(response)
        if said.handover:
            self.responses.append({"custom": {"handover": said.handover}})

    def reset(self) -> None:
        for slot in FORM_SLOTS:
            self.set(slot, None)


def run(request: Mapping[str, Any], orders: OrderBook, today: date) -> dict[str, Any]:
    """Run the action that Rasa asks for; `NotFound` for a name nobody registered."""
    name = str(request.get("next_action", ""))
    slots = dict(request.get("tracker", {}).get("slots", {}))
    saying = Saying()
    if name.startswith("validate_") and name.endswith("_form"):
        _validate(name.removeprefix("validate_").removesuffix("_form"), slots, saying, orders, today)
    elif name in ("action_ask_item", "action_ask_confirm"):
        loop = request.get("tracker", {}).get("active_loop", {}).get("name", "")
        saying.say(flows.ask(name.removeprefix("action_ask_"), str(loop).removesuffix("_form"), slots, orders))
    elif name == "action_stop":
        saying.reset()
        saying.say(flows.Said("Fine, we'll leave it there. Nothing was changed. Anything else?"))
    elif (flow := name.removeprefix("action_")) in flows.FINISH:
        saying.reset()
        if not slots.get("ended"):
            saying.say(flows.FINISH[flow](slots, orders, today))
        elif slots["ended"] != "told":
            saying.say(flows.Said("", handover=str(slots["ended"])))
    elif name == "action_default_fallback":
        saying.say(flows.Said("I lost the thread there. Could you say that again?"))
    else:
        raise NotFound(f"no action {name!r}")
    return {"events": saying.events, "responses": saying.responses}


def _validate(flow: str, slots: dict[str, Any], saying: Saying, orders: OrderBook, today: date) -> None:
    """Check the slots that the last message filled; a slot that does not hold is emptied, so it is asked again.

    Only what changes is set: a form that set nothing gives way to the rules, which is how "stop" ends it.
    """
    checked = flows.check(flow, slots, orders, today)
    for slot, value in checked.slots.items():
        if value != slots.get(slot):
            saying.set(slot, value)
    if checked.said is not None:
        saying.say(checked.said)
    if checked.ended:
        saying.set("ended", checked.ended)
        saying.set("requested_slot", None)
