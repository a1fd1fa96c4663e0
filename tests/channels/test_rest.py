"""REST in Rasa's shape: what comes back, who may call, and that no body is a 500."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from bot.channels import rest
from bot.turns import Turns
from tests.application import Application, build
from tests.conftest import Clock
from tests.keyword_release import EXPRESS

URL = "/webhooks/rest/webhook"
TOKEN = "a token of thirty-two characters"
QUESTION = {"sender": "ada", "message": "What does Express delivery cost?"}


@pytest.fixture
def guarded(tmp_path: Path, clock: Clock) -> Iterator[FlaskClient]:
    made = build(tmp_path / "guarded", clock, rest_token=TOKEN)
    yield made.app.test_client()
    made.close()


def post(client: FlaskClient, body: object, **options: object) -> TestResponse:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(URL, data=raw, content_type="application/json", **options)  # type: ignore[arg-type]


def test_an_answer_has_rasas_shape_and_the_custom_keys_of_the_design(application: Application) -> None:
    (reply,) = application.rest(QUESTION["message"])
    assert set(reply) == {"recipient_id", "text", "custom"}
    assert (reply["recipient_id"], reply["text"]) == ("ada", EXPRESS)
    custom = reply["custom"]
    assert set(custom) == {"route", "reason", "rule", "confidence", "intent", "release", "citations"}
    assert (custom["route"], custom["intent"], custom["release"]) == ("answer", "ask_delivery", application.release.id)
    assert custom["confidence"] == pytest.approx(0.93)
    (citation,) = custom["citations"]
    assert set(citation) == {"document", "version", "heading", "start", "end", "quote", "url"}
    assert citation["url"].startswith("/documents/delivery?version=1&start=")


def test_custom_stands_on_the_first_reply_only_and_buttons_where_there_are_some(application: Application) -> None:
    application.rest("Where is my order?")
    replies = application.rest(QUESTION["message"])
    assert ["custom" in reply for reply in replies] == [True, False]
    (asked_back,) = application.rest("blorp", sender="bob")
    assert asked_back["buttons"] == [{"title": "Talk to a human", "payload": "/human"}]


def test_a_tapped_button_comes_back_as_a_payload(application: Application) -> None:
    (reply,) = application.rest("Talk to a human", payload="/human")
    assert reply["custom"]["rule"] == "asks-for-human"


def test_a_message_sent_again_gets_the_same_replies(application: Application) -> None:
    first = application.rest(QUESTION["message"], message_id="m-1")
    assert application.rest(QUESTION["message"], message_id="m-1") == first
    refused = post(application.app.test_client(), {**QUESTION, "message": "Another", "message_id": "m-1"})
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (409, "id_reused")


def test_the_same_message_at_once_is_one_message(application: Application) -> None:
    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(lambda _: application.rest(QUESTION["message"], message_id="m-1"), range(4)))
    assert said == [said[0]] * 4
    assert len(application.parts.conversations.log(application.id())) == 2


def test_different_messages_of_one_sender_at_once_each_get_their_own_answer(application: Application) -> None:
    asked = [QUESTION["message"], "Do gift cards come by e-mail?"] * 3
    with ThreadPoolExecutor(6) as pool:
        said = list(pool.map(application.rest, asked))
    assert [[reply["text"][:4] for reply in replies] for replies in said] == [["Expr"], ["Gift"]] * 3


@pytest.mark.parametrize(
    ("one", "other"),
    [(("a", "b:c"), ("a:b", "c")), (("s" * 200, "1"), ("s" * 200, "2")), (("a", "x" * 199), ("a", "x" * 200))],
)
def test_no_two_senders_or_ids_are_taken_for_each_other(
    application: Application, one: tuple[str, str], other: tuple[str, str]
) -> None:
    for sender, id in (one, other):
        (reply,) = application.rest(f"hello {id}", sender=sender, message_id=id)
        assert reply["recipient_id"] == sender
        log = application.parts.conversations.log(application.id(sender))
        assert f"hello {id}" in [message.text for message in log]


def test_a_sender_with_the_longest_name_can_talk_on(application: Application) -> None:
    assert [bool(application.rest(text, sender="s" * 200)) for text in ("hello", "hello", "WF-1")] == [True] * 3


def test_silence_is_for_agents_only(application: Application) -> None:
    application.rest("hello")
    application.parts.handoff.take(application.id(), "Maud")
    assert application.rest("Are you there?") == []


def test_an_answer_that_takes_too_long_is_a_503_and_comes_with_the_next_try(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process holds the conversation's lease, as one does that was killed a moment ago."""
    application.rest("hello")
    lease = application.parts.conversations.lease(application.id(), "another process", 30)
    assert lease is not None
    monkeypatch.setattr(Turns.wait, "__defaults__", (0.2,))
    waiting = post(application.app.test_client(), {**QUESTION, "message_id": "m-1"})
    assert (waiting.status_code, waiting.get_json()["error"]["code"]) == (503, "unanswered")
    application.parts.conversations.release(lease)
    assert application.rest(QUESTION["message"], message_id="m-1")[0]["text"] == EXPRESS


@pytest.mark.parametrize("address", ["10.1.2.3", "203.0.113.9", "2001:db8::1", "not an address"])
def test_without_a_token_only_loopback_is_served(application: Application, address: str) -> None:
    refused = post(application.app.test_client(), QUESTION, environ_overrides={"REMOTE_ADDR": address})
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (401, "unverified")
    for local in ("127.0.0.1", "127.9.9.9", "::1"):
        served = post(application.app.test_client(), QUESTION, environ_overrides={"REMOTE_ADDR": local})
        assert served.status_code == 200


@pytest.mark.parametrize("header", rest.FORWARDED)
def test_behind_a_proxy_on_this_machine_nobody_is_loopback(application: Application, header: str) -> None:
    assert post(application.app.test_client(), QUESTION, headers={header: "for=127.0.0.1"}).status_code == 401


@pytest.mark.parametrize(
    "given", [None, "", "Bearer", "Bearer wrong", "Bearer " + TOKEN[:-1], "Bearer tök€n", "Basic x"]
)
def test_with_a_token_everyone_needs_it(guarded: FlaskClient, given: str | None) -> None:
    headers = {} if given is None else {"Authorization": given.encode().decode("latin-1")}
    assert post(guarded, QUESTION, headers=headers).status_code == 401
    far = {"REMOTE_ADDR": "203.0.113.9"}
    served = post(guarded, QUESTION, headers={"Authorization": f"Bearer {TOKEN}"}, environ_overrides=far)
    assert served.status_code == 200


HOSTILE = {
    "empty": b"",
    "list": b"[]",
    "null": b"null",
    "number": b"7",
    "not JSON": b"{sender: ada}",
    "NaN": b'{"sender": "a", "message": "b", "x": NaN}',
    "1e999": b'{"sender": "a", "message": "b", "x": 1e999}',
    "lone surrogate": b'{"sender": "a", "message": "\\ud800"}',
    "surrogate key": b'{"sender": "a", "message": "b", "\\udfff": 1}',
    "long integer": b'{"sender": "a", "message": "b", "x": ' + b"9" * 5_000 + b"}",
    "duplicate keys": b'{"sender": "a", "sender": "b", "message": "c"}',
    "nested arrays": b'{"sender": "a", "message": "b", "x": ' + b"[" * 3_000 + b"]" * 3_000 + b"}",
    "100,000 open arrays": b"[" * 100_000,
    "not UTF-8": b'{"sender": "a", "message": "\xff\xfe"}',
    "UTF-16": '{"sender": "a", "message": "b"}'.encode("utf-16"),
    "no sender": b'{"message": "b"}',
    "sender a list": b'{"sender": ["a"], "message": "b"}',
    "sender too long": b'{"sender": "' + b"a" * 201 + b'", "message": "b"}',
    "sender with NUL": b'{"sender": "a\\u0000", "message": "b"}',
    "message a number": b'{"sender": "a", "message": 5}',
    "message empty": b'{"sender": "a", "message": ""}',
    "message invisible": '{"sender": "a", "message": "\u200b"}'.encode(),
    "id a number": b'{"sender": "a", "message": "b", "message_id": 5}',
    "payload a list": b'{"sender": "a", "message": "b", "payload": []}',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_body_is_one_clear_400(application: Application, name: str) -> None:
    refused = post(application.app.test_client(), HOSTILE[name])
    assert refused.status_code == 400
    error = refused.get_json()["error"]
    assert (error["code"], bool(error["message"])) == ("bad_input", True)
    assert application.parts.conversations.listing() == ()


@pytest.mark.parametrize("body", [{"sender": "a", "message": "x" * 4_001}, b" " * 1_100_000])
def test_too_much_is_a_413(application: Application, body: object) -> None:
    refused = post(application.app.test_client(), body)
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    "payload", ["/", "/order_status{", '/x{"a": ' + "[" * 250, "'; DROP TABLE messages", "/" + "a" * 500]
)
def test_a_malformed_payload_is_the_text_it_came_with(application: Application, payload: str) -> None:
    (reply,) = application.rest("hello", payload=payload)
    assert reply["text"]


def test_another_method_is_405_in_the_one_error_shape(application: Application) -> None:
    refused = application.app.test_client().get(URL)
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (405, "method_not_allowed")


def test_markup_comes_back_as_it_went_in(application: Application) -> None:
    application.rest("<img src=x onerror=alert(1)> hello")
    stored = application.parts.conversations.log(application.id())[0]
    assert stored.text == "<img src=x onerror=alert(1)> hello"
    assert replace(stored, text="").citations == ()
