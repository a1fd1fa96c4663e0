"""The pages of `evaluate answers` and `evaluate retrieval`: what they say, and that what they are told stays text."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from bot.understanding.measuring.reporting.knowledge import (
    answers_page,
    outcomes,
    place_of,
    places,
    retrieval_page,
    worst,
)
from retrieval.datasets import LabelledQuery, Question
from retrieval.documents import Answer, Citation
from retrieval.evaluation import Asked, MeasuredAnswers, MeasuredRetrieval, Ranked, RetrievalReport, answers_report
from retrieval.judging import Judgement

AT = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)
HOSTILE = "</svg><script>alert(1)</script> & “x” \u202e"


def one(text: str, confidence: float, *, right: bool, given: bool = True, answerable: bool = True) -> Asked:
    citation = Citation("kettle", 3, "Care", 0, 7, text, "")
    question = Question(text, text, answerable, (f"expected {text}",) if answerable else (), ("kettle",))
    reason = "given" if given else "near but not answering"
    answer = Answer(f"quoted {text}", (citation,), confidence)
    return Asked(question, answer, given, Judgement(right, float(right), right), (True,), 4.0, reason)


def measured(*asked: Asked) -> MeasuredAnswers:
    return MeasuredAnswers(answers_report(asked), asked, 0.5)


def test_the_page_shows_the_wrong_answers_and_the_right_ones_held_back() -> None:
    page = answers_page(
        measured(
            one("sure and wrong", 0.9, right=False),
            one("sure and right", 0.8, right=True),
            one("unsure and right", 0.3, right=True, given=False),
            one("unsure and wrong", 0.2, right=False, given=False, answerable=False),
        ),
        at=AT,
    )
    wrong, missed = page.index("Wrong, and sure of it"), page.index("Right, and held back")
    assert wrong < page.index("quoted sure and wrong") < page.index("expected sure and wrong") < missed
    assert missed < page.index("quoted unsure and right")
    assert "quoted sure and right" not in page
    assert "quoted unsure and wrong" not in page
    assert "threshold 0.50: 50.0% answered, 50.0% wrong" in page
    assert "04 May 2026, 12:30 UTC" in page


def test_nothing_of_a_file_becomes_markup() -> None:
    page = answers_page(measured(one(HOSTILE, 0.9, right=False), one("x", 0.4, right=True, given=False)), at=AT)
    assert "<script>" not in page
    assert "\u202e" not in page
    assert "&lt;script&gt;" in page
    query = LabelledQuery("1", HOSTILE)
    found = MeasuredRetrieval(report(), (Ranked(query, {HOSTILE: 1}, ("b",)),), {"b": HOSTILE})
    assert "<script>" not in retrieval_page(found, at=AT)


def test_a_set_without_mistakes_says_so() -> None:
    page = answers_page(measured(one("fine", 0.9, right=True), replace(one("fine too", 0.8, right=True))), at=AT)
    assert "No answer that was given is wrong." in page
    assert "No right quote was held back." in page


def test_outcomes_are_counted_by_reason() -> None:
    found = outcomes([one("a", 0.9, right=True), one("b", 0.8, right=False), one("c", 0.1, right=True, given=False)])
    assert [(each.name, each.rows, each.answerable, each.right) for each in found] == [
        ("given", 2, 2, 1),
        ("near but not answering", 1, 1, 1),
    ]


def report() -> RetrievalReport:
    return RetrievalReport(*([0.5] * 9), 1000, 1.0, 2.0)


def test_the_queries_found_worst_come_first() -> None:
    rows = [
        Ranked(LabelledQuery("1", "first"), {"a": 1}, ("a", "b")),
        Ranked(LabelledQuery("2", "late"), {"a": 1}, ("b", "c", "a")),
        Ranked(LabelledQuery("3", "lost"), {"a": 1}, ("b", "c")),
    ]
    found = MeasuredRetrieval(report(), tuple(rows), {"a": "Ant", "b": "b"})
    assert [place_of(each) for each in rows] == [1, 3, 0]
    assert [(each.text, each.place) for each in worst(found)] == [("lost", "not found"), ("late", "3")]
    assert worst(found)[0].wanted == ("Ant (a)",)
    assert worst(found)[0].found == ("b", "c")
    counted = dict(places(rows))
    assert (counted["1"], counted["3"], counted["later or not"]) == (1, 1, 1)
    page = retrieval_page(found, at=AT)
    assert page.index("<bdi>lost") < page.index("<bdi>late")
