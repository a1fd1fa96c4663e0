"""Processes that quote and change documents until they are killed.

python -m tests.faults.quoting ROLE HOME [OPTION…]

ROLE is `asking` (a web process: it takes in questions and answers them) or `changing` (a process that updates, deletes,
uploads and publishes). For every line on stdin a child is forked that plays the role, and its pid is written back: a
kill hits a child at work at once, because nothing has to be imported again. Options make a build that is broken on
purpose, which is what the harness must notice.
"""

from __future__ import annotations

import ctypes
import os
import random
import resource
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy.exc import SQLAlchemyError

import bot.store.documents as store
from bot.errors import Refused
from bot.handoff.hours import Hours
from bot.handoff.presence import Presence
from bot.handoff.queue import HandOff
from bot.messages import IncomingMessage, Understanding
from bot.releases import live
from bot.releases.publish import Workshop
from bot.releases.registry import Registry
from bot.releases.release import Release, load_knowledge
from bot.routing.gate import Gate
from bot.routing.policy import load_policy
from bot.routing.signals import Look
from bot.settings import Settings
from bot.store.conversations import Conversations
from bot.store.database import Database
from bot.store.documents import Library
from bot.taking import publish, take_upload
from bot.turns import Turns
from retrieval.documents import Document
from retrieval.embedder import OnnxEmbedder, Vectors, normalised
from retrieval.reader import Reader
from retrieval.words import content_words
from tests.keyword_release import document, understand
from tests.scripted_dialogue import ScriptedDialogue

UNGUARDED = "--unguarded"
"""Citations are not checked in the writing transaction."""
UNREFRESHED = "--unrefreshed"
"""Changes are served when the next release is loaded, not before."""

FRUIT, PLUM = "fruit", "plum"
QUESTIONS = {
    FRUIT: "What is the fruit of the day, and what does it cost this morning?",
    PLUM: "Does the plum special cost more with cream and a silver spoon?",
}
CHANGES = "changed:"
"""Begins a line that is written into the log once a changing call has returned; the oldest version that may be quoted
then follows."""
SLOWEST_S = 0.05
PR_SET_PDEATHSIG = 1
"""prctl(2): a child ends with the process that forked it."""
FULL_BYTES = 4_096
"""Files may not grow beyond this while the disk is full."""


class Table:
    """In place of the intent model: intents by their words."""

    def understand(self, text: str, *, today: date) -> Understanding:
        return understand(text)


class Words:
    """In place of the encoder: bags of hashed words, so that a process is up at once."""

    dimension = 64
    fingerprint = "words"

    def encode(self, texts: Sequence[str]) -> Vectors:
        vectors = np.full((len(texts), self.dimension), 1e-3)
        for row, each in enumerate(texts):
            for word in content_words(each):
                vectors[row, sum(word.encode()) * len(word) % self.dimension] += 1.0
        return normalised(vectors)


class Slow:
    """A release that takes its time between finding and saying, so that documents change under its answers."""

    def __init__(self, release: Release) -> None:
        self._release = release

    def look(self, text: str, **rest: Any) -> Look:
        found = self._release.look(text, **rest)
        time.sleep(random.uniform(0, SLOWEST_S))
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._release, name)


def load(registry: Registry, id: str, *, reuse: Release | None = None) -> Release:
    """`load_release` with a table and bags of words for models; everything else of the release is real."""
    manifest = registry.manifest(id)
    registry.verify(manifest)
    part = {kind: registry.part(name) for kind, name in manifest.parts.items()}
    models: Any = Words(), Table()
    knowledge = load_knowledge(part["knowledge"], part["router"], models[0], Reader())
    return Release(id, manifest, *models, knowledge, load_policy(part["router"] / "policy.yml"), Gate(answer=0.0))


def without_models() -> None:
    """Processes are up at once: releases load and are built without an encoder or an intent model."""
    live.load_release = load
    OnnxEmbedder.load = lambda folder, **given: Words()  # type: ignore[method-assign,assignment,return-value]


def now() -> datetime:
    return datetime.now(UTC)


def fruit(edition: int) -> Document:
    """An edition of the document that is always there: apples in even ones, bananas in odd ones."""
    name = ("apple", "banana")[edition % 2]
    return document(FRUIT, f"The fruit of the day is the {name}, it costs £{edition} this morning.")


def plum() -> Document:
    """The document that comes and goes."""
    return document(PLUM, "The plum special comes with cream and a silver spoon.")


def ask(home: Path, options: tuple[str, ...]) -> None:
    """Take in questions, each in a conversation of its own, and answer them, in two threads."""
    if UNGUARDED in options:
        store.require_current = lambda connection, citations: None  # type: ignore[assignment]
    database = Database.open(Settings(home=home).store_url)
    conversations, library = Conversations(database, now), Library(database, now)
    serving = live.LiveRelease(
        Registry(home / "releases", now), now, library=None if UNREFRESHED in options else library
    )
    open_hours = Hours.parse("UTC", {"mon": "08:00-20:00"})
    handoff = HandOff(conversations, Presence(database, now), lambda: open_hours, now)

    def released() -> Any:
        return Slow(serving.current())

    turns = Turns(conversations, library, released, ScriptedDialogue(), handoff, now)

    def go_on() -> None:
        while True:
            key = uuid.uuid4().hex
            asked = QUESTIONS[PLUM if random.random() < 0.25 else FRUIT]
            turns.answer(turns.accept(IncomingMessage("rest", key, key, key, asked)).conversation)

    threads = [threading.Thread(target=go_on, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def change(home: Path, options: tuple[str, ...]) -> None:
    """Change documents again and again; write down each change once its call has returned."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    settings = Settings(home=home, data=home)
    database = Database.open(settings.store_url)
    conversations, library = Conversations(database, now), Library(database, now)
    shop = Workshop(settings, Registry(home / "releases", now), library, now().date())
    while True:
        edition = library.get(FRUIT).version + 1
        step = random.random()
        if step < 0.15:
            _on_a_full_disk(lambda edition=edition: library.put(fruit(edition), source="test"))  # type: ignore[misc]
            _on_a_full_disk(lambda: publish(shop, by="test", note="full"))
        elif step < 0.35:
            taken = take_upload(library, "fruit.md", f"# Fruit\n\n{_body(fruit(edition))}".encode())
            if not taken.failed:
                _tell(conversations, f"{FRUIT} {edition}")
        elif step < 0.6:
            version = library.put(plum(), source="test").version
            library.delete(PLUM)
            _tell(conversations, f"{PLUM} {version + 1}")
            library.put(plum(), source="test")
        else:
            library.put(fruit(edition), source="test")
            _tell(conversations, f"{FRUIT} {edition}")
        if random.random() < 0.3:
            publish(shop, by="test", note="now and then")
        time.sleep(random.uniform(0, 0.15))


def _on_a_full_disk(work: Callable[[], object]) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (FULL_BYTES, resource.RLIM_INFINITY))
    try:
        work()
    except (Refused, SQLAlchemyError):
        return
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def _body(of: Document) -> str:
    return of.text.split("\n\n", 1)[1]


def _tell(conversations: Conversations, line: str) -> None:
    conversations.accept(IncomingMessage("rest", CHANGES, CHANGES, uuid.uuid4().hex, f"{CHANGES} {line}"))


def main(role: str, home: str, *options: str) -> None:
    play = {"asking": ask, "changing": change}[role]
    without_models()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries the children
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            os.close(0)
            os.dup2(2, 1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            random.seed()
            play(Path(home), options)
        print(child, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
