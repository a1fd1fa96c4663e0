"""The generic webhook: Standard Webhooks in, Standard Webhooks out.

In:  `POST /webhooks/generic`, body `{"type": "message.created", "timestamp", "data": {conversation, customer, text,
     payload?}}`. A repeated `webhook-id` answers 200 with the stored result, with another body 422.
Out: the same shape with type `message.replied`, posted to `FIRSTLINE_WEBHOOK_URL` by the outbox.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

import httpx2
from flask import Blueprint, Response, jsonify, request

from bot.channels import retry_after
from bot.channels.current import parts
from bot.channels.destinations import checked_address
from bot.channels.json_body import parse_object
from bot.channels.signing import sign_webhook, verify_webhook
from bot.errors import BadInput, Conflict, DeliveryFailed, NotFound, TooLarge
from bot.messages import IncomingMessage, Message
from bot.store.conversations import Conversation

blueprint = Blueprint("webhook", __name__)

MAX_BODY = 20_000
TIMEOUT_S = 20.0
SLOW_DOWN = (429, 502, 503, 504)
GONE = 410


@blueprint.post("/webhooks/generic")
def receive() -> tuple[Response, int]:
    """Verify, store, acknowledge with the conversation and the number of the message."""
    settings = parts().settings
    if not settings.webhook_secret:
        raise NotFound("the webhook is not connected; set FIRSTLINE_WEBHOOK_SECRET to whsec_ and base64 of 32 bytes")
    body = request.get_data()
    if len(body) > MAX_BODY:
        raise TooLarge(f"the body has {len(body):,} bytes, at most {MAX_BODY:,} are taken")
    id = verify_webhook(settings.webhook_secret, dict(request.headers), body, parts().clock())
    try:
        receipt = parts().turns.accept(parse(body, id))
    except Conflict as error:
        error.status = 422
        raise
    parts().background.submit(parts().turns.answer, receipt.conversation)
    stored = {"conversation": receipt.conversation, "seq": receipt.seq, "repeated": receipt.repeated}
    return jsonify(stored), 200 if receipt.repeated else 202


def parse(body: bytes, id: str) -> IncomingMessage:
    """The message of a verified body; `BadInput` names the key that is off."""
    given = parse_object(body, max_bytes=MAX_BODY)
    data = given.get("data")
    if given.get("type") != "message.created" or not isinstance(data, dict):
        raise BadInput(f"expected type message.created with data, got type {str(given.get('type'))[:40]!r}")
    conversation, customer = _text(data, "conversation"), _text(data, "customer")
    payload = _text(data, "payload", 600) if data.get("payload") is not None else None
    external = hashlib.sha256(id.encode()).hexdigest()
    return IncomingMessage("webhook", conversation, customer, external, _text(data, "text", MAX_BODY), payload)


class WebhookDelivery:
    """Posts replies, signed, to one address that was checked when the connection is made."""

    name = "webhook"

    def __init__(self, url: str, secret: str, clock: Callable[[], datetime], *, allow_private: bool = False) -> None:
        self._url = url
        self._secret = secret
        self._clock = clock
        self._allow_private = allow_private

    def deliver(self, conversation: Conversation, message: Message, *, attempts: int) -> None:
        """`DeliveryFailed` unless the far side answers 2xx; a redirect is a failure and is not followed.

        The body of the answer is not read, so that a far side which never ends it holds nothing up.
        """
        body = json.dumps(self._body(conversation, message), ensure_ascii=False).encode()
        headers = sign_webhook(self._secret, f"{conversation.id}.{message.seq}", body, self._clock())
        target, host, extensions = checked_address(self._url, allow_private=self._allow_private)
        try:
            with httpx2.Client(timeout=httpx2.Timeout(TIMEOUT_S, connect=3.0), follow_redirects=False) as client:
                sent = {**headers, "Host": host, "content-type": "application/json"}
                with client.stream("POST", target, content=body, headers=sent, extensions=extensions) as answer:
                    status, after = answer.status_code, answer.headers.get("Retry-After", "")
        except httpx2.HTTPError as error:
            raise DeliveryFailed(f"{host} did not answer: {type(error).__name__}") from error
        if not 200 <= status < 300:
            wait_s = retry_after.seconds(after) if status in SLOW_DOWN else None
            raise DeliveryFailed(f"{host} answered {status}", retry_after_s=wait_s, final=status == GONE)

    def _body(self, conversation: Conversation, message: Message) -> dict[str, Any]:
        return {
            "type": "message.replied",
            "timestamp": message.at.isoformat(),
            "data": {
                "conversation": conversation.key,
                "customer": conversation.customer,
                "seq": message.seq,
                "participant": message.participant,
                "author": message.author,
                "kind": message.kind,
                "text": message.text,
                "citations": [asdict(citation) for citation in message.citations],
                "quick_replies": [asdict(reply) for reply in message.quick_replies],
            },
        }


def _text(data: dict[str, Any], key: str, longest: int = 180) -> str:
    value = data.get(key)
    if not isinstance(value, str) or not value or len(value) > longest:
        got = f"{len(value)} characters" if isinstance(value, str) else type(value).__name__
        raise BadInput(f"data.{key} must be a text of 1 to {longest} characters, got {got}")
    return value
