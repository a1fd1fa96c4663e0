"""Files at the desk: seen by who reads the conversation, sent by who holds it, on the web chat only."""

from __future__ import annotations

import uuid

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from bot.channels.slack_threads import _lines
from bot.console.records import summary_json
from tests.attachments.files import PDF, SECRET, TEXT, jpeg
from tests.browser.shop_site import Site
from tests.channels.test_attachments import fetch, kept, refused
from tests.channels.test_web import Visitor, arrive
from tests.console.test_desk import act, csrf, signed_in

API = "/desk/api/conversations"


@pytest.fixture
def visitor(site: Site) -> Visitor:
    return arrive(site)


@pytest.fixture
def maud(site: Site) -> FlaskClient:
    return signed_in(site, site.add_person())


def put(desk: FlaskClient, id: str, data: bytes, name: str = "label.pdf") -> TestResponse:
    path = f"{API}/{id}/attachments/{uuid.uuid4()}"
    return desk.put(path, query_string={"name": name}, data=data, headers=csrf(desk))


def test_a_customers_picture_is_seen_at_the_desk(site: Site, visitor: Visitor, maud: FlaskClient) -> None:
    id = kept(visitor, jpeg(), "parcel.jpg")
    assert maud.get(f"{API}/{visitor.id}/attachments/{id}", buffered=True).status_code == 404, "not sent yet"
    visitor.say("", attachments=[id])
    (message, *_) = site.parts.conversations.log(visitor.id)
    shown = maud.get(f"{API}/{visitor.id}").json["messages"][0]["attachments"]
    assert [(each["id"], each["name"], each["picture"]) for each in shown] == [(id, "parcel.jpg", True)]
    answer = maud.get(f"{API}/{visitor.id}/attachments/{id}", buffered=True)
    assert (answer.status_code, answer.mimetype, SECRET in answer.data) == (200, "image/jpeg", False)
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox; frame-ancestors 'none'"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert "script-src 'self'" in maud.get("/desk/").headers["Content-Security-Policy"]
    assert summary_json(site.parts.conversations.get(visitor.id), message)["snippet"] == "parcel.jpg"
    assert site.app.test_client().get(f"{API}/{visitor.id}/attachments/{id}").status_code == 401
    viewer = signed_in(site, site.add_person("Vera Wren", "viewer"))
    assert viewer.get(f"{API}/{visitor.id}/attachments/{id}", buffered=True).status_code == 200
    assert put(viewer, visitor.id, PDF).status_code == 403
    other = arrive(site)
    assert maud.get(f"{API}/{other.id}/attachments/{id}", buffered=True).status_code == 404


def test_an_agents_file_reaches_the_customer_with_the_reply(site: Site, visitor: Visitor, maud: FlaskClient) -> None:
    visitor.say("I want a human")
    site.parts.turns.answer(visitor.id)
    act(maud, visitor.id, "take")
    file = put(maud, visitor.id, PDF).json["attachment"]
    assert (file["name"], file["picture"]) == ("label.pdf", False)
    assert fetch(visitor, file["id"]).status_code == 404, "not said yet"
    edie = signed_in(site, site.add_person("Edie Wren"))
    assert edie.get(f"{API}/{visitor.id}/attachments/{file['id']}", buffered=True).status_code == 404
    said = act(maud, visitor.id, "reply", {"text": "", "attachments": [file["id"]], "token": fence(site, visitor)})
    assert said.status_code == 201, said.text
    assert [each["name"] for each in said.json["message"]["attachments"]] == ["label.pdf"]
    last = visitor.get("/messages?after=0").json["messages"][-1]
    assert (last["author"], [each["id"] for each in last["attachments"]]) == ("Maud Wren", [file["id"]])
    answer = fetch(visitor, file["id"])
    assert (answer.data, answer.headers["Content-Disposition"]) == (PDF, "attachment; filename=label.pdf")


def test_who_does_not_hold_the_conversation_sends_nothing(site: Site, visitor: Visitor, maud: FlaskClient) -> None:
    visitor.say("I want a human")
    site.parts.turns.answer(visitor.id)
    file = put(maud, visitor.id, TEXT, "notes.txt").json["attachment"]
    body = {"text": "", "attachments": [file["id"]], "token": fence(site, visitor)}
    assert act(maud, visitor.id, "reply", body).status_code == 409
    act(maud, visitor.id, "take")
    customers = kept(visitor, jpeg())
    body = {"text": "", "attachments": [customers], "token": fence(site, visitor)}
    assert refused(act(maud, visitor.id, "reply", body))[:2] == (400, "unknown_file")
    body = {"text": " ", "attachments": [], "token": fence(site, visitor)}
    assert refused(act(maud, visitor.id, "reply", body))[:2] == (400, "bad_input")
    path = f"{API}/{visitor.id}/attachments/{uuid.uuid4()}"
    assert maud.put(path, data=PDF).status_code == 403, "without the form's token"


def test_files_do_not_go_where_nobody_can_open_them(site: Site, maud: FlaskClient) -> None:
    slack = site.parts.conversations.open("slack", "C1", "ada")
    status, code, message = refused(put(maud, slack.id, PDF))
    assert (status, code) == (400, "bad_input")
    assert "this conversation is on slack" in message


def test_a_thread_on_slack_names_the_file(site: Site, visitor: Visitor) -> None:
    visitor.say("Look", attachments=[kept(visitor, TEXT, "notes.txt")])
    (message, *_) = site.parts.conversations.log(visitor.id)
    assert f"[file: notes.txt (text, {len(TEXT)} bytes)]" in str(_lines(message))


def fence(site: Site, visitor: Visitor) -> int:
    return site.parts.conversations.get(visitor.id).fence
