"""How well what was found fits the question: numbers that the gate weighs, from the hits and the quote alone.

Pure, and computed once a message; a turn's record keeps them, so that its decision can be made again.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from retrieval.documents import Abstention, Answer, Hit
from retrieval.known import Near
from retrieval.words import content_words

READ = 5
"""Passages, the best of the search, that count as found."""

_FIGURE = re.compile(r"\d")
_KINDS: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = tuple(
    (re.compile(asked, re.IGNORECASE), re.compile(given, re.IGNORECASE))
    for asked, given in (
        (
            r"\bhow much\b|\bcosts?\b|\bprices?\b|\bcharges?\b|\bfees?\b|\bset me back\b|"
            r"\bhow many (?:pounds|quid|euros?)\b",
            r"[£€$]\s?\d|\bfree\b|\d\s?%|\bno charge\b|\bpence\b",
        ),
        (
            r"\bhow long\b|\bhow many (?:days|hours|weeks|months|years|minutes)\b|\bhow soon\b|\bhow quick",
            r"\d[\d–-]*\s?(?:working )?(?:minute|min|hour|day|night|week|month|year)|\bat once\b|\blifetime\b|\bnoon\b",
        ),
        (
            r"\bwhen\b|\bdeadline\b|\bwhat time\b|\bwhat date\b|\bwhich day\b|\bopen(?:ing)?\b",
            r"\d{1,2}:\d{2}|\d|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day|\bat dispatch\b|\bnoon\b|\bat once\b|"
            r"\b(?:january|february|march|april|may|june|july|august|september|october|november|december)\b",
        ),
        (
            r"\bhow many\b|\bmaximum\b|\bminimum\b|\bmost\b|\bbiggest\b|\bat least\b",
            r"\d|\bone\b|\btwo\b|\bthree\b|\bno limit\b",
        ),
        (
            r"\bhow (?:wide|tall|high|deep|big|heavy)\b|\b(?:size|width|height|weight|dimensions?|capacity|litres?)\b",
            r"\d\s?(?:cm|mm|m|kg|g|l|litres?|ml)\b|×",
        ),
    )
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for a quote.

    `margin`: fused score of the quoted document's best passage over the best of another document, as a share of the
    former, in [-1, 1]. `cosine_margin`: the same as a difference of cosines. `dense_rank`, `keyword_rank`: 1 / rank of
    the quoted passage in each search, 0 where it is absent. `agree`: both searches put the quoted document first.
    `documents`: how many documents stand among the best READ hits; `share`: share of these hits that are the quoted
    document's. `coverage`, `quote_coverage`: share of the question's content words in the quoted passage with its
    headings, and in the quote; `unknown`: share of them that stands in none of the hits read. `figures`: share of the
    figures in the question that stand in the quoted passage, 1 without any. `kind`: 1 where the quote holds the kind
    of thing asked for (an amount, a duration, a time, a number, a size), -1 where it does not, 0 where no kind is
    asked for. `length`: words of the question.

    Of the known questions near this one (`retrieval.known`), the cosine of the nearest whose answer is quoted
    (`known`), whose answer stands elsewhere (`known_elsewhere`), and that nothing answers (`unanswered`); 0 without.
    """

    margin: float = 0.0
    cosine_margin: float = 0.0
    dense_rank: float = 0.0
    keyword_rank: float = 0.0
    agree: bool = False
    documents: int = 0
    share: float = 0.0
    coverage: float = 0.0
    quote_coverage: float = 0.0
    unknown: float = 0.0
    figures: float = 1.0
    kind: float = 0.0
    length: int = 0
    known: float = 0.0
    known_elsewhere: float = 0.0
    unanswered: float = 0.0


def evidence(text: str, hits: Sequence[Hit], answer: Answer | Abstention, near: Sequence[Near] = ()) -> Evidence:
    """The evidence for an answer to `text` among the hits (best first); of the best hit where nothing is quoted."""
    asked = Counter(content_words(text))
    if not hits:
        return Evidence(length=len(text.split()), unknown=1.0 if asked else 0.0)
    quoted = _quoted(hits, answer)
    passage, read = quoted.passage, hits[:READ]
    own = [hit for hit in hits if hit.passage.document == passage.document]
    others = [hit for hit in hits if hit.passage.document != passage.document]
    words = frozenset(content_words(" ".join((passage.title, *passage.heading, passage.text))))
    quote = answer.text if isinstance(answer, Answer) else passage.text
    said = frozenset(content_words(" ".join((passage.title, *passage.heading, quote))))
    everything = frozenset().union(
        *(content_words(" ".join((hit.passage.title, *hit.passage.heading, hit.passage.text))) for hit in read)
    )
    figures = {word: count for word, count in asked.items() if _FIGURE.search(word)}
    return Evidence(
        margin=_margin([hit.score for hit in own], [hit.score for hit in others]),
        cosine_margin=_best([hit.cosine for hit in own]) - _best([hit.cosine for hit in others]),
        dense_rank=_rank(quoted.cosine, [hit.cosine for hit in hits]),
        keyword_rank=_rank(quoted.bm25, [hit.bm25 for hit in hits]),
        agree=_first(hits, [hit.cosine for hit in hits])
        == _first(hits, [hit.bm25 for hit in hits])
        == passage.document,
        documents=len({hit.passage.document for hit in read}),
        share=sum(hit.passage.document == passage.document for hit in read) / len(read),
        coverage=_share(asked, words),
        quote_coverage=_share(asked, said),
        unknown=1.0 - _share(asked, everything) if asked else 0.0,
        figures=_share(figures, words) if figures else 1.0,
        kind=_kind(text, quote),
        length=len(text.split()),
        known=_nearest(each for each in near if _is_quoted(each, answer)),
        known_elsewhere=_nearest(each for each in near if each.places and not _is_quoted(each, answer)),
        unanswered=_nearest(each for each in near if not each.answerable),
    )


def _nearest(near: Iterable[Near]) -> float:
    return max((each.cosine for each in near), default=0.0)


def _is_quoted(near: Near, answer: Answer | Abstention) -> bool:
    """Whether a sentence that answers the known question stands in what is quoted."""
    if not isinstance(answer, Answer):
        return False
    quoted = [(each.document, each.version, each.start, each.end) for each in answer.citations]
    return any(
        document == place.passage.document and version == place.passage.version and start < last and first < end
        for place in near.places
        for first, last in [place.range]
        for document, version, start, end in quoted
    )


def _quoted(hits: Sequence[Hit], answer: Answer | Abstention) -> Hit:
    cited = answer.citations[0] if isinstance(answer, Answer) and answer.citations else None
    for hit in hits:
        passage = hit.passage
        if cited and passage.document == cited.document and passage.start <= cited.start < passage.end:
            return hit
    return hits[0]


def _margin(own: Sequence[float], others: Sequence[float]) -> float:
    best, other = max(own, default=0.0), max(others, default=0.0)
    top = max(abs(best), abs(other))
    return (best - other) / top if top else 0.0


def _best(values: Sequence[float | None]) -> float:
    return max((value for value in values if value is not None), default=0.0)


def _rank(value: float | None, values: Sequence[float | None]) -> float:
    if not value:
        return 0.0
    return 1.0 / (1 + sum(other is not None and other > value for other in values))


def _first(hits: Sequence[Hit], values: Sequence[float | None]) -> str:
    """The document of the hit with the largest value; empty where no hit has one."""
    found = [(value, hit.passage.document) for hit, value in zip(hits, values, strict=True) if value]
    return max(found)[1] if found else ""


def _share(asked: Mapping[str, int], found: frozenset[str]) -> float:
    return sum(word in found for word in asked) / len(asked) if asked else 0.0


def _kind(asked: str, given: str) -> float:
    for question, answer in _KINDS:
        if question.search(asked):
            return 1.0 if answer.search(given) else -1.0
    return 0.0
