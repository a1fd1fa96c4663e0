"""Words in a text: exchanged, left out, with the capitals they had."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping

WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_SPACE_BEFORE_MARK = re.compile(r"\s+([,.;:?!])")
_LONGEST_ABBREVIATION = 4
_SPACES = re.compile(r"\s+")


def table(pairs: str) -> dict[str, str]:
    """`old=new, old=new` as a mapping; line breaks count as spaces."""
    old_and_new = (" ".join(pair.split()).split("=") for pair in pairs.split(","))
    return dict(old_and_new)


def each_word(text: str, change: Callable[[str], str]) -> str:
    """The text with every word as `change` gives it back; "" leaves the word out."""
    return tidy(WORD.sub(lambda found: change(found[0]), text))


def exchanged(text: str, pairs: Mapping[str, str]) -> str:
    """Words and phrases that are keys of `pairs` (lower case) become their values, the longest first."""
    keys = sorted(pairs, key=len, reverse=True)
    pattern = re.compile(rf"(?<![\w'’])(?:{'|'.join(map(re.escape, keys))})(?![\w'’])", re.IGNORECASE)
    plain = text.replace("’", "'")
    return tidy(pattern.sub(lambda found: like(found[0], pairs[found[0].lower()]), plain))


def without(text: str, words: Collection[str]) -> str:
    """The text less the given lower-case words."""
    return each_word(text, lambda word: "" if word.lower() in words else word)


def like(old: str, new: str) -> str:
    """The new word with the capitals of the old one: all, the first, or none; those of an abbreviation say nothing."""
    if len(old) > 1 and old.isupper():
        return new.upper() if len(old) > _LONGEST_ABBREVIATION else new
    return new[:1].upper() + new[1:] if old[:1].isupper() else new


def tidy(text: str) -> str:
    """One space between words, none before a mark."""
    return _SPACE_BEFORE_MARK.sub(r"\1", _SPACES.sub(" ", text)).strip()
