"""The action server's side of the protocol: Rasa asks for an action by name, and gets events and responses.

    {next_action, sender_id, tracker: {slots, active_loop, …}}  →  {events: […], responses: […]}

The protocol is Rasa's "action server" HTTP API. What each flow checks, says and does stands in `bot.dialogue.checks`
and `bot.dialogue.flows`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from bot.dialogue import flows
from bot.dialogue.checks import check
from bot.dialogue.orders import OrderBook
from bot.dialogue.said import TOLD, Said, Slots
from bot.errors import BadInput, NotFound

FORM_SLOTS = ("item", "reason", "new_address", "details", "remedy", "confirm", "looked", "ended")
"""Slots of one run of a flow. Order number and e-mail are kept for the next, and so is the count of wrong tries, or
stopping and starting again would be a way to guess."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What Rasa asks for: the form that is active, the flow that this is about, and its slots."""

    loop: str
    flow: str
    slots: Slots
    orders: OrderBook
    today: date


@dataclass(slots=True)
class Saying:
    """Collects what an action says and sets, in Rasa's shape."""

    events: list[dict[str, Any]] = field(default_factory=list)
    responses: list[dict[str, Any]] = field(default_factory=list)

    def set(self, slot: str, value: object) -> None:
        """Set a slot; None empties it."""
        self.events.append({"event": "slot", "name": slot, "value": value, "timestamp": None})

    def say(self, said: Said) -> None:
        """Say something with its buttons, and hand over if it asks for that."""
        if said.text:
            buttons = [{"title": title, "payload": payload} for title, payload in said.buttons]
            self.responses.append({"text": said.text, "buttons": buttons} if buttons else {"text": said.text})
        if said.handover:
            self.responses.append({"custom": {"handover": said.handover}})

    def reset(self) -> None:
        """Empty what belongs to one run of a flow."""
        for slot in FORM_SLOTS:
            self.set(slot, None)


def run(request: Mapping[str, Any], orders: OrderBook, today: date) -> dict[str, Any]:
    """Run the action that Rasa asks for.

    `BadInput` for a request in another shape, `NotFound` for a name nobody registered.
    """
    name, tracker = request.get("next_action"), request.get("tracker")
    if not isinstance(name, str) or not isinstance(tracker, Mapping) or not isinstance(tracker.get("slots"), Mapping):
        raise BadInput("an action request needs `next_action` and a `tracker` with `slots`")
    action = ACTIONS.get(name)
    if action is None:
        raise NotFound(f"no action {name!r}; there are {', '.join(sorted(ACTIONS))}")
    loop = str((tracker.get("active_loop") or {}).get("name") or "")
    flow = loop.removesuffix("_form") or name.removeprefix("action_")
    saying = Saying()
    action(Asked(loop, flow, tracker["slots"], orders, today), saying)
    return {"events": saying.events, "responses": saying.responses}


def _validate(asked: Asked, saying: Saying) -> None:
    """Check the slots that the last message filled; a slot that does not hold is emptied, so it is asked again.

    Only what changes is set: a form that set nothing gives way to the rules, which is how "stop" ends it.
    """
    checked = check(asked.flow, asked.slots, asked.orders, asked.today)
    for slot, value in checked.slots.items():
        if value != asked.slots.get(slot):
            saying.set(slot, value)
    if checked.said is not None:
        saying.say(checked.said)
    if checked.ended:
        saying.set("ended", checked.ended)
        saying.set("requested_slot", None)


def _ask(slot: str) -> Callable[[Asked, Saying], None]:
    def ask(asked: Asked, saying: Saying) -> None:
        saying.say(flows.ask(slot, asked.flow, asked.slots, asked.orders))

    return ask


def _finish(flow: str) -> Callable[[Asked, Saying], None]:
    """The end of a flow: what a check ended is told already, or goes to a human; everything else is done now."""

    def finish(asked: Asked, saying: Saying) -> None:
        saying.reset()
        ended = asked.slots.get("ended")
        if not ended:
            saying.say(flows.finish(flow, asked.slots, asked.orders, asked.today))
        elif ended != TOLD:
            saying.say(Said("", handover=str(ended)))

    return finish


def _stop(asked: Asked, saying: Saying) -> None:
    saying.reset()
    saying.say(Said("Fine, we'll leave it there. Nothing was changed. Anything else?"))


def _lost_thread(asked: Asked, saying: Saying) -> None:
    """A message that nothing can use. A form is called again, which asks its question again; without that, Rasa would
    take it for left, and be silent from then on."""
    if not asked.loop:
        saying.say(Said("I lost the thread there. Could you say that again?"))
        return
    saying.say(Said("Sorry, I need this one before I can go on."))
    saying.events.append({"event": "followup", "name": asked.loop, "timestamp": None})


ACTIONS: Mapping[str, Callable[[Asked, Saying], None]] = {
    **{f"validate_{flow}_form": _validate for flow in flows.FINISH},
    **{f"action_{flow}": _finish(flow) for flow in flows.FINISH},
    "action_ask_item": _ask("item"),
    "action_ask_confirm": _ask("confirm"),
    "action_stop": _stop,
    "action_default_fallback": _lost_thread,
}
"""Every action that the domain names, by that name."""
