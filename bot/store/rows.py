"""Records to JSON columns and back: the one place that knows how a record of `bot.messages` is stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row

from bot.messages import (
    Attachment,
    Concern,
    Decision,
    DialogueState,
    Entity,
    Message,
    NearestRow,
    QuickReply,
    Turn,
    Understanding,
)
from retrieval.documents import Citation


def citations_to_json(citations: Iterable[Citation]) -> list[dict[str, Any]]:
    return [asdict(citation) for citation in citations]


def quick_replies_to_json(quick_replies: Iterable[QuickReply]) -> list[dict[str, Any]]:
    return [asdict(reply) for reply in quick_replies]


def attachments_to_json(attachments: Iterable[Attachment]) -> list[dict[str, Any]]:
    return [asdict(attachment) for attachment in attachments]


def understanding_to_json(understanding: Understanding) -> dict[str, Any]:
    return asdict(understanding)


def understanding_from_json(stored: Mapping[str, Any]) -> Understanding:
    fields = dict(stored)
    fields["ranking"] = tuple((name, confidence) for name, confidence in stored["ranking"])
    fields["entities"] = tuple(Entity(**entity) for entity in stored["entities"])
    fields["nearest"] = tuple(NearestRow(**row) for row in stored.get("nearest", ()))
    fields["concern"] = Concern(**stored["concern"]) if stored.get("concern") else None
    return Understanding(**fields)


def dialogue_from_json(stored: Mapping[str, Any]) -> DialogueState:
    return DialogueState(**stored)


def message_from_row(row: Row[Any], turn: Turn | None = None) -> Message:
    return Message(
        conversation=row.conversation,
        seq=row.seq,
        participant=row.participant,
        kind=row.kind,
        text=row.text,
        at=row.at,
        author=row.author,
        payload=row.payload,
        citations=tuple(Citation(**citation) for citation in row.citations),
        quick_replies=tuple(QuickReply(**reply) for reply in row.quick_replies),
        rating=row.rating,
        turn=turn,
        external_id=row.external_id or "",
        attachments=tuple(Attachment(**attachment) for attachment in row.attachments),
    )


def turn_to_columns(turn: Turn) -> dict[str, Any]:
    return {
        "message_seq": turn.message_seq,
        "route": turn.decision.route,
        "rule": turn.decision.rule,
        "reason": turn.decision.reason,
        "release": turn.release,
        "intent": turn.understanding.intent,
        "confidence": turn.understanding.confidence,
        "understanding": understanding_to_json(turn.understanding),
        "found": list(turn.found),
        "answer_confidence": turn.answer_confidence,
        "draft": turn.draft,
        "draft_audience": turn.draft_audience,
        "took_ms": turn.took_ms,
        "signals": dict(turn.signals),
        "policy": turn.policy,
        "gate": turn.gate,
        "large_model": turn.large_model,
    }


def turn_from_row(row: Row[Any]) -> Turn:
    return Turn(
        message_seq=row.message_seq,
        understanding=understanding_from_json(row.understanding),
        decision=Decision(row.route, row.reason, row.rule),
        release=row.release,
        found=tuple(row.found),
        answer_confidence=row.answer_confidence,
        draft=row.draft,
        draft_audience=row.draft_audience,
        took_ms=row.took_ms,
        signals=row.signals,
        policy=row.policy,
        gate=row.gate,
        large_model=row.large_model,
    )
