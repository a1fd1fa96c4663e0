"""The desk's pages and JSON on the real application: doors, form tokens, acting, knowledge, releases, people."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from bot.console.records import passage_json
from bot.console.releases import verdict
from bot.messages import IncomingMessage
from tests.browser.shop_site import PASSWORD, Site, make_site
from tests.channels.test_json_body import TRAPS

MAUD = "maud@wrenfield.example"


@pytest.fixture
def desk(site: Site) -> FlaskClient:
    site.add_person()
    return signed_in(site, MAUD)


@pytest.fixture
def waiting(site: Site) -> str:
    receipt = site.parts.turns.accept(IncomingMessage("web", "k1", "ada", "m1", "I want a human"))
    site.parts.turns.answer(receipt.conversation)
    return receipt.conversation


def signed_in(site: Site, email: str) -> FlaskClient:
    client = site.app.test_client()
    form = form_token(client.get("/desk/sign-in").text)
    done = client.post("/desk/sign-in", data={"csrf": form, "email": email, "password": PASSWORD})
    assert done.status_code == 303, done.text
    return client


def form_token(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found, page
    return found[1]


def csrf(client: FlaskClient) -> dict[str, str]:
    return {"X-CSRF-Token": form_token(client.get("/desk/").text)}


def act(client: FlaskClient, id: str, verb: str, body: Any = None) -> Any:
    """An act on a page that has just been read, unless `body` brings a token of its own."""
    shown = client.get(f"/desk/api/conversations/{id}").json.get("conversation", {})
    given = {"token": shown.get("token", 0)} | (body or {})
    return client.post(f"/desk/api/conversations/{id}/{verb}", json=given, headers=csrf(client))


def test_nobody_comes_in_without_a_session(site: Site) -> None:
    client = site.app.test_client()
    for path in ("/desk/", "/desk/knowledge/", "/desk/releases/", "/desk/people/", "/desk/conversations/x"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["Location"].split("?")[0]) == (302, "/desk/sign-in")
    for path in ("/desk/api/queue", "/desk/api/events", "/desk/api/conversations/x"):
        assert client.get(path).status_code == 401
    assert client.post("/desk/api/conversations/x/take", json={}).status_code == 401


def test_the_set_up_link_works_once(site: Site) -> None:
    token = site.parts.people.setup_token()
    client = site.app.test_client()
    page = client.get(f"/desk/setup?token={token}").text
    given = {"csrf": form_token(page), "token": token, "email": MAUD, "name": "Maud", "password": "short"}
    refused = client.post("/desk/setup", data=given)
    assert (refused.status_code, "at least 10 characters" in refused.text) == (400, True)
    assert client.post("/desk/setup", data=given | {"password": PASSWORD}).status_code == 303
    assert client.get("/desk/").status_code == 200
    again = site.app.test_client()
    page = again.get(f"/desk/setup?token={token}").text
    second = again.post(
        "/desk/setup", data=given | {"csrf": form_token(page), "password": PASSWORD, "email": "x@y.example"}
    )
    assert second.status_code == 401


def test_a_wrong_password_and_an_unknown_account_read_the_same(site: Site) -> None:
    site.add_person()
    client = site.app.test_client()
    form = form_token(client.get("/desk/sign-in").text)
    told = []
    for email in (MAUD, "nobody@wrenfield.example"):
        answer = client.post("/desk/sign-in", data={"csrf": form, "email": email, "password": "wrong wrong"})
        assert answer.status_code == 401
        told.append(re.sub(r'value="[^"]*"', "", answer.text))
    assert told[0] == told[1]


def test_the_session_cookie_is_closed_to_scripts(site: Site, desk: FlaskClient) -> None:
    cookie = desk.get_cookie("firstline_session")
    assert cookie is not None
    assert (cookie.http_only, cookie.same_site, cookie.path) == (True, "Lax", "/")


def test_over_https_the_cookie_is_bound_to_the_host(tmp_path: Path) -> None:
    site = make_site(tmp_path, public_url="https://support.wrenfield.example")
    site.add_person()
    client = site.app.test_client()
    secure = {"base_url": "https://support.wrenfield.example"}
    form = form_token(client.get("/desk/sign-in", **secure).text)
    done = client.post("/desk/sign-in", data={"csrf": form, "email": MAUD, "password": PASSWORD}, **secure)
    kept = [value for value in done.headers.getlist("Set-Cookie") if value.startswith("__Host-firstline=")]
    assert len(kept) == 1
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(kept[0].split("; "))
    site.close()


def test_forms_need_their_token(site: Site, desk: FlaskClient, waiting: str) -> None:
    stranger = site.app.test_client()
    data = {"email": MAUD, "password": PASSWORD}
    assert stranger.post("/desk/sign-in", data=data).status_code == 403
    elsewhere = form_token(site.app.test_client().get("/desk/sign-in").text)
    assert stranger.post("/desk/sign-in", data=data | {"csrf": elsewhere}).status_code == 403
    assert desk.post(f"/desk/api/conversations/{waiting}/take", json={}).status_code == 403
    for path in ("/desk/releases/retrain", "/desk/people/add", "/desk/knowledge/publish", "/desk/sign-out"):
        assert desk.post(path, data={"csrf": "x"}).status_code == 403
    assert site.parts.conversations.get(waiting).owner == "waiting"


@pytest.mark.parametrize(
    "wanted",
    ["https://evil.example/", "//evil.example", "/desk/\\evil", "javascript:alert(1)", "/desk//evil.example", "/"],
)
def test_sign_in_never_leads_elsewhere(site: Site, wanted: str) -> None:
    site.add_person()
    client = site.app.test_client()
    form = form_token(client.get("/desk/sign-in").text)
    done = client.post("/desk/sign-in", data={"csrf": form, "email": MAUD, "password": PASSWORD, "next": wanted})
    assert done.headers["Location"] == "/desk/"


def test_signing_out_ends_the_session(site: Site, desk: FlaskClient) -> None:
    cookie = desk.get_cookie("firstline_session")
    assert cookie is not None
    desk.post("/desk/sign-out", data={"csrf": csrf(desk)["X-CSRF-Token"]})
    thief = site.app.test_client()
    thief.set_cookie("firstline_session", cookie.value)
    assert thief.get("/desk/api/queue").status_code == 401


def test_the_queue_says_who_waits_and_why(desk: FlaskClient, waiting: str) -> None:
    (line,) = desk.get("/desk/api/queue").json["conversations"]
    assert (line["id"], line["owner"], line["reason"]) == (waiting, "waiting", "the customer asks for a human")
    assert line["waiting_since"]
    assert desk.get("/desk/api/queue?search=human").json["conversations"]
    assert desk.get("/desk/api/queue?search=100%25_").json["conversations"] == []


def test_a_conversation_shows_the_record_of_its_turns(desk: FlaskClient, waiting: str) -> None:
    shown = desk.get(f"/desk/api/conversations/{waiting}").json
    record = shown["messages"][0]["turn"]
    assert (record["intent"], record["route"], record["rule"]) == ("talk_to_human", "human", "asks-for-human")
    assert record["ranking"][1] == ["ask_delivery", 0.06]
    assert record["nearest"] == [{"text": "is <b>this</b> a row?", "intent": "talk_to_human", "cosine": 0.87}]
    assert desk.get(f"/desk/api/conversations/{waiting}?after=x").status_code == 400
    assert desk.get("/desk/api/conversations/nothing").status_code == 404


def test_take_reply_note_hand_back_and_close(site: Site, desk: FlaskClient, waiting: str) -> None:
    assert act(desk, waiting, "reply", {"text": "too early"}).status_code == 409
    assert act(desk, waiting, "take").json["conversation"]["agent"] == "Maud Wren"
    assert act(desk, waiting, "reply", {"text": " Hello. "}).json["message"]["text"] == "Hello."
    assert act(desk, waiting, "note", {"text": "nice"}).json["message"]["kind"] == "note"
    assert act(desk, waiting, "hand-back").json["conversation"]["owner"] == "bot"
    assert act(desk, waiting, "take").status_code == 200
    assert act(desk, waiting, "close").json["conversation"]["owner"] == "closed"
    for text in ("", "  ", "x" * 4_001, 5, None):
        assert act(desk, waiting, "note", {"text": text}).status_code in (400, 413)


@pytest.mark.parametrize("body", TRAPS.values(), ids=TRAPS.keys())
def test_hostile_bodies_are_refused(desk: FlaskClient, waiting: str, body: bytes) -> None:
    refused = desk.post(f"/desk/api/conversations/{waiting}/note", data=body, headers=csrf(desk))
    assert (refused.status_code, set(refused.json)) == (400, {"error"})


def test_another_agents_conversation_is_left_alone(site: Site, desk: FlaskClient, waiting: str) -> None:
    site.parts.handoff.take(waiting, "Edie Wren")
    for verb, body in (("take", {}), ("reply", {"text": "x"}), ("hand-back", {}), ("close", {})):
        assert act(desk, waiting, verb, body).status_code == 409
    assert site.parts.conversations.get(waiting).agent == "Edie Wren"


def test_an_agent_may_answer_but_not_change_what_is_live(site: Site) -> None:
    site.add_person()
    agent = signed_in(site, site.add_person("Edie Wren", "agent"))
    assert agent.get("/desk/knowledge/").status_code == 200
    assert agent.get("/desk/people/").status_code == 403
    for path in (
        "releases/retrain",
        "releases/promote",
        "releases/roll-back",
        "people/add",
        "knowledge/documents/delete",
    ):
        assert agent.post(f"/desk/{path}", headers=csrf(agent)).status_code == 403
    assert site.parts.jobs.listing() == ()


def upload(client: FlaskClient, name: str, data: bytes) -> Any:
    token = csrf(client)["X-CSRF-Token"]
    return client.post("/desk/knowledge/faq", data={"csrf": token, "file": (io.BytesIO(data), name)})


def test_a_faq_file_is_taken_whole_or_not_at_all(site: Site, desk: FlaskClient) -> None:
    done = upload(desk, "rows.csv", b"question,answer\nDo you sell tea?,Only mugs.\n")
    assert (done.status_code, "1 added, 0 changed, 0 known already" in done.text) == (200, True)
    assert "Only mugs." in site.parts.library.get("faq-rows").text
    again = upload(desk, "rows.csv", b"question,answer\nDo you sell tea?,We do now.\nDo you sell tea?,No.\n")
    assert (again.status_code, "rows.csv was not imported" in again.text) == (400, True)
    assert "Only mugs." in site.parts.library.get("faq-rows").text
    changed = upload(desk, "rows.csv", b"question,answer\nDo you sell tea?,We do now.\n")
    assert "0 added, 1 changed" in changed.text


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("rows.csv", b""),
        ("rows.csv", b"\xff\xfe\x00\xd8garbage"),
        ("rows.csv", b"question\nonly one column\n"),
        ("rows.xlsx", b"not a zip"),
        ("rows.json", b"{"),
        ("rows.yaml", b"a: [1"),
        ("rows.exe", b"MZ"),
        ("../../etc/passwd", b"root"),
        ("", b"x"),
    ],
)
def test_a_bad_faq_file_is_refused_with_a_reason(site: Site, desk: FlaskClient, name: str, data: bytes) -> None:
    before = len(site.parts.library.listing())
    refused = upload(desk, name, data)
    assert (refused.status_code, 'class="notice bad"' in refused.text) == (400, True)
    assert len(site.parts.library.listing()) == before


def test_an_upload_over_the_limit_is_refused(tmp_path: Path) -> None:
    site = make_site(tmp_path, max_upload_bytes=20_000)
    site.add_person()
    client = signed_in(site, MAUD)
    assert upload(client, "rows.csv", b"x" * 30_000).status_code == 413
    site.close()


def test_retraining_is_asked_for_once(site: Site, desk: FlaskClient) -> None:
    for _ in range(2):
        assert desk.post("/desk/releases/retrain", headers=csrf(desk)).status_code == 303
    (job,) = site.parts.jobs.listing()
    assert (job.kind, job.payload["by"]) == ("retrain", "Maud Wren")
    assert desk.get(f"/desk/api/jobs/{job.id}").json["state"] == "waiting"
    claimed = site.parts.jobs.claim()
    assert claimed is not None
    site.parts.jobs.progress(claimed, 3, 10, "fine-tuning the intent model")
    assert "fine-tuning the intent model" in desk.get("/desk/releases/").text


def test_releases_that_do_not_exist_are_refused(desk: FlaskClient) -> None:
    promoted = desk.post("/desk/releases/promote", data={"id": "../../x", "csrf": csrf(desk)["X-CSRF-Token"]})
    assert promoted.status_code == 404
    assert desk.post("/desk/releases/roll-back", headers=csrf(desk)).status_code == 409


def test_people_are_added_and_removed(site: Site, desk: FlaskClient) -> None:
    new = {
        "name": "Edie",
        "email": "edie@wrenfield.example",
        "password": PASSWORD,
        "role": "agent",
        "csrf": csrf(desk)["X-CSRF-Token"],
    }
    assert desk.post("/desk/people/add", data=new).status_code == 303
    assert desk.post("/desk/people/add", data=new).status_code == 409
    edie = signed_in(site, "edie@wrenfield.example")
    desk.post("/desk/people/remove", data={"email": "edie@wrenfield.example", "csrf": new["csrf"]})
    assert edie.get("/desk/api/queue").status_code == 401
    assert desk.post("/desk/people/remove", data={"email": MAUD, "csrf": new["csrf"]}).status_code == 409


def test_the_verdict_of_the_gate_is_readable() -> None:
    figures = {
        side: {
            "release": side,
            "routing": {"accuracy": accuracy, "answered_wrong_rate": wrong},
            "ece": 0.04,
            "answer_ms_p50": 18.0,
        }
        for side, accuracy, wrong in (("champion", 0.9, 0.02), ("challenger", 0.85, 0.01))
    }
    said = {"promote": False, "reasons": ["accuracy falls from 90.0% to 85.0%"], "changed": []}
    read = verdict({"gate": {"champion": "r-1", "figures": figures, "verdict": said}})
    rows = {row.label: (row.champion, row.challenger, row.trend) for row in read.figures}
    assert rows["Decided right"] == ("90.0%", "85.0%", "worse")
    assert rows["Answered wrong"] == ("2.0%", "1.0%", "better")
    assert rows["Calibration error"] == ("0.040", "0.040", "same")
    assert read.promote is False
    assert verdict({}).promote is None


def test_a_passage_id_becomes_a_link() -> None:
    assert passage_json("help/a@b@3:10-20")["url"] == "/documents/help%2Fa%40b?version=3&start=10&end=20#quote"
    assert passage_json("odd")["url"] == "/documents/odd"


def test_every_act_of_an_agent_carries_the_token_of_what_the_page_showed(
    site: Site, desk: FlaskClient, waiting: str
) -> None:
    taken = act(desk, waiting, "take").json["conversation"]
    acts = {"reply": {"text": "Hello"}, "hand-back": {}, "close": {}, "snooze": {"until": "2099-01-01T00:00:00Z"}}
    for verb, given in acts.items():
        for wrong in (None, "1", True, -1, 1.5, 2**40):
            refused = act(desk, waiting, verb, {**given, "token": wrong})
            assert (refused.status_code, refused.json["error"]["code"]) == (400, "bad_input")
    site.parts.handoff.hand_back(waiting, "Maud Wren")
    site.parts.handoff.take(waiting, "Maud Wren")
    for verb, given in acts.items():
        if verb == "snooze":
            continue
        behind = act(desk, waiting, verb, {**given, "token": taken["token"]})
        assert (behind.status_code, behind.json["error"]["code"]) == (409, "moved_on")
        assert "changed hands since this page showed it" in behind.json["error"]["message"]
    assert act(desk, waiting, "reply", {"text": "Hello"}).status_code == 201


def test_a_second_browser_of_an_agent_closes_once(site: Site, desk: FlaskClient, waiting: str) -> None:
    act(desk, waiting, "take")
    other = signed_in(site, MAUD)
    assert act(other, waiting, "reply", {"text": "From the other browser"}).status_code == 201
    assert act(other, waiting, "close").status_code == 200
    again = act(desk, waiting, "close")
    assert (again.status_code, again.json["error"]["message"]) == (
        409,
        "this conversation is closed; reload to see it as it stands",
    )


def test_passing_on_says_who_is_there_and_checks_who_is_meant(site: Site, desk: FlaskClient, waiting: str) -> None:
    site.add_person("Edie Wren", "agent")
    site.add_person("Vera Wren", "viewer")
    site.parts.handoff.seen("Edie Wren")
    ways = desk.get("/desk/api/ways").json
    assert [(each["name"], each["present"], each["capacity"]) for each in ways["colleagues"]] == [
        ("Edie Wren", True, 6),
        ("Maud Wren", False, 6),
    ]
    assert [each["id"] for each in ways["teams"]] == ["orders", "returns", "care"]
    assert len(ways["snoozes"]) >= 4
    for verb, given, said in (
        ("assign", {"to": "Vera Wren"}, "names a colleague who can answer"),
        ("assign", {"to": 5}, "names a colleague who can answer"),
        ("assign", {"to": "Edie Wren", "note": 5}, "`note` is a text"),
        ("refer", {"team": "moon"}, "no team 'moon'"),
        ("refer", {}, "`team` is the id of a team"),
        ("snooze", {"until": "soon"}, "a moment with its offset"),
        ("snooze", {"until": "2026-11-23T09:00:00"}, "a moment with its offset"),
        ("snooze", {"until": "0001-01-01T00:00:00+14:00"}, "within the coming year"),
        ("snooze", {"until": "2001-01-01T00:00:00Z"}, "within the coming year"),
        ("snooze", {"until": "9999-12-31T23:59:59-14:00"}, "within the coming year"),
    ):
        refused = act(desk, waiting, verb, given)
        assert (refused.status_code, said in refused.json["error"]["message"]) == (400, True), refused.json
    assert act(desk, waiting, "assign", {"to": "Edie Wren", "note": "x" * 4_001}).status_code == 413
    given = act(desk, waiting, "assign", {"to": "Edie Wren", "note": " Knows it "}).json["conversation"]
    assert (given["owner"], given["agent"]) == ("agent", "Edie Wren")


def test_a_reserved_topic_goes_before_what_waited_longer(site: Site, desk: FlaskClient, waiting: str) -> None:
    receipt = site.parts.turns.accept(IncomingMessage("web", "k2", "bob", "m2", "There was smoke from the kettle"))
    site.parts.turns.answer(receipt.conversation)
    first, second = desk.get("/desk/api/queue").json["conversations"]
    assert (first["id"], first["priority"], first["team"]) == (receipt.conversation, "urgent", "Customer care")
    assert second["id"] == waiting
    assert first["due_at"] < second["due_at"]


def test_the_queue_shows_priority_team_clock_and_snooze(site: Site, desk: FlaskClient, waiting: str) -> None:
    (row,) = desk.get("/desk/api/queue").json["conversations"]
    assert (row["priority"], row["team"], row["clock"], row["snoozed_until"]) == ("normal", "", "running", None)
    assert row["token"] == site.parts.conversations.get(waiting).fence
    act(desk, waiting, "refer", {"team": "care"})
    until = desk.get("/desk/api/ways").json["snoozes"][0]["until"]
    shown = act(desk, waiting, "snooze", {"until": until}).json["conversation"]
    assert (shown["team"], shown["snoozed_until"], shown["returned"]) == ("Customer care", until, False)
    assert shown["snoozed"].startswith(("today at", "tomorrow at"))
    assert [each["id"] for each in desk.get("/desk/api/queue").json["conversations"]] == [waiting]
