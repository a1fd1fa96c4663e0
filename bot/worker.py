"""The worker: turns that a crash left unanswered, deliveries with their retries, jobs, retention.

python -m bot.worker       runs until SIGTERM; several workers may run at once
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Protocol

import structlog

from bot.app import build_parts
from bot.channels.current import Parts
from bot.channels.slack import SlackDelivery
from bot.channels.slack_threads import Mirror
from bot.channels.webhook import WebhookDelivery
from bot.drafts import write_drafts
from bot.errors import Conflict, DeliveryFailed, FirstlineError, LeaseLost
from bot.logs import configure_logs
from bot.messages import Message
from bot.releases.merging import pending
from bot.settings import Settings
from bot.store.conversations import Conversation
from bot.store.drafts import Drafts
from bot.store.jobs import Job
from bot.store.outbox import Delivery
from bot.store.slack_threads import SlackThreads

log = structlog.get_logger()

SWEEP_S = 1.0
MERGE_S = 900.0
TEND_S = 2.0
FILES_S = 600.0
LEFT_ALONE = timedelta(seconds=3)
"""A message younger than this is still the business of the process that took it in."""

_MINUTE, _HOUR = 60, 3_600
RETRIES_S: Mapping[str, tuple[int, ...]] = {
    "slack": (1, 5, 30, 2 * _MINUTE, 10 * _MINUTE, 30 * _MINUTE, 2 * _HOUR),
    "webhook": (
        5,
        5 * _MINUTE,
        30 * _MINUTE,
        2 * _HOUR,
        5 * _HOUR,
        10 * _HOUR,
        14 * _HOUR,
        20 * _HOUR,
        24 * _HOUR,
    ),
}
"""Waits between attempts; the webhook's are the schedule of Standard Webhooks 1.0.0."""


class DeliveryChannel(Protocol):
    name: str

    def deliver(self, conversation: Conversation, message: Message, *, attempts: int) -> None:
        """Hand one message to the far side; `DeliveryFailed` if that did not work."""


def delivery_channels(settings: Settings, parts: Parts) -> dict[str, DeliveryChannel]:
    """The connected channels that carry replies elsewhere, by name."""
    connected: list[DeliveryChannel] = []
    if settings.slack_bot_token:
        connected.append(SlackDelivery(settings.slack_bot_token, settings.slack_api_url))
    if settings.webhook_url:
        private = settings.webhook_allow_private
        connected.append(
            WebhookDelivery(settings.webhook_url, settings.webhook_secret, parts.clock, allow_private=private)
        )
    return {channel.name: channel for channel in connected}


def sweep(parts: Parts) -> int:
    """Answer what was left unanswered; returns how many conversations were looked at."""
    before = parts.clock() - LEFT_ALONE
    left = [id for id in parts.conversations.unanswered() if parts.conversations.get(id).changed_at < before]
    for id in left:
        try:
            parts.turns.answer(id)
        except Exception as error:  # one conversation's trouble is not the others'
            log.error("turn_not_made", conversation=id, error=type(error).__name__, exc_info=error)
    return len(left)


def deliver_due(parts: Parts, channels: Mapping[str, DeliveryChannel]) -> int:
    """Try the deliveries that are due; returns how many there were."""
    due = parts.outbox.claim(parts.clock())
    for delivery in due:
        _deliver(parts, channels, delivery)
    return len(due)


def _deliver(parts: Parts, channels: Mapping[str, DeliveryChannel], delivery: Delivery) -> None:
    channel = channels.get(delivery.channel)
    if channel is None:
        parts.outbox.dead(delivery, f"the channel {delivery.channel} is not connected")
        return
    message = parts.conversations.log(delivery.conversation, after=delivery.seq - 1, limit=1)[0]
    try:
        channel.deliver(parts.conversations.get(delivery.conversation), message, attempts=delivery.attempts)
    except DeliveryFailed as error:
        log.warning("delivery_failed", channel=delivery.channel, delivery=delivery.id, error=str(error))
        _put_back(parts, delivery, error)
    except Exception as error:  # a delivery that breaks its channel ends as a dead letter, not in a circle
        log.error("delivery_broke", channel=delivery.channel, delivery=delivery.id, exc_info=error)
        _put_back(parts, delivery, DeliveryFailed(f"the channel broke: {type(error).__name__}"))
    else:
        parts.outbox.done(delivery)


def _put_back(parts: Parts, delivery: Delivery, error: DeliveryFailed) -> None:
    """Plan the next attempt, or give up where none can help or all are used."""
    waits = RETRIES_S[delivery.channel]
    if error.final or delivery.attempts >= len(waits):
        parts.outbox.dead(delivery, str(error))
        return
    wait_s = error.retry_after_s or waits[delivery.attempts] * random.uniform(0.9, 1.2)
    parts.outbox.again(delivery, parts.clock() + timedelta(seconds=wait_s), str(error))


def slack_mirror(parts: Parts) -> Mirror | None:
    """What shows the desk's conversations on Slack, where a channel is set for it."""
    settings = parts.settings
    if not settings.slack_desk_channel or not settings.slack_bot_token:
        return None
    threads = SlackThreads(parts.library.database, parts.clock)
    return Mirror(settings, parts.conversations, parts.handoff, threads, parts.clock)


def draft_answers(parts: Parts) -> int:
    """Let the large model draft what agents have to answer, where that is set; returns how many drafts there are."""
    if parts.writer is None or not parts.settings.llm_drafts or not parts.live.ready():
        return 0
    drafts = Drafts(parts.library.database)
    return write_drafts(drafts, parts.conversations, parts.library, parts.live.current, parts.writer, parts.clock)


def run_job(parts: Parts) -> bool:
    """Run the next job in a process of its own, so that what it needs is gone with it; False if there is none."""
    job = parts.jobs.claim()
    if job is None:
        return False
    command = [sys.executable, "-m", "bot.cli", "job", str(job.id)]
    log.info("job_started", job=job.id, kind=job.kind)
    finished = subprocess.run(command, check=False)
    _close_if_open(parts, job, finished.returncode)
    return True


def _close_if_open(parts: Parts, job: Job, status: int) -> None:
    current = parts.jobs.get(job.id)
    if current.state == "running":
        parts.jobs.finish(job, "failed", f"its process ended with status {status}; the log says why")
    log.info("job_ended", job=job.id, state=parts.jobs.get(job.id).state)


def merge(parts: Parts) -> bool:
    """Have what changed beside the live release merged into it; whether there was anything."""
    if not pending(parts.registry, parts.library):
        return False
    with suppress(Conflict):  # one is on its way
        parts.jobs.enqueue("publish", {"by": "worker"}, alone=True)
    return True


def every(seconds: float, closing: threading.Event, work: Callable[[], object]) -> threading.Thread:
    """A thread that does `work` every so often until `closing`; an error is logged and the next time tried again."""

    def loop() -> None:
        while not closing.wait(seconds):
            try:
                work()
            except LeaseLost:
                continue
            except FirstlineError as error:
                log.error("work_refused", work=getattr(work, "__name__", "work"), error=str(error))
            except Exception as error:
                log.error("work_failed", error=type(error).__name__, exc_info=error)

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    return thread


def main() -> None:
    settings = Settings.load().with_secrets()
    configure_logs()
    parts = build_parts(settings)
    channels, worker = delivery_channels(settings, parts), uuid.uuid4().hex
    closing = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: closing.set())
    threads = [
        every(SWEEP_S, closing, lambda: sweep(parts)),
        every(0.3, closing, lambda: deliver_due(parts, channels)),
        every(0.5, closing, lambda: run_job(parts)),
        every(MERGE_S, closing, lambda: merge(parts)),
        every(TEND_S, closing, lambda: parts.tending.tend(worker)),
        every(FILES_S, closing, parts.attachments.sweep),
        every(1.0, closing, lambda: draft_answers(parts)),
    ]
    if (mirror := slack_mirror(parts)) is not None:
        threads.append(every(0.5, closing, lambda: mirror.update(worker)))
    log.info("worker_ready", channels=sorted(channels))
    closing.wait()
    for thread in threads:
        thread.join(timeout=5)


if __name__ == "__main__":
    main()
