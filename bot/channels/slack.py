"""Slack by the Events API: signed events in, threaded replies out.

An event is acknowledged once it is stored; the reply goes through the outbox. `app_mention` and `message` events of
one message carry the same channel and `ts`, which is what makes them one message here; a retried event likewise.
"""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import parse_qs

from flask import Blueprint, Response, current_app, jsonify, request
from flask.blueprints import BlueprintSetupState

from bot.channels.current import Parts, parts
from bot.channels.json_body import parse_object
from bot.channels.signing import verify_slack
from bot.channels.slack_api import Blocks, Place, SlackApi, buttons, context, escape, field, plain, sections
from bot.channels.slack_desk import SlackDesk, is_for_desk
from bot.errors import BadInput, NotFound, TooLarge
from bot.messages import MAX_TEXT, IncomingMessage, Message
from bot.store.conversations import Conversation
from bot.store.slack_threads import SlackThreads

blueprint = Blueprint("slack", __name__)

TAKEN_SUBTYPES = (None, "file_share", "thread_broadcast")


@blueprint.record_once
def _open_desk(setup: BlueprintSetupState) -> None:
    of = cast(Parts, setup.app.extensions["firstline"])
    threads = SlackThreads(of.library.database, of.clock)
    desk = SlackDesk(of.settings, of.handoff, of.people, threads, wake=of.wakeup.nudge)
    setup.app.extensions["firstline.slack_desk"] = desk if of.settings.slack_desk_channel else None


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
    desk = cast(SlackDesk | None, current_app.extensions["firstline.slack_desk"])
    if desk is not None and is_for_desk(given, desk.channel):
        desk.take(given)
        return jsonify({"ok": True})
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
    team, channel, ts = (field(given, "team_id"), field(event, "channel"), field(event, "ts"))
    written = event.get("text") or ""
    if not isinstance(written, str):
        raise BadInput(f"the event's text must be a text, got {type(written).__name__}")
    text = plain(written)[:MAX_TEXT]
    if not text:
        return None
    direct = event.get("channel_type") == "im"
    thread = "" if direct else field(event, "thread_ts") if event.get("thread_ts") else ts
    return IncomingMessage(
        "slack", f"{team}/{channel}/{thread}", f"{team}/{field(event, 'user')}", f"{team}/{channel}/{ts}", text
    )


def parse_action(given: dict[str, Any]) -> IncomingMessage | None:
    """A tapped button (Block Kit `block_actions`): its value is the payload, its title the text."""
    try:
        action, posted = given["actions"][0], given["message"]
        team, channel, user = (field(given[key], "id") for key in ("team", "channel", "user"))
        thread = "" if channel.startswith("D") else field(posted, "thread_ts" if posted.get("thread_ts") else "ts")
        key, external = f"{team}/{channel}/{thread}", f"{team}/{channel}/{field(action, 'action_ts')}"
        title, payload = str(action["text"]["text"]), str(action["value"])[:2_000]
        return IncomingMessage("slack", key, f"{team}/{user}", external, title, payload)
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise BadInput(f"the interaction lacks {error}") from error


class SlackDelivery:
    """Posts replies to their thread."""

    name = "slack"

    def __init__(self, token: str, api_url: str) -> None:
        self._api = SlackApi(token, api_url)

    def deliver(self, conversation: Conversation, message: Message, *, attempts: int) -> None:
        """`DeliveryFailed` with Slack's `Retry-After`, or final where no retry can help."""
        _, channel, thread = conversation.key.split("/", 2)
        self._api.post(
            Place(channel, thread),
            message.text,
            blocks(message),
            f"{conversation.id}:{message.seq}",
            kind="firstline_reply",
            doubtful_since=message.at.timestamp() if attempts else None,
        )


def blocks(message: Message) -> Blocks:
    """Block Kit: the text, its sources, and a button a quick reply."""
    built = sections(message.text)
    if message.citations:
        built.append(context(" · ".join(f"{n}. {escape(each.heading)}" for n, each in enumerate(message.citations, 1))))
    if message.quick_replies:
        replies = enumerate(message.quick_replies[:5])
        built.append(buttons([(f"quick_reply_{number}", each.title, each.payload) for number, each in replies]))
    return built
