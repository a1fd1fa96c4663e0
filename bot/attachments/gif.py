"""GIF (GIF89a specification, 1990): its blocks up to the trailer, without comments, XMP and what is appended."""

from __future__ import annotations

from bot.attachments.picture import Picture, damaged, numbers, piece

MAGIC = (b"GIF87a", b"GIF89a")
_KIND = "GIF"
_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B
_CONTROL, _APPLICATION = 0xF9, 0xFF
_LOOPS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")
"""Applications whose extension says how often a moving picture is shown."""


def clean(data: bytes) -> Picture:
    """The picture with its blocks that are drawn; `BadInput` for anything but a whole GIF file."""
    width, height, flags = numbers(_KIND, "<HHB", data, 6)
    at = 13 + _table(flags)
    kept, images = bytearray(piece(_KIND, data, 0, at)), 0
    while (block := piece(_KIND, data, at, 1)[0]) != _TRAILER:
        start = at
        if block == _EXTENSION:
            label = piece(_KIND, data, at + 1, 1)[0]
            at = _past_blocks(data, at + 2)
            looping = label == _APPLICATION and data[start + 3 : start + 14] in _LOOPS
            if label == _CONTROL or looping:
                kept += data[start:at]
        elif block == _IMAGE:
            (flags,) = numbers(_KIND, "B", data, at + 9)
            at = _past_blocks(data, at + 11 + _table(flags))
            kept += data[start:at]
            images += 1
        else:
            raise damaged(_KIND, "its blocks do not follow each other")
    if not images or 0 in (width, height):
        raise damaged(_KIND, "there is no picture in it")
    return Picture(bytes(kept) + bytes([_TRAILER]), width, height)


def _table(flags: int) -> int:
    """Bytes of the colour table that follows a header with these flags."""
    return 3 * 2 ** ((flags & 0x07) + 1) if flags & 0x80 else 0


def _past_blocks(data: bytes, at: int) -> int:
    """Where a chain of sub-blocks, each behind its length, is over."""
    try:
        while length := data[at]:
            at += length + 1
    except IndexError as error:
        raise damaged(_KIND, "it ends too early") from error
    return at + 1
