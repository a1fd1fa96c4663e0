"""Around the conversation, on the real application: surroundings, canned replies, mentions, typing, transcripts,
search, suggestions, tokens, channels, and the audit page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from bot.channels.web import news
from bot.console.api import _news
from bot.console.canned import FILE, from_file
from bot.console.channels import fingerprint, states
from bot.errors import BadSettings
from bot.ingest import take_faq_bytes
from bot.messages import IncomingMessage
from bot.settings import Settings
from bot.store.audit import COMMAND_LINE
from tests.browser.shop_site import Site, make_site
from tests.channels.smtp_server import SmtpServer
from tests.console.test_desk import MAUD, act, csrf, form_token, signed_in

FROM = "support@wrenfield.example"


@pytest.fixture
def desk(site: Site) -> FlaskClient:
    site.add_person()
    return signed_in(site, MAUD)


def customer(site: Site, text: str, *, name: str = "ada", number: int = 0, **attributes: str) -> str:
    message = IncomingMessage("web", f"k-{name}", name, f"{name}-{number}", text, attributes=tuple(attributes.items()))
    receipt = site.parts.turns.accept(message)
    site.parts.turns.answer(receipt.conversation)
    return receipt.conversation


@pytest.fixture
def held(site: Site, desk: FlaskClient) -> str:
    """A conversation that Maud holds."""
    id = customer(site, "I want a human, order WF-200001 is missing a lid", name="ada", customer="x")
    assert act(desk, id, "take").status_code == 200
    return id


def widget(site: Site) -> tuple[FlaskClient, str, dict[str, str]]:
    client = site.app.test_client()
    opened = client.post("/api/v1/widget/conversations", json={}).json
    return client, opened["conversation"], {"Authorization": f"Bearer {opened['token']}"}


def post(client: FlaskClient, path: str, **form: str) -> Any:
    return client.post(path, data={"csrf": csrf(client)["X-CSRF-Token"], **form})


# Canned replies


def test_a_company_begins_with_its_own_canned_replies(tmp_path: Path) -> None:
    own = tmp_path / FILE
    own.write_text("- title: Hi\n  text: Hello {name}, {agent} here\n", encoding="utf-8")
    assert from_file(tmp_path) == [("Hi", "Hello {customer}, {agent} here")]
    own.write_text("title: Hi\n", encoding="utf-8")
    with pytest.raises(BadSettings, match="list of title and text"):
        from_file(tmp_path)


def test_canned_replies_are_filled_in_for_a_conversation(site: Site, desk: FlaskClient) -> None:
    known = site.parts.conversations.open("web", "k-cleo", "cleo", {"name": "Cleo <b>"}).id
    post(desk, "/desk/canned/save", title="All", text="{customer}, {agent}, {order_number}, {company}")
    replies = {each["title"]: each for each in desk.get(f"/desk/api/canned/{known}").json["replies"]}
    assert len(replies) == 8
    assert replies["All"]["text"] == "Cleo <b>, Maud Wren, {order_number}, Wrenfield"
    assert replies["All"]["missing"] == ["order_number"]
    assert replies["Goodbye"]["missing"] == []
    anonymous = customer(site, "Hello")
    hello = next(
        each for each in desk.get(f"/desk/api/canned/{anonymous}").json["replies"] if each["title"] == "Greeting"
    )
    assert hello["missing"] == ["customer"]


def test_an_unknown_variable_is_refused_and_the_text_stays_in_the_form(site: Site, desk: FlaskClient) -> None:
    refused = post(desk, "/desk/canned/save", title="T", text="Dear {nmae}")
    assert refused.status_code == 400
    assert "{nmae} is no variable; there are {customer}, {agent}, {order_number}, {company}" in refused.text
    assert "Dear {nmae}" in refused.text
    assert post(desk, "/desk/canned/save", id="99", title="T", text="x").status_code == 404
    assert post(desk, "/desk/canned/remove", id="x").status_code == 404
    id = str(next(each.id for each in site.parts.desk.canned.listing() if each.title == "Goodbye"))
    assert post(desk, "/desk/canned/save", id=id, title="Greeting", text="x").status_code == 409
    assert post(desk, "/desk/canned/remove", id=id).status_code == 303
    assert "Goodbye" not in desk.get("/desk/canned/").text


# FAQ rows from replies


def test_a_reply_becomes_a_suggestion_in_two_clicks_and_is_quoted_when_approved(
    site: Site, desk: FlaskClient, held: str
) -> None:
    said = act(desk, held, "reply", {"text": "Lids come free of charge, call 020 7183 8750."}).json["message"]["seq"]
    page = desk.get(f"/desk/suggestions/review?conversation={held}&seq={said}").text
    assert "I want a human, order WF-200001 is missing a lid" in page
    assert "Lids come free of charge" in page
    assert "<strong>order number, phone number</strong>" in page
    row = {"conversation": held, "seq": str(said), "question": "Is a lid <b>free</b>?", "topic": "Lids"}
    kept = post(desk, "/desk/suggestions/save", **row, answer="Yes, call 020 7183 8750.", audience="public")
    assert (kept.status_code, "there seems to be personal data in it: phone number" in kept.text) == (400, True)
    assert site.parts.desk.suggestions.listing("waiting") == ()
    row["answer"] = "Lids come free of charge."
    assert post(desk, "/desk/suggestions/save", **row, audience="public").status_code == 303
    (waiting,) = site.parts.desk.suggestions.listing("waiting")
    assert (waiting.row.personal, waiting.suggested_by, waiting.conversation) == ((), "Maud Wren", held)
    page = desk.get("/desk/suggestions/").text
    assert "Is a lid &lt;b&gt;free&lt;/b&gt;?" in page
    edited = {
        "id": str(waiting.id),
        "question": "Is a lid free?",
        "answer": "Lids come free of charge.",
        "topic": "Lids",
    }
    assert post(desk, "/desk/suggestions/approve", **edited, audience="customers").status_code == 303
    document = site.parts.library.get("faq-from-replies.customers")
    assert (document.audience, "Lids come free of charge." in document.text) == ("customers", True)
    assert post(desk, "/desk/suggestions/approve", **edited, audience="public").status_code == 409
    whats = [each.what for each in site.parts.desk.audit.listing()]
    assert whats[:2] == ["faq_approved", "faq_suggested"]


def test_a_row_that_the_faq_would_refuse_is_refused_with_its_reason(site: Site, desk: FlaskClient, held: str) -> None:
    said = act(desk, held, "reply", {"text": "Yes."}).json["message"]["seq"]
    row = {"conversation": held, "seq": str(said), "question": "May dogs come in?", "answer": "", "topic": ""}
    refused = post(desk, "/desk/suggestions/save", **row, audience="public")
    assert (refused.status_code, "this row has no answer" in refused.text) == (400, True)
    assert post(desk, "/desk/suggestions/save", **(row | {"answer": "Yes."}), audience="kings").status_code == 400
    assert post(desk, "/desk/suggestions/save", **(row | {"answer": "Yes.", "conversation": "x"})).status_code == 404
    for text in ("Yes.", "No."):
        assert post(desk, "/desk/suggestions/save", **(row | {"answer": text}), audience="public").status_code == 303
    other = b"question,answer\nMay dogs come in?,Never.\n"
    take_faq_bytes(site.parts.library, other, "house.csv")
    first, second = site.parts.desk.suggestions.listing("waiting")
    clash = {"id": str(first.id), "question": "May dogs come in?", "answer": "Yes.", "audience": "public"}
    refused = post(desk, "/desk/suggestions/approve", **clash)
    assert (refused.status_code, "have another answer in another file" in refused.text) == (400, True)
    assert len(site.parts.desk.suggestions.listing("waiting")) == 2
    assert post(desk, "/desk/suggestions/refuse", id=str(second.id)).status_code == 303
    assert [each.id for each in site.parts.desk.suggestions.listing("waiting")] == [first.id]
    for seq in ("1", "99", "x"):
        assert desk.get(f"/desk/suggestions/review?conversation={held}&seq={seq}").status_code == 404


def test_the_customers_name_is_personal(site: Site, desk: FlaskClient) -> None:
    id = site.parts.conversations.open("web", "k-cleo", "cleo", {"name": "Cleo Park"}).id
    act(desk, id, "take")
    said = act(desk, id, "reply", {"text": "Dear Cleo, dogs may come in."}).json["message"]["seq"]
    page = desk.get(f"/desk/suggestions/review?conversation={id}&seq={said}").text
    assert "the customer&#39;s name" in page


# Search, surroundings, transcripts


def test_the_search_page_marks_what_matches(site: Site, desk: FlaskClient) -> None:
    id = customer(site, "My <script>kettle</script> leaks", name="ada")
    page = desk.get("/desk/search/?q=kettle+leaks&channel=web&owner=&since=2020-01-01").text
    assert "<mark>kettle</mark>" in page
    assert "&lt;script&gt;" in page
    assert f"/desk/conversations/{id}" in page
    assert "Nothing found" in desk.get("/desk/search/?q=kettle&channel=slack").text
    assert "Nothing found" not in desk.get("/desk/search/").text
    assert desk.get("/desk/search/?since=yesterday").status_code == 400


def test_the_surroundings_of_a_conversation(site: Site, desk: FlaskClient) -> None:
    client, id, token = widget(site)
    base = f"/api/v1/widget/conversations/{id}"
    client.post(
        f"{base}/messages", json={"client_id": "6d1b1a4e-7c0e-4a9e-9d4b-2f6f0d0a1b2c", "text": "Hi"}, headers=token
    )
    told = {"url": "https://shop.example/kettles?mail=a@b.example", "title": "Kettles"}
    assert client.post(f"{base}/page", json=told, headers=token).status_code == 204
    for bad in ({}, {"url": 5}, {"url": "javascript:alert(1)"}, {"url": "https://x.example", "title": 5}):
        assert client.post(f"{base}/page", json=bad, headers=token).status_code == 400
    assert client.post(f"{base}/page", json=told).status_code == 401
    client.post(f"{base}/email", json={"email": "ada@post.example"}, headers=token)
    earlier = customer(site, "Before", name="ben")
    site.parts.conversations.leave_email(earlier, "ada@post.example")
    around = desk.get(f"/desk/api/conversations/{id}/around").json
    assert (around["page"]["url"], around["page"]["title"]) == ("https://shop.example/kettles", "Kettles")
    assert [(each["id"], each["same"]) for each in around["past"]] == [(earlier, "e-mail")]
    assert (around["satisfaction"], around["average"], around["mail"]) == (None, {"mean": 0.0, "count": 0}, False)


def test_the_customer_is_asked_once_and_the_desk_sees_the_answer(site: Site, desk: FlaskClient) -> None:
    client, id, token = widget(site)
    base = f"/api/v1/widget/conversations/{id}"

    def asked() -> bool:
        return bool(client.get(base, headers=token).json["state"]["ask_satisfaction"])

    assert client.post(f"{base}/satisfaction", json={"score": 5}, headers=token).status_code == 404
    act(desk, id, "take")
    act(desk, id, "reply", {"text": "Here is your lid."})
    assert not asked()
    act(desk, id, "close")
    assert asked()
    for bad in (
        {},
        {"score": 0},
        {"score": 6},
        {"score": "5"},
        {"score": 4.5},
        {"score": True},
        {"score": 3, "comment": 5},
    ):
        assert client.post(f"{base}/satisfaction", json=bad, headers=token).status_code == 400
    assert (
        client.post(f"{base}/satisfaction", json={"score": 4, "comment": "<b>Kind</b>"}, headers=token).status_code
        == 204
    )
    assert client.post(f"{base}/satisfaction", json={"score": 1}, headers=token).status_code == 409
    assert not asked()
    around = desk.get(f"/desk/api/conversations/{id}/around").json
    assert (around["satisfaction"]["score"], around["satisfaction"]["comment"]) == (4, "<b>Kind</b>")
    assert around["satisfaction"]["agent"] == "Maud Wren"
    assert around["average"] == {"mean": 4.0, "count": 1}


def test_closing_what_only_waited_asks_nothing(site: Site, desk: FlaskClient) -> None:
    id = customer(site, "I want a human")
    act(desk, id, "close")
    assert site.parts.conversations.get(id).owner == "closed"
    assert not site.parts.desk.satisfaction.due(id)


def test_a_transcript_has_notes_for_agents_only(site: Site, desk: FlaskClient, held: str) -> None:
    act(desk, held, "note", {"text": "a difficult one"})
    act(desk, held, "reply", {"text": "Hello\nCustomer:\n    I agree to everything"})
    text = desk.get(f"/desk/api/conversations/{held}/transcript?notes=yes")
    assert text.headers["Content-Disposition"] == f'attachment; filename="conversation-{held}.txt"'
    assert text.headers["X-Content-Type-Options"] == "nosniff"
    assert "Maud Wren, note for colleagues:\n    a difficult one" in text.text
    assert "\nCustomer:" not in text.text
    assert "    Hello\n    Customer:" in text.text
    assert "difficult" not in desk.get(f"/desk/api/conversations/{held}/transcript").text
    shown = desk.get(f"/desk/api/conversations/{held}/transcript?format=json").json
    assert shown["messages"][0]["text"] == "I want a human, order WF-200001 is missing a lid"
    assert all(each["kind"] != "note" for each in shown["messages"])
    assert desk.get(f"/desk/api/conversations/{held}/transcript?format=pdf").status_code == 400


def test_the_customers_transcript_never_has_a_note(site: Site, desk: FlaskClient) -> None:
    client, id, token = widget(site)
    act(desk, id, "take")
    act(desk, id, "note", {"text": "a difficult one"})
    act(desk, id, "reply", {"text": "Good morning"})
    for query in ("", "?notes=yes", "?format=json", "?format=json&notes=yes"):
        answer = client.get(f"/api/v1/widget/conversations/{id}/transcript{query}", headers=token)
        assert "Good morning" in answer.text
        assert "difficult" not in answer.text
    assert client.get(f"/api/v1/widget/conversations/{id}/transcript").status_code == 401
    _, _, other = widget(site)
    assert client.get(f"/api/v1/widget/conversations/{id}/transcript", headers=other).status_code == 401


def test_a_transcript_goes_to_the_customers_own_address(tmp_path: Path) -> None:
    server = SmtpServer()
    site = make_site(tmp_path, smtp_url=f"smtp://127.0.0.1:{server.port}?from={FROM}")
    site.add_person()
    desk = signed_in(site, MAUD)
    client, id, token = widget(site)
    base = f"/api/v1/widget/conversations/{id}"
    assert client.post(f"{base}/transcript/mail", json={}, headers=token).json["error"]["code"] == "no_address"
    act(desk, id, "take")
    act(desk, id, "note", {"text": "a difficult one"})
    act(desk, id, "reply", {"text": "Good morning"})
    client.post(f"{base}/email", json={"email": "ada@post.example"}, headers=token)
    sent = client.post(f"{base}/transcript/mail", json={"to": "eve@evil.example"}, headers=token)
    assert sent.status_code == 204
    assert desk.get(f"/desk/api/conversations/{id}/around").json["mail"] is True
    assert act(desk, id, "transcript/mail").status_code == 204
    assert [each.recipients for each in server.kept] == [["ada@post.example"]] * 2
    for kept in server.kept:
        assert "Good morning" in kept.message.get_content()
        assert "difficult" not in kept.message.get_content()
    log = site.parts.conversations.log(id, notes=True)
    assert log[-1].text == "The transcript was sent to a…@post.example."
    server.refuse = "550 no"
    assert act(desk, id, "transcript/mail").json["error"]["code"] == "delivery_failed"
    assert act(desk, id, "transcript/mail").json["error"]["code"] == "too_often"
    site.close()
    server.close()


def test_without_a_mail_server_nothing_is_sent(desk: FlaskClient, held: str) -> None:
    assert act(desk, held, "transcript/mail").json["error"]["code"] == "no_mail"


# Typing and mentions


def test_typing_is_told_to_the_other_side_and_kept_nowhere(site: Site, desk: FlaskClient) -> None:
    client, id, token = widget(site)
    base = f"/api/v1/widget/conversations/{id}"
    agents, customers = _news(site.parts, "Maud Wren"), news(site.parts, id, 0)
    list(agents()), list(customers())
    act(desk, id, "typing")
    assert list(customers()) == []
    act(desk, id, "take")
    list(agents()), list(customers())
    before = site.parts.wakeup.position()
    act(desk, id, "typing")
    assert site.parts.wakeup.position() > before
    (frame,) = customers()
    assert frame == 'event: typing\ndata: {"agent": "Maud Wren", "fades_s": 6.0}\n\n'
    assert list(customers()) == []
    for _ in range(5):
        assert client.post(f"{base}/typing", headers=token).status_code == 204
    frames = [each for each in agents() if "typing" in each]
    assert frames == [f'event: typing\ndata: {{"conversation": "{id}", "fades_s": 6.0}}\n\n']
    assert client.post(f"{base}/typing").status_code == 401
    assert all("typing" not in message.text for message in site.parts.conversations.log(id, notes=True))


def test_a_colleague_who_is_named_in_a_note_is_told(site: Site, desk: FlaskClient, held: str) -> None:
    edie = signed_in(site, site.add_person("Edie Park", "agent"))
    site.add_person("Vera", "viewer")
    assert [each["name"] for each in desk.get("/desk/api/colleagues").json["colleagues"]] == ["Edie Park"]
    seq = act(desk, held, "note", {"text": "@edie park could you look? @Maud Wren too, @nobody"}).json["message"]["seq"]
    (mention,) = edie.get("/desk/api/mentions").json["mentions"]
    assert (mention["conversation"], mention["seq"], mention["by"]) == (held, seq, "Maud Wren")
    assert desk.get("/desk/api/mentions").json["mentions"] == []
    assert act(edie, held, "mentions-seen").status_code == 204
    assert edie.get("/desk/api/mentions").json["mentions"] == []


# Tokens, channels, audit


def test_a_token_works_the_desks_json_within_its_scope(site: Site, desk: FlaskClient) -> None:
    id = customer(site, "I want a human")
    pages = {
        scope: post(desk, "/desk/tokens/issue", name=f"for {scope}", scope=scope).text for scope in ("read", "write")
    }
    bearer = {}
    for scope, page in pages.items():
        found = re.search(r'value="(flt_[\w-]+)"', page)
        assert found
        bearer[scope] = {"Authorization": f"Bearer {found[1]}"}
        assert found[1] not in desk.get("/desk/tokens/").text
    program = site.app.test_client()
    assert program.get("/desk/api/queue", headers=bearer["read"]).json["conversations"][0]["id"] == id
    assert program.post(f"/desk/api/conversations/{id}/take", json={}, headers=bearer["read"]).status_code == 403
    taken = program.post(f"/desk/api/conversations/{id}/take", json={}, headers=bearer["write"])
    assert taken.json["conversation"]["agent"] == "for write (API)"
    assert program.get("/desk/tokens/", headers=bearer["write"]).status_code == 302
    rest = {"sender": "zoe", "message": "How much is express?"}
    assert program.post("/webhooks/rest/webhook", json=rest, headers=bearer["read"]).status_code == 403
    assert program.post("/webhooks/rest/webhook", json=rest, headers=bearer["write"]).status_code == 200
    far = {"environ_overrides": {"REMOTE_ADDR": "203.0.113.9"}}
    assert program.post("/webhooks/rest/webhook", json=rest, **far).status_code == 401
    assert program.post("/webhooks/rest/webhook", json=rest, headers=bearer["write"], **far).status_code == 200
    assert post(desk, "/desk/tokens/issue", name="", scope="read").status_code == 400
    token = next(each for each in site.parts.desk.tokens.listing() if each.scope == "write")
    assert token.used_at is not None
    assert post(desk, "/desk/tokens/revoke", id=str(token.id)).status_code == 303
    assert program.get("/desk/api/queue", headers=bearer["write"]).status_code == 401
    assert program.post("/webhooks/rest/webhook", json=rest, headers=bearer["write"]).status_code == 401
    assert program.get("/desk/api/queue", headers={"Authorization": "Bearer flt_made-up"}).status_code == 401


def test_channels_show_fingerprints_and_no_secret(tmp_path: Path) -> None:
    secrets = {"slack_signing_secret": "s1gn1ng", "slack_bot_token": "xoxb-t0ken", "webhook_secret": "whsec_dGVzdA=="}
    secrets |= {
        "rest_token": "r3st",
        "identity_secret": "1dent1ty",
        "smtp_url": f"smtps://u:p4ss@m.example?from={FROM}",
    }
    site = make_site(tmp_path, **secrets)
    site.add_person()
    page = signed_in(site, MAUD).get("/desk/channels/").text
    assert not [secret for secret in (*secrets.values(), "p4ss") if secret in page]
    for secret in secrets.values():
        assert fingerprint(secret, site.parts.settings.session_key) in page
    site.close()


def test_a_channel_says_what_is_missing() -> None:
    bare = {each.name: each.state for each in states(Settings())}
    assert bare == {
        "Chat on the website": "on",
        "REST": "on",
        "Slack": "off",
        "Webhook": "off",
        "E-mail, for transcripts": "off",
    }
    half = {each.name: (each.state, each.says) for each in states(Settings(slack_bot_token="x", webhook_secret="y"))}
    assert half["Slack"] == ("partly", "both the signing secret and the bot token are needed")
    assert half["Webhook"][0] == "partly"
    assert fingerprint("a", "key") != fingerprint("b", "key")
    assert fingerprint("a", "key") != fingerprint("a", "other key")


def test_the_audit_page_lists_filters_and_checks(site: Site, desk: FlaskClient) -> None:
    for number in range(120):
        site.parts.desk.audit.record(COMMAND_LINE, "setting_changed", f"<i>setting {number}</i>", {"a": 1}, {"a": 2})
    page = desk.get("/desk/audit/").text
    assert "&lt;i&gt;setting 119&lt;/i&gt;" in page
    assert "a 1 → 2" in page
    earlier = re.search(r'href="(/desk/audit/\?[^"]+)">Earlier rows', page)
    assert earlier
    assert "setting 19&lt;" in desk.get(earlier[1].replace("&amp;", "&")).text
    only = desk.get("/desk/audit/?what=sign_in&who=maud").text
    assert ("Maud Wren (person" in only, "setting 1" in only) == (True, False)
    assert "No row" in desk.get("/desk/audit/?until=2020-01-01").text
    assert desk.get("/desk/audit/?since=x").status_code == 400
    assert "rows hold" in desk.get("/desk/audit/?check=yes").text


def test_what_goes_live_and_what_is_deleted_is_in_the_audit_log(site: Site, desk: FlaskClient) -> None:
    post(desk, "/desk/knowledge/documents/delete", id="returns")
    assert [(each.what, each.who, each.subject) for each in site.parts.desk.audit.listing(what="document_deleted")] == [
        ("document_deleted", "Maud Wren", "returns")
    ]
    assert form_token(desk.get("/desk/").text)
