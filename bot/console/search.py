"""The search page: all conversations by what was said, address or customer, with filters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import get_args

from flask import Blueprint, render_template, request

from bot.channels.current import parts
from bot.console.audit import day
from bot.console.records import display_name
from bot.messages import Owner
from bot.store.conversations import Conversation
from bot.store.search import Filters, Found

blueprint = Blueprint("search", __name__, url_prefix="/search")

SHOWN = 50
OWNERS: tuple[str, ...] = get_args(Owner)
CHANNELS = {"web": "Chat on the website", "slack": "Slack", "webhook": "Webhook", "rest": "REST"}


@dataclass(frozen=True, slots=True)
class Line:
    """One conversation of the result."""

    conversation: Conversation
    name: str
    found: Found


@blueprint.get("/")
def show() -> str:
    """The form, and what was found; without any word or filter nothing is looked for."""
    given = {key: request.args.get(key, "")[:200].strip() for key in ("q", "owner", "channel", "since", "until")}
    until = day(given["until"])
    filters = Filters(
        owner=given["owner"] if given["owner"] in OWNERS else "",
        channel=given["channel"] if given["channel"] in CHANNELS else "",
        since=day(given["since"]),
        until=until + timedelta(days=1) if until else None,
    )
    asked = any(given.values())
    lines = [_line(each) for each in parts().desk.search.find(given["q"], filters, SHOWN)] if asked else []
    return render_template(
        "desk/search.html",
        given=given,
        asked=asked,
        lines=lines,
        owners=OWNERS,
        channels=CHANNELS,
        most=SHOWN,
    )


def _line(found: Found) -> Line:
    conversation = parts().conversations.get(found.conversation)
    return Line(conversation, display_name(conversation), found)
