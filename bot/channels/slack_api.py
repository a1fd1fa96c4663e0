"""Slack's Web API and its texts: posting once, looking up, escaping. Posting is not idempotent, so a doubtful post is
looked up by the id in its metadata before it is repeated."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from bot.channels import retry_after
from bot.errors import BadInput, DeliveryFailed

SECTION_LIMIT = 3_000
CLOCKS_APART_S = 300.0
FINAL_ERRORS = frozenset(
    {"channel_not_found", "not_in_channel", "is_archived", "invalid_auth", "account_inactive", "token_revoked"}
)
_MENTION = re.compile(r"<@[A-Z0-9]{1,20}>\s*")
_SPECIAL = re.compile(r"<(?:[^<>|]*\|)?([^<>]*)>")

Blocks = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is posted: a channel and the `ts` of a thread's first message, empty for no thread."""

    channel: str
    thread: str = ""


class SlackApi:
    """The few methods that are used. Every one raises `DeliveryFailed`, with Slack's `Retry-After` where it names one,
    final where no retry can help."""

    def __init__(self, token: str, api_url: str) -> None:
        self._client = WebClient(token=token, base_url=api_url, timeout=10)

    def post(self, place: Place, text: str, blocks: Blocks, id: str, *, kind: str, doubtful_since: float | None) -> str:
        """Post a message that carries `id` and return its `ts`. With `doubtful_since`, seconds, an earlier attempt may
        have succeeded: what was posted since then is looked through first."""
        if doubtful_since is not None and (found := self._find(place, id, doubtful_since - CLOCKS_APART_S)):
            return found
        answer = self._call(
            "chat.postMessage",
            channel=place.channel,
            thread_ts=place.thread or None,
            text=escape(text),
            blocks=blocks,
            metadata={"event_type": kind, "event_payload": {"id": id}},
            unfurl_links=False,
            unfurl_media=False,
        )
        return str(answer.get("ts") or "")

    def update(self, place: Place, ts: str, text: str, blocks: Blocks) -> None:
        """Replace what stands in one of our messages."""
        self._call("chat.update", channel=place.channel, ts=ts, text=escape(text), blocks=blocks)

    def whisper(self, place: Place, user: str, text: str) -> None:
        """Tell one person something that nobody else sees."""
        self._call(
            "chat.postEphemeral",
            channel=place.channel,
            user=user,
            thread_ts=place.thread or None,
            text=escape(text),
        )

    def email_of(self, user: str, team: str) -> str:
        """The e-mail address of a member of workspace `team`, in lower case; empty where Slack shows none, and for
        whoever is no member: what another workspace says of its people is not ours to believe."""
        member = self._call("users.info", user=user).get("user") or {}
        foreign = member.get("team_id") not in (None, team) or member.get("is_stranger")
        if foreign or member.get("deleted") or member.get("is_bot"):
            return ""
        return str((member.get("profile") or {}).get("email") or "").lower()

    def _find(self, place: Place, id: str, since: float) -> str:
        """The `ts` of the message with our id that is newer than `since`; Slack lists a thread from its beginning."""
        window: dict[str, Any] = {"oldest": f"{since:.6f}", "limit": 200, "include_all_metadata": True}
        if place.thread:
            found = self._call("conversations.replies", channel=place.channel, ts=place.thread, **window)
        else:
            found = self._call("conversations.history", channel=place.channel, **window)
        return next((str(each.get("ts")) for each in found.get("messages") or () if _id_of(each) == id), "")

    def _call(self, method: str, **given: Any) -> dict[str, Any]:
        sent = {name: value for name, value in given.items() if value is not None}
        try:
            if method.startswith("chat."):
                answer = self._client.api_call(method, json=sent)
            else:
                answer = self._client.api_call(method, http_verb="GET", params=sent)
        except SlackApiError as error:
            raise _failure(method, error) from error
        except (SlackClientError, OSError) as error:
            raise DeliveryFailed(f"Slack did not answer {method}: {type(error).__name__}") from error
        return answer.data if isinstance(answer.data, dict) else {}


def _failure(method: str, error: SlackApiError) -> DeliveryFailed:
    code = str(error.response.get("error") or "unknown")[:120]
    wait_s = retry_after.seconds(str(error.response.headers.get("Retry-After", "")))
    return DeliveryFailed(f"Slack refused {method}: {code}", retry_after_s=wait_s, final=code in FINAL_ERRORS)


def _id_of(posted: dict[str, Any]) -> object:
    """Our id in the metadata of a message on Slack, if it is one of ours."""
    payload = (posted.get("metadata") or {}).get("event_payload") or {}
    return payload.get("id")


def sections(text: str) -> Blocks:
    """The text, escaped, in as many sections as it needs."""
    return [section(piece) for piece in pieces(text, SECTION_LIMIT)]


def section(markup: str) -> dict[str, Any]:
    """A section of Slack's markup; what comes from people goes through `escape` first."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": markup}}


def context(markup: str) -> dict[str, Any]:
    """A small line under a message."""
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": markup[:SECTION_LIMIT]}]}


def buttons(named: Sequence[tuple[str, str, str]]) -> dict[str, Any]:
    """A row of buttons, each of action id, title and value."""
    return {
        "type": "actions",
        "elements": [
            {
                "type": "button",
                "action_id": action,
                "text": {"type": "plain_text", "text": title[:75]},
                "value": value[:2_000],
            }
            for action, title, value in named
        ],
    }


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


def plain(markup: str) -> str:
    """What a person wrote, without Slack's marks: mentions dropped, links as they are shown."""
    without_mentions = _MENTION.sub("", markup)
    shown = _SPECIAL.sub(r"\1", without_mentions)
    return shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()


def field(given: dict[str, Any], key: str) -> str:
    """A short text of an event; `BadInput` names what stands there instead."""
    value = given.get(key)
    if not isinstance(value, str) or not 1 <= len(value) <= 60:
        raise BadInput(f"the event's {key} must be a text of 1 to 60 characters, got {json.dumps(value)[:60]}")
    return value
