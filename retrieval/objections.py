"""Reasons in the documents not to give an answer: they disagree about it, or the page it stands on has lapsed.

Pure. The contradictions that a knowledge owner looks for (`retrieval.statements`) are sentences worded alike; here the
question says what two sentences are about, so other wordings count as well, and figures alone are compared: two
quotes disagree where they answer the question about as well, share words, and give nothing but different values of one
kind (an amount, a share, a time, a date, a number of one unit).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from retrieval.citations import cite
from retrieval.documents import Abstention, Answer, Citation, Document, Hit, Passage
from retrieval.embedder import Vectors
from retrieval.retriever import Query
from retrieval.sentence_vectors import SentenceVectors
from retrieval.sentences import spans_of
from retrieval.statements import Statement, contradiction, statements_of

READ = 5
"""Passages in which a second opinion is looked for, the best of the search."""
NEAR = 0.6
"""Cosine of two sentences under their headings from which they may speak of one thing. Chosen, like the next two, on
the demo's validation questions: of 160 one was stopped wrongly, and that one was too unsure to be answered anyway."""
AS_GOOD = 0.2
"""How much further from the question the second sentence may be, in cosine."""
SHARED = 0.5
"""Share of the words of the sentence with fewer of them, figures taken out, that both have."""
KEPT_PASSAGES = 2_000
"""Passages whose statements are remembered."""
NAMELESS = ("amount", "percentage", "date", "time", "weekday")
"""Kinds of figures whose values show what they are."""

DocumentOf = Callable[[str, int], Document]


@dataclass(frozen=True, slots=True)
class Opinion:
    """A sentence that answers: its cosine to the question and its unit vector of shape (dimension,)."""

    statement: Statement
    cosine: float
    vector: Vectors


def objection(
    answer: Answer,
    query: Query,
    hits: Sequence[Hit],
    vectors: SentenceVectors,
    document_of: DocumentOf,
    today: date | None = None,
) -> Abstention | None:
    """Why the answer should be held back although it fits, or None. Without `today` no page has lapsed."""
    for citation in answer.citations:
        document = document_of(citation.document, citation.version)
        lapsed = document.lapsed(today) if today is not None else ""
        if lapsed:
            reason = f"“{document.title}” {lapsed}"
            return Abstention(reason, answer.confidence, tuple(hits[:READ]), "out-of-date", answer.citations)
    quoted, others = _opinions(answer, query, hits, vectors)
    for one in quoted:
        for other in others:
            differs = disagreement(one, other)
            if differs:
                citations = tuple(_cited(each.statement, document_of) for each in (one, other))
                reason = f"documents disagree ({differs}): {' — '.join(map(_shown, citations))}"
                return Abstention(reason, answer.confidence, tuple(hits[:READ]), "disagreement", citations)
    return None


def disagreement(one: Opinion, other: Opinion) -> str:
    """How two sentences that answer one question contradict each other, as `1 day / 5 day`; empty where they do not."""
    if other.cosine < one.cosine - AS_GOOD or float(one.vector @ other.vector) < NEAR:
        return ""
    if _shared(one.statement, other.statement) < SHARED:
        return ""
    theirs = dict(other.statement.figures)
    # a sentence with two prices and one with a single price do not say the same thing of one matter
    kinds = [
        (kind, values, theirs[kind])
        for kind, values in one.statement.figures
        if kind in theirs and len(values) == len(theirs[kind])
    ]
    if not kinds or any(values & there for _, values, there in kinds):
        return contradiction(one.statement, other.statement) if kinds else ""
    kind, here, there = kinds[0]
    unit = "" if kind in NAMELESS else f" {kind}"
    return f"{', '.join(sorted(here))} / {', '.join(sorted(there))}{unit}"


def _shared(one: Statement, other: Statement) -> float:
    least = min(len(one.words), len(other.words))
    return len(one.words & other.words) / least if least else 0.0


def _opinions(
    answer: Answer, query: Query, hits: Sequence[Hit], vectors: SentenceVectors
) -> tuple[list[Opinion], list[Opinion]]:
    """The sentences that are quoted, and the best one of each passage of another document."""
    read = list(hits[:READ])
    places = {(each.document, each.version) for each in answer.citations}
    quoted: list[Opinion] = []
    others: list[Opinion] = []
    for hit, rows in zip(read, vectors.of([hit.passage for hit in read]), strict=True):
        opinions = _of(hit, rows, query)
        if (hit.passage.document, hit.passage.version) not in places:
            others += sorted(opinions, key=lambda each: -each.cosine)[:1]
            continue
        quoted += [each for each in opinions if _is_quoted(each.statement, answer.citations)]
    best = sorted(quoted, key=lambda each: -each.cosine)[:1]
    return best, others


def _of(hit: Hit, rows: Vectors, query: Query) -> list[Opinion]:
    """The statements of a passage with what is known of the sentence each stands in."""
    return [
        Opinion(statement, float(rows[place] @ query.vector), rows[place]) for statement, place in _placed(hit.passage)
    ]


@lru_cache(maxsize=KEPT_PASSAGES)
def _placed(passage: Passage) -> tuple[tuple[Statement, int], ...]:
    """The statements of a passage, each with the number of its sentence; a FAQ answer is one sentence."""
    spans = spans_of(passage)
    return tuple(
        (statement, next((n for n, (first, last) in enumerate(spans) if first <= statement.start < last), 0))
        for statement in statements_of(passage)
    )


def _is_quoted(statement: Statement, citations: Sequence[Citation]) -> bool:
    passage = statement.passage
    start, end = passage.start + statement.start, passage.start + statement.end
    return any(each.document == passage.document and each.start < end and start < each.end for each in citations)


def _cited(statement: Statement, document_of: DocumentOf) -> Citation:
    passage = statement.passage
    document = document_of(passage.document, passage.version)
    return cite(document, passage, passage.start + statement.start, passage.start + statement.end)


def _shown(citation: Citation) -> str:
    return f"“{citation.quote}” ({citation.document})"
