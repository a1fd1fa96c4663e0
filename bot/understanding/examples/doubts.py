"""What weakens an intent model though every row could be read: one line for each kind of doubt, with examples."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from bot.understanding.examples.rows import OUT_OF_SCOPE, Row
from bot.understanding.utterances import WINDOW_WORDS, clean

FEWEST_ROWS = 5
_SHOWN = 5


def doubts_about(rows: Sequence[Row]) -> tuple[str, ...]:
    """Twin names, names like out-of-scope, few rows, texts under several intents, texts longer than is learned."""
    counts = Counter(row.intent for row in rows)
    found = [
        *_twins(sorted(counts)),
        _listed(
            [f"{intent!r} ({count})" for intent, count in sorted(counts.items()) if count < FEWEST_ROWS],
            f"intents with fewer than {FEWEST_ROWS} rows; write more for each",
        ),
        _listed(
            [f"{text[:60]!r} under {', '.join(map(repr, sorted(intents)[:4]))}" for text, intents in _contested(rows)],
            "texts under several intents; keep each under one",
        ),
        _listed(
            [f"{row.text[:40]!r}…" for row in rows if len(clean(row.text).split(" ")) > WINDOW_WORDS],
            f"texts of more than {WINDOW_WORDS} words; the rest is hardly learned, shorten them",
        ),
    ]
    return tuple(each for each in found if each)


def texts_of_their_own(rows: Iterable[Row]) -> set[str]:
    """The intents that have a text which no other intent has."""
    return {next(iter(intents)) for intents in _intents_by_text(rows).values() if len(intents) == 1}


def same_name(intent: str) -> str:
    """What two spellings of one name have in common: case, word separators and Unicode form aside."""
    apart = re.sub(r"(?<=[^\W\d_A-Z])(?=[A-Z])", " ", unicodedata.normalize("NFKC", intent))
    return re.sub(r"[\W_]+", " ", apart).strip().casefold() or intent


def _twins(intents: Sequence[str]) -> list[str]:
    spelled: dict[str, list[str]] = defaultdict(list)
    for intent in intents:
        spelled[same_name(intent)].append(intent)
    twins = [" and ".join(map(repr, names)) for names in spelled.values() if len(set(names) - OUT_OF_SCOPE) > 1]
    reserved = {same_name(intent) for intent in OUT_OF_SCOPE}
    near = [repr(intent) for intent in intents if intent not in OUT_OF_SCOPE and same_name(intent) in reserved]
    return [
        _listed(twins, "names of intents that differ in spelling alone and compete for the same messages; use one"),
        _listed(near, "intents that are learned though they look like `out_of_scope`; write `out_of_scope`"),
    ]


def _contested(rows: Iterable[Row]) -> list[tuple[str, set[str]]]:
    return [(text, intents) for text, intents in _intents_by_text(rows).items() if len(intents) > 1]


def _intents_by_text(rows: Iterable[Row]) -> dict[str, set[str]]:
    """Intents by cleaned, case-folded text."""
    found: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        found[clean(row.text).casefold()].add(row.intent)
    return found


def _listed(examples: Sequence[str], problem: str) -> str:
    if not examples:
        return ""
    more = f" and {len(examples) - _SHOWN} more" if len(examples) > _SHOWN else ""
    return f"{problem} ({len(examples)}): {'; '.join(examples[:_SHOWN])}{more}"
