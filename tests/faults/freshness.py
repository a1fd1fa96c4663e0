"""Changes documents under load in several processes, kills them again and again, and says what was quoted wrongly.

The log itself is the clock: a change is written into it once its call has returned, and what the log holds behind that
line was said after it.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from dataclasses import dataclass, field
from os import kill
from pathlib import Path
from signal import SIGKILL
from typing import Any

from sqlalchemy import text

from bot.settings import Settings
from bot.store.database import Database
from tests.faults.quoting import CHANGES, FRUIT, PLUM, QUESTIONS
from tests.keyword_release import ROOT

UP_S = 60.0
LEAST_REPLIES, LEAST_CHANGES = 20, 5
"""What a run has at least; it goes on until it has, however slow the machine."""


@dataclass
class Role:
    """A process that plays a role, and the child that plays it now."""

    name: str
    home: Path
    options: tuple[str, ...] = ()
    _nursery: subprocess.Popen[str] = field(init=False)
    _child: int = 0

    def __post_init__(self) -> None:
        command = [sys.executable, "-m", "tests.faults.quoting", self.name, str(self.home), *self.options]
        pipe = subprocess.PIPE
        with open(self.home / f"{self.name}.log", "a") as log:
            self._nursery = subprocess.Popen(
                command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=log, text=True, bufsize=1
            )

    def start(self) -> None:
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        self._nursery.stdin.write("go\n")
        self._child = int(self._nursery.stdout.readline())

    def kill(self) -> None:
        """SIGKILL to the child; it may have ended by itself, which `alive` tells before."""
        kill(self._child, SIGKILL)

    def alive(self) -> bool:
        try:
            kill(self._child, 0)
        except ProcessLookupError:
            return False
        return True

    def end(self) -> None:
        if self.alive():
            self.kill()
        self._nursery.kill()
        self._nursery.communicate()


@dataclass(frozen=True, slots=True)
class Told:
    """What a run came to: lines of what was wrong, and how much there was to be wrong about."""

    wrong: list[str]
    changes: int
    quotes: int
    kills: int
    died: int


def torment(home: Path, *, seconds: float, kills: int, seed: int, options: tuple[str, ...] = ()) -> Told:
    """Let two processes answer and one change for about so long, kill one of them every now and then, and look at what
    the log says."""
    chance = random.Random(seed)
    roles = [Role("asking", home, options), Role("asking", home, options), Role("changing", home, options)]
    killed = died = 0
    try:
        for role in roles:
            role.start()
        _await_life(home)
        ends = time.monotonic() + seconds
        while killed < kills:
            time.sleep(chance.uniform(0.2, 1.8) * max(ends - time.monotonic(), 0.5) / (kills - killed + 1))
            died += sum(not role.alive() for role in roles)
            victim = roles[-1] if chance.random() < 0.5 else chance.choice(roles[:-1])
            if victim.alive():
                victim.kill()
            victim.start()
            killed += 1
        time.sleep(max(ends - time.monotonic(), 0))
        _await_life(home, LEAST_REPLIES, LEAST_CHANGES)
    finally:
        for role in roles:
            role.end()
    wrong, changes, quotes = examined(_log(home))
    return Told(wrong, changes, quotes, killed, died)


def _await_life(home: Path, replies: int = 1, changes: int = 1) -> None:
    """Until so many replies and changes stand in the log."""
    ends = time.monotonic() + UP_S
    while time.monotonic() < ends:
        found = _counts(home)
        if found[0] >= replies and found[1] >= changes:
            return
        time.sleep(0.1)
    raise AssertionError(f"{found[0]} replies and {found[1]} changes in {UP_S} s; the logs in {home} may say why")


def _counts(home: Path) -> tuple[int, int]:
    rows = _log(home)
    return sum(row["participant"] == "bot" for row in rows), sum(row["text"].startswith(CHANGES) for row in rows)


def examined(log: list[dict[str, Any]]) -> tuple[list[str], int, int]:
    """What is wrong in a log, and how many changes and quotes it holds.

    Wrong is a reply that quotes a version older than one whose change had returned before; a reply to the question
    whose document is always there that quotes nothing; and a reply that does not say what it cites.
    """
    least = {FRUIT: 1, PLUM: 1}
    asked: dict[str, str] = {}
    wrong: list[str] = []
    changes = quotes = 0
    for row in log:
        if row["text"].startswith(CHANGES):
            id, version = row["text"].removeprefix(CHANGES).split()
            least[id] = max(least[id], int(version))
            changes += 1
        elif row["participant"] == "customer":
            asked[row["conversation"]] = row["text"]
        elif row["participant"] == "bot":
            where = f"reply {row['position']}"
            quotes += len(row["citations"])
            for cited in row["citations"]:
                if cited["version"] < least.get(cited["document"], 0):
                    wrong.append(
                        f"{where} quotes version {cited['version']} of {cited['document']}, "
                        f"{least[cited['document']]} was in use: {cited['quote']}"
                    )
                if cited["quote"] not in row["text"]:
                    wrong.append(f"{where} does not say what it cites")
            if asked.get(row["conversation"]) == QUESTIONS[FRUIT] and FRUIT not in _cited(row):
                wrong.append(f"{where} has no answer: {row['text']}")
    return wrong, changes, quotes


def _cited(row: dict[str, Any]) -> set[str]:
    return {cited["document"] for cited in row["citations"]}


def _log(home: Path) -> list[dict[str, Any]]:
    """The whole log, in the order in which it was written."""
    database = Database.open(Settings(home=home).store_url)
    query = "SELECT position, conversation, participant, text, citations FROM messages WHERE kind = 'text' ORDER BY 1"
    with database.read() as connection:
        rows = [dict(row._mapping) for row in connection.execute(text(query))]
    database.close()
    return [{**row, "citations": json.loads(row["citations"])} for row in rows]
