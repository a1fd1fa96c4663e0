"""One row taken out, moved to another intent or relabelled, in whatever file it stands, proved by reading it again."""

from __future__ import annotations

import bisect
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import yaml

from bot.errors import BadInput, Refused
from bot.understanding.care import table_lines, yaml_lines
from bot.understanding.care.corpus import PlacedRow, placed
from bot.understanding.examples.dataset import read_file
from bot.understanding.examples.rasa_nlu import NluFile

_YAML = frozenset({".yml", ".yaml"})


@dataclass(slots=True)
class Drafts:
    """Files as they would be after some edits; nothing is written. `others` may receive rows that move."""

    others: tuple[Path, ...] = ()
    before: dict[Path, str] = field(default_factory=dict)
    after: dict[Path, str] = field(default_factory=dict)
    receiving: set[Path] = field(default_factory=set)
    _read: dict[Path, NluFile] = field(default_factory=dict)

    def rows(self, path: Path) -> list[PlacedRow]:
        """The rows of a file as drafted so far."""
        return placed(path, self._parsed(path))

    def remove(self, path: Path, row: PlacedRow) -> None:
        """Take one of `rows(path)` out; `Refused` where the file's way of writing does not allow it."""
        rest = [each for each in self.rows(path) if each.line != row.line]
        if path.suffix.lower() in _YAML:
            changed = _edit(path, row, lambda text: yaml_lines.remove_example(text, row.line)[0], self._text(path))
        elif path.suffix.lower() == ".csv":
            changed = _edit(path, row, lambda text: table_lines.remove_record(text, row.line), self._text(path))
        else:
            changed = _edit(path, row, lambda text: table_lines.remove_line(text, row.line), self._text(path))
        self._take(path, changed, rest)

    def move(self, path: Path, row: PlacedRow, intent: str) -> None:
        """Put one of `rows(path)` under another intent: in YAML at the end of that intent's examples, in the same
        file where it has them; in tables where it stands."""
        if path.suffix.lower() in _YAML:
            self._move_example(path, row, intent)
            return
        relabel = table_lines.relabel_record if path.suffix.lower() == ".csv" else table_lines.relabel_line
        expected = [replace(each, intent=intent) if each.line == row.line else each for each in self.rows(path)]
        changed = _edit(path, row, lambda text: relabel(text, row.line, intent), self._text(path))
        self._take(path, changed, expected)

    def _move_example(self, path: Path, row: PlacedRow, intent: str) -> None:
        written = ""

        def take_out(text: str) -> str:
            nonlocal written
            left, written = yaml_lines.remove_example(text, row.line)
            return left

        receiver = self._receiver(path, intent)
        rest = [each for each in self.rows(path) if each.line != row.line]
        self._take(path, _edit(path, row, take_out, self._text(path)), rest)
        line = 0

        def put_in(text: str) -> str:
            nonlocal line
            grown, line = yaml_lines.append_example(text, intent, written)
            return grown

        present = self.rows(receiver)
        grown = _edit(receiver, row, put_in, self._text(receiver))
        place = bisect.bisect_left([each.line for each in present], line)
        self._take(receiver, grown, [*present[:place], replace(row, intent=intent), *present[place:]])
        self.receiving.add(receiver)

    def _receiver(self, path: Path, intent: str) -> Path:
        for candidate in (path, *(each for each in self.others if each != path)):
            if candidate.suffix.lower() in _YAML and yaml_lines.has_block(self._text(candidate), intent):
                return candidate
        raise Refused(f"no YAML file of this check has examples of {intent} to add to; move the row by hand")

    def _take(self, path: Path, changed: str, expected: Sequence[PlacedRow]) -> None:
        """Accept a draft whose reading gives exactly the expected rows and leaves all else as it was."""
        was, now = self._parsed(path), _parsed(path, changed)
        same_rest = (was.synonyms, was.regexes, was.lookups) == (now.synonyms, now.regexes, now.lookups)
        flaws = [each.problem for each in was.problems] == [each.problem for each in now.problems]
        if _content(placed(path, now)) != _content(expected) or not same_rest or not flaws:
            raise Refused(
                f"{path.name} would not read as expected after the edit; nothing was written, edit it by hand"
            )
        self.after[path], self._read[path] = changed, now

    def _text(self, path: Path) -> str:
        if path not in self.before:
            try:
                self.before[path] = self.after[path] = path.read_bytes().decode("utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise BadInput(f"{path} cannot be read: {error}") from error
        return self.after[path]

    def _parsed(self, path: Path) -> NluFile:
        if path not in self._read:
            self._read[path] = _parsed(path, self._text(path))
        return self._read[path]


def _edit(path: Path, row: PlacedRow, edit: Callable[[str], str], text: str) -> str:
    try:
        return edit(text)
    except (ValueError, yaml.YAMLError) as error:
        raise Refused(f"{path.name}: “{row.text[:80]}” cannot be edited: {error}") from error


def _parsed(path: Path, text: str) -> NluFile:
    """What the readers make of a file with this content; they read files, so it gets one of the same name."""
    with tempfile.TemporaryDirectory(prefix="firstline-draft-") as folder:
        copy = Path(folder) / path.name
        copy.write_bytes(text.encode("utf-8"))
        return read_file(copy)


def _content(rows: Sequence[PlacedRow]) -> list[tuple[object, ...]]:
    return [(row.text, row.intent, row.entities) for row in rows]
