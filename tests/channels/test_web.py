"""The widget's HTTP surface on the real application: tokens, messages, streams, hostile bodies."""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from bot.channels.streams import Busy, Slots
from bot.channels.visitors import Tokens
from retrieval.sources.building import DocumentBuilder
from tests.browser.shop_site import EXPRESS, Site, make_site
from tests.channels.test_json_body import TRAPS

BASE = "/api/v1/widget/conversations"


@dataclass(frozen=True, slots=True)
class Visitor:
    """A browser with its conversation."""

    client: FlaskClient
    id: str
    token: str

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.client.get(f"{BASE}/{self.id}{path}", headers={"Authorization": f"Bearer {self.token}", **headers})

    def post(self, path: str, body: Any = None, data: bytes | None = None) -> TestResponse:
        raw = json.dumps(body).encode() if data is None else data
        return self.client.post(f"{BASE}/{self.id}{path}", data=raw, headers={"Authorization": f"Bearer {self.token}"})

    def say(self, text: str, client_id: str = "", **more: Any) -> TestResponse:
        return self.post("/messages", {"client_id": client_id or str(uuid.uuid4()), "text": text, **more})


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = make_site(tmp_path, identity_secret="sign here", max_streams=2)
    yield made
    made.close()


@pytest.fixture
def visitor(site: Site) -> Visitor:
    return arrive(site)


def arrive(site: Site, body: Any = None) -> Visitor:
    client = site.app.test_client()
    opened = client.post(BASE, json=body or {})
    assert opened.status_code == 201, opened.text
    return Visitor(client, opened.json["conversation"], opened.json["token"])


def signed(id: str) -> str:
    return hmac.new(b"sign here", id.encode(), hashlib.sha256).hexdigest()


def test_a_message_is_accepted_answered_and_read(site: Site, visitor: Visitor) -> None:
    said = visitor.say("What does express delivery cost?")
    assert (said.status_code, said.json) == (202, {"seq": 1, "repeated": False})
    read = visitor.get("/messages?after=1&wait=5").json
    (answer,) = read["messages"]
    assert answer["text"] == EXPRESS
    assert answer["citations"][0]["quote"] == EXPRESS
    assert read["state"]["owner"] == "bot"
    page = visitor.client.get(answer["citations"][0]["url"].split("#")[0]).text
    assert f'<mark id="quote" tabindex="-1">{EXPRESS}</mark>' in page


def test_the_same_client_id_is_one_message(visitor: Visitor) -> None:
    client_id = str(uuid.uuid4())
    visitor.say("hello", client_id)
    again = visitor.say("hello", client_id)
    assert again.json == {"seq": 1, "repeated": True}
    other = visitor.say("something else", client_id)
    assert (other.status_code, other.json["error"]["code"]) == (409, "id_reused")


def test_client_ids_of_two_conversations_do_not_meet(site: Site, visitor: Visitor) -> None:
    client_id = str(uuid.uuid4())
    visitor.say("hello", client_id)
    assert arrive(site).say("hello", client_id).json == {"seq": 1, "repeated": False}


def test_a_token_opens_its_own_conversation_only(site: Site, visitor: Visitor) -> None:
    other = arrive(site)
    stranger = Visitor(visitor.client, other.id, visitor.token)
    paths = ["", "/messages", "/events"]
    assert {stranger.get(path).status_code for path in paths} == {401}
    assert {stranger.post(path, {}).status_code for path in ("/messages", "/human", "/email", "/feedback")} == {401}
    for token in ("", "x", visitor.token + "x", "é"):
        assert Visitor(visitor.client, visitor.id, token).get("").status_code == 401


def test_a_conversation_of_another_channel_is_not_reached(site: Site) -> None:
    slack = site.parts.conversations.open("slack", "C1", "ada")
    token = Tokens(site.parts.settings.session_key).issue(slack.id)
    assert Visitor(site.app.test_client(), slack.id, token).get("").status_code == 404


def test_a_known_customer_needs_a_signature(site: Site) -> None:
    known = arrive(
        site, {"customer": {"id": "c-1", "name": "Ada", "email": "ada@example.org", "signature": signed("c-1")}}
    )
    conversation = site.parts.conversations.get(known.id)
    assert (conversation.customer, conversation.attributes) == ("c-1", {"name": "Ada", "email": "ada@example.org"})
    for customer in (
        {"id": "c-1"},
        {"id": "c-2", "signature": signed("c-1")},
        {"id": "c-1", "signature": "ü"},
        "c-1",
        {"id": 1},
    ):
        assert site.app.test_client().post(BASE, json={"customer": customer}).status_code in (400, 401)


def test_without_a_secret_nobody_is_known(tmp_path: Path) -> None:
    site = make_site(tmp_path)
    refused = site.app.test_client().post(BASE, json={"customer": {"id": "c-1", "signature": signed("c-1")}})
    assert (refused.status_code, "FIRSTLINE_IDENTITY_SECRET" in refused.json["error"]["message"]) == (401, True)
    site.close()


@pytest.mark.parametrize("body", TRAPS.values(), ids=TRAPS.keys())
def test_hostile_bodies_are_refused(visitor: Visitor, body: bytes) -> None:
    refused = visitor.post("/messages", data=body)
    assert (refused.status_code, set(refused.json)) == (400, {"error"})


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("", 400),
        ("  \n\t", 400),
        ("\x00\x01", 400),
        ("x" * 100_000, 413),
        ("🙂🙂", 202),
        ("מה שלומך", 202),
        ("<b>hi</b>", 202),
    ],
)
def test_odd_messages(visitor: Visitor, text: str, status: int) -> None:
    told = visitor.say(text)
    assert told.status_code == status
    if status != 202:
        assert told.json["error"]["message"]


def test_a_body_over_the_limit_is_refused_unread(tmp_path: Path) -> None:
    site = make_site(tmp_path, max_body_bytes=1_000)
    assert arrive(site).post("/messages", {"text": "x" * 2_000}).status_code == 413
    site.close()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"client_id": "1", "text": "x"},
        {"client_id": 7, "text": "x"},
        {"client_id": str(uuid.uuid4())},
        {"client_id": str(uuid.uuid4()), "text": ["x"]},
        {"client_id": str(uuid.uuid4()), "text": "x", "payload": ""},
        {"client_id": str(uuid.uuid4()), "text": "x", "payload": 3},
    ],
)
def test_messages_of_another_shape_are_refused(visitor: Visitor, body: dict[str, Any]) -> None:
    assert visitor.post("/messages", body).status_code == 400


@pytest.mark.parametrize("query", ["after=-1", "after=x", "after=1e3", "after=99999999999", "wait=soon", "after=٣"])
def test_odd_numbers_are_refused(visitor: Visitor, query: str) -> None:
    assert visitor.get(f"/messages?{query}").status_code == 400


def test_a_human_can_always_be_asked_for(site: Site, visitor: Visitor) -> None:
    assert visitor.post("/human", {}).status_code == 204
    state = visitor.get("").json["state"]
    assert (state["owner"], state["place"]) == ("waiting", 1)
    second = arrive(site)
    second.post("/human", {})
    assert second.get("").json["state"]["place"] == 2
    site.parts.handoff.take(visitor.id, "Maud")
    assert visitor.get("").json["state"]["agent"] == "Maud"
    assert second.get("").json["state"]["place"] == 1


def test_notes_of_agents_are_never_sent(site: Site, visitor: Visitor) -> None:
    visitor.say("What does express delivery cost?")
    visitor.get("/messages?after=1&wait=5")
    site.parts.handoff.note(visitor.id, "Maud", "a difficult one")
    site.parts.handoff.take(visitor.id, "Maud")
    assert "difficult" not in visitor.get("/messages").text
    assert [message["seq"] for message in visitor.get("/messages").json["messages"]] == [1, 2, 4]


def test_feedback_is_for_answers(site: Site, visitor: Visitor) -> None:
    visitor.say("What does express delivery cost?")
    visitor.get("/messages?after=1&wait=5")
    assert visitor.post("/feedback", {"seq": 2, "rating": "down"}).status_code == 204
    assert site.parts.conversations.log(visitor.id)[1].rating == "down"
    assert visitor.post("/feedback", {"seq": 1, "rating": "up"}).status_code == 404
    for body in (
        {},
        {"seq": True, "rating": "up"},
        {"seq": 2, "rating": "5"},
        {"seq": 2**40, "rating": "up"},
        {"seq": "2", "rating": "up"},
    ):
        assert visitor.post("/feedback", body).status_code == 400


@pytest.mark.parametrize(
    "email", ["", "ada", "ada@example", "a b@example.org", "<ada@example.org>", 5, None, "a@b.c\nBcc: x@y.zz"]
)
def test_what_is_no_address_is_refused(site: Site, visitor: Visitor, email: object) -> None:
    assert visitor.post("/email", {"email": email}).status_code == 400
    assert site.parts.conversations.get(visitor.id).email == ""


def read_frames(response: TestResponse, wanted: int) -> list[str]:
    """The next frames of an event stream that are more than the retry line."""
    frames = []
    for frame in response.response:
        text = frame.decode() if isinstance(frame, bytes) else frame
        if text.startswith("retry:"):
            continue
        frames.append(text)
        if len(frames) == wanted:
            break
    response.close()
    return frames


def test_the_stream_resumes_after_the_last_seq(visitor: Visitor) -> None:
    visitor.say("What does express delivery cost?")
    visitor.get("/messages?after=1&wait=5")
    whole = read_frames(visitor.get("/events"), 3)
    assert [frame.split("\n")[0] for frame in whole] == ["id: 1", "id: 2", "event: state"]
    assert json.loads(whole[1].split("data: ")[1])["text"] == EXPRESS
    resumed = read_frames(visitor.get("/events", **{"Last-Event-ID": "1"}), 2)
    assert [frame.split("\n")[0] for frame in resumed] == ["id: 2", "event: state"]
    assert read_frames(visitor.get("/events?after=2"), 1)[0].startswith("event: state")


def test_streams_are_capped_and_slots_come_back(visitor: Visitor) -> None:
    held = [visitor.get("/events") for _ in range(2)]
    refused = visitor.get("/events")
    assert (refused.status_code, refused.headers["Retry-After"], refused.json["error"]["code"]) == (503, "30", "busy")
    assert visitor.get("/messages?wait=1").status_code == 200
    for response in held:
        response.close()
    with visitor.get("/events") as free:
        assert free.status_code == 200


def test_a_slot_is_given_back_once() -> None:
    slots = Slots(1)
    give_back = slots.take()
    give_back()
    give_back()
    slots.take()
    with pytest.raises(Busy):
        slots.take()


def test_streams_end_at_shutdown(site: Site, visitor: Visitor) -> None:
    response = visitor.get("/events")
    site.parts.wakeup.closing.set()
    assert response.text == "retry: 3000\n\n"


def test_pages_carry_their_headers(site: Site) -> None:
    client = site.app.test_client()
    page = client.get("/")
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["X-Frame-Options"] == "DENY"
    frame = client.get("/widget/frame")
    assert "frame-ancestors *" in frame.headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in frame.headers
    for path in ("/", "/widget/frame", "/desk/sign-in"):
        body = client.get(path).text
        assert "<style" not in body
        assert 'style="' not in body
        assert "<script>" not in body


def test_files_are_revalidated_and_templates_are_not_served(site: Site) -> None:
    client = site.app.test_client()
    for path in ("/widget/widget.js", "/widget/loader.js", "/widget/brand.css"):
        with client.get(path) as first:
            assert first.status_code == 200
        with client.get(path, headers={"If-None-Match": first.headers["ETag"]}) as again:
            assert again.status_code == 304
    for name in ("frame.html", "shop.html", "..%2fapp.py", "nothing.js"):
        assert client.get(f"/widget/{name}").status_code == 404


def test_no_wildcard_target_is_used() -> None:
    folder = Path(__file__).parents[2] / "bot" / "widget"
    for script in folder.glob("*.js"):
        text = script.read_text(encoding="utf-8")
        assert "'*'" not in text
        assert '"*"' not in text


def test_a_replaced_document_is_shown_as_it_was_quoted(site: Site) -> None:
    library = site.parts.library
    builder = DocumentBuilder()
    builder.heading(1, "Delivery")
    builder.paragraph("Everything is free now.")
    library.put(builder.document("delivery"), source="test")
    client = site.app.test_client()
    assert "when it was quoted" in client.get("/documents/delivery?version=1").text
    assert "Everything is free now." in client.get("/documents/delivery").text
    library.delete("delivery")
    assert "no longer in use" in client.get("/documents/delivery?version=2").text
    assert client.get("/documents/delivery").status_code == 404
    assert client.get("/documents/delivery?version=abc&start=-3&end=9e9").status_code == 404


def test_ready_needs_a_release(site: Site) -> None:
    client = site.app.test_client()
    assert client.get("/healthz").status_code == 200
    told = client.get("/readyz")
    assert (told.status_code, told.json["release"], told.json["database"]) == (503, None, "ok")
