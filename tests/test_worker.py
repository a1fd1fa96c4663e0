"""The worker: what a crash left is answered, one broken piece of work does not stop the rest."""

from __future__ import annotations

import threading

from bot.errors import DeliveryFailed, NotFound
from bot.messages import IncomingMessage, Message
from bot.store import outbox
from bot.store.conversations import Conversation
from bot.turns import LEASE_S
from bot.worker import LEFT_ALONE, RETRIES_S, deliver_due, delivery_channels, every, sweep
from tests.application import Application
from tests.conftest import Clock
from tests.keyword_release import EXPRESS

QUESTION = "What does Express delivery cost?"


class Postbox:
    """A channel that keeps what it is given; `broken` raises what no channel should."""

    name = "rest"

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.broken: Exception | None = None

    def deliver(self, conversation: Conversation, message: Message, *, attempts: int) -> None:
        if self.broken is not None:
            raise self.broken
        self.taken.append(message.text)


def ask(application: Application, conversation: str, text: str = QUESTION) -> str:
    message = IncomingMessage("webhook", conversation, "ada", f"{conversation}:{text}", text)
    return application.parts.turns.accept(message).conversation


def test_what_was_left_unanswered_is_answered_once_it_is_old_enough(application: Application, clock: Clock) -> None:
    ids = [ask(application, f"c{number}") for number in range(3)]
    assert sweep(application.parts) == 0
    clock.pass_(seconds=LEFT_ALONE.total_seconds() + 1)
    assert sweep(application.parts) == 3
    assert sweep(application.parts) == 0
    assert [[m.text for m in application.parts.conversations.log(id, after=1)] for id in ids] == [[EXPRESS]] * 3


def test_a_message_whose_process_died_is_answered_when_its_lease_is_over(
    application: Application, clock: Clock
) -> None:
    id = ask(application, "c1")
    assert application.parts.conversations.lease(id, "a process that died", LEASE_S) is not None
    clock.pass_(seconds=LEASE_S - 1)
    sweep(application.parts)
    assert application.parts.conversations.log(id, after=1) == ()
    clock.pass_(seconds=2)
    sweep(application.parts)
    assert [message.text for message in application.parts.conversations.log(id, after=1)] == [EXPRESS]


def test_before_the_first_release_messages_are_kept_and_then_answered(application: Application, clock: Clock) -> None:
    """The oldest conversation fails first; the sweep goes on and ends by itself."""
    ready = application.release
    ids = [ask(application, f"c{number}") for number in range(2)]
    clock.pass_(seconds=10)
    application.release = _NotYet()  # type: ignore[assignment]
    assert sweep(application.parts) == 2
    assert len(application.parts.conversations.unanswered()) == 2
    application.release = ready
    sweep(application.parts)
    assert [application.parts.conversations.get(id).answered_seq for id in ids] == [1, 1]


class _NotYet:
    """Stands where a release will be; a turn that touches it fails as one does before the first."""

    def __getattr__(self, name: str) -> object:
        raise NotFound("no release is loaded yet")


def test_a_channel_that_is_not_connected_makes_a_dead_letter(application: Application, clock: Clock) -> None:
    _enqueue(application, clock)
    assert deliver_due(application.parts, {}) == 1
    assert application.parts.outbox.counts() == {"dead": 1}


def test_a_channel_that_breaks_is_tried_again_and_ends_as_a_dead_letter(application: Application, clock: Clock) -> None:
    _enqueue(application, clock)
    postbox = Postbox()
    postbox.broken = ZeroDivisionError("a defect")
    for _ in range(len(RETRIES_S["webhook"]) + 1):
        assert deliver_due(application.parts, {"webhook": postbox}) == 1
        clock.pass_(days=2)
    assert application.parts.outbox.counts() == {"dead": 1}


def test_a_broken_delivery_does_not_hold_up_the_next(application: Application, clock: Clock) -> None:
    _enqueue(application, clock)
    _enqueue(application, clock, conversation="c2")
    postbox = Postbox()
    deliver = postbox.deliver

    def breaks_once(conversation: Conversation, message: Message, *, attempts: int) -> None:
        if conversation.key == "c1":
            raise ValueError("a defect")
        deliver(conversation, message, attempts=attempts)

    postbox.deliver = breaks_once  # type: ignore[method-assign]
    assert deliver_due(application.parts, {"webhook": postbox}) == 2
    assert application.parts.outbox.counts() == {"done": 1, "waiting": 1}


def test_waits_grow_with_every_attempt(application: Application, clock: Clock) -> None:
    _enqueue(application, clock)
    postbox = Postbox()
    postbox.broken = DeliveryFailed("not now")
    for wait_s in RETRIES_S["webhook"]:
        assert deliver_due(application.parts, {"webhook": postbox}) == 1
        clock.pass_(seconds=wait_s * 0.85)
        assert deliver_due(application.parts, {"webhook": postbox}) == 0
        clock.pass_(seconds=wait_s * 0.4)
    assert application.parts.outbox.counts() == {"waiting": 1}


def test_only_connected_channels_deliver(application: Application) -> None:
    assert delivery_channels(application.parts.settings, application.parts) == {}


def test_work_that_raises_is_done_again_until_it_is_told_to_stop() -> None:
    closing, done = threading.Event(), threading.Semaphore(0)
    raised = iter([ValueError("a defect"), NotFound("not there"), None])

    def work() -> None:
        if (error := next(raised, None)) is not None:
            raise error
        done.release()

    thread = every(0.01, closing, work)
    assert done.acquire(timeout=10)
    closing.set()
    thread.join(timeout=10)
    assert not thread.is_alive()


def _enqueue(application: Application, clock: Clock, conversation: str = "c1") -> None:
    """One reply in the outbox, though the application itself is connected to nothing."""
    id = ask(application, conversation)
    application.parts.turns.answer(id)
    application.database.write(lambda connection: outbox.enqueue(connection, "webhook", id, 2, clock()))
    clock.pass_(seconds=1)
