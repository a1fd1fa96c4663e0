"""JPEG (ITU-T T.81): segments up to the end of the image, without Exif, XMP, IPTC, comments and what is appended.

Of Exif one thing is kept, how the picture is turned, since photographs of telephones lie on their side without it.
"""

from __future__ import annotations

import re
import struct

from bot.attachments.picture import Picture, damaged, numbers, piece

MAGIC = b"\xff\xd8\xff"
MOST_SEGMENTS = 10_000
"""Far more than any camera writes; a file of nothing else would keep a processor busy."""
_KIND = "JPEG"
_START, _END, _SCAN, _EXIF = 0xD8, 0xD9, 0xDA, 0xE1
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_TABLES = frozenset({0xC4, 0xCC, 0xDB, 0xDC, 0xDD})
_NAMED = {0xE0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}
"""Application segments that change how the picture is drawn, by how they begin."""
_MARKER = re.compile(rb"\xff+[^\xff]", re.DOTALL)
_AFTER_SCAN = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
"""The next marker: in a scan, 0xFF before 0x00 is a byte of the picture and before 0xD0 to 0xD7 a restart of it."""
_ORIENTATION, _SHORT = 0x0112, 3


def clean(data: bytes) -> Picture:
    """The picture with its segments that are drawn; `BadInput` for anything but a whole JPEG file."""
    kept, at = bytearray(b"\xff\xd8"), 2
    size, scans = (0, 0), 0
    for _ in range(MOST_SEGMENTS):
        marker, at = _marker(data, at)
        if marker == _END:
            break
        (length,) = numbers(_KIND, ">H", data, at)
        if marker == _START or length < 2:
            raise damaged(_KIND, "its segments do not follow each other")
        segment = piece(_KIND, data, at, length)[2:]
        at += length
        if marker in _FRAMES:
            height, width = numbers(_KIND, ">HH", segment, 1)
            size = (width, height)
        if marker == _EXIF:
            kept += _turned(_orientation(segment))
        elif _is_drawn(marker, segment):
            kept += struct.pack(">BBH", 0xFF, marker, length) + segment
        if marker == _SCAN:
            end = _AFTER_SCAN.search(data, at)
            if end is None:
                raise damaged(_KIND, "it ends too early")
            kept += data[at : end.start()]
            at, scans = end.start(), scans + 1
    if marker != _END or not scans or 0 in size:
        raise damaged(_KIND, "there is no picture in it")
    return Picture(bytes(kept + b"\xff\xd9"), *size)


def _marker(data: bytes, at: int) -> tuple[int, int]:
    """The marker of the segment at `at`, before which 0xFF stands once or more often, and where it goes on."""
    found = _MARKER.match(data, at)
    if found is None:
        raise damaged(_KIND, "its segments do not follow each other")
    return data[found.end() - 1], found.end()


def _is_drawn(marker: int, segment: bytes) -> bool:
    name = _NAMED.get(marker)
    return marker in _FRAMES | _TABLES | {_SCAN} or (name is not None and segment.startswith(name))


def _orientation(segment: bytes) -> int:
    """How Exif says that the picture is turned, 1 to 8; 1, upright, where it says nothing that can be read."""
    if not segment.startswith(b"Exif\0\0"):
        return 1
    tiff = segment[6:]
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2], "<")
    try:
        (first,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, first)
        for number in range(count):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", tiff, first + 2 + 12 * number)
            if (tag, kind) == (_ORIENTATION, _SHORT):
                return int(value) if 1 <= value <= 8 else 1
    except struct.error:
        return 1
    return 1


def _turned(orientation: int) -> bytes:
    """An Exif segment that says how the picture is turned and nothing else; none where it is upright."""
    if orientation == 1:
        return b""
    entry = struct.pack(">HHIHH", _ORIENTATION, _SHORT, 1, orientation, 0)
    tiff = b"MM\0*" + struct.pack(">IH", 8, 1) + entry + bytes(4)
    return struct.pack(">BBH", 0xFF, _EXIF, len(tiff) + 8) + b"Exif\0\0" + tiff
