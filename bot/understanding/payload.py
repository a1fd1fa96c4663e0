"""Tapped quick replies: `/intent` or `/intent{"entity": "value"}`, which need no model to be understood."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from bot.messages import Entity, Understanding

_PAYLOAD = re.compile(r"/([A-Za-z_][A-Za-z0-9_]{0,60})(\{.{0,500}\})?", re.DOTALL)


def understand_payload(payload: str, understanding: Understanding) -> Understanding:
    """What a tapped payload means, certain; a malformed payload leaves the understanding of the text as it is."""
    match = _PAYLOAD.fullmatch(payload.strip())
    if match is None:
        return understanding
    try:
        slots = json.loads(match[2]) if match[2] else {}
    except (ValueError, RecursionError):
        return understanding
    entities = tuple(Entity(str(name), str(value), 0, 0) for name, value in slots.items())
    return replace(
        understanding,
        intent=match[1],
        confidence=1.0,
        ranking=((match[1], 1.0),),
        out_of_scope=0.0,
        entities=entities or understanding.entities,
        asks_for_human=match[1] == "talk_to_human",
        nearest=(),
    )
