"""Files of training rows on disk: which ones a folder holds, and their text."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from bot.errors import BadInput

YAML = frozenset({".yml", ".yaml"})
SUFFIXES = frozenset({*YAML, ".csv", ".jsonl"})
_EXPECTED = ", ".join(sorted(SUFFIXES))


def files_of(path: Path) -> list[Path]:
    """The file itself, or all that can be read in a folder, sorted; `BadInput` if there is none.

    Hidden files are passed over; links are followed, each folder once.
    """
    try:
        if path.is_dir():
            return _inside(path)
        if not path.is_file():
            raise BadInput(f"{path}: no such file or folder; expected intent rows as {_EXPECTED}")
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}; give this user the right to read it") from error
    if path.suffix.lower() not in SUFFIXES:
        raise BadInput(f"{path.name}: cannot tell the format of {path.suffix!r}; expected {_EXPECTED}")
    return [path]


def decoded(path: Path) -> str:
    """The text of a file in UTF-8; `BadInput` says what it is instead, and where."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}; give this user the right to read it") from error
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise BadInput(f"{path.name}: not readable as UTF-8, it is UTF-16; save the file as UTF-8")
    if b"\0" in content:
        line = content.count(b"\n", 0, content.index(b"\0")) + 1
        raise BadInput(f"{path.name}, line {line}: a NUL byte, expected text; save the file as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = content[error.start]
        raise BadInput(
            f"{path.name}, line {line}: byte 0x{byte:02x} is not UTF-8; it may be Windows-1252, save the file as UTF-8"
        ) from error


def _inside(folder: Path) -> list[Path]:
    found = sorted(_walk(folder))
    if not found:
        raise BadInput(f"{folder}: the folder holds no file with rows; expected {_EXPECTED}")
    for file in found:
        if not file.is_file():
            raise BadInput(f"{file}: not a file that can be read, or a link that leads nowhere; remove it")
    return found


def _walk(folder: Path) -> Iterator[Path]:
    seen: set[tuple[int, int]] = set()
    for place, folders, files in os.walk(folder, onerror=_raise, followlinks=True):
        status = os.stat(place)
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        named = (Path(place) / each for each in files if not each.startswith("."))
        yield from (file for file in named if file.suffix.lower() in SUFFIXES)


def _raise(error: OSError) -> None:
    raise error
