"""Slack: signed events become messages once, replies reach their thread once, whatever Slack answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from bot.channels.slack import SlackDelivery
from bot.channels.slack_api import SECTION_LIMIT, pieces
from bot.worker import deliver_due, delivery_channels
from tests.application import Application, build
from tests.conftest import Clock
from tests.far_side import FarSide, Scripted
from tests.keyword_release import EXPRESS
from tests.slack_workspace import SECRET, URL, Workspace, send

QUESTION = "What does Express delivery cost?"


@pytest.fixture
def workspace(far_side: FarSide) -> Workspace:
    played = Workspace()
    far_side.usual = played
    return played


@pytest.fixture
def slack(tmp_path: Path, clock: Clock, far_side: FarSide, workspace: Workspace) -> Iterator[Application]:
    made = build(
        tmp_path / "slack",
        clock,
        slack_signing_secret=SECRET,
        slack_bot_token="xoxb-1",
        slack_api_url=f"{far_side.address}/api/",
    )
    yield made
    made.close()


def event(text: object = QUESTION, ts: str = "1700000001.000100", **changes: object) -> dict[str, Any]:
    given = {"type": "message", "channel": "C1", "user": "U1", "text": text, "ts": ts}
    return {"type": "event_callback", "team_id": "T1", "event_id": f"Ev{ts}", "event": {**given, **changes}}


def log(slack: Application, key: str = "T1/C1/1700000001.000100") -> list[str]:
    found = slack.parts.conversations.find("slack", key)
    return [] if found is None else [message.text for message in slack.parts.conversations.log(found.id)]


def deliver(slack: Application) -> int:
    slack.settle()
    return deliver_due(slack.parts, delivery_channels(slack.parts.settings, slack.parts))


def test_a_question_is_answered_in_its_thread(slack: Application, workspace: Workspace) -> None:
    assert send(slack, event()).get_json() == {"ok": True}
    assert deliver(slack) == 1
    (post,) = workspace.posts
    assert (post["channel"], post["thread_ts"], post["text"]) == ("C1", "1700000001.000100", EXPRESS)
    assert (post["unfurl_links"], post["unfurl_media"]) == (False, False)
    assert slack.parts.outbox.counts() == {"done": 1}


def test_a_direct_message_is_one_conversation_without_a_thread(slack: Application, workspace: Workspace) -> None:
    for number in (1, 2):
        send(slack, event(ts=f"170000000{number}.000100", channel="D1", channel_type="im"))
    while deliver(slack):
        pass
    assert log(slack, "T1/D1/").count(QUESTION) == 2
    assert [post.get("thread_ts") for post in workspace.posts] == [None, None]


def test_the_challenge_is_answered_when_it_is_signed(slack: Application) -> None:
    body = {"type": "url_verification", "challenge": "3eZbrw1aB10"}
    assert send(slack, body).get_json() == {"challenge": "3eZbrw1aB10"}
    assert slack.app.test_client().post(URL, json=body).status_code == 401


def test_retries_and_the_mention_of_one_message_are_one_message(slack: Application) -> None:
    send(slack, event(f"<@U0BOT> {QUESTION}"))
    send(slack, event(f"<@U0BOT> {QUESTION}", type="app_mention"))
    retried = send(
        slack, event(f"<@U0BOT> {QUESTION}"), **{"X-Slack-Retry-Num": "1", "X-Slack-Retry-Reason": "timeout"}
    )
    assert retried.status_code == 200
    slack.settle()
    assert log(slack) == [QUESTION, EXPRESS]


@pytest.mark.parametrize(
    "changes",
    [
        {"bot_id": "B1"},
        {"subtype": "message_changed", "message": {"text": "Edited"}},
        {"subtype": "message_deleted"},
        {"subtype": "bot_message"},
        {"subtype": "channel_join"},
        {"type": "reaction_added"},
        {"user": None},
        {"text": ""},
        {"text": None},
        {"text": "<@U0BOT> "},
    ],
)
def test_bots_edits_and_empty_texts_are_acknowledged_and_left(slack: Application, changes: dict[str, object]) -> None:
    assert send(slack, event(**changes)).status_code == 200
    assert slack.parts.conversations.listing() == ()


@pytest.mark.parametrize("subtype", ["file_share", "thread_broadcast"])
def test_subtypes_that_say_something_are_taken(slack: Application, subtype: str) -> None:
    send(slack, event(subtype=subtype))
    assert log(slack)[0] == QUESTION


def test_slacks_markup_becomes_the_text_a_person_sees(slack: Application) -> None:
    send(slack, event("<@U0BOT> see <https://a.example|our page> &lt;b&gt; &amp; <!channel>"))
    assert log(slack)[0] == "see our page <b> & !channel"


def test_markup_that_never_closes_is_read_in_no_time(slack: Application) -> None:
    """Quadratic reading of 300,000 characters would take minutes."""
    assert send(slack, event("<" * 300_000)).status_code == 200


def test_a_quoted_passage_cannot_call_the_whole_channel(slack: Application, workspace: Workspace) -> None:
    send(slack, event("Do gift cards come by e-mail?"))
    deliver(slack)
    written = json.dumps(workspace.posts[0])
    assert "<!channel>" not in written
    assert "&lt;!channel&gt; &amp; never expire" in workspace.posts[0]["text"]


def test_a_long_reply_is_shown_whole_in_sections_slack_takes(slack: Application, workspace: Workspace) -> None:
    send(slack, event("a human please"))
    slack.settle()
    id = slack.parts.conversations.listing()[0].id
    slack.parts.handoff.take(id, "Maud")
    long = "All <b> & more. " * 400
    slack.parts.handoff.reply(id, "Maud", long)
    while deliver(slack):
        pass
    sections = [block["text"]["text"] for block in workspace.posts[-1]["blocks"] if block["type"] == "section"]
    assert max(map(len, sections)) <= SECTION_LIMIT
    assert "".join(sections) == pieces(long, 10**9)[0]
    assert all(re.fullmatch(r"(?:[^&]|&(?:amp|lt|gt);)*", section) for section in sections)


def test_buttons_come_back_as_payloads_in_the_same_thread(slack: Application, workspace: Workspace) -> None:
    send(slack, event("blorp"))
    deliver(slack)
    (button,) = workspace.posts[0]["blocks"][-1]["elements"]
    tapped = {
        "type": "block_actions",
        "team": {"id": "T1"},
        "user": {"id": "U1"},
        "channel": {"id": "C1"},
        "message": {"ts": workspace.posts[0]["ts"], "thread_ts": "1700000001.000100"},
        "actions": [{"action_ts": "1700000009.000100", "value": button["value"], "text": button["text"]}],
    }
    form = urlencode({"payload": json.dumps(tapped)}).encode()
    for _ in range(2):
        assert send(slack, form, mimetype="application/x-www-form-urlencoded").status_code == 200
    slack.settle()
    assert log(slack).count("Talk to a human") == 1
    assert slack.parts.conversations.listing()[0].owner == "waiting"


def test_slack_says_how_long_to_wait_and_is_obeyed(
    slack: Application, workspace: Workspace, far_side: FarSide, clock: Clock
) -> None:
    send(slack, event())
    far_side.script = [Scripted(429, b'{"ok": false, "error": "ratelimited"}', {"Retry-After": "30"})]
    assert deliver(slack) == 1
    clock.pass_(seconds=29)
    assert deliver(slack) == 0
    clock.pass_(seconds=2)
    assert deliver(slack) == 1
    assert len(workspace.posts) == 1


@pytest.mark.parametrize(
    "lost",
    [
        Scripted(500, b"<html>oops</html>", handled=True),
        Scripted(503, b'{"ok": false, "error": "service_unavailable"}', handled=True),
        Scripted(200, b"not JSON", handled=True),
        Scripted(200, b"[]", handled=True),
    ],
)
def test_a_doubtful_post_is_looked_up_and_not_repeated(
    slack: Application, workspace: Workspace, far_side: FarSide, clock: Clock, lost: Scripted
) -> None:
    send(slack, event())
    far_side.script = [lost]
    deliver(slack)
    assert slack.parts.outbox.counts() == {"waiting": 1}
    clock.pass_(minutes=1)
    deliver(slack)
    assert len(workspace.posts) == 1
    assert slack.parts.outbox.counts() == {"done": 1}


def test_a_time_out_is_doubtful_too(
    slack: Application, workspace: Workspace, far_side: FarSide, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    channels = delivery_channels(slack.parts.settings, slack.parts)
    channel = channels["slack"]
    assert isinstance(channel, SlackDelivery)
    monkeypatch.setattr(channel._api._client, "timeout", 0.3)
    send(slack, event())
    slack.settle()
    far_side.script = [Scripted(wait_s=5, handled=True)]
    deliver_due(slack.parts, channels)
    clock.pass_(minutes=1)
    deliver_due(slack.parts, channels)
    assert len(workspace.posts) == 1
    assert slack.parts.outbox.counts() == {"done": 1}


def test_a_post_that_was_never_made_is_made_at_the_next_try(
    slack: Application, workspace: Workspace, far_side: FarSide, clock: Clock
) -> None:
    send(slack, event())
    far_side.script = [Scripted(500)]
    deliver(slack)
    clock.pass_(minutes=1)
    deliver(slack)
    assert len(workspace.posts) == 1


def test_a_process_that_dies_after_posting_does_not_post_twice(
    slack: Application, workspace: Workspace, clock: Clock
) -> None:
    send(slack, event())
    slack.settle()
    channels = delivery_channels(slack.parts.settings, slack.parts)
    (delivery,) = slack.parts.outbox.claim(clock())
    (message,) = slack.parts.conversations.log(delivery.conversation, after=delivery.seq - 1, limit=1)
    channels["slack"].deliver(slack.parts.conversations.get(delivery.conversation), message, attempts=0)
    clock.pass_(minutes=2)
    assert deliver_due(slack.parts, channels) == 1
    assert len(workspace.posts) == 1


def test_a_doubtful_post_is_found_at_the_end_of_a_long_thread(
    slack: Application, workspace: Workspace, far_side: FarSide, clock: Clock
) -> None:
    thread = {"channel": "C1", "thread_ts": "1700000001.000100"}
    workspace.posts = [{"ts": f"170000{number:04}.000000", **thread} for number in range(300)]
    send(slack, event())
    far_side.script = [Scripted(500, handled=True)]
    deliver(slack)
    clock.pass_(minutes=1)
    deliver(slack)
    assert len(workspace.posts) == 301


@pytest.mark.parametrize("code", ["channel_not_found", "is_archived", "token_revoked"])
def test_what_no_retry_can_mend_is_a_dead_letter_at_once(slack: Application, far_side: FarSide, code: str) -> None:
    send(slack, event())
    far_side.script = [Scripted(body=json.dumps({"ok": False, "error": code}).encode())]
    deliver(slack)
    assert slack.parts.outbox.counts() == {"dead": 1}


TAPPED = {
    "type": "block_actions",
    **{key: {"id": key.upper()} for key in ("team", "user", "channel")},
    "message": {"ts": "1700000001.000100"},
    "actions": [{"action_ts": "1", "value": "/x", "text": {"text": "x"}}],
}
HOSTILE = {
    "list": b"[]",
    "null": b"null",
    "empty": b"",
    "not UTF-8": b'{"type": "event_callback", "x": "\xff\xfe"}',
    "nested arrays": b'{"type": ' + b"[" * 3_000 + b"]" * 3_000 + b"}",
    "NaN": b'{"type": "event_callback", "x": NaN}',
    "lone surrogate": b'{"type": "event_callback", "x": "\\ud800"}',
    "duplicate keys": b'{"type": "a", "type": "b"}',
    "no event": b'{"type": "event_callback"}',
    "event a list": b'{"type": "event_callback", "event": []}',
    "type a list": b'{"type": []}',
    "unknown type": b'{"type": "app_rate_limited"}',
    "text a number": json.dumps(event(5)).encode(),
    "text a list": json.dumps(event(["a"])).encode(),
    "ts a number": json.dumps(event(ts=5)).encode(),  # type: ignore[arg-type]
    "channel an object": json.dumps(event(channel={})).encode(),
    "user a list": json.dumps(event(user=["U1"])).encode(),
    "thread an object": json.dumps(event(thread_ts={"a": 1})).encode(),
    "thread too long": json.dumps(event(thread_ts="1" * 300)).encode(),
    "channel with NUL": json.dumps(event(channel="C\x001")).encode(),
    "text invisible": json.dumps(event("\u200b")).encode(),
    "actions empty": b'{"type": "block_actions", "actions": []}',
    "actions a text": b'{"type": "block_actions", "actions": "x", "message": {}}',
    "action without a value": json.dumps(TAPPED | {"actions": [{"action_ts": "1", "text": {"text": "x"}}]}).encode(),
    "ids that are numbers": json.dumps(TAPPED | {"team": {"id": 1}, "user": {"id": 2}}).encode(),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_body_is_a_400_even_when_it_is_signed(slack: Application, name: str) -> None:
    refused = send(slack, HOSTILE[name])
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (400, "bad_input")
    assert slack.parts.conversations.listing() == ()


@pytest.mark.parametrize("form", [b"", b"payload", b"payload=[]", b"other=1", b"payload=%ff", b"a=1&" * 9, b"\xff"])
def test_a_hostile_form_is_a_400(slack: Application, form: bytes) -> None:
    assert send(slack, form, mimetype="application/x-www-form-urlencoded").status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Slack-Request-Timestamp": "now"},
        {"X-Slack-Request-Timestamp": "²"},
        {"X-Slack-Request-Timestamp": "9" * 400},
        {"X-Slack-Request-Timestamp": "1e9"},
        {"X-Slack-Request-Timestamp": ""},
        {"X-Slack-Request-Timestamp": "1531420618"},
        {"X-Slack-Signature": "v0=" + "é" * 64},
        {"X-Slack-Signature": "v0=" + "a" * 64},
        {"X-Slack-Signature": ""},
    ],
)
def test_unsigned_old_and_malformed_headers_are_401(slack: Application, headers: dict[str, str]) -> None:
    refused = send(slack, event(), **headers)
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (401, "unverified")


def test_without_slack_its_door_is_closed(application: Application) -> None:
    refused = application.app.test_client().post(URL, json={})
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (404, "not_found")
