"""Intent training data, whatever file it comes from: Rasa NLU YAML, CSV, JSON lines, or a folder of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bot.errors import BadInput, TooLarge
from bot.messages import Entity
from bot.understanding.examples import files
from bot.understanding.examples.doubts import doubts_about, texts_of_their_own
from bot.understanding.examples.rasa_nlu import NluFile, read_nlu
from bot.understanding.examples.rows import OUT_OF_SCOPE, Row, RowProblem
from bot.understanding.examples.tables import read_csv, read_jsonl, refuse_swapped

__all__ = ["OUT_OF_SCOPE", "IntentDataset", "files_of", "read_file"]

MAX_FILE_BYTES = 25 * 1024 * 1024
"""About 300,000 rows, more than a training on a processor can use."""

MAX_BYTES = 2 * MAX_FILE_BYTES
"""All files of one training together."""

_MANY_LEFT_OUT = 20

files_of = files.files_of


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
        found, size = NluFile(), 0
        for path in paths:
            for file in files_of(path):
                new = read_file(file, default_intent)
                size += file.stat().st_size
                if size > MAX_BYTES:
                    raise TooLarge(f"{path}: more than {MAX_BYTES:,} bytes up to {file.name}; train on fewer rows")
                _merge(new, found, file.name)
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

    def require_trainable(self) -> None:
        """`BadInput` if no useful model can come of these rows: fewer than two intents, most rows unusable, or no
        text that tells the intents apart."""
        if len(self.labels) < 2:
            besides = f" besides {len(self.out_of_scope)} rows out of scope" if self.out_of_scope else ""
            raise BadInput(
                f"training needs rows of at least 2 intents, got {len(self.labels)}: "
                f"{', '.join(self.labels) or 'none'}{besides}"
            )
        if len(self.problems) >= _MANY_LEFT_OUT and len(self.problems) > len(self.rows):
            raise BadInput(
                f"{len(self.problems)} rows cannot be used and only {len(self.rows)} can; repair the files first: "
                + "; ".join(str(problem) for problem in self.problems[:3])
            )
        if len(texts_of_their_own(self.in_scope)) < 2:
            raise BadInput(
                f"the {len(self.labels)} intents have the same texts, such as {self.in_scope[0].text[:60]!r}; "
                "give at least 2 of them texts of their own"
            )

    @property
    def doubts(self) -> tuple[str, ...]:
        """What weakens a model though every row was taken; show it beside `problems`."""
        return doubts_about(self.rows)

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


def read_file(path: Path, default_intent: str | None = None) -> NluFile:
    """What one file holds, in its order; `BadInput` if it is malformed or too large."""
    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        raise TooLarge(f"{path.name}: {size} bytes, at most {MAX_FILE_BYTES} are read; split the file")
    if path.suffix.lower() in files.YAML:
        return read_nlu(path)
    read = read_csv if path.suffix.lower() == ".csv" else read_jsonl
    found = NluFile()
    for row in read(path, default_intent):
        if isinstance(row, RowProblem):
            found.problems.append(row)
        else:
            found.rows.append(row)
    refuse_swapped(found.rows, path.name)
    return found


def _merge(new: NluFile, found: NluFile, file: str) -> None:
    found.rows += new.rows
    found.problems += new.problems
    for variant, value in new.synonyms.items():
        known = found.synonyms.setdefault(variant, value)
        if known != value:
            found.problems.append(
                RowProblem(file, 0, f"{variant!r} is a synonym of {known!r} already, not of {value!r}")
            )
    found.regexes += new.regexes
    for name, phrases in new.lookups.items():
        found.lookups.setdefault(name, []).extend(phrases)
