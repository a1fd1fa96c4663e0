"""The engine's client against a server that misbehaves in every way Rasa can."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from bot.breaker import Breaker
from bot.dialogue import client
from bot.dialogue.client import RasaEngine, parse_turn
from bot.errors import DialogueUnavailable
from bot.messages import DialogueState, Understanding
from tests.dialogue.conftest import free_port

STATE = DialogueState()
SAID = {"messages": [{"text": "Which order?", "buttons": [{"title": "A", "payload": "/a"}]}], "active_form": "f"}


class Script(BaseHTTPRequestHandler):
    """Answers with what the test put into `answers`, and keeps what it was sent."""

    answers: ClassVar[list[tuple[int, bytes, float]]] = []
    seen: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        self.seen.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        status, body, wait_s = self.answers.pop(0)
        threading.Event().wait(wait_s)
        with suppress(BrokenPipeError, ConnectionResetError):  # the engine's client has left by then
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    Script.answers, Script.seen = [], []
    with ThreadingHTTPServer(("127.0.0.1", 0), Script) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def handle(engine: RasaEngine) -> client.DialogueTurn:
    return engine.handle("c1", "c1:1", "hello", Understanding("order_status", 0.9), STATE)


def test_a_turn_comes_back_with_its_prompt(url: str) -> None:
    Script.answers = [(200, json.dumps(SAID).encode(), 0)]
    turn = handle(RasaEngine(url, "t"))
    assert turn.state == DialogueState("f", "", "Which order?")
    assert turn.replies[0].quick_replies[0].payload == "/a"
    assert Script.seen[0]["message_id"] == "c1:1"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"{}"),
        (401, b"{}"),
        (200, b"[]"),
        (200, b"not json"),
        (200, b'{"messages": []}'),
        (200, b'{"messages": 1}'),
    ],
)
def test_every_failure_is_unavailable(status: int, body: bytes, url: str) -> None:
    Script.answers = [(status, body, 0)]
    with pytest.raises(DialogueUnavailable):
        handle(RasaEngine(url, "t"))


def test_a_slow_engine_is_unavailable(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "ANSWER_S", 0.2)
    Script.answers = [(200, b"{}", 1.0)]
    with pytest.raises(DialogueUnavailable, match="Timeout"):
        handle(RasaEngine(url, "t"))


def test_the_breaker_opens_after_three_failures_and_lets_one_try_again() -> None:
    now = [0.0]
    breaker = Breaker(lambda: now[0], first_rest_s=client.OPEN_S, longest_rest_s=client.OPEN_S)
    for _ in range(3):
        assert breaker.enter()
        breaker.failed()
    assert not breaker.closed()
    now[0] += client.OPEN_S
    assert breaker.enter()
    assert not breaker.enter()
    breaker.failed()
    assert not breaker.closed()
    now[0] += client.OPEN_S
    assert breaker.enter()
    breaker.succeeded()
    assert breaker.enter()


def test_an_open_breaker_spares_the_engine(url: str) -> None:
    engine = RasaEngine(url, "t")
    Script.answers = [(500, b"{}", 0)] * 3
    for _ in range(4):
        with pytest.raises(DialogueUnavailable):
            handle(engine)
    assert len(Script.seen) == 3
    assert not engine.available()


def test_a_stopped_engine_is_unavailable() -> None:
    with pytest.raises(DialogueUnavailable, match="ConnectError"):
        handle(RasaEngine(f"http://127.0.0.1:{free_port()}", "t"))


def test_a_hand_over_without_words_is_an_answer() -> None:
    turn = parse_turn({"messages": [{"custom": {"handover": "on hold"}}], "active_form": None})
    assert turn.handover == "on hold"
