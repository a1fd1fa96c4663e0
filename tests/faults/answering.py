"""A process that takes in and answers messages until it is killed.

python -m tests.faults.answering DATABASE [--unguarded]

Reads message numbers from stdin, one a line, and writes each back once the message is stored: the acknowledgement.
Leases are short and the models slow, so that processes overtake each other all the time. With `--unguarded` the two
checks of the writing transaction are out, which is what the harness must notice.
"""

from __future__ import annotations

import random
import sys
import threading
import time
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, update

import bot.turns
from bot.handoff.hours import Hours
from bot.handoff.presence import Presence
from bot.handoff.queue import HandOff
from bot.messages import IncomingMessage
from bot.routing.signals import Look
from bot.store import leases
from bot.store.conversations import Conversations
from bot.store.database import Database
from bot.store.documents import Library
from bot.store.leases import Lease
from bot.store.tables import conversations as table
from bot.turns import Turns
from tests.keyword_release import KeywordRelease
from tests.scripted_dialogue import ScriptedDialogue

LEASE_S = 0.15
SLOWEST_S = 0.2
CONVERSATIONS = 5
TEXTS = (
    "What does Express delivery cost?",
    "hello",
    "Where is my order?",
    "WF-200001",
    "stop",
    "Do gift cards expire by e-mail?",
)


class SlowRelease(KeywordRelease):
    """Takes its time, sometimes more than a lease lasts."""

    def look(self, text: str, **rest: Any) -> Look:
        time.sleep(random.uniform(0, SLOWEST_S))
        return KeywordRelease.look(self, text, **rest)


def now() -> datetime:
    return datetime.now(UTC)


def message(number: int) -> IncomingMessage:
    """Message `number`, the same in every process."""
    key = f"c{number % CONVERSATIONS}"
    return IncomingMessage("rest", key, key, f"m{number}", TEXTS[number % len(TEXTS)])


def unguarded(connection: Connection, lease: Lease) -> None:
    """Stands for `leases.check`: lets every lease pass, and blinds the check of `answered_seq` after it."""
    id = lease.name.removeprefix("conversation:")
    connection.execute(update(table).where(table.c.id == id).values(answered_seq=0))


def sweep(turns: Turns, store: Conversations) -> None:
    """Answer whatever is unanswered, again and again."""
    while True:
        for id in store.unanswered():
            turns.answer(id)
        time.sleep(0.01)


def main(path: str, *options: str) -> None:
    bot.turns.LEASE_S = LEASE_S
    if options:
        leases.check = unguarded
    database = Database.open(f"sqlite:///{path}")
    store, library = Conversations(database, now), Library(database, now)
    open_hours = Hours.parse("UTC", {"mon": "08:00-20:00"})
    handoff = HandOff(store, Presence(database, now), lambda: open_hours, now)
    release = SlowRelease.of(library)
    turns = [Turns(store, library, lambda: release, ScriptedDialogue(), handoff, now) for _ in range(2)]  # type: ignore[arg-type,return-value]
    for each in turns:
        threading.Thread(target=sweep, args=(each, store), daemon=True).start()
    for line in sys.stdin:
        turns[0].accept(message(int(line)))
        print(int(line), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
