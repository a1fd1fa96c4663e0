"""The desk's JSON and events: the queue, a conversation, and what an agent does to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from flask import Blueprint, Response, jsonify, request

from bot.channels.current import Parts, parts
from bot.channels.streams import frame, stream
from bot.channels.typing import FADES_S
from bot.channels.web import attachment_ids, slots
from bot.console import sessions
from bot.console.around import tell_mentioned
from bot.console.handing import body, full_json, moved, standing_json, token
from bot.console.records import desk_message_json, summary_json
from bot.errors import BadInput, TooLarge
from bot.messages import MAX_TEXT, Message
from bot.store.conversations import Conversation
from bot.store.document_keys import DocumentKeys
from bot.turns import audience_of
from retrieval.audiences import may_see

blueprint = Blueprint("api", __name__, url_prefix="/api")

LISTED = 60
PAGE = 200
QUOTED_WORDS = 5
"""Words of a draft's line from which saying it is quoting it; shorter ones ("No.") stand in any reply."""
SEEN_EVERY_S = 14.0
"""How often an open desk renews its agent's mark, which lasts a minute."""


@blueprint.get("/queue")
def queue() -> Response:
    """Who waits and who is served, then the last others; `search` looks in texts, names and addresses."""
    search = request.args.get("search", "")[:200].strip()
    found = parts().conversations.listing(search=search, limit=LISTED)
    held = () if search else (*parts().handoff.queue(), *parts().handoff.snoozed())
    known = {each.id for each in held}
    listed = (*held, *(each for each in found if each.id not in known and each.last_seq))
    return jsonify({"conversations": [_summary(each) for each in listed], "present": list(parts().handoff.present())})


@blueprint.get("/conversations/<id>")
def show(id: str) -> Response:
    """A conversation and its messages after `after`, with notes and records; `more` when the page was full."""
    after = request.args.get("after", "0")
    if not (after.isascii() and after.isdigit() and len(after) < 10):
        raise BadInput(f"after must be a whole number from 0, got {after[:20]!r}")
    conversation = parts().conversations.get(id)
    log = parts().conversations.log(id, after=int(after), limit=PAGE, notes=True)
    keys = _keys()
    shown = [desk_message_json(message, keys) for message in log]
    return jsonify({"conversation": full_json(parts(), conversation), "messages": shown, "more": len(log) == PAGE})


@blueprint.post("/conversations/<id>/take")
def take(id: str) -> Response:
    """Hold it from now on, whoever waits for an answer in it; the `token` of what comes back goes with every act."""
    parts().handoff.take(id, sessions.person().name)
    return moved(id)


@blueprint.post("/conversations/<id>/reply")
def reply(id: str) -> tuple[Response, int]:
    """Say something to the customer, with files or only with them; only the holder may, and not in the words of an
    internal document."""
    given = body()
    files = attachment_ids(given)
    text = "" if files and not str(given.get("text", "")).strip() else _text(given)
    _require_own_words(id, text)
    name = sessions.person().name
    return _said(parts().handoff.reply(id, name, text, token=token(given), attachments=files))


@blueprint.post("/conversations/<id>/note")
def note(id: str) -> tuple[Response, int]:
    """Leave a note for colleagues."""
    said = parts().handoff.note(id, sessions.person().name, _text(body()))
    tell_mentioned(said)
    return _said(said)


@blueprint.post("/conversations/<id>/hand-back")
def hand_back(id: str) -> Response:
    parts().handoff.hand_back(id, sessions.person().name, token=token(body()))
    return moved(id)


@blueprint.post("/conversations/<id>/close")
def close(id: str) -> Response:
    parts().handoff.close(id, sessions.person().name, token=token(body()))
    return moved(id)


@blueprint.get("/jobs/<int:id>")
def job(id: int) -> Response:
    """How far a job is, for progress bars."""
    found = parts().jobs.get(id)
    keys = ("id", "kind", "state", "done", "total", "message")
    return jsonify({key: getattr(found, key) for key in keys})


@blueprint.get("/events")
def events() -> Response:
    """`moved` whenever a log moved, and every few seconds, and `typing`; an open desk keeps its agent present."""
    who = sessions.person().name if sessions.may("agent") else ""
    return stream(slots(), parts().wakeup, _news(parts(), who))


def _news(of: Parts, who: str) -> Callable[[], Iterator[str]]:
    """What a desk looks at again; `who` is kept present, nobody where it is empty."""
    marked, position, typed = -SEEN_EVERY_S, -1, of.typing.newest()

    def look() -> Iterator[str]:
        nonlocal marked, position, typed
        due = time.monotonic() - marked >= SEEN_EVERY_S
        if due:
            marked = time.monotonic()
            if who:
                of.handoff.seen(who)
        for mark in of.typing.since(typed, "customer"):
            typed = mark.number
            yield frame("typing", {"conversation": mark.conversation, "fades_s": FADES_S})
        if due or of.wakeup.news_position() != position:
            position = of.wakeup.news_position()
            yield frame("moved", {"position": position, "present": list(of.handoff.present())})

    return look


def _said(message: Message) -> tuple[Response, int]:
    parts().wakeup.nudge()
    return jsonify({"message": desk_message_json(message, _keys())}), 201


def _summary(conversation: Conversation) -> dict[str, Any]:
    last = parts().conversations.log(conversation.id, after=max(conversation.last_seq - 1, 0), limit=1)
    return summary_json(conversation, last[0] if last else None) | standing_json(parts(), conversation)


def _require_own_words(id: str, text: str) -> None:
    """Refuse a reply that holds what the bot drafted from a document the customer may not see."""
    said = " ".join(text.split())
    conversation = parts().conversations.get(id)
    audience = audience_of(conversation)
    for message in parts().conversations.log(id, after=max(conversation.last_seq - PAGE, 0), limit=PAGE, notes=True):
        turn = message.turn
        if turn is None or may_see(audience, turn.draft_audience):
            continue
        lines = (line.split() for line in turn.draft.split("\n"))
        if any(" ".join(words) in said for words in lines if len(words) >= QUOTED_WORDS):
            raise BadInput("this quotes an internal document; say it in your own words", code="internal")


def _keys() -> DocumentKeys:
    return DocumentKeys(parts().settings.session_key)


def _text(given: dict[str, Any]) -> str:
    text = given.get("text")
    if not isinstance(text, str) or not text.strip():
        raise BadInput("a reply or note needs text, and more than spaces")
    if len(text) > MAX_TEXT:
        raise TooLarge(f"the text has {len(text):,} characters, at most {MAX_TEXT:,} are taken")
    return text.strip()
