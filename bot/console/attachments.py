"""The desk's side of files: what a customer sent is seen by everybody who reads the conversation, what an agent adds to
a reply is uploaded first. Only customers of the web chat can be given one."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from bot.channels.attachments import served, take
from bot.channels.current import parts
from bot.channels.render import attachment_json
from bot.console import sessions
from bot.errors import BadInput
from bot.store.attachments import Sender

blueprint = Blueprint("attachments", __name__, url_prefix="/api")


@blueprint.put("/conversations/<id>/attachments/<key>")
def keep(id: str, key: str) -> tuple[Response, int]:
    """Take a file for a reply to come, as in `bot.channels.attachments`."""
    channel = parts().conversations.get(id).channel
    if channel != "web":
        raise BadInput(f"files reach customers of the web chat only, and this conversation is on {channel}; link to it")
    return jsonify({"attachment": attachment_json(take(id, key, _sender()))}), 201


@blueprint.get("/conversations/<id>/attachments/<attachment>")
def show(id: str, attachment: str) -> Response:
    """A file of a conversation."""
    return served(parts().attachments.get(id, attachment), _sender())


def _sender() -> Sender:
    return Sender("agent", sessions.person().name)
