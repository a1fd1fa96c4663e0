"""The widget's channel: open a conversation, say something, read the log by events or by polling.

A browser holds a token for its one conversation. Messages carry a client's UUID, so sending one again after a lost
answer is one message. Reading resumes from the last `seq`, by an event stream or, where none is free, by a long poll.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any, cast

from flask import Blueprint, Response, current_app, jsonify, request
from flask.blueprints import BlueprintSetupState

from bot.channels.current import Parts, parts
from bot.channels.json_body import parse_object
from bot.channels.render import message_json
from bot.channels.streams import Busy, Slots, frame, stream
from bot.channels.typing import FADES_S
from bot.channels.visitors import Tokens, visitor
from bot.errors import BadInput, NotFound, TooLarge
from bot.messages import MAX_ATTACHMENTS, IncomingMessage, Message
from bot.store.document_keys import DocumentKeys

blueprint = Blueprint("web", __name__, url_prefix="/api/v1/widget/conversations")

LONGEST_WAIT_S = 25.0
PAGE = 200
_EMAIL = re.compile(r"[^@\s<>\"']{1,64}@[^@\s<>\"']{1,180}\.[^@\s.<>\"']{2,60}")


@blueprint.record_once
def _share_slots(setup: BlueprintSetupState) -> None:
    most = cast(Parts, setup.app.extensions["firstline"]).settings.max_streams
    setup.app.extensions.setdefault("firstline.streams", Slots(most))


def slots() -> Slots:
    """The stream slots of this process, shared by widget and desk."""
    return cast(Slots, current_app.extensions["firstline.streams"])


@blueprint.errorhandler(Busy)
def told_to_poll(error: Busy) -> tuple[Response, int, dict[str, str]]:
    """A full house is no failure: the client polls and comes back."""
    return jsonify({"error": {"code": error.code, "message": str(error)}}), error.status, {"Retry-After": "30"}


@blueprint.post("")
def open_conversation() -> tuple[Response, int]:
    """A new conversation with its token."""
    who = visitor(body(), parts().settings.identity_secret)
    opened = parts().conversations.open("web", uuid.uuid4().hex, who.customer, dict(who.attributes))
    token = _tokens().issue(opened.id)
    return jsonify({"conversation": opened.id, "token": token, "state": state_json(opened.id)}), 201


@blueprint.get("/<id>")
def show(id: str) -> Response:
    """How the conversation stands."""
    verify(id)
    return jsonify({"state": state_json(id)})


@blueprint.post("/<id>/messages")
def say(id: str) -> tuple[Response, int]:
    """Store a message; 202 means that it is durable and will be answered."""
    verify(id)
    receipt = parts().turns.accept(_message(id, body()))
    parts().background.submit(parts().turns.answer, receipt.conversation)
    return jsonify({"seq": receipt.seq, "repeated": receipt.repeated}), 202


@blueprint.get("/<id>/messages")
def read(id: str) -> Response:
    """Messages after `after`; with `wait`, held open until there is one (at most 25 s)."""
    verify(id)
    after, wait_s = _number("after"), min(float(_number("wait")), LONGEST_WAIT_S)
    position = parts().wakeup.position()
    found = parts().conversations.log(id, after=after, limit=PAGE)
    if wait_s and not found:
        with slots().held() as held:
            found = _wait(id, after, wait_s, position) if held else ()
    keys = DocumentKeys(parts().settings.session_key)
    return jsonify({"messages": [message_json(message, keys) for message in found], "state": state_json(id)})


def _wait(id: str, after: int, wait_s: float, position: int) -> tuple[Message, ...]:
    """Look again whenever the log moves, until this conversation has news, or time or the process is up."""
    ends = time.monotonic() + wait_s
    before = state_json(id)
    while (left_s := ends - time.monotonic()) > 0 and not parts().wakeup.closing.is_set():
        position = parts().wakeup.wait(position, left_s)
        found = parts().conversations.log(id, after=after, limit=PAGE)
        if found or state_json(id) != before:
            return found
    return ()


@blueprint.get("/<id>/events")
def events(id: str) -> Response:
    """The conversation as server-sent events: `message` with the seq as its id, `state` whenever it changes."""
    verify(id)
    resumed = request.headers.get("Last-Event-ID", "")
    after = int(resumed) if resumed.isascii() and resumed.isdigit() and len(resumed) < 10 else _number("after")
    return stream(slots(), parts().wakeup, news(parts(), id, after))


def news(of: Parts, id: str, after: int) -> Callable[[], Iterator[str]]:
    """Frames of what is new since the last call: messages after `after`, then the state if it changed, then that an
    agent is writing."""
    seen, told, keys = after, None, DocumentKeys(of.settings.session_key)
    marked = of.typing.newest()

    def look() -> Iterator[str]:
        nonlocal seen, told, marked
        while found := of.conversations.log(id, after=seen, limit=PAGE):
            for message in found:
                seen = message.seq
                yield frame("message", message_json(message, keys), id=message.seq)
        if (state := conversation_state(of, id)) != told:
            told = state
            yield frame("state", state)
        for mark in of.typing.since(marked, "agent", id):
            marked = mark.number
            yield frame("typing", {"agent": mark.who, "fades_s": FADES_S})

    return look


@blueprint.post("/<id>/feedback")
def rate(id: str) -> tuple[str, int]:
    """Thumbs up or down for one of the bot's messages."""
    verify(id)
    given = body()
    seq, rating = given.get("seq"), given.get("rating")
    if type(seq) is not int or not 0 < seq < 2**31 or rating not in ("up", "down"):
        raise BadInput("feedback takes seq, a number of a bot's message, and rating, up or down")
    parts().conversations.rate(id, seq, rating)
    return "", 204


@blueprint.post("/<id>/human")
def ask_for_human(id: str) -> tuple[str, int]:
    """Put the conversation in the queue, whatever the bot thinks of it."""
    verify(id)
    parts().handoff.request(id, "the customer asks for a human")
    parts().wakeup.nudge()
    return "", 204


@blueprint.post("/<id>/email")
def leave_email(id: str) -> tuple[str, int]:
    """Keep the address at which the customer wants to be answered."""
    verify(id)
    email = body().get("email")
    if not isinstance(email, str) or not _EMAIL.fullmatch(email.strip()):
        raise BadInput("an e-mail address looks like name@example.org; this one does not")
    parts().conversations.leave_email(id, email.strip())
    return "", 204


def state_json(id: str) -> dict[str, Any]:
    return conversation_state(parts(), id)


def conversation_state(of: Parts, id: str) -> dict[str, Any]:
    """How a conversation stands, as the widget shows it; `place` is its place in the queue from 1, or null, and `later`
    says until when an agent put it off."""
    conversation = of.conversations.get(id)
    waiting = conversation.owner == "waiting"
    until = conversation.snoozed_until
    return {
        "owner": conversation.owner,
        "agent": conversation.agent if conversation.owner == "agent" else "",
        "answering": of.conversations.is_answering(id),
        "place": of.handoff.place(id) if waiting else None,
        "later": of.handoff.spoken(until) if until is not None and until > of.clock() else "",
        "email_left": bool(conversation.email),
        "in_hours": of.handoff.in_hours(),
        "next_open": of.handoff.next_open(),
        "company": of.settings.company_name,
        "ask_satisfaction": conversation.owner == "closed" and of.desk.satisfaction.due(id),
        "mail": of.mailer is not None and bool(conversation.email or conversation.attributes.get("email")),
    }


def _message(id: str, given: dict[str, Any]) -> IncomingMessage:
    conversation = parts().conversations.get(id)
    client_id, text, payload = given.get("client_id"), given.get("text"), given.get("payload")
    try:
        number = uuid.UUID(client_id) if isinstance(client_id, str) else None
    except ValueError as error:
        raise BadInput("client_id must be a UUID, made once for each message") from error
    if number is None or not isinstance(text, str):
        raise BadInput("a message has client_id, a UUID made once for each message, and text")
    if payload is not None and not (isinstance(payload, str) and 1 <= len(payload) <= 600):
        raise BadInput("payload must be a text of 1 to 600 characters, as a quick reply carried it")
    external, files = f"{id}:{number}", attachment_ids(given)
    return IncomingMessage("web", conversation.key, conversation.customer, external, text, payload, attachments=files)


def attachment_ids(given: dict[str, Any]) -> tuple[str, ...]:
    """The files that a message carries, `attachments`: ids as uploading them returned, none where it has no such key.
    `TooLarge` for more than one message takes."""
    ids = given.get("attachments", [])
    if not isinstance(ids, list) or not all(isinstance(id, str) and id for id in ids) or len(set(ids)) < len(ids):
        raise BadInput("attachments is a list of ids, each once, as uploading the files returned them")
    if len(ids) > MAX_ATTACHMENTS:
        raise TooLarge(
            f"the message has {len(ids)} files, at most {MAX_ATTACHMENTS} are taken; send it as two messages"
        )
    return tuple(ids)


def verify(id: str) -> None:
    """Refuse a token of another conversation, and conversations of other channels."""
    _tokens().verify(request.headers.get("Authorization", ""), id)
    if parts().conversations.get(id).channel != "web":
        raise NotFound(f"no conversation {id!r} of the widget")


def _tokens() -> Tokens:
    return Tokens(parts().settings.session_key)


def body() -> dict[str, Any]:
    """The JSON object of this request; empty where it has no body."""
    most = parts().settings.max_body_bytes
    request.max_content_length = most
    raw = request.get_data()
    return parse_object(raw, max_bytes=most) if raw else {}


def _number(name: str) -> int:
    value = request.args.get(name, "0")
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise BadInput(f"{name} must be a whole number from 0, got {value[:20]!r}")
    return int(value)
