"""The outbox on both databases: in the order of each conversation, claimed once, dead letters by hand only."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, update

from bot.errors import NotFound
from bot.messages import IncomingMessage
from bot.store.conversations import Conversations
from bot.store.database import Database
from bot.store.outbox import CLAIM, Delivery, Outbox
from bot.store.tables import deliveries
from tests.conftest import Clock


@pytest.fixture
def outbox(database: Database) -> Outbox:
    return Outbox(database)


def say(conversations: Conversations, key: str, *texts: str) -> str:
    """Replies of the bot in a conversation of a delivered channel; each goes to the outbox."""
    id = conversations.accept(IncomingMessage("webhook", key, "ada", f"{key}-1", "Hello?")).conversation
    for text in texts:
        conversations.append(id, "bot", text)
    return id


def one(outbox: Outbox, clock: Clock) -> Delivery:
    (delivery,) = outbox.claim(clock())
    return delivery


def test_replies_of_a_conversation_go_one_after_the_other(
    conversations: Conversations, outbox: Outbox, clock: Clock
) -> None:
    say(conversations, "c1", "first", "second")
    first = one(outbox, clock)
    assert outbox.claim(clock()) == ()
    outbox.done(first)
    second = one(outbox, clock)
    assert (first.seq, second.seq) == (2, 3)
    outbox.done(second)
    assert outbox.claim(clock()) == ()
    assert outbox.counts() == {"done": 2}


def test_conversations_do_not_wait_for_each_other(conversations: Conversations, outbox: Outbox, clock: Clock) -> None:
    one_, two = say(conversations, "c1", "a", "b"), say(conversations, "c2", "a", "b")
    assert [(each.conversation, each.seq) for each in outbox.claim(clock())] == [(one_, 2), (two, 2)]
    assert len(outbox.claim(clock(), limit=1)) == 0


def test_a_failed_reply_holds_back_the_next_until_its_time(
    conversations: Conversations, outbox: Outbox, clock: Clock
) -> None:
    say(conversations, "c1", "first", "second")
    failed = one(outbox, clock)
    clock.pass_(seconds=1)
    outbox.again(failed, clock.moment.replace(minute=5), "HTTP 500")
    clock.pass_(minutes=4)
    assert outbox.claim(clock()) == ()
    clock.pass_(minutes=1)
    retried = one(outbox, clock)
    assert (retried.id, retried.attempts) == (failed.id, 1)


def test_a_claim_of_a_process_that_died_runs_out(conversations: Conversations, outbox: Outbox, clock: Clock) -> None:
    say(conversations, "c1", "first")
    claimed = one(outbox, clock)
    clock.pass_(seconds=CLAIM.total_seconds() - 1)
    assert outbox.claim(clock()) == ()
    clock.pass_(seconds=1)
    assert one(outbox, clock).id == claimed.id


def test_a_dead_letter_lets_the_next_go_and_comes_back_by_hand_only(
    conversations: Conversations, outbox: Outbox, clock: Clock
) -> None:
    say(conversations, "c1", "first", "second")
    dead = one(outbox, clock)
    outbox.dead(dead, "HTTP 410")
    following = one(outbox, clock)
    outbox.done(following)
    assert outbox.counts() == {"dead": 1, "done": 1}
    outbox.replay(dead.id, clock())
    assert (one(outbox, clock).id, outbox.counts()) == (dead.id, {"waiting": 1, "done": 1})


def test_what_was_delivered_or_waits_cannot_be_replayed(
    conversations: Conversations, outbox: Outbox, clock: Clock
) -> None:
    say(conversations, "c1", "first")
    delivery = one(outbox, clock)
    for id in (delivery.id, 999):
        with pytest.raises(NotFound, match=f"no dead letter {id}"):
            outbox.replay(id, clock())
    outbox.done(delivery)
    with pytest.raises(NotFound):
        outbox.replay(delivery.id, clock())
    assert outbox.claim(clock()) == ()


def test_many_processes_claim_each_reply_once(conversations: Conversations, outbox: Outbox, clock: Clock) -> None:
    for number in range(12):
        say(conversations, f"c{number}", "reply")
    with ThreadPoolExecutor(6) as pool:
        claimed = [each.id for batch in pool.map(lambda _: outbox.claim(clock(), limit=3), range(12)) for each in batch]
    assert len(claimed) == len(set(claimed)) == 12


def test_a_reply_that_is_being_put_back_is_not_overtaken(
    conversations: Conversations, outbox: Outbox, database: Database, clock: Clock
) -> None:
    say(conversations, "c1", "first", "second")
    first = one(outbox, clock)
    writing, go = threading.Event(), threading.Event()

    def put_back(connection: Connection) -> None:
        values = {"attempts": 1, "next_at": clock.moment.replace(minute=30)}
        connection.execute(update(deliveries).where(deliveries.c.id == first.id).values(**values))
        writing.set()
        go.wait(10)

    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(database.write, put_back)
        writing.wait(10)
        claim = pool.submit(outbox.claim, clock())
        threading.Event().wait(0.2)
        go.set()
        slow.result()
        assert claim.result() == ()
