"""Canned replies: the page that admins keep them on, and their texts filled in for a conversation.

The first look takes in the company's `canned_replies.yml` from its data folder, or a few that suit any company.
"""

from __future__ import annotations

from pathlib import Path

import yaml
from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from bot.channels.current import parts
from bot.console import sessions
from bot.errors import BadInput, BadSettings, Conflict, FirstlineError
from bot.messages import Message
from bot.store.canned import LONGEST_TITLE, VARIABLES, CannedReply, fill
from bot.store.conversations import Conversation

blueprint = Blueprint("canned", __name__, url_prefix="/canned")

FILE = "canned_replies.yml"
GENERAL = Path(__file__).parent / FILE
OLDER = {"{name}": "{customer}"}
"""Names of variables in files from before there was a page."""
LOOKED_AT = 200
"""Messages, the newest, in which an order number is looked for."""


@blueprint.get("/")
def show() -> BaseResponse:
    return _page()


@blueprint.post("/save")
def save() -> BaseResponse:
    """Add a reply, or change the one that `id` names."""
    id = request.form.get("id", "")
    given = {key: request.form.get(key, "") for key in ("title", "text")}
    try:
        known = int(id) if id.isascii() and id.isdigit() and len(id) < 10 else None
        parts().desk.canned.save(given["title"], given["text"], by=sessions.acting(), id=known)
    except (BadInput, Conflict) as error:
        return _page(error, {**given, "id": id})
    return redirect("/desk/canned/", 303)


@blueprint.post("/remove")
def remove() -> BaseResponse:
    id = request.form.get("id", "")
    parts().desk.canned.remove(int(id) if id.isascii() and id.isdigit() and len(id) < 10 else 0, by=sessions.acting())
    return redirect("/desk/canned/", 303)


def replies() -> tuple[CannedReply, ...]:
    """All canned replies, after the company's file was taken in."""
    canned = parts().desk.canned
    if not canned.seeded():
        canned.seed(from_file(parts().settings.data))
    return canned.listing()


def filled_in(conversation: Conversation) -> list[dict[str, object]]:
    """`[{id, title, text, missing}]` for the composer of a conversation."""
    recent = max(conversation.last_seq - LOOKED_AT, 0)
    log = parts().conversations.log(conversation.id, after=recent, limit=LOOKED_AT, notes=True)
    values = {
        "customer": conversation.attributes.get("name", ""),
        "agent": sessions.person().name,
        "order_number": order_number(log),
        "company": parts().settings.company_name,
    }
    filled = [(each, fill(each.text, values)) for each in replies()]
    return [{"id": each.id, "title": each.title, "text": done.text, "missing": done.missing} for each, done in filled]


def order_number(log: tuple[Message, ...]) -> str:
    """The order number that the customer wrote last; empty where none was understood."""
    turns = [message.turn for message in log if message.turn is not None]
    found = [each.value for turn in turns for each in turn.understanding.entities if each.name == "order_number"]
    return found[-1] if found else ""


def from_file(data: Path) -> list[tuple[str, str]]:
    """(title, text) of the company's own file, else of the general one; `BadSettings` for a malformed file."""
    path = data / FILE if (data / FILE).exists() else GENERAL
    try:
        rows = yaml.safe_load(path.read_text(encoding="utf-8"))
        found = [(str(row["title"]).strip()[:LONGEST_TITLE], str(row["text"]).strip()) for row in rows]
    except (yaml.YAMLError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise BadSettings(f"{path} must be a list of title and text: {error}") from error
    for older, name in OLDER.items():
        found = [(title, text.replace(older, name)) for title, text in found]
    return found


def _page(error: FirstlineError | None = None, given: dict[str, str] | None = None) -> BaseResponse:
    page = render_template(
        "desk/canned.html",
        replies=replies(),
        variables=VARIABLES,
        error=error,
        given=given or {},
        longest=LONGEST_TITLE,
    )
    return make_response(page, error.status if error else 200)
