"""One document added, changed or deleted among many passages, until no process can quote the old text.

python -m tests.benchmarks.freshness --encoder FOLDER [--passages 250000] [--processes 3] [--rounds 5]

The documents are synthetic, five passages each, with random unit vectors in place of embedded ones; the document that
is added, changed and deleted is embedded by the encoder given, in every process. Processes ask for it without pause.
A time runs from the beginning of the changing call; the call itself guarantees more than is timed here: once it has
returned, the transaction that would write an old quote is refused.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np

from bot.releases.fresh import Fresh
from bot.releases.release import Release
from bot.routing.gate import Gate
from bot.store.database import Database
from bot.store.documents import Library
from retrieval.documents import Answer, Document
from retrieval.embedder import OnnxEmbedder, Vectors, normalised
from retrieval.knowledge import Knowledge, build
from retrieval.reader import DEFAULT_MODEL, Reader
from retrieval.sources.building import DocumentBuilder
from tests.benchmarks.serving import conditions
from tests.benchmarks.tables import markdown, write_text

SEED = 13
EACH = 5
"""Passages a document."""
LONGEST_S = 60.0
QUESTION = "What does the zebra lamp cost?"
LAMP = "zebra-lamp"
RESULTS = Path(__file__).with_name("freshness-results.md")
KINDS = ("add", "change", "delete")


class Drawn:
    """In place of an encoder: every text gets a random direction. It takes the real one's name, so that both fit."""

    def __init__(self, like: OnnxEmbedder) -> None:
        self.dimension, self.fingerprint = like.dimension, like.fingerprint
        self._chance = np.random.default_rng(SEED)

    def encode(self, texts: Sequence[str]) -> Vectors:
        return normalised(self._chance.standard_normal((len(texts), self.dimension), dtype=np.float32))


def documents(count: int) -> list[Document]:
    """Synthetic documents of EACH passages, in words drawn from a vocabulary of 20,000."""
    chance = random.Random(SEED)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(4, 9))) for _ in range(20_000)]
    made = []
    for number in range(count):
        builder = DocumentBuilder()
        builder.heading(1, f"Article {number}")
        for part in range(EACH):
            builder.heading(2, f"Part {part} {chance.choice(words)}")
            builder.paragraph(" ".join(chance.choices(words, k=40)) + ".")
        made.append(builder.document(f"article-{number}"))
    return made


def lamp(price: int) -> Document:
    builder = DocumentBuilder()
    builder.heading(1, "Zebra lamp")
    builder.paragraph(f"The zebra lamp costs £{price} in every shop.")
    return builder.document(LAMP)


def now() -> datetime:
    return datetime.now(UTC)


def watch(url: str, base: Release, to: int) -> None:
    """Ask without pause; write, a line a look: when it began and ended, what bringing the release up took (all
    seconds), and the version quoted, 0 for none."""
    library = Library(Database.open(url), now)
    fresh = Fresh(base, library)
    with os.fdopen(to, "w", buffering=1) as lines:
        while True:
            began = time.monotonic()
            release = fresh.current()
            up = time.monotonic()
            answer = release.knowledge.answer(QUESTION, is_current=release.is_current, today=date.max)
            quoted = [each.version for each in answer.citations] if isinstance(answer, Answer) else []
            of_lamp = isinstance(answer, Answer) and answer.citations[0].document == LAMP
            lines.write(json.dumps([began, time.monotonic(), up - began, quoted[0] if of_lamp else 0]) + "\n")


class Watcher:
    """A process that watches, forked so that all of them share the index in memory."""

    def __init__(self, url: str, base: Release) -> None:
        here, there = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(here)
            watch(url, base, there)
        os.close(there)
        self._lines = os.fdopen(here)

    def until(self, says: Callable[[int], bool], since: float) -> tuple[float, float]:
        """When a look that began after `since` first ended with such a version, and the longest that bringing the
        release up took since then; both in seconds."""
        longest = 0.0
        while line := self._lines.readline():
            began, ended, up, version = json.loads(line)
            if began >= since - LONGEST_S and ended >= since:
                longest = max(longest, up)
            if began >= since and says(version):
                return ended - since, longest
            if ended > since + LONGEST_S:
                break
        raise AssertionError(f"process {self.pid} did not see the change within {LONGEST_S} s")

    def end(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def measured(encoder: OnnxEmbedder, passages: int, processes: int, rounds: int, folder: Path) -> dict[str, Any]:
    url = f"sqlite:///{folder / 'firstline.sqlite'}"
    database = Database.open(url)
    library = Library(database, now)
    stored = library.put_all(documents(passages // EACH), source="synthetic")
    print(f"{len(stored):,} documents stored, building …", file=sys.stderr, flush=True)
    began = time.monotonic()
    build(stored, Drawn(encoder), folder / "knowledge")
    built_s = time.monotonic() - began
    print(f"built in {built_s:.0f} s", file=sys.stderr, flush=True)
    database.close()
    reader = Reader(replace(DEFAULT_MODEL, threshold=0.0))
    began = time.monotonic()
    knowledge = Knowledge.load(folder / "knowledge", encoder, reader=reader)
    figures: dict[str, Any] = {"build_s": built_s, "load_s": time.monotonic() - began}
    unused: Any = None
    base = Release("r-0000000000", unused, encoder, unused, knowledge, unused, Gate())
    watchers = [Watcher(url, base) for _ in range(processes)]
    library = Library(Database.open(url), now)
    found: dict[str, list[tuple[float, float, float]]] = {kind: [] for kind in KINDS}
    try:
        for watcher in watchers:
            watcher.until(lambda version: version == 0, time.monotonic())
        for number in range(rounds):
            for kind in KINDS:
                time.sleep(0.5)
                began = time.monotonic()
                if kind == "delete":
                    library.delete(LAMP)
                    wanted = 0
                else:
                    wanted = library.put(lamp(2 * number + (kind == "change")), source="benchmark").version
                returned = time.monotonic() - began
                seen = [watcher.until(lambda version, wanted=wanted: version == wanted, began) for watcher in watchers]  # type: ignore[misc]
                found[kind].append((returned, max(at for at, _ in seen), max(up for _, up in seen)))
    finally:
        for watcher in watchers:
            watcher.end()
    for kind, times in found.items():
        columns = ("call_s", "everywhere_s", "brought_up_s")
        figures[kind] = dict(
            zip(columns, ([round(each, 4) for each in column] for column in zip(*times, strict=True)), strict=True)
        )
    return figures


def report(given: argparse.Namespace, figures: dict[str, Any], at: dict[str, Any]) -> str:
    rows = [
        (
            kind,
            *(
                f"{1_000 * value:.0f}"
                for name in ("call_s", "brought_up_s", "everywhere_s")
                for value in (float(np.median(figures[kind][name])), max(figures[kind][name]))
            ),
        )
        for kind in KINDS
    ]
    head = ("ms", *(f"{name}, {what}" for name in ("call", "brought up", "everywhere") for what in ("median", "most")))
    return "\n".join(
        (
            "# One change among many passages",
            "",
            f"Written by `python -m tests.benchmarks.freshness --passages {given.passages}`; its head says what is",
            "synthetic. *call*: until the changing call returned, and with it the guarantee; *brought up*: the longest",
            "that a process took to read and lay over what changed, while a question waited; *everywhere*: from the",
            "call's beginning until every process had answered from the new state.",
            "",
            f"{given.passages:,} passages, {given.processes} processes that ask without pause, {given.rounds} rounds. "
            f"Building all of it took {figures['build_s']:.0f} s, loading {figures['load_s']:.0f} s.",
            "",
            f"{at['cores']} cores of {at['cpu']}, load {at['load_1_min']} at the start, Python {at['python']}.",
            "",
            markdown(head, rows),
            "",
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", type=Path, required=True, help="folder of an exported encoder")
    parser.add_argument("--passages", type=int, default=250_000)
    parser.add_argument("--processes", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--results", type=Path, default=RESULTS)
    given = parser.parse_args()
    at = conditions()
    with tempfile.TemporaryDirectory() as scratch:
        encoder = OnnxEmbedder.load(given.encoder)
        figures = measured(encoder, given.passages, given.processes, given.rounds, Path(scratch))
    write_text(given.results, report(given, figures, at))
    json.dump({"figures": figures, "conditions": at}, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
