"""Slack as a desk: a waiting conversation is a thread where agents claim it and answer; the browser's desk agrees."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from bot.channels.slack_threads import LAST_SAID, REST_S
from bot.errors import Conflict
from bot.store.slack_threads import SlackThreads
from bot.worker import slack_mirror
from tests.application import Application, build
from tests.conftest import Clock
from tests.far_side import FarSide, Scripted
from tests.slack_workspace import SECRET, Workspace, send

DESK = "C0DESK"
DANA, SAM, VIC, STRANGER = "U0DANA", "U0SAM", "U0VIC", "U0ELSE"


@pytest.fixture
def workspace(far_side: FarSide) -> Workspace:
    played = Workspace()
    addresses = ("Dana@shop.example", "sam@shop.example", "vic@shop.example", "x@else.example")
    played.members = dict(zip((DANA, SAM, VIC, STRANGER), addresses, strict=True))
    far_side.usual = played
    return played


@pytest.fixture
def shop(tmp_path: Path, clock: Clock, far_side: FarSide, workspace: Workspace) -> Iterator[Application]:
    made = build(
        tmp_path / "slack",
        clock,
        slack_signing_secret=SECRET,
        slack_bot_token="xoxb-1",
        slack_api_url=f"{far_side.address}/api/",
        slack_desk_channel=DESK,
    )
    for name, role in (("Dana", "agent"), ("Sam", "agent"), ("Vic", "viewer")):
        made.parts.people.add(f"{name.lower()}@shop.example", name, role, "a long password")  # type: ignore[arg-type]
    yield made
    made.close()


def mirror(shop: Application) -> int:
    """One round of a worker that has just started."""
    found = slack_mirror(shop.parts)
    assert found is not None
    return found.update("worker")


def waiting(shop: Application, text: str = "I want a human") -> str:
    """A conversation in the queue, shown on Slack; returns its id."""
    shop.rest(text)
    shop.parts.handoff.request(shop.id(), "asked for a human")
    mirror(shop)
    return shop.id()


def write(
    shop: Application, workspace: Workspace, user: str, text: str, *, ts: str = "1800000000.1", **changes: Any
) -> int:
    thread = workspace.posts[0]["ts"]
    given = {"type": "message", "channel": DESK, "user": user, "text": text, "ts": ts, "thread_ts": thread, **changes}
    return send(shop, {"type": "event_callback", "team_id": "T1", "event": given}).status_code


def tap(shop: Application, workspace: Workspace, user: str, title: str, *, stale: str = "") -> int:
    """Tap a button of the first message, or one with the value that it had."""
    root = workspace.posts[0]
    value = stale or button(workspace, title)["value"]
    given = {
        "type": "block_actions",
        "team": {"id": "T1"},
        "channel": {"id": DESK},
        "user": {"id": user},
        "message": {"ts": root["ts"]},
        "actions": [{"action_id": ACTIONS[title], "value": value, "text": {"text": title}, "action_ts": "1.1"}],
    }
    body = urlencode({"payload": json.dumps(given)}).encode()
    return send(shop, body, mimetype="application/x-www-form-urlencoded").status_code


ACTIONS = {"Claim": "desk_claim", "Hand back to the bot": "desk_hand_back", "Close": "desk_close"}


def button(workspace: Workspace, title: str) -> dict[str, Any]:
    rows = [block["elements"] for block in workspace.posts[0]["blocks"] if block["type"] == "actions"]
    return next(each for row in rows for each in row if each["text"]["text"] == title)


def shown(post: dict[str, Any]) -> str:
    return json.dumps(post["blocks"], ensure_ascii=False)


def log(shop: Application, id: str) -> list[tuple[str, str, str]]:
    return [(each.participant, each.kind, each.text) for each in shop.parts.conversations.log(id, notes=True)]


def test_who_waits_is_a_thread_that_shows_what_was_said(shop: Application, workspace: Workspace) -> None:
    waiting(shop, "My <!channel> lamp & shade broke")
    root, said = workspace.posts
    assert (root["channel"], root.get("thread_ts")) == (DESK, None)
    assert "waits: " in shown(root)
    assert button(workspace, "Claim")["value"].startswith(shop.id())
    assert said["thread_ts"] == root["ts"]
    assert "My &lt;!channel&gt; lamp &amp; shade broke" in shown(said)
    assert mirror(shop) == 0


def test_claimed_answered_noted_and_closed_from_slack(shop: Application, workspace: Workspace) -> None:
    id = waiting(shop)
    assert tap(shop, workspace, DANA, "Claim") == 200
    assert shop.parts.conversations.get(id).agent == "Dana"
    mirror(shop)
    assert "is with *Dana*" in shown(workspace.posts[0])
    assert write(shop, workspace, DANA, "Hello, let me look &amp; see") == 200
    assert write(shop, workspace, DANA, "note: a regular, be kind", ts="1800000000.2") == 200
    assert log(shop, id)[-2:] == [
        ("agent", "text", "Hello, let me look & see"),
        ("agent", "note", "a regular, be kind"),
    ]
    assert tap(shop, workspace, DANA, "Close") == 200
    assert shop.parts.conversations.get(id).owner == "closed"
    mirror(shop)
    assert "closed" in shown(workspace.posts[0])
    assert not any("let me look" in shown(post) or "be kind" in shown(post) for post in workspace.posts)


def test_handed_back_from_slack_the_bot_answers_again(shop: Application, workspace: Workspace) -> None:
    id = waiting(shop)
    tap(shop, workspace, DANA, "Claim")
    mirror(shop)
    tap(shop, workspace, DANA, "Hand back to the bot")
    assert shop.parts.conversations.get(id).owner == "bot"
    assert shop.rest("What does Express delivery cost?")[0]["custom"]["route"] == "answer"


def test_a_retried_event_is_said_once(shop: Application, workspace: Workspace) -> None:
    id = waiting(shop)
    tap(shop, workspace, DANA, "Claim")
    for _ in range(3):
        assert write(shop, workspace, DANA, "Only once") == 200
    assert [text for _, _, text in log(shop, id)].count("Only once") == 1


def test_what_the_browser_says_stands_in_the_thread(shop: Application, workspace: Workspace) -> None:
    id = waiting(shop)
    shop.parts.handoff.take(id, "Sam")
    shop.parts.handoff.reply(id, "Sam", "From the browser")
    shop.rest("And a customer's line")
    mirror(shop)
    told = shown(workspace.posts[-1])
    assert "Sam: From the browser" in told
    assert "Customer: And a customer's line" in told
    assert "is with *Sam*" in shown(workspace.posts[0])


def test_only_the_holder_speaks_and_is_told_why_not(shop: Application, workspace: Workspace) -> None:
    id = waiting(shop)
    before = log(shop, id)
    assert write(shop, workspace, DANA, "Too early") == 200
    assert "take it over first" in workspace.whispers[-1]["text"]
    shop.parts.handoff.take(id, "Sam")
    write(shop, workspace, DANA, "Not mine", ts="1800000000.2")
    assert "Sam" in workspace.whispers[-1]["text"]
    assert workspace.whispers[-1]["user"] == DANA
    assert log(shop, id)[: len(before)] == before
    assert not any(text in ("Too early", "Not mine") for _, _, text in log(shop, id))


@pytest.mark.parametrize(("user", "why"), [(VIC, "viewer"), (STRANGER, "x@else.example")])
def test_who_is_no_agent_can_do_nothing(shop: Application, workspace: Workspace, user: str, why: str) -> None:
    id = waiting(shop)
    assert tap(shop, workspace, user, "Claim") == 200
    assert write(shop, workspace, user, "Let me in") == 200
    assert shop.parts.conversations.get(id).owner == "waiting"
    assert all(why in each["text"] for each in workspace.whispers)
    assert len(workspace.whispers) == 2


def test_another_workspaces_word_for_an_address_is_not_believed(shop: Application, workspace: Workspace) -> None:
    """In a shared channel, the members of the other workspace have the addresses that it says they have."""
    workspace.foreign[STRANGER] = "T2"
    workspace.members[STRANGER] = "dana@shop.example"
    id = waiting(shop)
    assert tap(shop, workspace, STRANGER, "Claim") == 200
    assert shop.parts.conversations.get(id).owner == "waiting"
    assert "only people of the desk" in workspace.whispers[-1]["text"]


def test_a_button_of_before_a_take_over_is_refused(shop: Application, workspace: Workspace) -> None:
    id = waiting(shop)
    tap(shop, workspace, DANA, "Claim")
    mirror(shop)
    old = button(workspace, "Close")["value"]
    shop.parts.handoff.hand_back(id, "Dana")
    shop.parts.handoff.take(id, "Dana")
    assert tap(shop, workspace, DANA, "Close", stale=old) == 200
    assert shop.parts.conversations.get(id).owner == "agent"
    assert "changed hands" in workspace.whispers[-1]["text"]


def test_talk_beside_the_threads_reaches_no_customer(shop: Application, workspace: Workspace) -> None:
    id = waiting(shop)
    before = log(shop, id)
    write(shop, workspace, DANA, "Lunch?", thread_ts=None)
    write(shop, workspace, DANA, "another thread", thread_ts="1700000000.9")
    write(shop, workspace, DANA, "a bot", bot_id="B1")
    write(shop, workspace, DANA, "edited", subtype="message_changed")
    assert log(shop, id) == before
    assert shop.parts.conversations.find("slack", f"T1/{DESK}/1800000000.1") is None


@pytest.mark.parametrize("value", ["", "x", "conversation:", ":1", "conversation:1:2", "nobody:1"])
def test_a_forged_button_is_a_clear_refusal(shop: Application, workspace: Workspace, value: str) -> None:
    waiting(shop)
    status = tap(shop, workspace, DANA, "Claim", stale=value or " ")
    assert status in (200, 400)
    assert status == 400 or workspace.whispers


def test_a_crash_after_a_post_repeats_nothing(shop: Application, workspace: Workspace, clock: Clock) -> None:
    """The worker was killed between Slack's answer and its note of it: for the first message, then for a later one."""
    shop.rest("I want a human")
    shop.parts.handoff.request(shop.id(), "asked for a human")
    threads = SlackThreads(shop.database, clock)
    mirror(shop)
    posted = len(workspace.posts)
    thread = threads.of(shop.id())
    assert thread is not None
    threads._set(thread, ts="", told_seq=0, telling_seq=thread.told_seq)
    clock.pass_(seconds=60)
    mirror(shop)
    assert len(workspace.posts) == posted
    found = threads.of(shop.id())
    assert found is not None
    assert (found.ts, found.told_seq) == (thread.ts, thread.told_seq)


def test_slack_is_left_alone_when_it_asks_and_nothing_is_lost(
    shop: Application, workspace: Workspace, far_side: FarSide, clock: Clock
) -> None:
    shop.rest("I want a human")
    shop.parts.handoff.request(shop.id(), "asked for a human")
    far_side.script.append(Scripted(429, b'{"ok": false, "error": "ratelimited"}', {"Retry-After": "30"}))
    running = slack_mirror(shop.parts)
    assert running is not None
    assert running.update("worker") == 0
    asked = len(far_side.requests)
    clock.pass_(seconds=REST_S + 5)
    assert running.update("worker") == 0
    assert len(far_side.requests) == asked
    clock.pass_(seconds=30)
    assert running.update("worker") == 1
    assert len(workspace.posts) == 2


def test_two_workers_open_one_thread(shop: Application, workspace: Workspace) -> None:
    shop.rest("I want a human")
    shop.parts.handoff.request(shop.id(), "asked for a human")
    lease = shop.parts.conversations.lease("slack-desk", "another worker", 30)
    assert mirror(shop) == 0
    assert workspace.posts == []
    assert lease is not None
    shop.parts.conversations.release(lease)
    mirror(shop)
    assert [post.get("thread_ts") for post in workspace.posts].count(None) == 1


def test_of_much_that_was_said_the_last_is_shown(shop: Application, workspace: Workspace) -> None:
    for number in range(LAST_SAID):
        shop.rest(f"line {number}")
    waiting(shop, "the last line")
    assert "the last line" in shown(workspace.posts[1])
    assert "line 0" not in shown(workspace.posts[1])
    assert len(workspace.posts[1]["blocks"]) <= 50


def test_slack_down_while_who_it_is_is_asked_asks_for_a_retry(
    shop: Application, workspace: Workspace, far_side: FarSide
) -> None:
    id = waiting(shop)
    far_side.script.append(Scripted(503, b"{}"))
    assert write(shop, workspace, DANA, "note: hello") >= 500
    assert write(shop, workspace, DANA, "note: hello") == 200
    assert [text for _, _, text in log(shop, id)].count("hello") == 1


def test_without_the_setting_nothing_is_shown(tmp_path: Path, clock: Clock) -> None:
    made = build(tmp_path / "none", clock, slack_signing_secret=SECRET, slack_bot_token="xoxb-1")
    assert slack_mirror(made.parts) is None
    made.close()


def test_the_browsers_claim_after_slacks_is_refused(shop: Application, workspace: Workspace) -> None:
    id = waiting(shop)
    tap(shop, workspace, DANA, "Claim")
    with pytest.raises(Conflict, match="Dana"):
        shop.parts.handoff.take(id, "Sam")
