"""What is for some never reaches others: a secret word of an internal document, sought wherever a customer looks."""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from bot.channels.web import news
from bot.console import api
from bot.errors import BadInput, NotFound
from bot.messages import IncomingMessage
from bot.routing.gate import Gate
from bot.routing.signals import Look
from bot.store.document_keys import DocumentKeys
from bot.store.documents import Library
from retrieval.audiences import Audience
from retrieval.documents import Document
from tests.application import Application, build
from tests.conftest import Clock
from tests.keyword_release import KeywordRelease, document

SECRET = "ZIBELLINE"
INTERNAL = f"Refund abuse limits are kept under the code word {SECRET} in the vault."
MEMBERS = "Members phone number for refund abuse limits questions is 0117 555 0100."
IDENTITY = "an identity secret of the tests"


def meant(id: str, text: str, audience: Audience) -> Document:
    return replace(document(id, text), audience=audience)


@pytest.fixture
def secretive(tmp_path: Path, clock: Clock) -> Iterator[Application]:
    """The application with a document for agents and one for signed-in customers on its shelf."""
    made = build(tmp_path / "home", clock, identity_secret=IDENTITY)
    internal = meant("internal", INTERNAL, "agents")
    made.parts.library.put_all([internal, meant("members", MEMBERS, "customers")], source="t")
    made.release = KeywordRelease.of(made.parts.library)
    yield made
    made.close()


def opened(client: FlaskClient, customer: str = "") -> tuple[str, dict[str, str]]:
    """A conversation of the widget, of somebody signed in where a customer is named."""
    body = {}
    if customer:
        signature = hmac.new(IDENTITY.encode(), customer.encode(), hashlib.sha256).hexdigest()
        body = {"customer": {"id": customer, "signature": signature}}
    made = client.post("/api/v1/widget/conversations", json=body).get_json()
    return made["conversation"], {"Authorization": f"Bearer {made['token']}"}


def said(application: Application, text: str, customer: str = "") -> tuple[str, str]:
    """Ask in the widget; the conversation, and everything its browser is given as one text."""
    client = application.app.test_client()
    id, headers = opened(client, customer)
    path = f"/api/v1/widget/conversations/{id}"
    client.post(f"{path}/messages", json={"client_id": str(uuid.uuid4()), "text": text}, headers=headers)
    application.settle()
    polled = client.get(f"{path}/messages", headers=headers).get_data(as_text=True)
    streamed = "".join(news(application.parts, id, 0)())
    return id, polled + streamed + json.dumps(client.get(path, headers=headers).get_json())


QUESTIONS = ("What are the refund abuse limits?", f"refund abuse limits code word {SECRET.lower()}", "code word vault")


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_secret_word_reaches_no_customer(secretive: Application, question: str) -> None:
    over_rest = json.dumps(secretive.rest(question))
    for customer in ("", "kim"):
        _, given = said(secretive, question, customer)
        assert SECRET not in given  # a question writes it in small letters
    assert SECRET not in over_rest
    assert "internal@" not in over_rest


def test_the_agent_sees_it_as_an_internal_draft_that_is_not_sent_as_it_is(secretive: Application) -> None:
    question = "a human for the code word vault, please"
    id, _ = said(secretive, question)
    turn = secretive.parts.conversations.turn(id, 1)
    assert turn is not None
    assert (turn.draft, turn.draft_audience) == (INTERNAL, "agents")
    assert not any(SECRET in passage or passage.startswith("internal") for passage in turn.found)
    with secretive.app.test_request_context(), pytest.raises(BadInput, match="own words"):
        api._require_own_words(id, f"Dear customer, {INTERNAL}")
    with secretive.app.test_request_context():
        api._require_own_words(id, "There are limits; I have looked at your case.")


def test_a_draft_is_refused_only_to_who_may_not_see_it(secretive: Application) -> None:
    question = "a human for the members phone number, please"
    for customer, refused in (("", True), ("kim", False)):
        id, _ = said(secretive, question, customer)
        turn = secretive.parts.conversations.turn(id, 1)
        assert turn is not None
        assert (turn.draft, turn.draft_audience) == (MEMBERS, "customers")
        with secretive.app.test_request_context():
            if refused:
                with pytest.raises(BadInput, match="own words"):
                    api._require_own_words(id, MEMBERS)
            else:
                api._require_own_words(id, MEMBERS)


def test_a_few_words_of_a_draft_may_stand_in_any_reply(secretive: Application) -> None:
    secretive.parts.library.put(meant("short", "Treasure chest: no.", "agents"), source="t")
    secretive.release = KeywordRelease.of(secretive.parts.library)
    id, _ = said(secretive, "a human for the treasure chest, please")
    turn = secretive.parts.conversations.turn(id, 1)
    assert turn is not None
    assert turn.draft == "Treasure chest: no."
    with secretive.app.test_request_context():
        api._require_own_words(id, "You asked about the Treasure chest: no. There is none.")


class CountingRelease(KeywordRelease):
    """Counts its complete looks."""

    looks = 0

    def look(self, text: str, **rest: Any) -> Look:
        type(self).looks += 1
        return KeywordRelease.look(self, text, **rest)


def test_a_draft_for_agents_takes_no_second_look(secretive: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CountingRelease, "looks", 0)
    secretive.release = CountingRelease.of(secretive.parts.library)
    id, _ = said(secretive, "a human for the code word vault, please")
    turn = secretive.parts.conversations.turn(id, 1)
    assert turn is not None
    assert (turn.draft, CountingRelease.looks) == (INTERNAL, 1)


def test_who_is_signed_in_is_told_what_is_for_customers_and_can_open_it(secretive: Application) -> None:
    client = secretive.app.test_client()
    id, given = said(secretive, "phone number for members?", "kim")
    (answer,) = [m for m in secretive.parts.conversations.log(id) if m.participant == "bot"]
    (citation,) = answer.citations
    assert citation.quote == MEMBERS
    key = DocumentKeys(secretive.parts.settings.session_key).of("members", 1)
    assert f"&key={key}" in given
    link = f"/documents/members?version=1&start=0&end=9&key={key}"
    assert "0117 555 0100" in client.get(link).get_data(as_text=True)
    with secretive.database.read() as connection:
        stored = connection.exec_driver_sql("SELECT citations FROM messages").scalars().all()
    assert "members" in str(stored)
    assert key not in str(stored)
    for other in ("/documents/members", link.replace("members", "internal"), link[:-1], f"{link}0"):
        assert client.get(other).status_code == 404, other
    _, given = said(secretive, "phone number for members?")
    assert "0117 555 0100" not in given


def test_a_page_of_a_document_that_is_not_for_the_public_is_as_if_it_did_not_exist(secretive: Application) -> None:
    client = secretive.app.test_client()
    hidden = client.get("/documents/internal?version=1")
    missing = client.get("/documents/nothing?version=1")
    assert (hidden.status_code, missing.status_code) == (404, 404)
    assert hidden.get_data(as_text=True).replace("internal", "nothing") == missing.get_data(as_text=True)


def test_what_is_narrowed_is_kept_with_its_earlier_versions(library: Library) -> None:
    library.put(meant("page", "Once for everybody to read here.", "public"), source="t")
    library.put(meant("page", "Once for everybody to read here.", "agents"), source="t")
    assert library.get("page").version == 2
    for version in (1, 2, None):
        with pytest.raises(NotFound):
            library.get("page", version, viewer="customers")


def test_a_document_is_not_widened_by_taking_it_in_again_without_a_word(library: Library) -> None:
    page = meant("page", "For agents, until somebody says otherwise.", "public")
    library.meant_for("agents").put(page, source="t")
    assert library.put(page, source="t").audience == "agents"
    assert library.put(replace(page, text="New words."), source="t").audience == "agents"
    assert library.meant_for("public").put(page, source="t").audience == "public"


def test_the_audience_of_a_conversation_is_the_public_but_for_who_signed_in(secretive: Application) -> None:
    """A sender who calls himself anything over REST is the public: nobody vouches for him."""
    assert "0117 555 0100" not in json.dumps(secretive.rest("phone number for members?", sender="kim"))
    slack = IncomingMessage("slack", "C1", "kim", "e1", "phone number for members?")
    secretive.parts.turns.answer(secretive.parts.turns.accept(slack).conversation)
    conversation = secretive.parts.conversations.find("slack", "C1")
    assert conversation is not None
    assert "0117" not in "".join(m.text for m in secretive.parts.conversations.log(conversation.id))
    assert Gate().answer < 0.93  # the keyword release's confidence, so that all of these would have been answered


@pytest.fixture
def library(tmp_path: Path, clock: Clock) -> Iterator[Library]:
    from bot.store.database import Database

    database = Database.open(f"sqlite:///{tmp_path / 'library.sqlite'}")
    yield Library(database, clock)
    database.close()
