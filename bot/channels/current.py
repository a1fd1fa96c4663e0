"""The parts of the running application, for views."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, cast

from flask import current_app

if TYPE_CHECKING:
    from bot.channels.mail import Mailer
    from bot.channels.typing import Typing
    from bot.dialogue.orders import OrderBook
    from bot.handoff.queue import HandOff
    from bot.handoff.tending import Tending
    from bot.llm.writer import Writer
    from bot.releases.live import LiveRelease
    from bot.releases.registry import Registry
    from bot.settings import Settings
    from bot.store.attachments import Attachments
    from bot.store.conversations import Conversations
    from bot.store.desk import DeskStore
    from bot.store.documents import Library
    from bot.store.jobs import Jobs
    from bot.store.outbox import Outbox
    from bot.store.people import People
    from bot.store.wakeup import Wakeup
    from bot.turns import Turns


@dataclass(frozen=True, slots=True)
class Parts:
    """What `create_app` wires together; a test passes its own. `background` runs turns after the acknowledgement;
    `mailer` is None where no SMTP server is set, `writer` where no large model is."""

    settings: Settings
    conversations: Conversations
    attachments: Attachments
    library: Library
    people: People
    desk: DeskStore
    typing: Typing
    mailer: Mailer | None
    jobs: Jobs
    outbox: Outbox
    handoff: HandOff
    tending: Tending
    registry: Registry
    live: LiveRelease
    orders: OrderBook
    turns: Turns
    wakeup: Wakeup
    background: Executor
    clock: Callable[[], datetime]
    writer: Writer | None = None


def parts() -> Parts:
    return cast(Parts, current_app.extensions["firstline"])
