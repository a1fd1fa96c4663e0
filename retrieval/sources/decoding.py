"""Bytes to text: UTF-8, with or without a byte order mark, and nothing guessed."""

from __future__ import annotations

import codecs

from retrieval.errors import UnreadableSource


def decode(data: bytes, name: str) -> str:
    """The text of UTF-8 (BOM allowed) or BOM-marked UTF-16 bytes; `UnreadableSource` names line and byte otherwise."""
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UnreadableSource(
            name,
            f"byte 0x{data[error.start]:02x} on line {line} is not {encoding.removesuffix('-sig').upper()}; a file "
            "saved by Excel or an older Windows program is likely cp1252: save it again as CSV UTF-8 or plain UTF-8",
        ) from error
