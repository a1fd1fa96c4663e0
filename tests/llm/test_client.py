"""The endpoint of the large model: whatever the far side does, a call ends in time and in one clear way."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from bot.llm.client import MAX_ANSWER_BYTES, ChatEndpoint, Completion, ModelUnavailable
from tests.far_side import FarSide, Scripted
from tests.llm.conftest import completion

CHAT = ({"role": "user", "content": "What does Express cost?"},)


def endpoint(address: str, **options: float) -> ChatEndpoint:
    return ChatEndpoint(f"{address}/v1", "small", "sk-secret", sleep=lambda seconds: None, **options)  # type: ignore[arg-type]


def failure(asked: ChatEndpoint) -> ModelUnavailable:
    with pytest.raises(ModelUnavailable) as caught:
        asked.complete(CHAT, 50)
    assert "sk-secret" not in f"{caught.value!r} {caught.value.__cause__!r}"
    return caught.value


def test_an_answer_comes_with_what_was_used(model: FarSide) -> None:
    model.script = [completion("yes", 7, 3)]
    assert endpoint(model.address).complete(CHAT, 50) == Completion("yes", 7, 3)
    (sent,) = model.requests
    asked = json.loads(sent.body)
    assert sent.path == "/v1/chat/completions"
    assert sent.headers["authorization"] == "Bearer sk-secret"
    assert (asked["model"], asked["messages"], asked["max_tokens"]) == ("small", list(CHAT), 50)


@pytest.mark.parametrize("given", ["{}", "{}/v1/", "{}/v1/chat/completions"])
def test_the_address_may_be_written_in_three_ways(model: FarSide, given: str) -> None:
    model.usual = lambda sent: completion("yes")
    ChatEndpoint(given.format(model.address), "small").complete(CHAT, 1)
    assert model.requests[0].path.endswith("/chat/completions")
    assert "authorization" not in model.requests[0].headers


def test_an_answer_without_usage_or_with_a_nonsense_count_is_taken(model: FarSide) -> None:
    model.script = [completion("yes", None), completion("yes", -4, True)]
    asked = endpoint(model.address)
    for _ in range(2):
        assert asked.complete(CHAT, 1) == Completion("yes")


@pytest.mark.parametrize(
    ("answer", "cause", "lost", "requests"),
    [
        (Scripted(500), "broken", 0, 2),
        (Scripted(503), "broken", 0, 2),
        (Scripted(429, headers={"Retry-After": "1"}), "busy", 0, 2),
        (Scripted(401), "refused", 0, 1),
        (Scripted(404), "refused", 0, 1),
        (Scripted(307, headers={"Location": "http://127.0.0.1:1/"}), "refused", 0, 1),
        (Scripted(200, b"<html>busy</html>"), "garbage", 1, 1),
        (Scripted(200, b'{"choices": []}'), "garbage", 1, 1),
        (Scripted(200, b'{"choices": [{"message": {"content": null}}]}'), "garbage", 1, 1),
        (Scripted(200, b"[" * 100_000), "garbage", 1, 1),
        (Scripted(200, b"\xff\xfe"), "garbage", 1, 1),
        (Scripted(200, b"x" * 10_000_000), "too-large", 1, 1),
    ],
)
def test_what_can_be_tried_again_is_tried_once_more(
    model: FarSide, answer: Scripted, cause: str, lost: int, requests: int
) -> None:
    model.usual = lambda sent: answer
    failed = failure(endpoint(model.address))
    assert (failed.cause, failed.lost, len(model.requests)) == (cause, lost, requests)


def test_the_second_attempt_may_succeed(model: FarSide) -> None:
    model.script = [Scripted(502), completion("yes")]
    assert endpoint(model.address).complete(CHAT, 1).text == "yes"


def test_an_endpoint_that_knows_no_json_mode_is_asked_plainly_from_then_on(model: FarSide) -> None:
    model.script = [Scripted(400), completion("one"), completion("two")]
    asked = endpoint(model.address)
    assert [asked.complete(CHAT, 1).text for _ in range(2)] == ["one", "two"]
    assert ["response_format" in json.loads(sent.body) for sent in model.requests] == [True, False, False]


@pytest.mark.parametrize("answer", [Scripted(wait_s=30), Scripted(body=b"{", endless=True)])
def test_a_server_that_hangs_or_drips_holds_a_call_no_longer_than_its_time(model: FarSide, answer: Scripted) -> None:
    model.usual = lambda sent: answer
    failed = failure(endpoint(model.address, total_s=0.4))
    assert (failed.cause, failed.lost, len(model.requests)) == ("timeout", 1, 1)


@pytest.fixture
def dripping() -> Iterator[str]:
    """The address of a server that sends its headers for ever, a byte at a time."""
    closing = threading.Event()
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listening.accept()
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
        while not closing.is_set():
            try:
                connection.sendall(b"a")
            except OSError:
                break
            time.sleep(0.02)
        connection.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    closing.set()
    thread.join()
    listening.close()


def test_headers_that_never_end_are_no_way_around_the_deadline(dripping: str) -> None:
    assert failure(endpoint(dripping, total_s=0.4)).cause == "timeout"


def test_nobody_there_is_said_without_a_charge() -> None:
    failed = failure(endpoint("http://127.0.0.1:9"))
    assert (failed.cause, failed.lost) == ("unreachable", 0)


def test_a_name_that_does_not_exist_is_unreachable() -> None:
    assert failure(endpoint("http://no-such-host.invalid")).cause == "unreachable"


def test_no_proxy_of_the_environment_sees_the_call(model: FarSide, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    model.usual = lambda sent: completion("yes")
    assert endpoint(model.address).complete(CHAT, 1).text == "yes"


def test_a_large_answer_below_the_limit_is_read(model: FarSide) -> None:
    text = "x" * (MAX_ANSWER_BYTES - 1_000)
    model.usual = lambda sent: completion(text)
    assert endpoint(model.address).complete(CHAT, 1).text == text


def test_a_key_that_no_header_can_carry_is_refused_without_being_shown(model: FarSide) -> None:
    asked = ChatEndpoint(f"{model.address}/v1", "small", "two\nlines", sleep=lambda seconds: None)
    with pytest.raises(ModelUnavailable) as caught:
        asked.complete(CHAT, 1)
    assert caught.value.cause == "refused"
    assert "lines" not in str(caught.value)
