"""CSV and JSON lines edited line by line: a row is taken out, or its intent rewritten where it stands."""

from __future__ import annotations

import csv
import io
import json
import re

from bot.understanding.care.lines import without
from bot.understanding.examples.tables import INTENT_NAMES

_CELL = re.compile(r'(?:"(?:[^"]|"")*"|[^",\r\n]*)')
_NAMED = re.compile(rf'"(?:{"|".join(INTENT_NAMES)})"\s*:\s*("(?:[^"\\]|\\.)*")')


def remove_record(text: str, number: int) -> str:
    """A CSV without its 1-based record (the header is 1); a record may span lines."""
    lines = list(io.StringIO(text, newline=""))
    first, count = _record(text, number)
    return "".join(without(lines, first, count))


def relabel_record(text: str, number: int, intent: str) -> str:
    """A CSV with another intent in one record; the other cells keep their quoting. `ValueError` where it has none."""
    lines = list(io.StringIO(text, newline=""))
    first, count = _record(text, number)
    header = [name.strip().lower() for name in next(csv.reader(io.StringIO(text.lstrip("\ufeff"), newline="")))]
    column = next((header.index(name) for name in INTENT_NAMES if name in header), None)
    if column is None:
        raise ValueError("it has no column for the intent")
    record = "".join(lines[first : first + count])
    start, end = _cell(record, column)
    quoted = record[start:end].startswith('"') or any(mark in intent for mark in ',"\r\n')
    cell = '"' + intent.replace('"', '""') + '"' if quoted else intent
    return "".join([*lines[:first], record[:start] + cell + record[end:], *lines[first + count :]])


def remove_line(text: str, number: int) -> str:
    """JSON lines without a 1-based line."""
    return "".join(without(_json_lines(text), number - 1, 1))


def relabel_line(text: str, number: int, intent: str) -> str:
    """JSON lines with another intent in one of them, all else as it was written. `ValueError` where it has none."""
    lines = _json_lines(text)
    record = json.loads(lines[number - 1].lstrip("\ufeff"))
    key = next((name for name in INTENT_NAMES if name in record), None)
    if key is None:
        raise ValueError("its rows have no field for the intent")
    line = lines[number - 1]
    for match in _NAMED.finditer(line):
        changed = line[: match.start(1)] + json.dumps(intent, ensure_ascii=False) + line[match.end(1) :]
        if json.loads(changed.lstrip("\ufeff")) == {**record, key: intent}:
            return "".join([*lines[: number - 1], changed, *lines[number:]])
    raise ValueError(f"the field {key!r} of line {number} is written in a way that cannot be edited")


def _json_lines(text: str) -> list[str]:
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _record(text: str, number: int) -> tuple[int, int]:
    """The 0-based first line of a record and how many it spans."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    before = 0
    for place, _ in enumerate(reader, start=1):
        if place == number:
            return before, reader.line_num - before
        before = reader.line_num
    raise ValueError(f"it has no row {number}")


def _cell(record: str, column: int) -> tuple[int, int]:
    """Where a 0-based cell stands in a record's text, quotes included."""
    place = 0
    for passed in range(column + 1):
        match = _CELL.match(record, place)
        end = match.end() if match else place
        if passed == column:
            return place, end
        if record[end : end + 1] != ",":
            break
        place = end + 1
    raise ValueError(f"its row has no cell {column + 1} that can be told apart")
