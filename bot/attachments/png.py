"""PNG (ISO/IEC 15948): its chunks up to IEND with their checksums, without texts, times, Exif and what is appended."""

from __future__ import annotations

import zlib

from bot.attachments.picture import Picture, damaged, numbers, piece

MAGIC = b"\x89PNG\r\n\x1a\n"
_KIND = "PNG"
_DRAWN = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT"}) | {
    b"bKGD",
    b"pHYs",
    b"cICP",
    b"acTL",
    b"fcTL",
    b"fdAT",
}


def clean(data: bytes) -> Picture:
    """The picture with its chunks that are drawn; `BadInput` for anything but a whole PNG file."""
    kept, at, name = bytearray(MAGIC), len(MAGIC), b""
    seen: set[bytes] = set()
    while name != b"IEND":
        (length,) = numbers(_KIND, ">I", data, at)
        chunk = piece(_KIND, data, at, length + 12)
        name, body = chunk[4:8], chunk[8:-4]
        if int.from_bytes(chunk[-4:]) != zlib.crc32(name + body):
            raise damaged(_KIND, "a part of it does not match its checksum")
        if not seen and (name, length) != (b"IHDR", 13):
            raise damaged(_KIND, "its header does not come first")
        if name in _DRAWN:
            kept += chunk
        seen.add(name)
        at += length + 12
    width, height = numbers(_KIND, ">II", data, 16)
    if b"IDAT" not in seen or 0 in (width, height):
        raise damaged(_KIND, "there is no picture in it")
    return Picture(bytes(kept), width, height)
