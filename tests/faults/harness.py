"""Runs two answering processes on one database, kills them again and again, and says what was broken."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from sqlalchemy import text

from bot.store.database import Database
from tests.faults.answering import message
from tests.keyword_release import ROOT

SETTLE_S = 25.0


@dataclass
class Process:
    """One answering process; what it acknowledges lands in the shared set, also when it is killed in the middle."""

    path: Path
    options: tuple[str, ...]
    acknowledged: set[int]
    up: bool = False
    _running: subprocess.Popen[str] = field(init=False)
    _reader: threading.Thread = field(init=False)

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.faults.answering", str(self.path), *self.options]
        pipe = subprocess.PIPE
        self._running = subprocess.Popen(
            command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, bufsize=1
        )
        assert self._running.stdout is not None
        self._reader = threading.Thread(target=self._read, args=(self._running.stdout,), daemon=True)
        self._reader.start()

    def _read(self, acknowledgements: IO[str]) -> None:
        for line in acknowledgements:
            if line.endswith("\n"):
                self.acknowledged.add(int(line))
                self.up = True

    def send(self, number: int) -> None:
        """Send one message; a client notices a dead process by what is never acknowledged."""
        assert self._running.stdin is not None
        try:
            self._running.stdin.write(f"{number}\n")
        except BrokenPipeError:
            return

    def kill(self) -> None:
        """SIGKILL, then read what it had acknowledged before."""
        self._running.kill()
        self._running.wait()
        self._reader.join()
        self.up = False
        for pipe in (self._running.stdin, self._running.stdout):
            assert pipe is not None
            try:
                pipe.close()
            except BrokenPipeError:
                continue


@dataclass(frozen=True, slots=True)
class Tormented:
    """What was acknowledged, and how many kills left a message without its turn."""

    acknowledged: set[int]
    interrupted: int


def torment(path: Path, *, messages: int, kills: int, seed: int, options: tuple[str, ...] = ()) -> Tormented:
    """Send the messages until all are acknowledged, and kill a process `kills` times, each time some moments after
    both were up and a new share of the messages went out. What is acknowledged already is sent again meanwhile."""
    chance, acknowledged = random.Random(seed), set[int]()
    interrupted = 0
    processes = [Process(path, options, acknowledged) for _ in range(2)]
    for process in processes:
        process.start()
    for share in range(1, kills + 1):
        send(processes, acknowledged, messages * share // (kills + 1), chance)
        send(processes, acknowledged, messages * (share + 1) // (kills + 1), chance, chance.uniform(0.02, 0.6))
        victim = chance.choice(processes)
        victim.kill()
        interrupted += unanswered(path) > 0
        victim.start()
    send(processes, acknowledged, messages, chance)
    ends = time.monotonic() + SETTLE_S
    while unanswered(path) and time.monotonic() < ends:
        time.sleep(0.1)
    for process in processes:
        process.kill()
    return Tormented(acknowledged, interrupted)


def send(
    processes: list[Process], acknowledged: set[int], until: int, chance: random.Random, for_s: float | None = None
) -> None:
    """Send messages below `until`, in about their order: for `for_s` seconds, or until all are acknowledged and both
    processes are up."""
    ends = time.monotonic() + (SETTLE_S if for_s is None else for_s)
    while time.monotonic() < ends:
        late = [number for number in range(until) if number not in acknowledged]
        if for_s is None and not late and all(process.up for process in processes):
            return
        chance.choice(processes).send(chance.choice(late[:6] or range(until)))
        time.sleep(chance.uniform(0, 0.06))


def unanswered(path: Path) -> int:
    """How many conversations have a message that no turn has dealt with."""
    database = Database.open(f"sqlite:///{path}")
    with database.read() as connection:
        left = connection.scalar(text("SELECT count(*) FROM conversations WHERE asked_seq > answered_seq"))
    database.close()
    return int(left or 0)


def violations(path: Path, acknowledged: set[int]) -> list[str]:
    """What is wrong in the log: acknowledged messages without exactly one turn and a reply, and replies of no turn."""
    asked, bots, turns, said = _tables(path)
    stored = {external: (conversation, seq) for conversation, seq, external in asked}
    counted = Counter(turns)
    answered = {(conversation, seq) for conversation, seq, _ in said}
    wrong = [f"message {n} was acknowledged and is lost" for n in acknowledged if message(n).external_id not in stored]
    for number in sorted(acknowledged):
        at = stored.get(message(number).external_id)
        if at is not None and (counted[at] != 1 or at not in answered):
            wrong.append(f"message {number} has {counted[at]} turns, {'with' if at in answered else 'without'} a reply")
    owners = Counter((conversation, reply) for conversation, _, reply in said)
    wrong += [f"reply {at} belongs to {owners[at]} turns" for at in sorted(set(bots)) if owners[at] != 1]
    return wrong


def _tables(path: Path) -> list[list[tuple[Any, ...]]]:
    """Customers' messages with their external id, bot messages, turns, and the replies of each turn."""
    queries = (
        "SELECT conversation, seq, external_id FROM messages WHERE participant = 'customer'",
        "SELECT conversation, seq FROM messages WHERE participant = 'bot'",
        "SELECT conversation, message_seq FROM turns",
        "SELECT t.conversation, t.message_seq, s.value FROM turns t, json_each(t.said) s",
    )
    database = Database.open(f"sqlite:///{path}")
    with database.read() as connection:
        found = [[tuple(row) for row in connection.execute(text(query))] for query in queries]
    database.close()
    return found
