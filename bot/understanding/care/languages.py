"""Rows in another language or script than the rest, and letters of another script inside a word."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache

from bot.understanding.care.corpus import Corpus, alike
from bot.understanding.care.findings import Finding
from bot.understanding.language import UNDETERMINED, language

MIXED_SHARE = 0.2
"""From this share on a language is one of the data's own, not a stray."""

_FOREIGN_LETTERS = 2
"""A single foreign letter is mostly a unit or a symbol, such as µ."""


def strays(corpus: Corpus) -> list[Finding]:
    """Rows whose language or script is not one that at least `MIXED_SHARE` of the telling rows have."""
    languages = [_language(text) for text in corpus.cleaned]
    scripts = [_main_script(text) for text in corpus.cleaned]
    own_languages = _own(Counter(each for each in languages if each != UNDETERMINED))
    own_scripts = _own(Counter(each for each in scripts if each))
    found = []
    for rows, text in alike(corpus):
        spoken, counts = _language(text), _scripts(text)
        foreign = Counter({name: count for name, count in counts.items() if name not in own_scripts})
        if own_scripts and sum(foreign.values()) >= _FOREIGN_LETTERS:
            says = f"{_name(max(foreign, key=lambda each: foreign[each]))} letters; the rest is {_names(own_scripts)}"
            found.append(
                Finding("language", "matters", says, rows, weight=sum(foreign.values()) / sum(counts.values()))
            )
        elif (word := _mixed_word(text)) is not None:
            says = f"{word!r} mixes the letters of two scripts, which look alike and are not"
            found.append(Finding("language", "matters", says, rows))
        elif own_languages and spoken != UNDETERMINED and spoken not in own_languages:
            says = f"reads as {spoken}; the rest is {', '.join(sorted(own_languages))}"
            found.append(Finding("language", "advice", says, rows))
    return found


def _language(text: str) -> str:
    """The language by its different words: three times “no” is no Spanish."""
    return language(" ".join(dict.fromkeys(re.findall(r"\w+", text.casefold()))))


def _own(counts: Counter[str]) -> set[str]:
    """What is common enough to belong; always the most common one."""
    total = sum(counts.values())
    common = {name for name, count in counts.items() if count >= MIXED_SHARE * total}
    return common or {name for name, _ in counts.most_common(1)}


def _scripts(text: str) -> Counter[str]:
    return Counter(_script(each) for each in text if each.isalpha())


def _main_script(text: str) -> str:
    counts = _scripts(text)
    return max(counts, key=lambda each: counts[each]) if counts else ""


def _mixed_word(text: str) -> str | None:
    """The first word in which Latin meets Cyrillic or Greek: their letters are easily taken for one another."""
    for word in text.split():
        scripts = {_script(each) for each in word if each.isalpha()}
        if "LATIN" in scripts and scripts & {"CYRILLIC", "GREEK"} and sum(each.isalpha() for each in word) > 2:
            return word
    return None


@lru_cache(maxsize=4096)
def _script(letter: str) -> str:
    if letter < "\u0250":
        return "LATIN"
    return unicodedata.name(letter, "UNKNOWN").split(" ")[0].split("-")[0]


def _name(script: str) -> str:
    return script.capitalize()


def _names(scripts: set[str]) -> str:
    return ", ".join(sorted(map(_name, scripts)))
