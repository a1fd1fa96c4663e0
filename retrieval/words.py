"""Words as the keyword search and the reader compare them: lower case, stop words out, endings stripped."""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+(?:['’.\-][^\W_]+)*")

_LISTED = """
    a about after all also am an and any are as at be because been before being but by can can't cannot could did many
    do does doesn't doing don't for from get got had has have having he her here hers him his how i i'd i'll i'm i've
    if in into is isn't it it's its just let like may me might more most much must my need no nor not of on once only or
    other our ours out over own please same shall she should so some such than that that's the their theirs them
    then there these they this those through to too under until up us very want was we we're were what what's when where
    which while who whom whose why will with won't would you you're your yours hello hi thanks thank tell know
"""
STOP_WORDS = frozenset(_LISTED.split())


def content_words(text: str) -> list[str]:
    """Stems of the words that carry meaning, in order, repeated as often as they stand there."""
    folded = unicodedata.normalize("NFKC", text).lower().replace("’", "'")
    return [stem for word in _WORD.findall(folded) if word not in STOP_WORDS for stem in _pieces(word)]


def _pieces(word: str) -> list[str]:
    """A compound counts as itself and by its parts: `wf-204817` is found by `204817`, `e-mail` by `email`."""
    if "-" not in word:
        return [stem_of(word.removesuffix("'s"))]
    parts = [stem_of(part) for part in word.split("-") if part not in STOP_WORDS]
    return [*parts, stem_of(word.replace("-", ""))]


def stem_of(word: str) -> str:
    """A light English stem: plural, -ed, -ing and -ly endings off (after Harman's S-stemmer and Porter's step 1)."""
    if len(word) <= 3 or not word.isascii() or not word.isalpha():
        return word
    for ending, replacement in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("shes", "sh")):
        if word.endswith(ending) and len(word) > len(ending) + 1:
            return word[: -len(ending)] + replacement
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return _undoubled(word[: -len(ending)])
    return word[:-2] if word.endswith("ly") and len(word) > 5 else word.removesuffix("e")


def _undoubled(stem: str) -> str:
    if len(stem) > 3 and stem[-1] == stem[-2] and stem[-1] not in "lsz":
        return stem[:-1]
    return stem.removesuffix("e")
