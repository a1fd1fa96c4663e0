"""Which sentences around the best one belong to the quote, so that it can be understood alone."""

from __future__ import annotations

import re
from collections.abc import Sequence

from retrieval.embedder import Vectors

Span = tuple[int, int]

MAX_SENTENCES = 3
MAX_LINES = 8
"""Steps of a procedure that are quoted together."""
NEAR = 0.6
"""A neighbour is quoted too when its score is at most this far below the best one's."""

_ITEM = re.compile(r"[-•*] |\d{1,3}[.)] ")
_STEP = re.compile(r"\d{1,3}[.)] ")
_LEANING = re.compile(
    r"(it|its|they|their|this|that|these|those|he|she|both|otherwise|then|after|but|and|so|or|also|if so|if not)\b",
    re.IGNORECASE,
)


def quote_around(text: str, spans: Sequence[Span], scores: Vectors) -> tuple[Span, ...]:
    """Ranges of `text` to quote, in reading order, given its sentences and how well each fits the question.

    Steps of a procedure are quoted with what introduces them, a list item with the sentence above its list, and in
    running text up to MAX_SENTENCES neighbours.
    """
    best = int(scores.argmax())
    if spans[best][1] > spans[best][0] and text[: spans[best][1]].endswith(":") and _is_item(text, spans, best + 1):
        return ((spans[best][0], spans[_last_item(text, spans, best + 1)][1]),)
    if _is_item(text, spans, best):
        return _list_item(text, spans, best)
    first, last = _neighbours(text, spans, scores, best)
    return ((spans[first][0], spans[last][1]),)


def _list_item(text: str, spans: Sequence[Span], best: int) -> tuple[Span, ...]:
    first = best
    while first > 0 and _is_item(text, spans, first - 1):
        first -= 1
    above = first - 1 if first > 0 and text[: spans[first - 1][1]].endswith(":") else None
    if _STEP.match(text, spans[best][0]):
        start = first if above is None else above
        return ((spans[start][0], spans[_last_item(text, spans, first)][1]),)
    end = best
    while end + 1 < len(spans) and "\n" not in text[spans[end][1] : spans[end + 1][0]]:
        end += 1
    item = (spans[best][0], spans[end][1])
    if above is None:
        return (item,)
    return (spans[above], item) if first < best else ((spans[above][0], item[1]),)


def _neighbours(text: str, spans: Sequence[Span], scores: Vectors, best: int) -> tuple[int, int]:
    """First and last sentence of the quote, within the paragraph of the best one."""
    first = last = best
    if _LEANING.match(text, spans[best][0]) and _joined(text, spans, best - 1):
        first -= 1
    while last - first + 1 < MAX_SENTENCES:
        options = []
        if _joined(text, spans, last):
            options.append((float(scores[last + 1]), last + 1))
        if _joined(text, spans, first - 1):
            options.append((float(scores[first - 1]), first - 1))
        if not options or max(options)[0] < scores[best] - NEAR:
            break
        chosen = max(options)[1]
        first, last = min(first, chosen), max(last, chosen)
    return first, last


def _joined(text: str, spans: Sequence[Span], earlier: int) -> bool:
    """Whether sentence `earlier` and the next one exist and stand in one paragraph."""
    if not 0 <= earlier < len(spans) - 1:
        return False
    return "\n" not in text[spans[earlier][1] : spans[earlier + 1][0]]


def _is_item(text: str, spans: Sequence[Span], number: int) -> bool:
    if not 0 <= number < len(spans):
        return False
    line = text.rfind("\n", 0, spans[number][0]) + 1
    return bool(_ITEM.match(text, line))


def _last_item(text: str, spans: Sequence[Span], first: int) -> int:
    last, lines = first, 1
    while _is_item(text, spans, last + 1):
        lines += "\n" in text[spans[last][1] : spans[last + 1][0]]
        if lines > MAX_LINES:
            break
        last += 1
    return last
