"""Files of the widget over HTTP: kinds, limits, whose they are, how they are served, and what the bot says to them."""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from bot.attachments.kinds import KINDS
from tests.attachments.files import FILES, PDF, PICTURES, SECRET, TEXT, jpeg, png
from tests.browser.shop_site import EXPRESS, Site, make_site
from tests.channels.test_web import BASE, Visitor, arrive


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = make_site(tmp_path, max_attachment_bytes=4_096, max_conversation_files_bytes=9_000, max_streams=2)
    yield made
    made.close()


@pytest.fixture
def visitor(site: Site) -> Visitor:
    return arrive(site)


def put(visitor: Visitor, data: bytes, name: str = "parcel.jpg", key: str = "", **more: Any) -> TestResponse:
    key = key or str(uuid.uuid4())
    headers = {"Authorization": f"Bearer {visitor.token}"}
    path = f"{BASE}/{visitor.id}/attachments/{key}"
    return visitor.client.put(path, query_string={"name": name}, data=data, headers=headers, **more)


def fetch(visitor: Visitor, id: str, **headers: str) -> TestResponse:
    """The served file, read to its end and closed."""
    headers = {"Authorization": f"Bearer {visitor.token}", **headers}
    return visitor.client.get(f"{BASE}/{visitor.id}/attachments/{id}", headers=headers, buffered=True)


def kept(visitor: Visitor, data: bytes, name: str = "parcel.jpg") -> str:
    answer = put(visitor, data, name)
    assert answer.status_code == 201, answer.text
    return str(answer.json["attachment"]["id"])


def refused(answer: TestResponse) -> tuple[int, str, str]:
    return answer.status_code, answer.json["error"]["code"], answer.json["error"]["message"]


@pytest.mark.parametrize("kind", FILES)
def test_a_file_of_each_kind_goes_out_and_is_served_harmlessly(visitor: Visitor, kind: str) -> None:
    id = kept(visitor, FILES[kind], "what was called.html")
    assert visitor.say("", attachments=[id]).status_code == 202
    (message, *_) = visitor.get("/messages?after=0").json["messages"]
    name = "what was called.html" + KINDS[kind].extensions[0]
    assert [(each["id"], each["name"], each["picture"]) for each in message["attachments"]] == [
        (id, name, kind in PICTURES)
    ]
    assert (message["text"], message["html"]) == ("", "")
    answer = fetch(visitor, id)
    assert answer.status_code == 200
    assert answer.mimetype == kind
    assert answer.headers["Content-Disposition"].startswith("inline" if kind in PICTURES else "attachment")
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox; frame-ancestors 'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert SECRET not in answer.data
    again = fetch(visitor, id, **{"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_a_kind_is_known_by_content_and_not_by_name_or_header(visitor: Visitor) -> None:
    page = b"<html><script>alert(1)</script></html>"
    status, code, message = refused(put(visitor, page, "photo.jpg", content_type="image/jpeg"))
    assert (status, code) == (415, "unknown_kind")
    assert "save it as one of them" in message
    status, code, message = refused(put(visitor, png()[:60], "photo.png"))
    assert (status, code) == (400, "damaged_file")
    assert "ends too early" in message
    assert put(visitor, png(), "notes.txt").json["attachment"]["name"] == "notes.txt.png"


def test_a_file_over_the_limit_is_told_both_sides(visitor: Visitor) -> None:
    status, code, message = refused(put(visitor, b"x" * 4_097, "a.txt"))
    assert (status, code) == (413, "too_large")
    assert message == "the file has 4,097 bytes, at most 4,096 are taken; send a smaller one"
    stream = {"input_stream": io.BytesIO(b"x" * 9_000), "environ_overrides": {"wsgi.input_terminated": True}}
    answer = visitor.client.open(
        f"{BASE}/{visitor.id}/attachments/{uuid.uuid4()}",
        method="PUT",
        headers={"Authorization": f"Bearer {visitor.token}", "Transfer-Encoding": "chunked"},
        **stream,
    )
    assert refused(answer)[:2] == (413, "too_large")
    assert "more than 4,096 bytes" in refused(answer)[2]
    assert put(visitor, b"x" * 4_096, "a.txt").status_code == 201


def test_a_conversation_over_its_limit_is_told_both_sides(site: Site, visitor: Visitor) -> None:
    for _ in range(2):
        put(visitor, b"x" * 4_096, "a.txt")
    status, code, message = refused(put(visitor, b"x" * 4_096, "a.txt"))
    assert (status, code) == (413, "too_large")
    assert "have 12,288 bytes, at most 9,000 are taken" in message
    assert put(arrive(site), b"x" * 4_096, "a.txt").status_code == 201


def test_a_message_takes_five_files(visitor: Visitor) -> None:
    ids = [kept(visitor, f"file {number}".encode(), "a.txt") for number in range(6)]
    status, code, message = refused(visitor.say("all", attachments=ids))
    assert (status, code) == (413, "too_large")
    assert "has 6 files, at most 5 are taken" in message
    assert visitor.say("five", attachments=ids[:5]).status_code == 202
    for wrong in ("x", [1], [""], [ids[5], ids[5]], {"a": 1}):
        assert refused(visitor.say("wrong", attachments=wrong))[:2] == (400, "bad_input")
    assert refused(visitor.say("", attachments=[]))[:2] == (400, "bad_input")


def test_an_upload_and_its_message_sent_again_are_one(visitor: Visitor) -> None:
    key, client_id = str(uuid.uuid4()), str(uuid.uuid4())
    first = put(visitor, jpeg(), key=key).json["attachment"]
    assert put(visitor, jpeg(), key=key.upper()).json["attachment"] == first
    assert refused(put(visitor, png(), key=key))[:2] == (409, "id_reused")
    assert refused(put(visitor, png(), key="../../x"))[0] == 404
    assert refused(put(visitor, png(), key="no-uuid"))[:2] == (400, "bad_input")
    assert visitor.say("Look", client_id, attachments=[first["id"]]).json == {"seq": 1, "repeated": False}
    assert visitor.say("Look", client_id, attachments=[first["id"]]).json == {"seq": 1, "repeated": True}
    assert refused(visitor.say("Look", client_id))[:2] == (409, "id_reused")
    assert refused(visitor.say("Once more", attachments=[first["id"]]))[:2] == (400, "unknown_file")


def test_nobody_else_reads_or_sends_a_file(site: Site, visitor: Visitor) -> None:
    other = arrive(site)
    id = kept(visitor, jpeg())
    visitor.say("", attachments=[id])
    assert fetch(other, id).status_code == 404
    assert fetch(Visitor(other.client, visitor.id, other.token), id).status_code == 401
    assert put(Visitor(other.client, visitor.id, other.token), jpeg()).status_code == 401
    assert other.client.get(f"{BASE}/{visitor.id}/attachments/{id}").status_code == 401
    assert refused(other.say("mine", attachments=[kept(visitor, png())]))[:2] == (400, "unknown_file")
    for path in (f"..%2f{id[:2]}%2f{id}", "%2e%2e", "secrets.json", id[:-1], f"{id}.partial"):
        assert visitor.get(f"/attachments/{path}").status_code == 404


def test_a_name_is_shown_clean_and_never_used_as_a_path(site: Site, visitor: Visitor, tmp_path: Path) -> None:
    for name in (
        "../../../../tmp/evil.png",
        "a\r\nSet-Cookie: x=1.png",
        '"; filename="b.exe',
        "\u202egnp.exe",
        "é" * 900,
    ):
        answer = put(visitor, png(), name)
        shown = answer.json["attachment"]["name"]
        assert answer.status_code == 201
        assert shown.endswith(".png")
        assert not set(shown) & set('/\\"\r\n\u202e')
        assert len(shown) <= 90
        served = fetch(visitor, answer.json["attachment"]["id"])
        assert "Set-Cookie" not in served.headers
    found = [path for path in tmp_path.rglob("*") if path.is_file() and path.parts[-3] == "attachments"]
    assert len(found) == 5
    assert all(len(path.name) == 32 and path.name.isalnum() for path in found)
    assert not (tmp_path.parent / "evil.png").exists()


def test_a_file_outlives_the_process(tmp_path: Path) -> None:
    first = make_site(tmp_path / "home")
    visitor = arrive(first)
    id = kept(visitor, PDF, "invoice.pdf")
    visitor.say("my invoice", attachments=[id])
    first.close()
    second = make_site_again(tmp_path / "home")
    later = Visitor(second.app.test_client(), visitor.id, visitor.token)
    assert fetch(later, id).data == PDF
    second.close()


def make_site_again(home: Path) -> Site:
    """The same application started again on what it left."""
    (home / "data").rename(home / "data-of-before")
    return make_site(home)


def test_the_bot_does_not_guess_at_a_file(site: Site, visitor: Visitor) -> None:
    visitor.say("", attachments=[kept(visitor, jpeg())])
    read = visitor.get("/messages?after=1&wait=5").json
    (answer,) = read["messages"]
    assert answer["text"].startswith("Thanks, that's arrived. I can't look into files myself, so a person will.")
    turn = site.parts.conversations.turn(visitor.id, 1)
    assert turn is not None
    assert (turn.decision.route, turn.decision.rule) == ("human", "file-only")
    assert site.parts.conversations.get(visitor.id).owner == "waiting"
    visitor.say("", attachments=[kept(visitor, png())])
    assert settled(site, visitor, 3).decision.rule == "waiting"
    assert len(visitor.get("/messages?after=2").json["messages"]) == 1, "whoever waits is not told it twice"


def test_a_message_with_text_is_answered_by_its_text(site: Site, visitor: Visitor) -> None:
    visitor.say("What does express delivery cost?", attachments=[kept(visitor, jpeg())])
    (answer,) = visitor.get("/messages?after=1&wait=5").json["messages"]
    assert answer["text"] == EXPRESS


def test_a_no_to_a_human_is_obeyed(site: Site, visitor: Visitor) -> None:
    visitor.say("No, thanks", payload="/no_human")
    settled(site, visitor, 1)
    visitor.say("", attachments=[kept(visitor, jpeg())])
    turn = settled(site, visitor, 3)
    assert (turn.decision.route, turn.decision.rule) == ("clarify", "file-in-words")
    assert site.parts.conversations.get(visitor.id).owner == "bot"


def test_a_file_in_the_hands_of_an_agent_is_just_shown(site: Site, visitor: Visitor) -> None:
    site.parts.handoff.take(visitor.id, "Edie")
    visitor.say("", attachments=[kept(visitor, jpeg())])
    assert settled(site, visitor, 2).decision.rule == "held-by-agent"
    assert [each["kind"] for each in visitor.get("/messages?after=0").json["messages"]] == ["event", "text"]


def test_the_transcript_names_the_file(visitor: Visitor) -> None:
    visitor.say("", attachments=[kept(visitor, jpeg(), "parcel.jpg"), kept(visitor, TEXT, "notes.txt")])
    text = visitor.get("/transcript?format=text").text
    assert (
        "    (file: parcel.jpg (JPEG picture, 311 bytes))\n" in text or "    (file: parcel.jpg (JPEG picture," in text
    )
    assert f"    (file: notes.txt (text, {len(TEXT)} bytes))\n" in text
    files = visitor.get("/transcript?format=json").json["messages"][0]["files"]
    assert [(each["name"], each["kind"]) for each in files] == [
        ("parcel.jpg", "image/jpeg"),
        ("notes.txt", "text/plain"),
    ]


def settled(site: Site, visitor: Visitor, seq: int) -> Any:
    """The record of the turn on message `seq`, made by whoever is first."""
    site.parts.turns.answer(visitor.id)
    turn = None
    while turn is None:
        visitor.get(f"/messages?after={seq}&wait=1")
        turn = site.parts.conversations.turn(visitor.id, seq)
    return turn
