"""Rasa's side of the door: one round trip hands over text, intent and entities, and brings back what was said.

    POST /webhooks/firstline/webhook   Authorization: Bearer <token>
    {sender, message_id, text, form, slot, intent: {name, confidence}, entities: [{entity, value, start, end}]}
 →  {messages: [{text, buttons, custom}], active_form, requested_slot}

The same `message_id` again returns what was said then. `form` and `slot` are the form that Firstline believes to be
active and what it asks for. Firstline's log is the truth: when the tracker disagrees, what it holds of its own flow is
dropped first, and a tracker that was lost takes the form up again.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import Any

from rasa.core.channels.channel import CollectingOutputChannel, InputChannel, UserMessage
from rasa.shared.core.events import ActiveLoop, BotUttered, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from sanic import Blueprint, response
from sanic.request import Request
from sanic.response import HTTPResponse

KEPT_SLOTS = ("order_number", "email", "tries")


class FirstlineInput(InputChannel):
    """The connector; named in `credentials.yml` with its token."""

    def __init__(self, token: str) -> None:
        self._token = token

    @classmethod
    def name(cls) -> str:
        return "firstline"

    @classmethod
    def from_credentials(cls, credentials: dict[str, Any] | None) -> InputChannel:
        if not credentials or not credentials.get("token"):
            cls.raise_missing_credentials_exception()
        return cls(credentials["token"])

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        door = Blueprint("firstline_door", "firstline")

        @door.route("/", methods=["GET"])
        async def health(request: Request) -> HTTPResponse:
            return response.json({"status": "ok"})

        @door.route("/webhook", methods=["POST"])
        async def receive(request: Request) -> HTTPResponse:
            given = request.headers.get("Authorization", "")
            if not hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode()):
                return response.json({"error": "unverified"}, status=401)
            body = request.json
            store = request.app.ctx.agent.tracker_store
            tracker = await store.get_or_create_tracker(body["sender"])
            messages = said_before(tracker, body["message_id"])
            if messages is None:
                if agree(tracker, body.get("form") or "", body.get("slot") or ""):
                    await store.save(tracker)
                messages = await self._hand_over(body, on_new_message)
                tracker = await store.retrieve(body["sender"])
            slot = tracker.get_slot("requested_slot") if tracker.active_loop_name else None
            state = {"active_form": tracker.active_loop_name, "requested_slot": slot}
            return response.json({"messages": messages, **state})

        return door

    async def _hand_over(
        self, body: dict[str, Any], on_new_message: Callable[[UserMessage], Awaitable[Any]]
    ) -> list[dict[str, Any]]:
        collector = CollectingOutputChannel()
        parsed = {"text": body["text"], "intent": body["intent"], "entities": body["entities"]}
        await on_new_message(
            UserMessage(
                body["text"],
                collector,
                body["sender"],
                parse_data=parsed,
                input_channel=self.name(),
                message_id=body["message_id"],
            )
        )
        return [{key: value for key, value in each.items() if key != "recipient_id"} for each in collector.messages]


def said_before(tracker: DialogueStateTracker, message_id: str) -> list[dict[str, Any]] | None:
    """What was said to this message, if the tracker has seen it; None if it is new."""
    events = list(tracker.events)
    starts = [n for n, event in enumerate(events) if isinstance(event, UserUttered) and event.message_id == message_id]
    if not starts:
        return None
    said: list[dict[str, Any]] = []
    for event in events[starts[-1] + 1 :]:
        if isinstance(event, UserUttered):
            break
        if isinstance(event, BotUttered):
            data = event.data or {}
            said.append({"text": event.text, "buttons": data.get("buttons"), "custom": data.get("custom")})
    return said


def agree(tracker: DialogueStateTracker, form: str, slot: str) -> bool:
    """Bring the tracker to the flow that Firstline believes in; says whether anything had to change."""
    if (tracker.active_loop_name or "") == form:
        return False
    for kept in set(tracker.slots) - set(KEPT_SLOTS):
        tracker.update(SlotSet(kept, None))
    tracker.update(ActiveLoop(form or None))
    if form:
        tracker.update(SlotSet("requested_slot", slot or None))
    return True
