"""Intent training data, whatever file it comes from: Rasa NLU YAML, CSV, JSON lines, or a folder of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bot.errors import BadInput, TooLarge
from bot.messages import Entity
from bot.understanding.rasa_nlu import NluFile, read_nlu
from bot.understanding.rows import Row, RowProblem
from bot.understanding.tables import read_csv, read_jsonl

OUT_OF_SCOPE = frozenset({"out_of_scope", "oos"})
"""Intents that are never predicted: their rows teach what is not known."""

MAX_FILE_BYTES = 100 * 1024 * 1024
_YAML = frozenset({".yml", ".yaml"})
_SUFFIXES = frozenset({*_YAML, ".csv", ".jsonl"})


@dataclass(frozen=True, slots=True)
class IntentDataset:
    """Rows to learn from, and entity definitions.

    `synonyms` map a lower-cased variant to its canonical value, `regexes` are (entity, pattern), `lookups` map an
    entity to its phrases. `problems` are rows that were left out; show them, they are never dropped in silence.
    """

    rows: tuple[Row, ...]
    synonyms: Mapping[str, str] = field(default_factory=dict)
    regexes: tuple[tuple[str, str], ...] = ()
    lookups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    problems: tuple[RowProblem, ...] = ()

    @classmethod
    def read(cls, *paths: Path, default_intent: str | None = None) -> IntentDataset:
        """Read files and folders (searched for .yml, .yaml, .csv, .jsonl) in order.

        `default_intent` is for tables without an intent column. `BadInput` if a file is missing, malformed, or if
        no usable row is found.
        """
        found = NluFile()
        for path in paths:
            for file in _files(path):
                _merge(_read_file(file, default_intent), found)
        if not found.rows:
            places = ", ".join(str(path) for path in paths) or "no file"
            first = f"; the first problem: {found.problems[0]}" if found.problems else ""
            raise BadInput(f"{places}: no usable row, expected texts with their intents{first}")
        return cls(
            rows=tuple(found.rows),
            synonyms=found.synonyms,
            regexes=tuple(found.regexes),
            lookups={name: tuple(phrases) for name, phrases in found.lookups.items()},
            problems=tuple(found.problems),
        )

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(row.text for row in self.rows)

    @property
    def intents(self) -> tuple[str, ...]:
        """The intent of every row, in their order."""
        return tuple(row.intent for row in self.rows)

    @property
    def entities(self) -> tuple[tuple[Entity, ...], ...]:
        """The annotated entities of every row, in their order."""
        return tuple(row.entities for row in self.rows)

    @property
    def labels(self) -> tuple[str, ...]:
        """The intents that can be predicted, sorted."""
        return tuple(sorted(set(self.intents) - OUT_OF_SCOPE))

    @property
    def in_scope(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.intent not in OUT_OF_SCOPE)

    @property
    def out_of_scope(self) -> tuple[str, ...]:
        """Texts that belong to no intent."""
        return tuple(row.text for row in self.rows if row.intent in OUT_OF_SCOPE)


def _files(path: Path) -> Iterable[Path]:
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.suffix.lower() in _SUFFIXES and file.is_file())
    if not path.is_file():
        raise BadInput(f"{path}: no such file or folder; expected intent rows as {', '.join(sorted(_SUFFIXES))}")
    if path.suffix.lower() not in _SUFFIXES:
        raise BadInput(
            f"{path.name}: cannot tell the format of {path.suffix!r}; expected {', '.join(sorted(_SUFFIXES))}"
        )
    return (path,)


def _read_file(path: Path, default_intent: str | None) -> NluFile:
    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        raise TooLarge(f"{path.name}: {size} bytes, at most {MAX_FILE_BYTES} are read; split the file")
    if path.suffix.lower() in _YAML:
        return read_nlu(path)
    read = read_csv if path.suffix.lower() == ".csv" else read_jsonl
    found = NluFile()
    for row in read(path, default_intent):
        if isinstance(row, RowProblem):
            found.problems.append(row)
        else:
            found.rows.append(row)
    return found


def _merge(new: NluFile, found: NluFile) -> None:
    found.rows += new.rows
    found.problems += new.problems
    found.synonyms |= new.synonyms
    found.regexes += new.regexes
    for name, phrases in new.lookups.items():
        found.lookups.setdefault(name, []).extend(phrases)
