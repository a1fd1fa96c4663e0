"""The evidence for a quote, computed by hand."""

from __future__ import annotations

import pytest

from bot.routing.evidence import Evidence, evidence
from retrieval.documents import Abstention, Answer, Citation, Hit, Passage
from retrieval.known import Near
from retrieval.places import Place


def hit(document: str, text: str, score: float, cosine: float | None = None, bm25: float | None = None) -> Hit:
    return Hit(Passage(document, 1, document.title(), (document.title(),), 0, len(text), text), score, cosine, bm25)


def quote(document: str, text: str) -> Answer:
    return Answer(text, (Citation(document, 1, "Heading", 0, len(text), text, ""),), 0.9)


EXPRESS = hit("express", "Express delivery costs £6.95 and arrives the next working day.", 0.04, 0.8, 9.0)
RETURNS = hit("returns", "Returns are free within 60 days.", 0.03, 0.6, None)


def test_nothing_found() -> None:
    assert evidence("what is it", (), Abstention("none")) == Evidence(length=3)
    assert evidence("express price", (), Abstention("none")).unknown == 1.0


def test_both_searches_agree_on_the_quoted_document() -> None:
    found = evidence("how much is express delivery", (EXPRESS, RETURNS), quote("express", "Express costs £6.95"))
    assert found.agree
    assert found.margin == pytest.approx(0.25)
    assert found.cosine_margin == pytest.approx(0.2)
    assert (found.dense_rank, found.keyword_rank, found.documents, found.share) == (1.0, 1.0, 2, 0.5)
    assert (found.coverage, found.quote_coverage, found.unknown) == (1.0, 0.5, 0.0)
    assert found.kind == 1.0


def test_a_quote_of_the_second_best_document() -> None:
    found = evidence("can I return the walrus in 90 days", (EXPRESS, RETURNS), quote("returns", "Returns are free"))
    assert not found.agree
    assert found.margin == pytest.approx(-0.25)
    assert (found.dense_rank, found.keyword_rank) == (0.5, 0.0)
    assert found.figures == 0.0
    assert found.unknown > 0.0


@pytest.mark.parametrize(
    ("asked", "said", "kind"),
    [
        ("how much is it", "It costs £5.", 1.0),
        ("how much is it", "It comes in blue.", -1.0),
        ("how long does it take", "2–4 working days", 1.0),
        ("how long does it take", "It costs £5.", -1.0),
        ("when do you open", "At 09:00.", 1.0),
        ("is it blue", "It is.", 0.0),
    ],
)
def test_the_kind_of_thing_asked_for(asked: str, said: str, kind: float) -> None:
    assert evidence(asked, (EXPRESS,), quote("express", said)).kind == kind


def test_known_questions_speak_for_the_quote_for_another_or_for_none() -> None:
    near = (
        Near("do you fly it in", 0.9, False, ()),
        Near("how dear is the quick one", 0.8, True, (Place(RETURNS.passage, 0), Place(EXPRESS.passage, 0))),
        Near("how do I send it back", 0.7, True, (Place(RETURNS.passage, 0),)),
        Near("answered by words that are gone", 0.95, True, ()),
    )
    found = evidence("what does express cost", (EXPRESS, RETURNS), quote("express", "Express costs £6.95"), near)
    assert (found.known, found.known_elsewhere, found.unanswered) == (0.8, 0.7, 0.9)
    nothing = evidence("what does express cost", (EXPRESS, RETURNS), Abstention("none"), near)
    assert (nothing.known, nothing.known_elsewhere, nothing.unanswered) == (0.0, 0.8, 0.9)


def test_a_known_question_of_another_version_speaks_for_nothing_quoted() -> None:
    old = Place(Passage("express", 2, "Express", ("Express",), 0, 40, EXPRESS.passage.text[:40]), 0)
    found = evidence("price", (EXPRESS,), quote("express", "Express costs £6.95"), (Near("price", 1.0, True, (old,)),))
    assert found.known == 0.0
