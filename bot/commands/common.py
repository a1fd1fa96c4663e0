"""What the verbs share: settings, a store without the web's parts, talk, progress, output."""

from __future__ import annotations

import getpass
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from bot.ledger import Ledger
from bot.releases.publish import Workshop, indexes_of
from bot.releases.registry import Registry
from bot.settings import Settings
from bot.store.audit import Audit
from bot.store.database import Database
from bot.store.documents import Library

PIPED_WIDTH = 1_000
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

_talk = Console(stderr=True, highlight=False, markup=False)


@dataclass(frozen=True, slots=True)
class Bench:
    """What most verbs work on."""

    settings: Settings
    database: Database
    library: Library
    registry: Registry

    @property
    def shop(self) -> Workshop:
        return Workshop(self.settings, self.registry, self.library, now().date())

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.settings.home / "sources")


def now() -> datetime:
    return datetime.now(UTC)


def open_bench() -> Bench:
    """Settings, database and releases of this installation."""
    settings = Settings.load().with_secrets()
    database = Database.open(settings.store_url)
    registry = Registry(settings.home / "releases", now, audit=Audit(database, now), indexes=indexes_of(settings))
    return Bench(settings, database, Library(database, now), registry)


def who() -> str:
    """Who runs the command, for the history of releases."""
    try:
        return f"{getpass.getuser()} (command line)"
    except (KeyError, OSError):
        return "command line"


def talk(message: str) -> None:
    """A line for people, on stderr."""
    _talk.print(plain(message), soft_wrap=True)


def plain(text: str) -> str:
    """The text as a terminal may have it: a mark for each character that would steer the terminal, turn the text
    around it, or cannot be written; line ends and tabs stay."""
    return _STEERING.sub("\ufffd", text)


def out(value: Any) -> None:
    """Data for machines, on stdout."""
    json.dump(value, sys.stdout, indent=2, ensure_ascii=False, default=str)
    sys.stdout.write("\n")


def table(title: str, columns: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    """A table for people, on stdout; what reads a pipe gets every row on one line."""
    shown = Table(title=plain(title), title_justify="left", box=None, header_style="bold", pad_edge=False)
    for column in columns:
        shown.add_column(column, overflow="fold")
    for row in rows:
        shown.add_row(*(plain(str(cell)) for cell in row))
    width = None if sys.stdout.isatty() else PIPED_WIDTH
    Console(highlight=False, markup=False, width=width).print(shown)


class Steps:
    """A progress display that takes (message, done, total); a total of 0 shows that work goes on, not how far."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, Any] = {}

    def __call__(self, message: str, done: int, total: int) -> None:
        if message not in self._tasks:
            for task in self._tasks.values():
                if not self._progress.tasks[task].finished:
                    self._progress.update(task, total=1, completed=1)
            self._tasks[message] = self._progress.add_task(message, total=total or None)
        self._progress.update(self._tasks[message], completed=done, total=total or None)


@contextmanager
def steps() -> Iterator[Steps]:
    """Progress bars on stderr while the block runs."""
    columns = (
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=_talk) as progress:
        shown = Steps(progress)
        yield shown
        for task in progress.tasks:
            if not task.finished:
                progress.update(task.id, total=1, completed=1)
