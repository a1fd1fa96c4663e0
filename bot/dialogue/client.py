"""The dialogue engine behind one door: Rasa, through our connector's endpoint and nothing else.

When it is stopped, starting or slow, `DialogueUnavailable` says so within three seconds, and a circuit breaker spares
the customers after that the wait.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx2

from bot.breaker import Breaker
from bot.errors import DialogueUnavailable
from bot.messages import DialogueState, QuickReply, Reply, Understanding

CONNECT_S = 1.0
ANSWER_S = 2.0
OPEN_S = 5.0


@dataclass(frozen=True, slots=True)
class DialogueTurn:
    """What the engine said, where its flow stands now, and the reason if an action asks for a human."""

    replies: tuple[Reply, ...]
    state: DialogueState = field(default_factory=DialogueState)
    handover: str = ""


class DialogueEngine(Protocol):
    def handle(
        self, conversation: str, message_id: str, text: str, understanding: Understanding, state: DialogueState
    ) -> DialogueTurn:
        """Take a flow one message further. `state` is where we think it stands; where the engine thinks otherwise, it
        gives way. The same `message_id` again returns the same replies. `DialogueUnavailable` if it cannot."""

    def available(self) -> bool:
        """Whether it is worth trying now."""


class RasaEngine:
    """Speaks to `bot/dialogue/rasa/connector.py` in a Rasa server."""

    def __init__(self, url: str, token: str, *, breaker: Breaker | None = None) -> None:
        self._url = f"{url}/webhooks/firstline/webhook"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._client = httpx2.Client(timeout=httpx2.Timeout(ANSWER_S, connect=CONNECT_S))
        self._breaker = breaker or Breaker(first_rest_s=OPEN_S, longest_rest_s=OPEN_S)

    def available(self) -> bool:
        return self._breaker.closed()

    def handle(
        self, conversation: str, message_id: str, text: str, understanding: Understanding, state: DialogueState
    ) -> DialogueTurn:
        body = {
            "sender": conversation,
            "message_id": message_id,
            "text": text,
            "form": state.form,
            "slot": state.slot,
            "intent": {"name": understanding.intent, "confidence": understanding.confidence},
            "entities": [
                {"entity": each.name, "value": each.value, "start": each.start, "end": each.end}
                for each in understanding.entities
            ],
        }
        if not self._breaker.enter():
            raise DialogueUnavailable("the dialogue engine failed three times in a row and is left alone for a moment")
        try:
            turn = self._post(body)
        except DialogueUnavailable:
            self._breaker.failed()
            raise
        self._breaker.succeeded()
        return turn

    def _post(self, body: Mapping[str, Any]) -> DialogueTurn:
        try:
            answer = self._client.post(self._url, json=body, headers=self._headers)
        except httpx2.HTTPError as error:
            raise DialogueUnavailable(f"the dialogue engine does not answer: {type(error).__name__}") from error
        if answer.status_code != 200:
            raise DialogueUnavailable(f"the dialogue engine answered {answer.status_code}")
        try:
            return parse_turn(answer.json())
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DialogueUnavailable(f"the dialogue engine answered in another shape: {error!r}") from error


def parse_turn(given: Mapping[str, Any]) -> DialogueTurn:
    """The connector's answer as a turn; nothing said is "unavailable", never silence."""
    replies, handover = [], ""
    for message in given["messages"]:
        custom = message.get("custom") or {}
        handover = str(custom.get("handover", "")) or handover
        if message.get("text"):
            buttons = tuple(QuickReply(str(b["title"]), str(b["payload"])) for b in message.get("buttons") or ())
            replies.append(Reply(str(message["text"]), quick_replies=buttons))
    if not replies and not handover:
        raise DialogueUnavailable("the dialogue engine said nothing; its log says why")
    form, slot = given.get("active_form") or "", given.get("requested_slot") or ""
    prompt = replies[-1].text if form and replies else ""
    return DialogueTurn(tuple(replies), DialogueState(form, slot, prompt), handover)
