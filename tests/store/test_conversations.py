"""The log on both databases: idempotent, numbered, fenced, and silent while an agent holds a conversation."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import Row

from bot.errors import Conflict, LeaseLost, NotFound
from bot.messages import Decision, DialogueState, IncomingMessage, Reply, Turn, Understanding
from bot.store import log as module
from bot.store.conversations import Conversations, Outcome
from bot.store.database import Database
from bot.store.documents import Library
from bot.store.outbox import Outbox
from bot.store.rows import turn_from_row
from retrieval.documents import Block, Citation, Document
from tests.conftest import Clock


def message(text: str = "Where is my order?", id: str = "m1", channel: str = "web") -> IncomingMessage:
    return IncomingMessage(channel, "c1", "ada", id, text)


def outcome(seq: int, *replies: Reply, hand_over: str = "") -> Outcome:
    turn = Turn(seq, Understanding("order_status", 0.9), Decision("answer", "sure", "sure-answer"), "r-1")
    return Outcome(turn, replies, DialogueState("order_form", "email", "Which e-mail?"), hand_over=hand_over)


def test_the_same_id_is_one_message_and_another_text_under_it_is_a_conflict(conversations: Conversations) -> None:
    first = conversations.accept(message())
    again = conversations.accept(message())
    assert (first.seq, first.repeated, again.seq, again.repeated) == (1, False, 1, True)
    assert len(conversations.log(first.conversation)) == 1
    with pytest.raises(Conflict) as caught:
        conversations.accept(message("Something else"))
    assert caught.value.code == "id_reused"


def test_a_log_with_notes_reads_the_turns_of_its_own_messages(
    conversations: Conversations, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = conversations.accept(message()).conversation
    for number in range(2, 7):
        conversations.accept(message(f"text {number}", f"m{number}"))
    lease = conversations.lease(id, "p1", 30)
    assert lease is not None
    for seq in range(1, 7):
        conversations.commit_turn(lease, id, outcome(seq))
    read: list[int] = []

    def counted(row: Row[Any]) -> Turn:
        read.append(row.message_seq)
        return turn_from_row(row)

    monkeypatch.setattr(module, "turn_from_row", counted)
    log = conversations.log(id, after=2, limit=2, notes=True)
    assert [each.turn.message_seq for each in log if each.turn] == [3, 4]
    assert sorted(read) == [3, 4]


def test_many_writers_number_a_conversation_without_gaps(conversations: Conversations) -> None:
    def send(start: int) -> None:
        for number in range(start, start + 10):
            conversations.accept(message(f"text {number}", f"m{number}"))

    threads = [threading.Thread(target=send, args=(start,)) for start in (0, 10, 20, 30)]
    conversations.open("web", "c1", "ada")
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log = conversations.log(conversations.open("web", "c1", "ada").id)
    assert [each.seq for each in log] == list(range(1, 41))


def test_a_turn_writes_replies_record_state_and_outbox_together(
    conversations: Conversations, database: Database, clock: Clock
) -> None:
    receipt = conversations.accept(message(channel="webhook"))
    lease = conversations.lease(receipt.conversation, "p1", 30)
    assert lease is not None
    said = conversations.commit_turn(lease, receipt.conversation, outcome(1, Reply("It is on its way.")))
    assert [each.text for each in said] == ["It is on its way."]
    stored = conversations.get(receipt.conversation)
    assert (stored.answered_seq, stored.dialogue.prompt) == (1, "Which e-mail?")
    turn = conversations.turn(receipt.conversation, 1)
    assert turn is not None
    assert turn.decision.rule == "sure-answer"
    assert [each.seq for each in Outbox(database).claim(clock())] == [2]


def test_a_turn_is_written_once_even_if_two_processes_made_it(conversations: Conversations, clock: Clock) -> None:
    receipt = conversations.accept(message())
    slow = conversations.lease(receipt.conversation, "slow", 30)
    assert slow is not None
    assert conversations.lease(receipt.conversation, "fast", 30) is None
    clock.pass_(seconds=31)
    fast = conversations.lease(receipt.conversation, "fast", 30)
    assert fast is not None
    conversations.commit_turn(fast, receipt.conversation, outcome(1, Reply("Once.")))
    with pytest.raises(LeaseLost):
        conversations.commit_turn(slow, receipt.conversation, outcome(1, Reply("Twice.")))
    assert [each.text for each in conversations.log(receipt.conversation)][1:] == ["Once."]


def test_replies_are_dropped_when_an_agent_took_the_conversation_meanwhile(conversations: Conversations) -> None:
    receipt = conversations.accept(message())
    lease = conversations.lease(receipt.conversation, "p1", 30)
    conversations.transition(receipt.conversation, ("bot",), "agent", agent="Maud")
    assert lease is not None
    said = conversations.commit_turn(lease, receipt.conversation, outcome(1, Reply("I should be silent.")))
    assert said == ()
    assert conversations.get(receipt.conversation).answered_seq == 1


def test_a_replaced_version_cannot_be_quoted(conversations: Conversations, database: Database, clock: Clock) -> None:
    library = Library(database, clock)
    text = "Returns are free for 60 days."
    document = Document("returns", "Returns", text, (Block("paragraph", ("Returns",), 0, len(text)),))
    library.put(document, source="test")
    quote = Citation("returns", 1, "Returns", 0, len(text), text, "")
    newer = "Returns are free for 30 days."
    library.put(Document("returns", "Returns", newer, (Block("paragraph", (), 0, len(newer)),)), source="test")
    receipt = conversations.accept(message())
    lease = conversations.lease(receipt.conversation, "p1", 30)
    assert lease is not None
    with pytest.raises(Conflict) as caught:
        conversations.commit_turn(lease, receipt.conversation, outcome(1, Reply(text, (quote,))))
    assert caught.value.code == "stale"
    assert conversations.unanswered() == (receipt.conversation,)
    assert library.get("returns", 1).text == text


def test_transitions_compare_and_set(conversations: Conversations) -> None:
    id = conversations.accept(message()).conversation
    conversations.transition(id, ("bot",), "agent", agent="Maud", event="Maud has joined.")
    with pytest.raises(Conflict):
        conversations.transition(id, ("waiting", "bot"), "agent", agent="Edie")
    with pytest.raises(Conflict):
        conversations.transition(id, ("agent",), "bot", by="Edie")
    conversations.transition(id, ("agent",), "closed", by="Maud")
    conversations.accept(message("Hello again", "m2"))
    assert conversations.get(id).owner == "bot"


def test_notes_are_for_agents_only_and_ratings_need_a_bot_message(conversations: Conversations) -> None:
    id = conversations.accept(message()).conversation
    conversations.append(id, "agent", "Careful, third call.", kind="note", author="Maud")
    bot = conversations.append(id, "bot", "Hello.")
    assert [each.text for each in conversations.log(id)] == ["Where is my order?", "Hello."]
    assert len(conversations.log(id, notes=True)) == 3
    conversations.rate(id, bot.seq, "down")
    assert conversations.log(id, after=bot.seq - 1)[0].rating == "down"
    with pytest.raises(NotFound):
        conversations.rate(id, 1, "up")


def test_search_finds_texts_and_treats_wildcards_as_text(conversations: Conversations) -> None:
    id = conversations.accept(message("My kettle is 100% broken")).conversation
    assert [each.id for each in conversations.listing(search="100%")] == [id]
    assert conversations.listing(search="%kettle_") == ()
