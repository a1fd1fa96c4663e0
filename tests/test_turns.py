"""Turns: what is taken in, in what order it is answered, and that nothing leaves a message without its one answer."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from bot.errors import BadInput, Conflict, TooLarge
from bot.messages import MAX_TEXT, IncomingMessage, Turn
from bot.store.documents import Library
from bot.turns import STALE_TRIES, checked_text
from tests.application import Application
from tests.conftest import Clock
from tests.keyword_release import EXPRESS, BreakingRelease, KeywordRelease, document

QUESTION = "What does Express delivery cost?"


def incoming(text: str, id: str = "m1", **changes: str) -> IncomingMessage:
    return replace(IncomingMessage("web", "c1", "ada", id, text), **changes)


def turn_of(application: Application, id: str, seq: int) -> Turn:
    found = application.parts.conversations.turn(id, seq)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("  Hello \r\n there\t! ", "Hello \n there\t!"),
        ("👩‍👩‍👧 ❤️", "👩‍👩‍👧 ❤️"),
        ("\U0001fae8", "\U0001fae8"),
        ("مرحبا، أين طلبي؟", "مرحبا، أين طلبي؟"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("a\x00b\x1b[31mc\x7fd\x85e\x9ff", "ab[31mcdef"),
        ("x" * MAX_TEXT, "x" * MAX_TEXT),
        (" " * 100_000 + "still here", "still here"),
    ],
)
def test_a_text_is_stored_as_it_was_meant(given: str, kept: str) -> None:
    assert checked_text(given) == kept


@pytest.mark.parametrize("text", ["", " \n\t", "\x00\x07", "\u200b\u200d\ufeff", "\u202e \u2066", "\u00a0\u2003\u2028"])
def test_a_text_without_a_visible_character_is_empty(text: str) -> None:
    with pytest.raises(BadInput, match="empty"):
        checked_text(text)


@pytest.mark.parametrize("length", [MAX_TEXT + 1, 100_000])
def test_a_text_that_is_too_long_says_both_lengths(length: int) -> None:
    with pytest.raises(TooLarge, match=f"{length:,} characters, at most {MAX_TEXT:,}"):
        checked_text("x" * length)


@pytest.mark.parametrize("text", ["\ud800", "before \udfff after"])
def test_a_lone_surrogate_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="surrogate"):
        checked_text(text)


@pytest.mark.parametrize("name", ["conversation", "customer", "external_id", "payload"])
def test_a_key_with_a_control_character_is_refused_before_it_reaches_a_database(
    application: Application, name: str
) -> None:
    with pytest.raises(BadInput, match=name):
        application.parts.turns.accept(incoming(QUESTION, **{name: "a\x00b"}))


def test_the_same_message_twice_is_answered_once(application: Application) -> None:
    turns, log = application.parts.turns, application.parts.conversations.log
    first, again = turns.accept(incoming(QUESTION)), turns.accept(incoming(QUESTION))
    assert turns.wait(first) == turns.wait(again)
    turns.accept(incoming(QUESTION))
    assert turns.answer(first.conversation) == ()
    assert [each.text for each in log(first.conversation)] == [QUESTION, EXPRESS]


@pytest.mark.parametrize("change", [{"text": "Other"}, {"payload": "/human"}, {"conversation": "c2"}])
def test_an_id_that_comes_again_with_another_body_is_a_conflict(
    application: Application, change: dict[str, str]
) -> None:
    application.parts.turns.accept(incoming(QUESTION))
    with pytest.raises(Conflict) as caught:
        application.parts.turns.accept(incoming(**({"text": QUESTION} | change)))
    assert caught.value.code == "id_reused"


def test_several_unanswered_messages_are_answered_in_their_order_each_with_its_own_reply(
    application: Application,
) -> None:
    turns, texts = application.parts.turns, [QUESTION, "Hello", "Do gift cards come by e-mail?"]
    receipts = [turns.accept(incoming(text, f"m{number}")) for number, text in enumerate(texts)]
    said = turns.answer(receipts[0].conversation)
    assert [message.seq for message in said] == [4, 5, 6]
    waited = [turns.wait(receipt) for receipt in receipts]
    assert [[message.seq for message in replies] for replies in waited] == [[4], [5], [6]]
    assert [turn_of(application, said[0].conversation, seq).message_seq for seq in (1, 2, 3)] == [1, 2, 3]


def test_many_threads_answer_one_conversation_once(application: Application) -> None:
    turns = application.parts.turns
    receipts = [turns.accept(incoming(QUESTION, f"m{number}")) for number in range(6)]
    ready = threading.Barrier(6)

    def work(number: int) -> int:
        ready.wait()
        return len(turns.wait(receipts[number]))

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(work, range(6))) == [1] * 6
    log = application.parts.conversations.log(receipts[0].conversation)
    assert [message.participant for message in log].count("bot") == 6


def test_the_bot_is_silent_while_an_agent_holds_but_records_what_it_would_have_said(application: Application) -> None:
    parts = application.parts
    id = parts.turns.accept(incoming("Hello", "m0")).conversation
    parts.turns.answer(id)
    parts.handoff.take(id, "Maud")
    receipt = parts.turns.accept(incoming(QUESTION))
    assert parts.turns.wait(receipt) == ()
    recorded = turn_of(application, id, receipt.seq)
    assert (recorded.decision.rule, recorded.draft) == ("held-by-agent", EXPRESS)
    assert parts.conversations.log(id)[-1].text == QUESTION


def test_who_waits_is_told_a_sure_quote_and_nothing_else(application: Application) -> None:
    parts = application.parts
    id = parts.turns.accept(incoming("A human please", "m0")).conversation
    assert len(parts.turns.answer(id)) == 1
    assert parts.conversations.get(id).owner == "waiting"
    sure = parts.turns.wait(parts.turns.accept(incoming(QUESTION)))
    assert [message.text for message in sure] == [f"While you wait, this may help: {EXPRESS}"]
    unsure = parts.turns.accept(incoming("And the colour of the sky?", "m2"))
    assert parts.turns.wait(unsure) == ()
    assert turn_of(application, id, unsure.seq).decision.rule == "waiting"


class MovingLibrary(KeywordRelease):
    """Changes the library between the look and the commit, `changes` times."""

    __slots__ = ("changes", "index_again", "library")

    def look(self, text: str, **rest: object) -> object:  # type: ignore[override]
        look = KeywordRelease.look(self, text, **rest)  # type: ignore[arg-type]
        if self.changes:
            object.__setattr__(self, "changes", self.changes - 1)
            self.library.put(document("delivery", f"Express delivery costs £{self.changes} now."), source="t")
            if self.index_again:
                object.__setattr__(self, "documents", self.library.current())
        return look


def moving(application: Application, changes: int, *, index_again: bool) -> None:
    release = MovingLibrary.of(application.parts.library)
    for name, value in (("changes", changes), ("index_again", index_again), ("library", application.parts.library)):
        object.__setattr__(release, name, value)
    application.release = release


def test_a_document_that_changes_under_a_turn_is_answered_from_its_new_version(application: Application) -> None:
    moving(application, 1, index_again=True)
    (reply,) = application.parts.turns.wait(application.parts.turns.accept(incoming(QUESTION)))
    assert (reply.text, reply.citations[0].version) == ("Express delivery costs £0 now.", 2)


def test_an_index_that_is_behind_hands_over_and_never_quotes_the_old(application: Application) -> None:
    moving(application, 1, index_again=False)
    (reply,) = application.parts.turns.wait(application.parts.turns.accept(incoming(QUESTION)))
    assert reply.citations == ()
    assert EXPRESS not in reply.text


def test_a_library_that_never_rests_ends_in_a_hand_over(application: Application) -> None:
    moving(application, STALE_TRIES + 5, index_again=True)
    receipt = application.parts.turns.accept(incoming(QUESTION))
    (reply,) = application.parts.turns.wait(receipt)
    assert reply.citations == ()
    assert turn_of(application, receipt.conversation, receipt.seq).decision.rule == "turn-failed"


def test_a_deleted_document_is_not_quoted(application: Application, clock: Clock) -> None:
    Library(application.database, clock).delete("delivery")
    (reply,) = application.parts.turns.wait(application.parts.turns.accept(incoming(QUESTION)))
    assert reply.citations == ()


def test_an_engine_that_is_down_hands_flows_over_with_a_sentence(application: Application) -> None:
    application.dialogue.up = False
    receipt = application.parts.turns.accept(incoming("Where is my order?"))
    (reply,) = application.parts.turns.wait(receipt)
    assert reply.text.startswith("I can't look into orders just now")
    assert turn_of(application, receipt.conversation, receipt.seq).decision.rule == "flow-unavailable"
    assert application.parts.conversations.get(receipt.conversation).owner == "waiting"


def test_a_message_that_breaks_the_models_is_handed_over_and_the_next_is_answered(application: Application) -> None:
    application.release = BreakingRelease.of(application.parts.library)
    turns = application.parts.turns
    receipts = [turns.accept(incoming(text, text)) for text in ("overflow please", QUESTION)]
    said = turns.answer(receipts[0].conversation)
    assert turn_of(application, receipts[0].conversation, 1).decision.rule == "turn-failed"
    assert [message.citations == () for message in said] == [True, False]
    assert application.parts.conversations.get(receipts[0].conversation).owner == "waiting"


def test_an_engine_that_breaks_is_handed_over(application: Application) -> None:
    """The script has no flow of this name, and says so by a `KeyError`."""
    receipt = application.parts.turns.accept(incoming("Cancel it", payload="/cancel_order"))
    (reply,) = application.parts.turns.wait(receipt)
    assert turn_of(application, receipt.conversation, receipt.seq).decision.rule == "turn-failed"
    assert application.parts.conversations.get(receipt.conversation).owner == "waiting"
    assert reply.text


def test_a_reply_that_cannot_be_written_is_handed_over(application: Application) -> None:
    policy = replace(application.release.policy, smalltalk={"greet": None})  # type: ignore[dict-item]
    application.release = replace(application.release, policy=policy)
    receipt = application.parts.turns.accept(incoming("hello"))
    (reply,) = application.parts.turns.wait(receipt)
    assert turn_of(application, receipt.conversation, receipt.seq).decision.rule == "turn-failed"
    assert reply.text


def test_a_flow_that_asks_for_a_human_says_so_and_hands_over(application: Application) -> None:
    turns = application.parts.turns
    turns.wait(turns.accept(incoming("I want to return this", "m0")))
    replies = turns.wait(turns.accept(incoming("it came broken in my hand")))
    assert replies[0].text == "That should not happen."
    conversation = application.parts.conversations.get(replies[0].conversation)
    assert (conversation.owner, conversation.reason, conversation.dialogue.form) == ("waiting", "a broken item", "")


@pytest.mark.parametrize("way", ["close", "hand_back"])
def test_a_flow_does_not_outlive_the_agent_who_dealt_with_it(application: Application, way: str) -> None:
    parts = application.parts
    id = parts.turns.accept(incoming("Where is my order?", "m0")).conversation
    parts.turns.answer(id)
    assert parts.conversations.get(id).dialogue.form == "order_status_form"
    parts.handoff.take(id, "Maud")
    getattr(parts.handoff, way)(id, "Maud")
    parts.turns.wait(parts.turns.accept(incoming("hello")))
    assert parts.conversations.get(id).owner == "bot"
    assert parts.conversations.get(id).dialogue.form == ""
    assert len(application.dialogue.handled) == 1
