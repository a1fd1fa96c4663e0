"""What a model gets to see of a message: markup, control characters and runs of space taken away."""

from __future__ import annotations

import html
import re
import unicodedata

WINDOW_WORDS = 45
"""Words that surely fit the encoder's 64 tokens in everyday language; longer messages are read in two windows."""

_TAG = re.compile(r"<[/!]?[A-Za-z][^<>]{0,200}>")
_SPACE = re.compile(r"\s+")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co"})


def clean(text: str) -> str:
    """The text without tags, entities, control and direction characters; emoji and every script stay."""
    plain = html.unescape(_TAG.sub(" ", text))
    seen = "".join(" " if unicodedata.category(character) in _UNSEEN else character for character in plain)
    return _SPACE.sub(" ", unicodedata.normalize("NFC", seen)).strip()


def has_words(text: str) -> bool:
    """Whether there is any letter or digit to understand."""
    return any(character.isalnum() for character in text)


def windows(text: str) -> tuple[str, ...]:
    """The text itself, or its first and its last `WINDOW_WORDS` words where a wish may stand at either end."""
    words = text.split(" ")
    if len(words) <= WINDOW_WORDS:
        return (text,)
    return " ".join(words[:WINDOW_WORDS]), " ".join(words[-WINDOW_WORDS:])
