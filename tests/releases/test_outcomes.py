"""What became of answers, read from a real store and made into rows for the gate: every kind, what no longer counts,
what is learned and what is not."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from bot.console.releases import OUTCOMES, learned_from
from bot.console.suggestions import FILE, as_csv
from bot.ingest import faq_id, take_faq_bytes
from bot.messages import Decision, DialogueState, IncomingMessage, Reply, Turn, Understanding
from bot.releases import retrain as retraining
from bot.releases.build import build_challenger, build_router, fit_router_to
from bot.releases.outcomes import KINDS, REPLIES, Outcome, chosen, learned, outcomes_since, seen_by
from bot.releases.publish import Workshop
from bot.releases.registry import Manifest
from bot.releases.routers import fit_gate_on
from bot.routing.evaluation import Scenario
from bot.routing.gate import Gate
from bot.routing.policy import load_policy
from bot.store.audit import COMMAND_LINE
from bot.store.conversations import Conversations
from bot.store.conversations import Outcome as Dealt
from bot.store.suggestions import Draft
from bot.store.tables import conversations
from retrieval.documents import Citation
from retrieval.fusion import Fusion
from tests.application import Application
from tests.conftest import ROOT, Clock
from tests.keyword_release import EXPRESS, GIFTS, KeywordRelease, document
from tests.releases.test_routers import look, rows, seen

QUESTION = "How much is express delivery?"


def asks(application: Application, text: str, name: str = "ada", payload: str | None = None) -> str:
    """A message of a customer's, dealt with; the conversation."""
    turns, number = application.parts.turns, application.parts.conversations.position()
    receipt = turns.accept(IncomingMessage("web", f"k-{name}", name, f"{name}-{number}", text, payload))
    turns.answer(receipt.conversation)
    return receipt.conversation


def found(application: Application, **ago: float) -> tuple[Outcome, ...]:
    since = application.parts.clock() - timedelta(**(ago or {"days": 30}))
    return outcomes_since(application.parts.library, since)


def kinds(application: Application) -> list[tuple[str, str]]:
    return [(each.kind, each.text) for each in found(application)]


def test_thumbs_say_of_a_quote_that_it_is_right_or_wrong(application: Application) -> None:
    log = application.parts.conversations
    good, bad = asks(application, QUESTION, "ada"), asks(application, QUESTION, "ben")
    asks(application, QUESTION, "cleo")
    log.rate(good, 2, "up")
    log.rate(bad, 2, "down")
    right, wrong = sorted(found(application), key=lambda each: each.kind, reverse=True)
    assert (right.conversation, right.seq, right.kind, right.cited) == (good, 1, "liked", (("delivery", 1),))
    assert right.scenario() == Scenario(f"{good}:1", QUESTION, "answer", documents=("delivery",), quote=EXPRESS)
    assert (wrong.conversation, wrong.kind, wrong.right) == (bad, "disliked", False)
    assert wrong.scenario() == Scenario(f"{bad}:1", QUESTION, "human", why="unanswerable")


def test_asking_for_a_human_right_after_an_answer_is_told_of_it(application: Application, clock: Clock) -> None:
    asks(application, QUESTION, "in words")
    asks(application, "I want a human", "in words")
    asks(application, QUESTION, "tapped")
    asks(application, "Talk to a human", "tapped", payload="/human")
    button = asks(application, QUESTION, "button")
    application.parts.handoff.request(button, "the customer asks for a human")
    late = asks(application, QUESTION, "late")
    clock.pass_(minutes=11)
    asks(application, "I want a human", "late")
    asks(application, QUESTION, "thanks")
    asks(application, "What about gift cards by e-mail?", "thanks")
    asks(application, "I want a human", "thanks")
    assert {each.kind for each in found(application)} == {"asked"}
    told = {application.parts.conversations.get(each.conversation).customer for each in found(application)}
    assert told == {"in words", "tapped", "button"}
    application.parts.conversations.rate(button, 2, "up")
    assert [each.kind for each in found(application) if each.conversation == button] == ["liked"]
    assert late


def test_who_comes_back_to_a_closed_conversation_was_not_helped(application: Application, clock: Clock) -> None:
    parts = application.parts
    for name in ("back", "helped", "gone", "late"):
        id = asks(application, QUESTION, name)
        parts.handoff.take(id, "Maud")
        if name == "helped":
            parts.handoff.reply(id, "Maud", "It is £6.95.")
        parts.handoff.close(id, "Maud")
    clock.pass_(days=1)
    asks(application, "Still no delivery", "back")
    asks(application, "Still no delivery", "helped")
    clock.pass_(days=7)
    asks(application, "Still no delivery", "late")
    assert [(each.kind, parts.conversations.get(each.conversation).customer) for each in found(application)] == [
        ("reopened", "back")
    ]


def test_a_draft_that_an_agent_sent_is_right(application: Application) -> None:
    asked, parts = f"I want a human. {QUESTION}", application.parts
    for name, said in (("sent", f"Hello.\n{EXPRESS} "), ("changed", "It costs £6.95."), ("asked again", "")):
        id = asks(application, asked, name)
        parts.handoff.take(id, "Maud")
        if name == "asked again":
            asks(application, "Hello?", name)
        parts.handoff.reply(id, "Maud", said or EXPRESS)
    (outcome,) = found(application)
    assert (outcome.kind, outcome.text, outcome.quote) == ("sent", asked, EXPRESS)
    assert (parts.conversations.get(outcome.conversation).customer, outcome.cited) == ("sent", (("delivery", 1),))


def suggest(application: Application, question: str, answer: str, id: str, seq: int) -> None:
    """A FAQ row from an agent's reply, approved."""
    parts = application.parts
    row = Draft(question, answer)
    made = parts.desk.suggestions.add(id, seq, row, by=COMMAND_LINE)
    take_faq_bytes(parts.library, as_csv(row), FILE)
    parts.desk.suggestions.decide(made.id, "approved", by=COMMAND_LINE, row=row)


def test_a_reply_that_became_a_faq_row_is_right_for_what_was_asked(application: Application) -> None:
    assert faq_id(FILE) == REPLIES
    parts = application.parts
    id = asks(application, "May small dogs come into the shop?")
    asks(application, "I want a human")
    parts.handoff.take(id, "Maud")
    said = parts.handoff.reply(id, "Maud", "Dogs may come in, on a lead.").seq
    suggest(application, "May dogs come into the shop?", "Dogs may come in, on a lead.", id, said)
    suggest(application, "Is there a car park?", "Parking is behind the shop.", id, said)
    (outcome,) = found(application)
    assert (outcome.kind, outcome.seq, outcome.text) == ("corrected", 1, "May small dogs come into the shop?")
    assert outcome.scenario().quote == "Dogs may come in, on a lead."
    assert outcome.scenario().documents == (REPLIES,)
    parts.library.delete(REPLIES)
    assert found(application) == ()


def test_a_deleted_conversation_is_not_learned_from(application: Application) -> None:
    kept, gone = asks(application, QUESTION, "ada"), asks(application, QUESTION, "ben")
    for id in (kept, gone):
        application.parts.conversations.rate(id, 2, "up")
    application.database.write(lambda connection: connection.execute(delete(conversations).filter_by(id=gone)))
    assert [each.conversation for each in found(application)] == [kept]


def test_only_what_is_still_said_counts(application: Application) -> None:
    library = application.parts.library
    for name, text in (("ada", QUESTION), ("ben", "Do gift cards come by e-mail?")):
        application.parts.conversations.rate(asks(application, text, name), 2, "up")
    assert len(found(application)) == 2
    library.put(document("delivery", EXPRESS.replace("6.95", "7.95")), source="help centre")
    assert [each.quote for each in found(application)] == [GIFTS]
    library.put(replace(document("gifts", GIFTS), audience="agents"), source="help centre")
    assert found(application) == ()


def test_what_was_said_to_signed_in_customers_alone_is_left_out(application: Application) -> None:
    library = application.parts.library
    library.put(replace(document("secret", "Members get ten percent off kettles."), audience="customers"), source="x")
    application.release = KeywordRelease.of(library)
    id = asks(application, "What percent off do members get?", "member")
    assert application.parts.conversations.log(id)[1].citations
    application.parts.conversations.rate(id, 2, "up")
    assert found(application) == ()


def test_messages_that_mean_nothing_alone_are_left_out(application: Application) -> None:
    parts = application.parts
    id = asks(application, "Do gift cards come by e-mail?")
    asks(application, f"And {QUESTION}")
    asks(application, "How much is express delivery?", payload="/ask_delivery")
    for message in parts.conversations.log(id):
        if message.participant == "bot":
            parts.conversations.rate(id, message.seq, "up")
    assert [each.text for each in found(application)] == ["Do gift cards come by e-mail?"]


def test_only_so_far_back(application: Application, clock: Clock) -> None:
    id = asks(application, QUESTION)
    application.parts.conversations.rate(id, 2, "up")
    clock.pass_(days=10)
    assert len(found(application, days=11)) == 1
    assert found(application, days=9) == ()


def outcome(kind: str, text: str, number: int, clock: Clock) -> Outcome:
    at = clock() + timedelta(minutes=number)
    return Outcome(f"c{number}", 1, kind, at, text, EXPRESS, (("delivery", 1),))  # type: ignore[arg-type]


def test_a_text_counts_once_and_never_where_it_is_labelled_or_measured(clock: Clock) -> None:
    told = [
        outcome("asked", "How much?", 1, clock),
        outcome("liked", "how  MUCH?", 2, clock),
        outcome("disliked", "How much?", 3, clock),
        outcome("liked", "Is it labelled?", 4, clock),
        outcome("liked", "Is it measured?", 5, clock),
        outcome("liked", "Is it new?", 6, clock),
        outcome("disliked", "Is it new?", 7, clock),
        outcome("corrected", "Is it new?", 1, clock),
    ]
    labelled = [Scenario("1", "is it labelled?", "answer")]
    kept = chosen(told, labelled, [Scenario("2", "Is it  measured?", "human")])
    assert [(each.kind, each.at - clock()) for each in kept] == [
        ("disliked", timedelta(minutes=3)),
        ("corrected", timedelta(minutes=1)),
    ]


def test_outcomes_never_outnumber_the_labelled_rows_three_to_one(clock: Clock) -> None:
    told = [outcome("liked", f"text {number}", number, clock) for number in range(50)]
    labelled = [Scenario(str(number), f"row {number}", "answer") for number in range(4)]
    assert [each.conversation for each in chosen(told, labelled)] == [f"c{number}" for number in range(49, 37, -1)]
    assert chosen(told, ()) == ()


def test_a_wrong_quote_counts_only_where_it_would_be_given_again(application: Application, clock: Clock) -> None:
    release: Any = application.release
    told = [
        outcome("disliked", QUESTION, 1, clock),
        outcome("disliked", "Do gift cards come by e-mail?", 2, clock),
        outcome("liked", "Do gift cards come by e-mail too?", 3, clock),
        outcome("asked", "Something that nothing answers", 4, clock),
    ]
    weighed = seen_by(release, told, clock().date())
    assert [(each.scenario.id, each.scenario.expect) for each in weighed] == [("c1:1", "human"), ("c3:1", "answer")]


def test_the_gate_weighs_outcomes_and_promises_on_the_labelled_rows() -> None:
    policy = load_policy(ROOT / "data" / "policy.yml")
    labelled = seen(rows(120, 1))
    wrong = seen(tuple(Scenario(f"o{n}", f"{n} 0.9", "human", why="unanswerable") for n in range(200)))
    alone, taught = fit_gate_on(labelled, policy, Gate()), fit_gate_on(labelled, policy, Gate(), also=wrong)
    sure = look("1 0.9").signals("1 0.9")
    assert taught.p_right(sure) < alone.p_right(sure) - 0.2
    assert taught.need == alone.need
    assert len(taught.calibration) == len(alone.calibration)
    assert [right for _, right in taught.calibration] == [right for _, right in alone.calibration]


def labelled_rows(count: int) -> list[Scenario]:
    """Of the workshop's three documents."""
    said = (("Express delivery costs how much", "£6.95"), ("Return unused items within days", "60 days"))
    made = [
        Scenario(f"l{n}", f"{said[n % 2][0]} {n}", "answer", documents=("x",), quote=said[n % 2][1])
        for n in range(count)
    ]
    return [*made, *(Scenario(f"h{n}", f"What is the weather in town {n}", "human", why="x") for n in range(count))]


def rated(clock: Clock, texts: Sequence[str], kind: str) -> list[Outcome]:
    return [
        replace(
            outcome(kind, text, number, clock), quote="Express delivery costs £6.95 and comes the next working day."
        )
        for number, text in enumerate(texts)
    ]


def test_a_release_says_how_many_it_learned_from_and_holds_no_text(
    shop: Workshop, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    told = rated(clock, [f"zebrafinch express delivery costs {n}" for n in range(5)], "liked")
    with caplog.at_level(logging.DEBUG):
        fitted = fit_router_to(shop, shop.registry.current_id() or "", labelled_rows(25), told)
    assert fitted.report["outcomes"] == {"liked": 5, "weighed": 5}
    live = shop.registry.manifest(shop.registry.current_id() or "")
    router = build_router(shop, fitted, Fusion())
    made = shop.registry.create({**live.parts, "router": router}, note="x", report={"router": fitted.report})
    for folder in (shop.registry.part(router), shop.registry.folder / made.id):
        for file in folder.rglob("*"):
            assert file.is_dir() or b"zebrafinch" not in file.read_bytes()
    assert "zebrafinch" not in caplog.text
    assert "zebrafinch" not in repr(told)


def test_a_training_learns_from_what_is_in_the_store(shop: Workshop, clock: Clock, nlu_file: Path) -> None:
    """The whole training, with the tiny base model: one thumb, on a quote of a document that is in use."""
    (shop.settings.data / "nlu").mkdir()
    shutil.copyfile(nlu_file, shop.settings.data / "nlu" / "nlu.yml")
    shop.validation.parent.mkdir()
    keys = ("id", "text", "expect", "documents", "quote", "why")
    rows_of_file = [json.dumps({key: getattr(each, key) for key in keys}) for each in labelled_rows(2)]
    shop.validation.write_text("\n".join(rows_of_file), "utf-8")
    quote = "Descale the kettle every two months with citric acid."
    text = shop.library.get("kettle").text
    citation = Citation("kettle", 1, "Kettle", text.index(quote), text.index(quote) + len(quote), quote, "")
    log = Conversations(shop.library.database, clock)
    asked = log.accept(IncomingMessage("web", "k", "ada", "m1", "How often does the zebrafinch kettle want descaling?"))
    lease = log.lease(asked.conversation, "p1", 30)
    assert lease is not None
    turn = Turn(1, Understanding("ask_product", 0.9), Decision("answer", "sure", "sure-answer"), "r-1")
    log.commit_turn(lease, asked.conversation, Dealt(turn, (Reply(quote, (citation,)),), DialogueState()))
    log.rate(asked.conversation, 2, "up")
    made = build_challenger(shop)
    assert made.report["router"]["outcomes"] == {"liked": 1, "weighed": 1}
    for file in shop.registry.folder.rglob("*"):
        assert file.is_dir() or b"zebrafinch" not in file.read_bytes()


def test_the_policy_says_whether_and_how_far_back(application: Application, clock: Clock) -> None:
    parts = application.parts
    shop = Workshop(parts.settings, parts.registry, parts.library, clock().date())
    parts.conversations.rate(asks(application, QUESTION), 2, "up")
    clock.pass_(days=20)
    labelled = labelled_rows(2)
    file = parts.settings.data / "policy.yml"
    text = file.read_text("utf-8")
    for section, count in (
        ("", 1),
        ("learning: {days: 30}", 1),
        ("learning: {days: 10}", 0),
        ("learning: {from_outcomes: no}", 0),
    ):
        file.write_text(f"{text}\n{section}\n", "utf-8")
        assert len(learned(shop, labelled)) == count, section
    file.write_text(text, "utf-8")
    shop.test.parent.mkdir()
    shop.test.write_text(json.dumps({"text": QUESTION, "expect": "human"}) + "\n", "utf-8")
    assert learned(shop, labelled) == ()


def test_outcomes_that_spoil_the_gate_do_not_go_live(
    shop: Workshop, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Customers who blame right answers: a gate fitted on them answers nothing any more, and is refused."""
    shop.test.parent.mkdir()
    keys = ("id", "text", "expect", "documents", "quote", "why")
    lines = [json.dumps({key: getattr(each, key) for key in keys}) for each in labelled_rows(20)]
    shop.test.write_text("\n".join(lines), "utf-8")
    first = shop.registry.manifest(shop.registry.current_id() or "")

    def released(told: Sequence[Outcome]) -> Manifest:
        fitted = fit_router_to(shop, first.id, labelled_rows(60), told)
        assert fitted.report["outcomes"]["weighed"] == len(told)
        router = build_router(shop, fitted, Fusion())
        return shop.registry.create({**first.parts, "router": router}, note="retrain")

    shop.registry.promote(released(()).id, by="Maud")
    champion = shop.registry.current_id()
    texts = [f"Express delivery costs how much in place {n}" for n in range(180)]
    monkeypatch.setattr(retraining, "build_challenger", lambda shop, **_: released(rated(clock, texts, "disliked")))
    result = retraining.retrain(shop, by="Maud")
    assert not result.verdict.promote
    assert any("falls" in reason for reason in result.verdict.reasons)
    assert shop.registry.current_id() == champion


def test_the_desk_says_what_a_gate_learned_from() -> None:
    assert set(OUTCOMES) == set(KINDS)
    report = {"router": {"outcomes": {"disliked": 2, "liked": 3, "weighed": 4}}}
    assert learned_from(report) == "Its gate learned from 4 of 5 outcomes of answers: 2 thumbs down, 3 thumbs up."
    assert learned_from({"router": {"outcomes": {"weighed": 0}}}) == learned_from({}) == ""
