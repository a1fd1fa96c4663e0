"""Slack as its Web API and its signed events show it."""

from __future__ import annotations

import hmac
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

from slack_sdk.signature import SignatureVerifier
from werkzeug.test import TestResponse

from tests.application import Application
from tests.far_side import Scripted, Sent

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
URL = "/webhooks/slack/events"


class Workspace:
    """What Slack keeps: posts with their threads, what was whispered, members' addresses by their ids."""

    def __init__(self) -> None:
        self.posts: list[dict[str, Any]] = []
        self.whispers: list[dict[str, Any]] = []
        self.members: dict[str, str] = {}
        self.foreign: dict[str, str] = {}

    def __call__(self, sent: Sent) -> Scripted:
        method = urlsplit(sent.path).path.removeprefix("/api/")
        if method == "users.info":
            user = parameters(sent)["user"][0]
            profile = {"profile": {"email": self.members[user]}}
            return _ok({"user": {"id": user, "team_id": self.foreign.get(user, "T1"), **profile}})
        if method == "chat.postEphemeral":
            self.whispers.append(json.loads(sent.body))
            return _ok({})
        if method == "chat.update":
            given = json.loads(sent.body)
            next(post for post in self.posts if post["ts"] == given["ts"]).update(given)
            return _ok({})
        if method == "chat.postMessage":
            self.posts.append({"ts": f"1795000000.{len(self.posts):06}", **json.loads(sent.body)})
            return _ok({"ts": self.posts[-1]["ts"]})
        asked = {key: values[0] for key, values in parameters(sent).items()}
        here = [post for post in self.posts if post["channel"] == asked["channel"]]
        if method == "conversations.replies":
            here = [post for post in here if post.get("thread_ts") == asked["ts"]]
        here = [post for post in here if float(post["ts"]) >= float(asked.get("oldest", 0))]
        if method == "conversations.history":
            here = here[::-1]
        return _ok({"messages": here[: int(asked["limit"])]})


def parameters(sent: Sent) -> dict[str, list[str]]:
    return parse_qs(urlsplit(sent.path).query) | parse_qs(sent.body.decode())


def _ok(given: dict[str, Any]) -> Scripted:
    return Scripted(body=json.dumps({"ok": True, **given}).encode(), headers={"Content-Type": "application/json"})


def send(slack: Application, body: object, *, mimetype: str = "application/json", **headers: str) -> TestResponse:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    timestamp = str(int(slack.parts.clock().timestamp()))
    signed = {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": signature(timestamp, raw)}
    return slack.app.test_client().post(URL, data=raw, content_type=mimetype, headers={**signed, **headers})


def signature(timestamp: str, raw: bytes) -> str:
    """By the SDK; it signs text only, so other bytes are signed as Slack's documents say."""
    try:
        return str(SignatureVerifier(SECRET).generate_signature(timestamp=timestamp, body=raw))
    except UnicodeDecodeError:
        return "v0=" + hmac.new(SECRET.encode(), f"v0:{timestamp}:".encode() + raw, "sha256").hexdigest()
