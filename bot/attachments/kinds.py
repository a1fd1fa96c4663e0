"""What a file is, by what is in it and never by its name or by what its sender calls it.

Pictures are rebuilt from the parts that are drawn (`bot.attachments.picture`). A PDF and a text are kept as they came:
they are saved by whoever opens them, never shown inside of a page.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.attachments import gif, jpeg, png, webp
from bot.attachments.picture import Picture
from bot.errors import BadInput, TooLarge, UnknownKind

MAX_PIXELS = 64_000_000
"""Largest picture; a browser needs four bytes for each pixel, however small the file is."""
_END_OF_PDF = 2_048
"""Bytes at the end of a PDF in which its last line is looked for."""
_MARKUP = ("<!doctype", "<html", "<?xml", "<svg", "<script", "<head", "<body")


@dataclass(frozen=True, slots=True)
class Kind:
    """`media_type` is what it is served as, `extensions` how its names end, ours first; `picture` may be shown."""

    media_type: str
    title: str
    extensions: tuple[str, ...]
    picture: bool = False


@dataclass(frozen=True, slots=True)
class Checked:
    """A file that may be kept: its kind, and the bytes to keep, which are not all that came."""

    kind: Kind
    data: bytes


_JPEG = Kind("image/jpeg", "JPEG picture", (".jpg", ".jpeg", ".jpe", ".jfif"), picture=True)
_PNG = Kind("image/png", "PNG picture", (".png",), picture=True)
_WEBP = Kind("image/webp", "WebP picture", (".webp",), picture=True)
_GIF = Kind("image/gif", "GIF picture", (".gif",), picture=True)
_PDF = Kind("application/pdf", "PDF", (".pdf",))
_TEXT = Kind("text/plain", "text", (".txt", ".text", ".log", ".csv", ".md"))
KINDS: Mapping[str, Kind] = {each.media_type: each for each in (_JPEG, _PNG, _WEBP, _GIF, _PDF, _TEXT)}
"""All that is taken, by media type."""


def check(data: bytes) -> Checked:
    """The file with its kind. `UnknownKind` for what is none of `KINDS`, `BadInput` for one that is not whole,
    `TooLarge` for a picture of too many pixels; each says what to do."""
    if not data:
        raise BadInput("the file is empty; choose another one")
    for begins, kind, clean in _PICTURES:
        if begins(data):
            picture = clean(data)
            if picture.width * picture.height > MAX_PIXELS:
                raise TooLarge(
                    f"the picture has {picture.width:,} × {picture.height:,} pixels, at most {MAX_PIXELS:,} in all are "
                    "taken; send a smaller one"
                )
            return Checked(kind, picture.data)
    if data.startswith(b"%PDF-"):
        if b"%%EOF" not in data[-_END_OF_PDF:]:
            raise BadInput("this begins like a PDF, but its end is missing; send it again", code="damaged_file")
        return Checked(_PDF, data)
    if _is_text(data):
        return Checked(_TEXT, data)
    raise UnknownKind("this is no JPEG, PNG, WebP or GIF picture, no PDF and no plain text; save it as one of them")


_PICTURES: tuple[tuple[Callable[[bytes], bool], Kind, Callable[[bytes], Picture]], ...] = (
    (lambda data: data.startswith(jpeg.MAGIC), _JPEG, jpeg.clean),
    (lambda data: data.startswith(png.MAGIC), _PNG, png.clean),
    (lambda data: data.startswith(gif.MAGIC), _GIF, gif.clean),
    (webp.is_webp, _WEBP, webp.clean),
)


def _is_text(data: bytes) -> bool:
    """Whether these are lines for people: UTF-8 without control characters, and no markup that a browser would run."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    controls = {c for c in set(text) if unicodedata.category(c) == "Cc"} - set("\t\n\r\f")
    return not controls and not text.lstrip().lower().startswith(_MARKUP)
