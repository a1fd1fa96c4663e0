"""A conversation to take away: as plain text or JSON, with notes and records for agents, never for customers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Response, jsonify

from bot.attachments.names import described
from bot.channels.current import Parts
from bot.errors import BadInput
from bot.messages import Message
from bot.store.conversations import Conversation, Conversations

PAGE = 500


def whole_log(conversations: Conversations, id: str, *, notes: bool) -> tuple[Message, ...]:
    """All messages of a conversation; `notes` only for agents."""
    found: list[Message] = []
    while page := conversations.log(id, after=found[-1].seq if found else 0, limit=PAGE, notes=notes):
        found += page
    return tuple(found)


def plain_text(conversation: Conversation, messages: Iterable[Message], company: str) -> str:
    """Line by line, times in UTC; the lines of a message are indented, so that no text can pass for a new speaker."""
    lines = [
        f"Conversation with {company}",
        f"Opened {conversation.opened_at:%Y-%m-%d %H:%M} UTC, number {conversation.id}",
        "",
    ]
    for message in messages:
        lines.append(f"[{message.at:%Y-%m-%d %H:%M}] {_speaker(message, company)}:")
        lines += [f"    {line}" for line in message.text.splitlines()]
        lines += [f"    (file: {described(each)})" for each in message.attachments]
        lines += [f"    (from: {each.heading or each.document})" for each in message.citations]
        lines.append("")
    return "\n".join(lines)


def as_json(conversation: Conversation, messages: Iterable[Message], company: str) -> dict[str, Any]:
    """{conversation, company, channel, opened_at, messages: [{seq, at, participant, author, kind, text, sources,
    files}]}."""
    return {
        "conversation": conversation.id,
        "company": company,
        "channel": conversation.channel,
        "opened_at": conversation.opened_at.isoformat(),
        "messages": [
            {
                "seq": message.seq,
                "at": message.at.isoformat(),
                "participant": message.participant,
                "author": message.author,
                "kind": message.kind,
                "text": message.text,
                "sources": [each.heading or each.document for each in message.citations],
                "files": [{"name": each.name, "kind": each.kind, "size": each.size} for each in message.attachments],
            }
            for message in messages
        ],
    }


def download(conversation: Conversation, log: Iterable[Message], company: str, format: str) -> Response:
    """The transcript as a file that a browser saves; `BadInput` for another format."""
    if format == "json":
        response = jsonify(as_json(conversation, log, company))
    elif format == "text":
        response = Response(plain_text(conversation, log, company), mimetype="text/plain")
    else:
        raise BadInput(f"the format of a transcript is text or json, got {format[:20]!r}")
    suffix = "json" if format == "json" else "txt"
    response.headers["Content-Disposition"] = f'attachment; filename="conversation-{conversation.id}.{suffix}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    return response


def mail(of: Parts, id: str) -> str:
    """Send a conversation's transcript, without notes, to its customer's address, and return that. `BadInput` where no
    mail server is set or no address is known, `Conflict` where it went out often just now, `DeliveryFailed`."""
    conversation = of.conversations.get(id)
    to = conversation.email or conversation.attributes.get("email", "")
    if of.mailer is None:
        raise BadInput(
            "transcripts are not sent by e-mail here (FIRSTLINE_SMTP_URL); download it instead", code="no_mail"
        )
    if not to:
        raise BadInput("no e-mail address of this customer is known", code="no_address")
    of.desk.mailings.reserve(id)
    company = of.settings.company_name
    text = plain_text(conversation, whole_log(of.conversations, id, notes=False), company)
    of.mailer.send(to, name=company, subject=f"Your conversation with {company}", text=text, at=of.clock())
    return to


def _speaker(message: Message, company: str) -> str:
    if message.kind == "note":
        return f"{message.author}, note for colleagues"
    names = {"customer": "Customer", "bot": f"{company}, automatic assistant", "agent": message.author}
    return names.get(message.participant, company)
