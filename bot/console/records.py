"""Records as the desk's script reads them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any
from urllib.parse import quote

from bot.attachments.names import in_brief
from bot.channels.render import document_url, message_json
from bot.messages import ANONYMOUS, Message, Turn
from bot.store.conversations import Conversation
from bot.store.document_keys import DocumentKeys

SNIPPET = 120


def summary_json(conversation: Conversation, last: Message | None) -> dict[str, Any]:
    """A line of the queue."""
    return {
        "id": conversation.id,
        "name": display_name(conversation),
        "channel": conversation.channel,
        "owner": conversation.owner,
        "agent": conversation.agent,
        "reason": conversation.reason,
        "waiting_since": _moment(conversation.waiting_since),
        "changed_at": _moment(conversation.changed_at),
        "snippet": in_brief(last.text, last.attachments)[:SNIPPET] if last else "",
        "snippet_by": last.participant if last else "",
    }


def conversation_json(conversation: Conversation) -> dict[str, Any]:
    """A conversation with what is known of its customer."""
    return {
        **summary_json(conversation, None),
        "customer": conversation.customer,
        "email": conversation.email or conversation.attributes.get("email", ""),
        "attributes": conversation.attributes,
        "opened_at": _moment(conversation.opened_at),
        "last_seq": conversation.last_seq,
        "form": conversation.dialogue.form,
        "slot": conversation.dialogue.slot,
    }


def desk_message_json(message: Message, keys: DocumentKeys) -> dict[str, Any]:
    """A message with the record of its turn: what was understood, found, decided, and held back."""
    return {**message_json(message, keys), "turn": turn_json(message.turn) if message.turn else None}


def turn_json(turn: Turn) -> dict[str, Any]:
    """The record of a turn; `found` as links to the passages, best first."""
    understanding = turn.understanding
    return {
        "intent": understanding.intent,
        "confidence": understanding.confidence,
        "ranking": [list(each) for each in understanding.ranking[:3]],
        "nearest": [asdict(each) for each in understanding.nearest],
        "out_of_scope": understanding.out_of_scope,
        "frustration": understanding.frustration,
        "language": understanding.language,
        "entities": [{"name": each.name, "value": each.value} for each in understanding.entities],
        "route": turn.decision.route,
        "reason": turn.decision.reason,
        "rule": turn.decision.rule,
        "release": turn.release,
        "found": [passage_json(id) for id in turn.found[:5]],
        "answer_confidence": turn.answer_confidence,
        "draft": turn.draft,
        "draft_audience": turn.draft_audience,
        "large_model": turn.large_model,
        "took_ms": turn.took_ms,
    }


def passage_json(id: str) -> dict[str, str]:
    """The document and address of a passage id, `document@version:start-end`."""
    document, _, rest = id.rpartition("@")
    version, _, span = rest.partition(":")
    start, _, end = span.partition("-")
    if not (document and version.isdigit() and start.isdigit() and end.isdigit()):
        return {"document": id, "url": f"/documents/{quote(id, safe='')}"}
    return {"document": document, "url": document_url(document, int(version), int(start), int(end))}


def display_name(conversation: Conversation) -> str:
    """The customer's name where one is known, else their address or the end of their id."""
    name = conversation.attributes.get("name") or conversation.email or conversation.attributes.get("email")
    if name:
        return name
    customer = conversation.customer
    return f"Visitor {customer[-4:]}" if customer.startswith(ANONYMOUS) else customer


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None
