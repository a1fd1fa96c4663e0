"""The rows that an intent model is made of, and what was wrong with those that were left out."""

from __future__ import annotations

from dataclasses import dataclass

from bot.messages import MAX_TEXT, Entity
from bot.understanding.utterances import clean

MAX_INTENT_NAME = 200


@dataclass(frozen=True, slots=True)
class Row:
    """One example: `text` as a customer would write it, its intent, entities with offsets, and where it stands."""

    text: str
    intent: str
    entities: tuple[Entity, ...] = ()
    source: str = ""


@dataclass(frozen=True, slots=True)
class RowProblem:
    """A row that was left out: the file, the row (1-based; lines in YAML and JSONL), and why."""

    file: str
    row: int
    problem: str

    def __str__(self) -> str:
        return f"{self.file}, row {self.row}: {self.problem}"


def checked_row(text: str, intent: str, entities: tuple[Entity, ...], file: str, number: int) -> Row | RowProblem:
    """The row, or why it cannot be learned from."""
    problem = _problem(text, intent)
    if problem:
        return RowProblem(file, number, problem)
    return Row(text, intent, entities, f"{file}:{number}")


def _problem(text: str, intent: str) -> str:
    if not clean(text):
        return "the text is empty, expected what a customer would write"
    if len(text) > MAX_TEXT:
        return f"the text has {len(text)} characters, at most {MAX_TEXT} are accepted from customers"
    if not intent:
        return "the intent is empty, expected its name"
    if len(intent) > MAX_INTENT_NAME or not intent.isprintable():
        return f"the intent {intent[:40]!r} is not a name: expected 1 to {MAX_INTENT_NAME} printable characters"
    return ""
