"""Small real files of every kind that is taken, with the parts that must not be kept among them."""

from __future__ import annotations

import base64
import struct
import zlib

SECRET = b"51.5007 N, 0.1246 W"
"""What no kept picture may hold: a position, as a camera or an editor would have written it."""

_JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDACgcHiMeGSgjISMtKygwPGRBPDc3PHtYXUlkkYCZlo+AjIqgtObDoKrarYqMyP/L2u71"
    "////m8H////6/+b9//j/2wBDASstLTw1PHZBQXb4pYyl+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4"
    "+Pj4+Pj4+Pj/wAARCAAQABgDASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAAAAX/xAAaEAEAAQUAAAAAAAAAAAAAAAAAAQMF"
    "NIGx/8QAFgEBAQEAAAAAAAAAAAAAAAAAAgAB/8QAFhEBAQEAAAAAAAAAAAAAAAAAAAIx/9oADAMBAAIRAxEAPwChccGprsIi3ccG"
    "prsIiCtAGi//2Q=="
)
_VP8 = base64.b64decode("VlA4IDQAAADwAgCdASoYABAAPzmGuVOvKSWisAgB4CcJQAAKVRyWkAD+6pa32xxJlH0vRGOdV/xBoAAA")


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def exif(orientation: int = 1) -> bytes:
    """An Exif block that says how the picture is turned, and where it was taken."""
    entry = struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0)
    place = struct.pack("<HHII", 0x8298, 2, len(SECRET), 38)
    return b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + entry + place + bytes(4) + SECRET


def jpeg(orientation: int = 1) -> bytes:
    """24 × 16 pixels with Exif, a comment, and a second file behind the picture's end."""
    parts = [(0xE1, exif(orientation)), (0xFE, SECRET)]
    added = b"".join(struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body for marker, body in parts)
    return _JPEG[:2] + added + _JPEG[2:] + b"PK\3\4" + SECRET


def png(width: int = 24, height: int = 16, *, appended: bytes = SECRET) -> bytes:
    """A picture with a text chunk, and something behind its end."""
    rows = b"".join(b"\0" + b"\x1f\x5c\x4d" * 24 for _ in range(16))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"tEXt", b"Comment\0" + SECRET), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*each) for each in chunks) + appended


def gif() -> bytes:
    """One pixel with a comment, that loops."""
    comment = b"\x21\xfe" + bytes([len(SECRET)]) + SECRET + b"\0"
    loops = b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0"
    image = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\0"
    head = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + b"\x1f\x5c\x4d\xff\xff\xff"
    return head + loops + comment + image + b"\x3b" + SECRET


def webp() -> bytes:
    """24 × 16 pixels with Exif."""
    extended = b"VP8X" + struct.pack("<IBBHHBHB", 10, 0x08, 0, 0, 23, 0, 15, 0)
    place = exif()
    chunk = b"EXIF" + struct.pack("<I", len(place)) + place + bytes(len(place) % 2)
    body = b"WEBP" + extended + _VP8 + chunk
    return b"RIFF" + struct.pack("<I", len(body)) + body


PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"
TEXT = "Order WF-204817\r\nTwo lines, and an é.\n".encode()
PICTURES = {"image/jpeg": jpeg(), "image/png": png(), "image/gif": gif(), "image/webp": webp()}
FILES = {**PICTURES, "application/pdf": PDF, "text/plain": TEXT}
"""One file of each kind by its media type."""
