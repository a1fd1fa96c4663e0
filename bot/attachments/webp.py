"""WebP (RFC 9649): the chunks of its RIFF container, without Exif, XMP and what is appended."""

from __future__ import annotations

import struct

from bot.attachments.picture import Picture, damaged, numbers, piece

_KIND = "WebP"
_DRAWN = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})
_SAYS_METADATA = 0x08 | 0x04
"""Flags of the extended header which say that Exif or XMP follows."""


def is_webp(data: bytes) -> bool:
    """Whether a file begins like one."""
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def clean(data: bytes) -> Picture:
    """The picture with its chunks that are drawn; `BadInput` for anything but a whole WebP file."""
    (length,) = numbers(_KIND, "<I", data, 4)
    whole = piece(_KIND, data, 0, length + 8)
    kept, at, size = bytearray(), 12, (0, 0)
    while at < len(whole):
        name, length = numbers(_KIND, "<4sI", whole, at)
        body = piece(_KIND, whole, at + 8, length)
        at += 8 + length + length % 2
        if size == (0, 0):
            size = _size(name, body)
        if name == b"VP8X":
            (flags,) = numbers(_KIND, "B", body, 0)
            body = bytes([flags & ~_SAYS_METADATA]) + body[1:]
        if name in _DRAWN:
            kept += struct.pack("<4sI", name, length) + body + bytes(length % 2)
    if 0 in size or not any(name in kept for name in (b"VP8 ", b"VP8L")):
        raise damaged(_KIND, "there is no picture in it")
    return Picture(b"RIFF" + struct.pack("<I", len(kept) + 4) + b"WEBP" + bytes(kept), *size)


def _size(name: bytes, body: bytes) -> tuple[int, int]:
    """Width and height as the first chunk says them, (0, 0) where it is not one that begins a picture."""
    if name == b"VP8X":
        low_w, high_w, low_h, high_h = numbers(_KIND, "<HBHB", body, 4)
        return low_w + (high_w << 16) + 1, low_h + (high_h << 16) + 1
    if name == b"VP8L":
        mark, bits = numbers(_KIND, "<BI", body, 0)
        return ((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1) if mark == 0x2F else (0, 0)
    if name == b"VP8 ":
        mark, width, height = numbers(_KIND, "<3sHH", body, 3)
        return (width & 0x3FFF, height & 0x3FFF) if mark == b"\x9d\x01\x2a" else (0, 0)
    return 0, 0
