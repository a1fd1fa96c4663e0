"""What the readers of picture formats give back and raise: a picture rebuilt from the parts that are drawn.

Each reader walks the whole file by its format's own structure, so that a file which is cut short or is something else
behind its first bytes is found out, and copies what belongs to the picture and nothing more: no position, no comment,
no thumbnail, and nothing that was appended.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from bot.errors import BadInput


@dataclass(frozen=True, slots=True)
class Picture:
    """A rebuilt file, with the picture's width and height in pixels."""

    data: bytes
    width: int
    height: int


def damaged(kind: str, why: str) -> BadInput:
    """The refusal of a file that begins like a picture and is none, or not all of one."""
    return BadInput(f"this begins like a {kind} picture, but {why}; save it anew, then send it", code="damaged_file")


def numbers(kind: str, layout: str, data: bytes, at: int) -> tuple[Any, ...]:
    """The numbers at `at`, laid out as `struct` writes it; refused where the file ends before them."""
    try:
        return struct.unpack_from(layout, data, at)
    except struct.error as error:
        raise damaged(kind, "it ends too early") from error


def piece(kind: str, data: bytes, at: int, length: int) -> bytes:
    """`length` bytes at `at`; refused where the file ends before them."""
    if at + length > len(data):
        raise damaged(kind, "it ends too early")
    return data[at : at + length]
