"""The rows of a check with the file and line they stand in, and the files that could not be read."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.errors import BadInput
from bot.messages import Entity
from bot.understanding.examples.dataset import OUT_OF_SCOPE, files_of, read_file
from bot.understanding.examples.rasa_nlu import NluFile
from bot.understanding.examples.rows import Row
from bot.understanding.utterances import clean


@dataclass(frozen=True, slots=True)
class PlacedRow:
    """A row and where it stands; `line` is the 1-based line in YAML and JSONL, the row in CSV (the header is 1)."""

    path: Path
    line: int
    text: str
    intent: str
    entities: tuple[Entity, ...] = ()

    @property
    def place(self) -> str:
        return f"{self.path.name}:{self.line}"


@dataclass(frozen=True, slots=True)
class Flaw:
    """A row that was left out, or a file that cannot be read at all (`whole`)."""

    path: Path
    line: int
    problem: str
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Corpus:
    """`rows` in the order of the files; `cleaned[i]` is what a model sees of `rows[i]`."""

    paths: tuple[Path, ...]
    rows: tuple[PlacedRow, ...]
    flaws: tuple[Flaw, ...]
    cleaned: tuple[str, ...]

    @classmethod
    def read(cls, paths: Sequence[Path]) -> Corpus:
        """Read files and folders; a file that is malformed becomes a flaw. `BadInput` if a path does not exist."""
        rows: list[PlacedRow] = []
        flaws: list[Flaw] = []
        for path in distinct(file for given in paths for file in files_of(given)):
            try:
                found = read_file(path)
            except BadInput as error:
                flaws.append(Flaw(path, 0, str(error), whole=True))
                continue
            rows += placed(path, found)
            flaws += [Flaw(path, each.row, each.problem) for each in found.problems]
        return cls(
            tuple(path.absolute() for path in paths), tuple(rows), tuple(flaws), tuple(clean(row.text) for row in rows)
        )

    @property
    def counts(self) -> Counter[str]:
        """How many rows each intent has."""
        return Counter(row.intent for row in self.rows)

    @property
    def labels(self) -> tuple[str, ...]:
        """The intents that can be predicted, sorted."""
        return tuple(sorted(set(self.counts) - OUT_OF_SCOPE))


def distinct(files: Iterable[Path]) -> tuple[Path, ...]:
    """Each file once, by the first name it has: two names of one file would make every row its own copy."""
    named: dict[Path, Path] = {}
    for file in files:
        named.setdefault(file.resolve(), file.absolute())
    return tuple(named.values())


def placed(path: Path, found: NluFile) -> list[PlacedRow]:
    """The usable rows of a file that was read, with their lines."""
    return [PlacedRow(path, _line(row), row.text, row.intent, row.entities) for row in found.rows]


def normalised(text: str) -> str:
    """The text as compared for sameness: any case, no punctuation; a text of nothing else stays as it is."""
    folded = unicodedata.normalize("NFKC", clean(text)).casefold()
    kept = "".join(" " if unicodedata.category(each).startswith("P") else each for each in folded)
    return " ".join(kept.split()) or folded


def alike(corpus: Corpus) -> Iterator[tuple[tuple[PlacedRow, ...], str]]:
    """Rows of the same file, intent and text together, with the cleaned text; most stand alone."""
    groups: dict[tuple[Path, str, str], list[int]] = {}
    for position, row in enumerate(corpus.rows):
        groups.setdefault((row.path, row.intent, row.text), []).append(position)
    for positions in groups.values():
        yield tuple(corpus.rows[position] for position in positions), corpus.cleaned[positions[0]]


def _line(row: Row) -> int:
    return int(row.source.rpartition(":")[2])
