"""The REST channel in the shape of Rasa's: `POST /webhooks/rest/webhook {sender, message}`, answered synchronously.

The first reply carries `custom`: route, reason, rule, confidence, intent, release and citations of the turn.
Loopback callers need no token unless `FIRSTLINE_REST_TOKEN` is set; others always do.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import uuid
from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, jsonify, request

from bot.channels.current import parts
from bot.channels.json_body import parse_object
from bot.channels.render import citation_json
from bot.errors import BadInput, Forbidden, Unanswered, Unverified
from bot.messages import IncomingMessage, Message, Turn
from bot.store.api_tokens import PREFIX as TOKEN_PREFIX

blueprint = Blueprint("rest", __name__)

FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-Ip")
"""Headers of a proxy: behind one on this machine every caller has a loopback address."""


@blueprint.post("/webhooks/rest/webhook")
def receive() -> Response:
    """One message in, the bot's replies out; `[]` only while the conversation waits for a human or one holds it."""
    _verify()
    message = parse(request.get_data(), parts().settings.max_body_bytes)
    receipt = parts().turns.accept(message)
    said = parts().turns.wait(receipt)
    turn = parts().conversations.turn(receipt.conversation, receipt.seq)
    if turn is None:
        raise Unanswered("the message is stored and will be answered; ask again with the same message_id")
    return jsonify(shape(message.customer, said, turn))


def parse(body: bytes, max_bytes: int) -> IncomingMessage:
    """`{sender, message, message_id?, payload?, metadata?}`; `BadInput` names the key that is off."""
    given = parse_object(body, max_bytes=max_bytes)
    sender, text = _string(given, "sender", 200), _string(given, "message", None)
    external = _string(given, "message_id", 200) if "message_id" in given else uuid.uuid4().hex
    payload = _string(given, "payload", 600) if given.get("payload") is not None else None
    external_id = hashlib.sha256(json.dumps([sender, external]).encode()).hexdigest()
    return IncomingMessage("rest", sender, sender, external_id, text, payload)


def shape(sender: str, said: tuple[Message, ...], turn: Turn | None) -> list[dict[str, Any]]:
    """Messages in Rasa's shape: `[{recipient_id, text, buttons?, custom?}]`, `custom` on the first."""
    shaped: list[dict[str, Any]] = []
    for message in said:
        entry: dict[str, Any] = {"recipient_id": sender, "text": message.text}
        if message.quick_replies:
            entry["buttons"] = [asdict(reply) for reply in message.quick_replies]
        if turn is not None and not shaped:
            entry["custom"] = custom(turn, said)
        shaped.append(entry)
    return shaped


def custom(turn: Turn, said: tuple[Message, ...]) -> dict[str, Any]:
    """What decided a turn, with the citations of all its replies; their `url` opens our stored version at the quote."""
    return {
        "route": turn.decision.route,
        "reason": turn.decision.reason,
        "rule": turn.decision.rule,
        "confidence": turn.answer_confidence if turn.decision.route == "answer" else turn.understanding.confidence,
        "intent": turn.understanding.intent,
        "release": turn.release,
        "citations": [citation_json(citation) for message in said for citation in message.citations],
    }


def _verify() -> None:
    token = parts().settings.rest_token
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if given.startswith(TOKEN_PREFIX):
        if parts().desk.tokens.by_secret(given).scope != "write":
            raise Forbidden("this API token may only read; the REST channel needs one with the scope write")
        return
    if not token:
        if _is_loopback(request.remote_addr or "") and not any(name in request.headers for name in FORWARDED):
            return
        raise Unverified("the REST channel serves loopback callers only; set FIRSTLINE_REST_TOKEN to open it")
    if not hmac.compare_digest(given.encode("utf-8", "replace"), token.encode()):
        raise Unverified(
            "the REST channel needs the header Authorization: Bearer <FIRSTLINE_REST_TOKEN or an API token>"
        )


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _string(given: dict[str, Any], key: str, longest: int | None) -> str:
    value = given.get(key)
    if not isinstance(value, str) or not value:
        raise BadInput(f"{key} must be a text that is not empty, got {type(value).__name__}")
    if longest is not None and len(value) > longest:
        raise BadInput(f"{key} has {len(value)} characters, at most {longest} are taken")
    return value
