"""What a reader sees of a message: Markdown to safe HTML, and records to the JSON of the widget and the desk.

markdown-it writes no raw HTML, and nh3 lets through only the tags below: no images, links to http, https and mailto
only, every link marked as not ours.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import nh3
from markdown_it import MarkdownIt
from markupsafe import escape

from bot.attachments.kinds import KINDS
from bot.messages import Attachment, Message
from bot.store.document_keys import DocumentKeys
from retrieval.documents import Citation

TAGS = {"p", "br", "strong", "em", "s", "code", "pre", "ul", "ol", "li", "a", "blockquote", "hr"} | {
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
}
ATTRIBUTES = {"a": {"href", "target"}, "ol": {"start"}}
SCHEMES = {"http", "https", "mailto"}
REL = "noopener noreferrer nofollow ugc"

_markdown = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])
_markdown.disable(["heading", "lheading", "image", "html_block", "html_inline", "reference"])


def safe_html(text: str) -> str:
    """Markdown of a bot or an agent as HTML that is safe to insert; links open in a new tab."""
    rendered = _markdown.render(text).replace("<a href=", '<a target="_blank" href=')
    return nh3.clean(rendered, tags=TAGS, attributes=ATTRIBUTES, url_schemes=SCHEMES, link_rel=REL)


def plain_html(text: str) -> str:
    """What a customer wrote: every character as text, line breaks kept."""
    return f"<p>{str(escape(text)).replace(chr(10), '<br>')}</p>"


def message_html(message: Message) -> str:
    """The HTML of one message, by who said it; empty for one that is only files."""
    if not message.text:
        return ""
    marked_up = message.kind == "text" and message.participant in ("bot", "agent")
    return safe_html(message.text) if marked_up else plain_html(message.text)


def message_json(message: Message, keys: DocumentKeys) -> dict[str, Any]:
    """One message as the widget and the desk read it; both may open what is for signed-in customers.

    `client_id` is the UUID a browser gave its own message, so that it knows it again; empty for all others.
    """
    return {
        "seq": message.seq,
        "client_id": _client_id(message),
        "participant": message.participant,
        "author": message.author,
        "kind": message.kind,
        "text": message.text,
        "html": message_html(message),
        "at": message.at.isoformat(),
        "rating": message.rating,
        "citations": [citation_json(citation, keys) for citation in message.citations],
        "quick_replies": [{"title": reply.title, "payload": reply.payload} for reply in message.quick_replies],
        "attachments": [attachment_json(attachment) for attachment in message.attachments],
    }


def attachment_json(attachment: Attachment) -> dict[str, Any]:
    """A file of a message; `picture` says that it may be shown where it stands."""
    picture = attachment.kind in KINDS and KINDS[attachment.kind].picture
    return {"id": attachment.id, "name": attachment.name, "size": attachment.size, "picture": picture}


def _client_id(message: Message) -> str:
    conversation, _, given = message.external_id.partition(":")
    return given if conversation == message.conversation else ""


def citation_json(citation: Citation, keys: DocumentKeys | None = None) -> dict[str, Any]:
    """A citation whose `url` opens the stored version at the quote; with `keys`, also one for signed-in customers."""
    restricted = citation.audience == "customers"
    key = keys.of(citation.document, citation.version) if keys is not None and restricted else ""
    return {
        "document": citation.document,
        "version": citation.version,
        "heading": citation.heading,
        "start": citation.start,
        "end": citation.end,
        "quote": citation.quote,
        "url": document_url(citation.document, citation.version, citation.start, citation.end, key=key),
    }


def document_url(document: str, version: int, start: int, end: int, *, key: str = "") -> str:
    """Where this process shows a stored version with `text[start:end]` marked; `key` opens one that is not public."""
    opened = f"&key={quote(key, safe='')}" if key else ""
    return f"/documents/{quote(document, safe='')}?version={version}&start={start}&end={end}{opened}#quote"
