"""Slack by the Events API: signed events in, threaded replies out.

An event is acknowledged once it is stored; the reply goes through the outbox. `app_mention` and `message` events of
one message carry the same channel and `ts`, which is what makes them one message here; a retried event likewise.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qs

from flask import Blueprint, Response, jsonify, request
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from bot.channels import retry_after
from bot.channels.current import parts
from bot.channels.json_body import parse_object
from bot.channels.signing import verify_slack
from bot.errors import BadInput, DeliveryFailed, NotFound, TooLarge
from bot.messages import MAX_TEXT, IncomingMessage, Message
from bot.store.conversations import Conversation

blueprint = Blueprint("slack", __name__)

TAKEN_SUBTYPES = (None, "file_share", "thread_broadcast")
SECTION_LIMIT = 3_000
CLOCKS_APART_S = 300.0
_MENTION = re.compile(r"<@[A-Z0-9]{1,20}>\s*")
_SPECIAL = re.compile(r"<(?:[^<>|]*\|)?([^<>]*)>")


@blueprint.post("/webhooks/slack/events")
def receive() -> Response:
    """Verify, store, acknowledge; the answer comes later and from elsewhere."""
    settings = parts().settings
    if not settings.slack_signing_secret:
        raise NotFound("Slack is not connected; set FIRSTLINE_SLACK_SIGNING_SECRET and FIRSTLINE_SLACK_BOT_TOKEN")
    body = request.get_data()
    if len(body) > settings.max_body_bytes:
        raise TooLarge(f"the event has {len(body):,} bytes, at most {settings.max_body_bytes:,} are taken")
    verify_slack(settings.slack_signing_secret, dict(request.headers), body, parts().clock())
    event = _form_payload(body) if request.mimetype == "application/x-www-form-urlencoded" else body
    given = parse_object(event, max_bytes=settings.max_body_bytes)
    if given.get("type") == "url_verification":
        return jsonify({"challenge": str(given.get("challenge", ""))[:1_000]})
    message = parse_action(given) if given.get("type") == "block_actions" else parse(given)
    if message is not None:
        receipt = parts().turns.accept(message)
        parts().background.submit(parts().turns.answer, receipt.conversation)
    return jsonify({"ok": True})


def _form_payload(body: bytes) -> bytes:
    try:
        return parse_qs(body.decode("ascii"), max_num_fields=5, strict_parsing=True)["payload"][0].encode()
    except (ValueError, KeyError) as error:
        raise BadInput("an interaction carries one form field named payload") from error


def parse(given: dict[str, Any]) -> IncomingMessage | None:
    """A customer's message of an event callback; None for what is not one (bots, edits, joins, empty texts)."""
    event = given.get("event")
    if given.get("type") != "event_callback" or not isinstance(event, dict):
        raise BadInput(f"expected type event_callback with an event, got type {str(given.get('type'))[:40]!r}")
    if event.get("type") not in ("message", "app_mention") or event.get("subtype") not in TAKEN_SUBTYPES:
        return None
    if event.get("bot_id") or not event.get("user"):
        return None
    team, channel, ts = (_text(given, "team_id"), _text(event, "channel"), _text(event, "ts"))
    written = event.get("text") or ""
    if not isinstance(written, str):
        raise BadInput(f"the event's text must be a text, got {type(written).__name__}")
    text = _plain(written)[:MAX_TEXT]
    if not text:
        return None
    direct = event.get("channel_type") == "im"
    thread = "" if direct else _text(event, "thread_ts") if event.get("thread_ts") else ts
    return IncomingMessage(
        "slack", f"{team}/{channel}/{thread}", f"{team}/{_text(event, 'user')}", f"{team}/{channel}/{ts}", text
    )


def parse_action(given: dict[str, Any]) -> IncomingMessage | None:
    """A tapped button (Block Kit `block_actions`): its value is the payload, its title the text."""
    try:
        action, posted = given["actions"][0], given["message"]
        team, channel, user = (_text(given[key], "id") for key in ("team", "channel", "user"))
        thread = "" if channel.startswith("D") else _text(posted, "thread_ts" if posted.get("thread_ts") else "ts")
        key, external = f"{team}/{channel}/{thread}", f"{team}/{channel}/{_text(action, 'action_ts')}"
        title, payload = str(action["text"]["text"]), str(action["value"])[:2_000]
        return IncomingMessage("slack", key, f"{team}/{user}", external, title, payload)
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise BadInput(f"the interaction lacks {error}") from error


class SlackDelivery:
    """Posts replies to their thread. A doubtful post is looked up before it is repeated: posting is not idempotent."""

    name = "slack"

    def __init__(self, token: str, api_url: str) -> None:
        self._client = WebClient(token=token, base_url=api_url, timeout=10)

    def deliver(self, conversation: Conversation, message: Message, *, attempts: int) -> None:
        """`DeliveryFailed` with Slack's `Retry-After`, or final where no retry can help."""
        _, channel, thread = conversation.key.split("/", 2)
        id = f"{conversation.id}:{message.seq}"
        since = message.at.timestamp() - CLOCKS_APART_S
        if attempts and self._is_posted(channel, thread, id, since):
            return
        try:
            self._client.chat_postMessage(
                channel=channel,
                thread_ts=thread or None,
                text=escape(message.text),
                blocks=blocks(message),
                metadata={"event_type": "firstline_reply", "event_payload": {"id": id}},
                unfurl_links=False,
                unfurl_media=False,
            )
        except SlackApiError as error:
            raise _failure(error) from error
        except (SlackClientError, OSError) as error:
            raise DeliveryFailed(f"Slack did not answer: {type(error).__name__}") from error

    def _is_posted(self, channel: str, thread: str, id: str, since: float) -> bool:
        """Whether a message with our id stands there; looks at what is newer than `since` (seconds) only, because
        Slack lists a thread from its beginning."""
        window: dict[str, Any] = {"oldest": f"{since:.6f}", "limit": 200, "include_all_metadata": True}
        try:
            if thread:
                found = self._client.conversations_replies(channel=channel, ts=thread, **window)
            else:
                found = self._client.conversations_history(channel=channel, **window)
        except (SlackClientError, OSError) as error:
            raise DeliveryFailed(f"Slack did not say whether {id} was posted: {type(error).__name__}") from error
        return any(_id_of(message) == id for message in found.get("messages") or ())


def _id_of(posted: dict[str, Any]) -> object:
    """Our id in the metadata of a message on Slack, if it is one of ours."""
    payload = (posted.get("metadata") or {}).get("event_payload") or {}
    return payload.get("id")


def blocks(message: Message) -> list[dict[str, Any]]:
    """Block Kit: the text, its sources, and a button a quick reply."""
    built = [_section(piece) for piece in pieces(message.text, SECTION_LIMIT)]
    if message.citations:
        sources = " · ".join(f"{n}. {escape(each.heading)}" for n, each in enumerate(message.citations, 1))
        built.append({"type": "context", "elements": [{"type": "mrkdwn", "text": sources[:SECTION_LIMIT]}]})
    if message.quick_replies:
        buttons = [
            {
                "type": "button",
                "action_id": f"quick_reply_{number}",
                "text": {"type": "plain_text", "text": reply.title[:75]},
                "value": reply.payload[:2_000],
            }
            for number, reply in enumerate(message.quick_replies[:5])
        ]
        built.append({"type": "actions", "elements": buttons})
    return built


def escape(text: str) -> str:
    """Slack's control characters as text, so that a quote cannot forge `<!channel>`."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def pieces(text: str, most: int) -> list[str]:
    """`text` escaped, in pieces of at most `most` characters, none of which cuts an escaped character in two."""
    found = [""]
    for each in map(escape, text):
        if len(found[-1]) + len(each) > most:
            found.append("")
        found[-1] += each
    return found


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _plain(text: str) -> str:
    without_mentions = _MENTION.sub("", text)
    shown = _SPECIAL.sub(r"\1", without_mentions)
    return shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()


def _text(given: dict[str, Any], key: str) -> str:
    value = given.get(key)
    if not isinstance(value, str) or not 1 <= len(value) <= 60:
        raise BadInput(f"the event's {key} must be a text of 1 to 60 characters, got {json.dumps(value)[:60]}")
    return value


FINAL_ERRORS = frozenset(
    {"channel_not_found", "not_in_channel", "is_archived", "invalid_auth", "account_inactive", "token_revoked"}
)


def _failure(error: SlackApiError) -> DeliveryFailed:
    code = str(error.response.get("error") or "unknown")[:120]
    wait_s = retry_after.seconds(str(error.response.headers.get("Retry-After", "")))
    return DeliveryFailed(f"Slack refused the reply: {code}", retry_after_s=wait_s, final=code in FINAL_ERRORS)
