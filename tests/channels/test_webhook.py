"""The generic webhook: Standard Webhooks in, Standard Webhooks out, checked with the specification's own library."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook
from werkzeug.test import TestResponse

from bot.channels.webhook import WebhookDelivery
from bot.errors import DeliveryFailed
from bot.worker import RETRIES_S, deliver_due, delivery_channels
from tests.application import Application, build
from tests.conftest import Clock
from tests.far_side import FarSide, Scripted
from tests.keyword_release import EXPRESS

SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()
URL = "/webhooks/generic"
QUESTION = "What does Express delivery cost?"


@pytest.fixture
def webhook(tmp_path: Path, clock: Clock, far_side: FarSide) -> Iterator[Application]:
    """Connected to `far_side`, on today's clock, which is the one the specification's library checks against."""
    clock.moment = datetime.now(UTC)
    made = build(
        tmp_path / "webhook",
        clock,
        webhook_secret=SECRET,
        webhook_url=f"{far_side.address}/replies?tenant=1",
        webhook_allow_private=True,
    )
    yield made
    made.close()


def body(**changes: object) -> bytes:
    data = {"conversation": "c-1", "customer": "ada", "text": QUESTION, **changes}
    return json.dumps({"type": "message.created", "timestamp": "2026-11-18T10:00:00Z", "data": data}).encode()


def send(
    webhook: Application, raw: bytes, *, id: str = "msg_1", at: datetime | None = None, **headers: str
) -> TestResponse:
    moment = at or webhook.parts.clock()
    signature = Webhook(SECRET).sign(id, moment, raw.decode("utf-8", "replace"))
    signed = {
        "webhook-id": id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": signature,
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return webhook.app.test_client().post(URL, data=raw, content_type="application/json", headers=signed)


def deliver(webhook: Application) -> int:
    webhook.settle()
    return deliver_due(webhook.parts, delivery_channels(webhook.parts.settings, webhook.parts))


def test_a_signed_message_is_stored_and_a_replayed_id_answers_with_the_stored_result(webhook: Application) -> None:
    first, again = send(webhook, body()), send(webhook, body())
    assert (first.status_code, again.status_code) == (202, 200)
    stored = {key: first.get_json()[key] for key in ("conversation", "seq")}
    assert again.get_json() == {**stored, "repeated": True}
    webhook.settle()
    assert [message.text for message in webhook.parts.conversations.log(stored["conversation"])] == [QUESTION, EXPRESS]


@pytest.mark.parametrize("change", [{"text": "Other"}, {"conversation": "c-2"}, {"payload": "/human"}])
def test_the_same_id_with_another_body_is_422(webhook: Application, change: dict[str, str]) -> None:
    send(webhook, body())
    refused = send(webhook, body(**change))
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (422, "id_reused")


@pytest.mark.parametrize(
    "headers",
    [
        {"webhook_signature": ""},
        {"webhook_signature": "v1,"},
        {"webhook_signature": "v1,aaaa"},
        {"webhook_signature": "v2,aaaa"},
        {"webhook_signature": "v1,\u00e9"},
        {"webhook_id": ""},
        {"webhook_id": "x" * 201},
        {"webhook_id": "another id"},
        {"webhook_id": "msg_2"},
        {"webhook_timestamp": ""},
        {"webhook_timestamp": "soon"},
        {"webhook_timestamp": "-1"},
        {"webhook_timestamp": "9" * 300},
        {"webhook_timestamp": "1614265330"},
    ],
)
def test_what_is_not_signed_as_it_stands_is_401(webhook: Application, headers: dict[str, str]) -> None:
    refused = send(webhook, body(), **headers)
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (401, "unverified")
    assert webhook.parts.conversations.listing() == ()


@pytest.mark.parametrize("off_s", [-301, 301])
def test_an_old_signature_is_401(webhook: Application, off_s: int) -> None:
    assert send(webhook, body(), at=webhook.parts.clock() + timedelta(seconds=off_s)).status_code == 401


def test_a_body_changed_on_the_way_is_401(webhook: Application) -> None:
    signature = Webhook(SECRET).sign("msg_1", webhook.parts.clock(), body().decode())
    assert send(webhook, body(text="Something else"), webhook_signature=signature).status_code == 401


HOSTILE = {
    "empty": b"",
    "list": b"[]",
    "null": b"null",
    "NaN": b'{"type": "message.created", "data": NaN}',
    "nested arrays": b'{"type": "message.created", "data": ' + b"[" * 3_000 + b"]" * 3_000 + b"}",
    "lone surrogate": b'{"type": "message.created", "data": {"text": "\\ud800"}}',
    "duplicate keys": b'{"type": "message.created", "type": "message.created"}',
    "another type": json.dumps({"type": "message.deleted", "data": {}}).encode(),
    "type an object": b'{"type": {}, "data": {}}',
    "data a list": b'{"type": "message.created", "data": []}',
    "text a number": body(text=5),
    "text empty": body(text=""),
    "text invisible": body(text="\u200b"),
    "customer missing": body(customer=None),
    "customer too long": body(customer="x" * 181),
    "conversation with NUL": body(conversation="c\x00"),
    "payload a list": body(payload=["/human"]),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_signed_body_that_is_not_a_message_is_400(webhook: Application, name: str) -> None:
    refused = send(webhook, HOSTILE[name])
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (400, "bad_input")
    assert webhook.parts.conversations.listing() == ()


def test_a_body_that_is_not_utf8_carries_no_signature(webhook: Application) -> None:
    assert send(webhook, b'{"type": "\xff\xfe"}').status_code == 401


@pytest.mark.parametrize("raw", [b"x" * 20_001, body(text="x" * 4_001)])
def test_too_much_is_413(webhook: Application, raw: bytes) -> None:
    assert send(webhook, raw).status_code == 413


def test_a_reply_goes_out_signed_in_the_specifications_shape(webhook: Application, far_side: FarSide) -> None:
    send(webhook, body())
    assert deliver(webhook) == 1
    (sent,) = far_side.requests
    assert sent.path == "/replies?tenant=1"
    assert sent.headers["host"] == far_side.address.removeprefix("http://")
    given: dict[str, Any] = Webhook(SECRET).verify(sent.body, dict(sent.headers))
    assert set(given) == {"type", "timestamp", "data"}
    assert given["type"] == "message.replied"
    data = given["data"]
    assert (data["conversation"], data["customer"], data["text"]) == ("c-1", "ada", EXPRESS)
    assert data["citations"][0]["quote"] == EXPRESS
    assert webhook.parts.outbox.counts() == {"done": 1}


def test_a_500_is_tried_again_under_the_same_id(webhook: Application, far_side: FarSide, clock: Clock) -> None:
    send(webhook, body())
    far_side.script = [Scripted(500)]
    deliver(webhook)
    assert deliver(webhook) == 0
    clock.pass_(seconds=RETRIES_S["webhook"][0] * 1.3)
    assert deliver(webhook) == 1
    first, second = far_side.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert webhook.parts.outbox.counts() == {"done": 1}


def test_gone_is_final(webhook: Application, far_side: FarSide) -> None:
    send(webhook, body())
    far_side.script = [Scripted(410)]
    deliver(webhook)
    assert webhook.parts.outbox.counts() == {"dead": 1}


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_obeyed(webhook: Application, far_side: FarSide, clock: Clock, status: int) -> None:
    send(webhook, body())
    far_side.script = [Scripted(status, headers={"Retry-After": "100"})]
    deliver(webhook)
    clock.pass_(seconds=99)
    assert deliver(webhook) == 0
    clock.pass_(seconds=2)
    assert deliver(webhook) == 1


@pytest.mark.parametrize("after", ["\u00b2", "9" * 40, "-1", "soon", "Wed, 21 Oct 2026 07:28:00 GMT", "1e3", "0"])
def test_a_hostile_retry_after_holds_nothing_up(
    webhook: Application, far_side: FarSide, clock: Clock, after: str
) -> None:
    send(webhook, body())
    far_side.script = [Scripted(429, headers={"Retry-After": after})]
    deliver(webhook)
    assert webhook.parts.outbox.counts() == {"waiting": 1}
    clock.pass_(days=1, seconds=1)
    assert deliver(webhook) == 1
    assert webhook.parts.outbox.counts() == {"done": 1}


def test_a_redirect_is_a_failure_and_is_not_followed(webhook: Application, far_side: FarSide) -> None:
    send(webhook, body())
    far_side.script = [Scripted(307, headers={"Location": f"{far_side.address}/elsewhere"})]
    deliver(webhook)
    assert [sent.path for sent in far_side.requests] == ["/replies?tenant=1"]
    assert webhook.parts.outbox.counts() == {"waiting": 1}


def test_an_answer_that_never_ends_is_not_waited_for(webhook: Application, far_side: FarSide) -> None:
    send(webhook, body())
    far_side.script = [Scripted(200, endless=True)]
    deliver(webhook)
    assert webhook.parts.outbox.counts() == {"done": 1}


def test_a_server_that_is_not_there_is_tried_again(webhook: Application, far_side: FarSide) -> None:
    far_side.close()
    send(webhook, body())
    deliver(webhook)
    assert webhook.parts.outbox.counts() == {"waiting": 1}


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:9/", "https://127.0.0.1:9/", "https://localhost/", "https://[::1]/", "ftp://x/", "https://"],
)
def test_a_private_address_is_refused_unless_allowed(webhook: Application, url: str, clock: Clock) -> None:
    send(webhook, body())
    webhook.settle()
    refusing = {"webhook": WebhookDelivery(url, SECRET, clock)}
    assert deliver_due(webhook.parts, refusing) == 1
    assert webhook.parts.outbox.counts() == {"dead": 1}


def test_an_address_with_an_impossible_port_ends_as_a_dead_letter(webhook: Application, clock: Clock) -> None:
    send(webhook, body())
    webhook.settle()
    broken = {"webhook": WebhookDelivery("https://example.org:99999/", SECRET, clock)}
    for _ in range(len(RETRIES_S["webhook"]) + 1):
        assert deliver_due(webhook.parts, broken) == 1
        clock.pass_(days=2)
    assert webhook.parts.outbox.counts() == {"dead": 1}


def test_after_the_whole_schedule_a_reply_is_a_dead_letter_that_can_be_replayed(
    webhook: Application, far_side: FarSide, clock: Clock
) -> None:
    send(webhook, body())
    tries = len(RETRIES_S["webhook"]) + 1
    far_side.script = [Scripted(500)] * tries
    for _ in range(tries):
        assert deliver(webhook) == 1
        clock.pass_(hours=36)
    assert webhook.parts.outbox.counts() == {"dead": 1}
    assert deliver(webhook) == 0
    webhook.parts.outbox.replay(1, clock())
    assert deliver(webhook) == 1
    assert webhook.parts.outbox.counts() == {"done": 1}
    assert len({sent.headers["webhook-id"] for sent in far_side.requests}) == 1


def test_replies_of_a_conversation_go_out_in_their_order(webhook: Application, far_side: FarSide, clock: Clock) -> None:
    for text in (QUESTION, "hello", "Do gift cards come by e-mail?"):
        send(webhook, body(text=text), id=uuid.uuid4().hex)
        webhook.settle()
    far_side.script = [Scripted(500)]
    while webhook.parts.outbox.counts().get("waiting"):
        deliver(webhook)
        clock.pass_(minutes=10)
    delivered = [json.loads(sent.body)["data"]["seq"] for sent in far_side.requests]
    assert delivered == [2, 2, 4, 6]


def test_what_an_agent_says_goes_out_and_a_note_does_not(webhook: Application, far_side: FarSide) -> None:
    id = send(webhook, body(text="a human please")).get_json()["conversation"]
    webhook.settle()
    handoff = webhook.parts.handoff
    handoff.take(id, "Maud")
    handoff.note(id, "Maud", "A regular.")
    handoff.reply(id, "Maud", "Let me look.")
    while deliver(webhook):
        pass
    said = [json.loads(sent.body)["data"] for sent in far_side.requests]
    assert [(each["participant"], each["kind"]) for each in said] == [
        ("bot", "text"),
        ("system", "event"),
        ("agent", "text"),
    ]
    assert said[-1]["text"] == "Let me look."


def test_without_a_secret_its_door_is_closed(application: Application) -> None:
    assert application.app.test_client().post(URL, json={}).status_code == 404


def test_a_delivery_fails_with_a_message_that_names_the_host(webhook: Application, clock: Clock) -> None:
    send(webhook, body())
    webhook.settle()
    conversation = webhook.parts.conversations.find("webhook", "c-1")
    assert conversation is not None
    (message,) = webhook.parts.conversations.log(conversation.id, after=1)
    with pytest.raises(DeliveryFailed, match=r"resolves to 127\.0\.0\.1, which is not a public address"):
        WebhookDelivery("https://127.0.0.1/", SECRET, clock).deliver(conversation, message, attempts=0)
