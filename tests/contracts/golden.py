"""The help of every verb, as files: `python -m tests.contracts.golden` writes them, a test holds them true."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import typer
from typer.testing import CliRunner

from bot.cli import app

FOLDER = Path(__file__).parent / "help"
WIDTH = "100"


def verbs() -> tuple[str, ...]:
    """Every verb that is shown, groups among them, as it is typed: `faq import`."""
    return tuple(sorted(_below(typer.main.get_command(app), ())))


def _below(command: click.Command, path: tuple[str, ...]) -> Iterator[str]:
    if path:
        yield " ".join(path)
    for name, each in getattr(command, "commands", {}).items():
        if not each.hidden:
            yield from _below(each, (*path, name))


def help_of(verb: str) -> str:
    """What `firstline <verb> --help` prints on a terminal of `WIDTH` columns; `AssertionError` if it fails."""
    environment = {"COLUMNS": WIDTH, "TERMINAL_WIDTH": WIDTH, "NO_COLOR": "1"}
    result = CliRunner().invoke(app, [*verb.split(), "--help"], env=environment, prog_name="firstline")
    assert result.exit_code == 0, f"{verb} --help ended with {result.exit_code}: {result.output}"
    return result.output


def file_of(verb: str) -> Path:
    return FOLDER / f"{verb.replace(' ', '-') or 'firstline'}.txt"


def write() -> None:
    """Write the help of every verb, and remove the files of verbs that are gone."""
    FOLDER.mkdir(exist_ok=True)
    named = ("", *verbs())
    for stale in set(FOLDER.glob("*.txt")) - {file_of(verb) for verb in named}:
        stale.unlink()
    for verb in named:
        file_of(verb).write_text(help_of(verb), "utf-8")


if __name__ == "__main__":
    write()
