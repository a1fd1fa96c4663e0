"""The rows that an intent model is made of, and what was wrong with those that were left out."""

from __future__ import annotations

from dataclasses import dataclass

from bot.messages import MAX_TEXT, Entity
from bot.understanding.utterances import clean, has_words

BUILT_IN = frozenset({"order_number", "email", "phone", "date", "amount"})
"""Entities with a recogniser of their own."""

OUT_OF_SCOPE = frozenset({"out_of_scope", "oos"})
"""Intents that are never predicted: their rows teach what is not known."""

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
    """A row that was left out: the file, the row (1-based; lines in YAML and JSONL; 0 for the file), and why."""

    file: str
    row: int
    problem: str

    def __str__(self) -> str:
        return f"{self.file}, row {self.row}: {self.problem}" if self.row else f"{self.file}: {self.problem}"


def checked_row(text: str, intent: str, entities: tuple[Entity, ...], file: str, number: int) -> Row | RowProblem:
    """The row, or why it cannot be learned from."""
    problem = _problem(text, intent)
    if problem:
        return RowProblem(file, number, problem)
    return Row(text, intent, entities, f"{file}:{number}")


def _problem(text: str, intent: str) -> str:
    plain = clean(text)
    if not plain:
        return "the text is empty, expected what a customer would write"
    if not has_words(plain):
        return f"the text {plain[:20]!r} has no letter or digit, messages without any are never classified"
    if any("\ud800" <= character <= "\udfff" for character in text):
        return "the text has half of a surrogate pair, save the file as UTF-8"
    if len(text) > MAX_TEXT:
        return f"the text has {len(text)} characters, at most {MAX_TEXT} are accepted from customers"
    if not intent:
        return "the intent is empty, expected its name"
    if len(intent) > MAX_INTENT_NAME or not intent.isprintable():
        return f"the intent {intent[:40]!r} is not a name: expected 1 to {MAX_INTENT_NAME} printable characters"
    return ""
