"""Rasa's two doors into the web process: who may enter, and what they get."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from bot.app import told
from bot.channels import rasa
from bot.dialogue.orders import OrderBook
from bot.errors import FirstlineError
from bot.messages import Entity, Understanding
from bot.settings import Settings
from tests.conftest import ROOT

TOKEN = "t" * 32
BEARER = {"Authorization": f"Bearer {TOKEN}"}
STOP = {"next_action": "action_stop", "tracker": {"slots": {}}}


class OneIntent:
    """Understands everything as a question for an order, and finds the number at its start."""

    def understand(self, text: str, *, today: date) -> Understanding:
        return Understanding("order_status", 0.9, (("order_status", 0.9),), entities=(Entity("order", text[:2], 0, 2),))


@pytest.fixture
def client(tmp_path: Path) -> Iterator[FlaskClient]:
    book = OrderBook.open(tmp_path / "shop.sqlite", ROOT / "data" / "shop" / "orders.json", date(2026, 11, 18))
    release = SimpleNamespace(understander=OneIntent())
    app = Flask("doors")
    app.register_blueprint(rasa.blueprint)
    app.register_error_handler(FirstlineError, told)
    app.extensions["firstline"] = SimpleNamespace(
        settings=replace(Settings(), rasa_token=TOKEN),
        orders=book,
        live=SimpleNamespace(current=lambda: release),
        clock=lambda: datetime(2026, 11, 18, 9, tzinfo=UTC),
    )
    yield app.test_client()
    book.close()


def test_a_text_is_understood_in_rasas_shape(client: FlaskClient) -> None:
    answer = client.post("/rasa/model/parse", json={"text": "WF where?", "message_id": "1", "token": TOKEN})
    assert answer.get_json() == {
        "text": "WF where?",
        "intent": {"name": "order_status", "confidence": 0.9},
        "intent_ranking": [{"name": "order_status", "confidence": 0.9}],
        "entities": [{"entity": "order", "value": "WF", "start": 0, "end": 2}],
    }


def test_a_payload_is_an_intent_with_its_entities(client: FlaskClient) -> None:
    asked = {"text": '/inform{"reason": "faulty"}', "token": TOKEN}
    answer = client.post("/rasa/model/parse", json=asked).get_json()
    assert answer["intent"] == {"name": "inform", "confidence": 1.0}
    assert [(each["entity"], each["value"]) for each in answer["entities"]] == [("reason", "faulty")]


@pytest.mark.parametrize("token", ["", "wrong", "ü", None, 7])
def test_understanding_needs_the_token(token: Any, client: FlaskClient) -> None:
    answer = client.post("/rasa/model/parse", json={"text": "hello", "token": token})
    assert answer.status_code == 401
    assert answer.get_json()["error"]["code"] == "unverified"


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer "}])
def test_actions_need_the_token(headers: dict[str, str], client: FlaskClient) -> None:
    assert client.post("/rasa/actions", json=STOP, headers=headers).status_code == 401


def test_an_action_is_run(client: FlaskClient) -> None:
    answer = client.post("/rasa/actions", json=STOP, headers=BEARER)
    assert "leave it there" in answer.get_json()["responses"][0]["text"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/rasa/model/parse", {"text": 1, "token": TOKEN}, 400),
        ("/rasa/model/parse", {"text": "x" * 4_001, "token": TOKEN}, 400),
        ("/rasa/actions", {"next_action": "action_dance", "tracker": {"slots": {}}}, 404),
        ("/rasa/actions", {"next_action": "action_stop", "tracker": []}, 400),
        ("/rasa/actions", [], 400),
    ],
)
def test_another_shape_is_refused(path: str, body: Any, status: int, client: FlaskClient) -> None:
    assert client.post(path, json=body, headers=BEARER).status_code == status
