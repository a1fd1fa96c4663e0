"""Lines of a file as bytes would have them: every ending kept, so that what is not edited cannot change."""

from __future__ import annotations

import re

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r|$)")


def split_lines(text: str) -> list[str]:
    """The lines with their endings; joined they are the text again."""
    return [line for line in _LINE.findall(text) if line]


def ending(line: str) -> str:
    """How a line ends: `\\r\\n`, `\\n`, `\\r` or nothing."""
    return line[len(line.rstrip("\r\n")) :]


def without(lines: list[str], first: int, count: int) -> list[str]:
    """The lines without `count` of them from `first` (0-based); a file without a last line ending stays one."""
    kept = lines[:first] + lines[first + count :]
    if kept and first == len(kept) and not ending(lines[-1]):
        kept[-1] = kept[-1].rstrip("\r\n")
    return kept


def with_line(lines: list[str], after: int, content: str) -> list[str]:
    """The lines with a new one behind the 0-based `after`, ended as the lines around it are."""
    own = ending(lines[after])
    if own:
        return [*lines[: after + 1], content + own, *lines[after + 1 :]]
    usual = next((ending(line) for line in lines if ending(line)), "\n")
    return [*lines[:after], lines[after] + usual, content, *lines[after + 1 :]]
