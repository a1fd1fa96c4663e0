"""Files of messages over HTTP: uploaded one by one under an id of the client's, then sent with a message, and served to
the two sides of that conversation only.

What is served is what `bot.attachments.kinds` found in it. Pictures may be shown, everything else is saved; neither can
run a script, be put into a foreign page, or be kept by a shared cache.
"""

from __future__ import annotations

import uuid

from flask import Blueprint, Response, jsonify, request, send_file

from bot.attachments.kinds import KINDS, check
from bot.attachments.names import clean_name
from bot.channels.current import parts
from bot.channels.render import attachment_json
from bot.channels.web import verify
from bot.errors import BadInput, NotFound, TooLarge
from bot.messages import Attachment
from bot.store.attachments import Kept, Sender

blueprint = Blueprint("attachments", __name__, url_prefix="/api/v1/widget/conversations")

LONGEST_NAME = 1_000
POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"
CUSTOMER = Sender("customer")


@blueprint.put("/<id>/attachments/<key>")
def keep(id: str, key: str) -> tuple[Response, int]:
    """Take a file that a message will carry: its bytes are the body, `name` what it is called, `key` a UUID."""
    verify(id)
    return jsonify({"attachment": attachment_json(take(id, key, CUSTOMER))}), 201


@blueprint.get("/<id>/attachments/<attachment>")
def show(id: str, attachment: str) -> Response:
    """A file of this conversation, to the customer whose conversation it is."""
    verify(id)
    return served(parts().attachments.get(id, attachment), CUSTOMER)


def take(id: str, key: str, sender: Sender) -> Attachment:
    """Read, check and keep the file in this request's body; what is refused says why and what to do."""
    try:
        number = str(uuid.UUID(key))
    except ValueError as error:
        raise BadInput("the id of an upload must be a UUID, made once for each file") from error
    settings = parts().settings
    checked = check(_file(settings.max_attachment_bytes))
    return parts().attachments.put(
        id,
        number,
        sender,
        name=clean_name(request.args.get("name", "")[-LONGEST_NAME:], checked.kind),
        kind=checked.kind.media_type,
        data=checked.data,
        most_bytes=settings.max_conversation_files_bytes,
    )


def served(kept: Kept, reader: Sender) -> Response:
    """The file's bytes; `NotFound` for one that nobody but its sender has seen yet, as if it were not there."""
    if kept.seq is None and kept.sender != reader:
        raise NotFound("this conversation has no such file")
    kind = KINDS[kept.attachment.kind]
    response = send_file(
        kept.path,
        mimetype=kind.media_type,
        as_attachment=not kind.picture,
        download_name=kept.attachment.name,
        etag=kept.sha256,
    )
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _file(most: int) -> bytes:
    """The body of this request; `TooLarge` for more than `most` bytes. One of unknown length is read one byte further
    than that, since it is cut where the reading ends."""
    length, remedy = request.content_length, f"at most {most:,} are taken; send a smaller one"
    if length is not None and length > most:
        raise TooLarge(f"the file has {length:,} bytes, {remedy}")
    request.max_content_length = most + 1
    data = request.get_data()
    if len(data) > most:
        raise TooLarge(f"the file has more than {most:,} bytes, {remedy}")
    return data
