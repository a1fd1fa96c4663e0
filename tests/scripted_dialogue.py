"""A dialogue engine that follows a small script: two flows with their slots, `stop`, and a hand-over.

It implements `bot.dialogue.client.DialogueEngine` whole, as Rasa does for it in production, the promise about a
repeated `message_id` included.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.dialogue.client import DialogueTurn
from bot.errors import DialogueUnavailable
from bot.messages import DialogueState, Reply, Understanding

SLOTS: Mapping[str, tuple[str, ...]] = {
    "order_status_form": ("order_number", "email"),
    "start_return_form": ("order_number", "reason"),
}
PROMPTS: Mapping[str, str] = {
    "order_number": "What is your order number?",
    "email": "Which e-mail address was it ordered with?",
    "reason": "Why does it come back?",
}
DONE: Mapping[str, str] = {
    "order_status_form": "Your order was dispatched on Tuesday.",
    "start_return_form": "Your return is registered.",
}
STOPPED = "Fine, we'll leave it there."


class ScriptedDialogue:
    """`up = False` makes it unavailable; `handled` are the ids of the messages it took."""

    def __init__(self) -> None:
        self.up = True
        self.handled: list[str] = []
        self._turns: dict[str, DialogueTurn] = {}

    def available(self) -> bool:
        return True

    def handle(
        self, conversation: str, message_id: str, text: str, understanding: Understanding, state: DialogueState
    ) -> DialogueTurn:
        """Fill the next slot and ask for the one after it; `DialogueUnavailable` when it is down."""
        if not self.up:
            raise DialogueUnavailable("the dialogue engine is down")
        if message_id not in self._turns:
            self.handled.append(message_id)
            self._turns[message_id] = _step(text, understanding, state)
        return self._turns[message_id]


def _step(text: str, understanding: Understanding, state: DialogueState) -> DialogueTurn:
    if understanding.intent == "stop_flow":
        return DialogueTurn((Reply(STOPPED),))
    if "broken in my hand" in text:
        return DialogueTurn((Reply("That should not happen."),), handover="a broken item")
    if not state.form:
        return _ask(f"{understanding.intent}_form", 0)
    slots = SLOTS[state.form]
    at = slots.index(state.slot)
    named = state.slot in ("order_number", "email")
    if named and all(entity.name != state.slot for entity in understanding.entities):
        return _ask(state.form, at)
    if at + 1 < len(slots):
        return _ask(state.form, at + 1)
    return DialogueTurn((Reply(DONE[state.form]),))


def _ask(form: str, at: int) -> DialogueTurn:
    slot = SLOTS[form][at]
    return DialogueTurn((Reply(PROMPTS[slot]),), DialogueState(form, slot, PROMPTS[slot]))
