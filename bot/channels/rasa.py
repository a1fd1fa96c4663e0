"""Rasa's two doors into the web process: understanding (`nlu:`) and actions (`action_endpoint:`).

Both take the shared token only: in the body for `nlu:`, as Rasa sends it, and as a bearer token for actions.
"""

from __future__ import annotations

import hmac
from typing import Any

from flask import Blueprint, Response, jsonify, request

from bot.channels.current import parts
from bot.channels.json_body import parse_object
from bot.dialogue.actions import run
from bot.errors import BadInput, Unverified
from bot.messages import MAX_TEXT, Understanding
from bot.understanding.payload import understand_payload

blueprint = Blueprint("rasa", __name__)


@blueprint.post("/rasa/model/parse")
def parse() -> Response:
    """`{text, message_id, token}` → the intent and entities of the live release, in Rasa's shape."""
    given = parse_object(request.get_data(), max_bytes=parts().settings.max_body_bytes)
    _verify(str(given.get("token", "")))
    text = given.get("text")
    if not isinstance(text, str) or len(text) > MAX_TEXT:
        raise BadInput(f"text must be a string of at most {MAX_TEXT:,} characters")
    understanding = parts().live.current().understander.understand(text, today=parts().clock().date())
    return jsonify(shape(text, understand_payload(text, understanding)))


@blueprint.post("/rasa/actions")
def act() -> Response:
    """Run one action of a flow."""
    _verify(request.headers.get("Authorization", "").removeprefix("Bearer "))
    asked = parse_object(request.get_data(), max_bytes=parts().settings.max_body_bytes)
    return jsonify(run(asked, parts().orders, parts().clock().date()))


def shape(text: str, understanding: Understanding) -> dict[str, Any]:
    """An understanding as Rasa's parse result."""
    return {
        "text": text,
        "intent": {"name": understanding.intent, "confidence": understanding.confidence},
        "intent_ranking": [{"name": name, "confidence": confidence} for name, confidence in understanding.ranking],
        "entities": [
            {"entity": each.name, "value": each.value, "start": each.start, "end": each.end}
            for each in understanding.entities
        ],
    }


def _verify(token: str) -> None:
    if not hmac.compare_digest(token.encode("utf-8", "replace"), parts().settings.rasa_token.encode()):
        raise Unverified("the dialogue engine's token does not match; both sides read it from <home>/secrets.json")
