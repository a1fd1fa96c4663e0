"""The reports of `firstline evaluate answers` and `evaluate retrieval`, each as one HTML page that needs nothing else.

Pure: from what was measured to text. Questions, quotes and ids come from files and are escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import get_args

from jinja2 import Environment
from markupsafe import Markup

from bot.understanding.measuring.curves import RiskPoint, risk_coverage
from bot.understanding.measuring.reporting.page import excerpt, percent, visible
from bot.understanding.measuring.reporting.svg import Plot, picture
from bot.understanding.reports import environment
from retrieval.evaluation import Asked, MeasuredAnswers, MeasuredRetrieval, Ranked, Reason

SHOWN = 15
"""Questions told of each kind."""
LAST = 10
"""Places that the chart tells apart."""
CURVE_ROWS, CURVE_POINTS = 20, 240
_TENTHS = tuple((tick / 10, f"{tick * 10} %") for tick in range(0, 11, 2))

Card = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many questions came to it, how many of those can be answered, and for how many the best quote was right."""

    name: Reason
    rows: int
    answerable: int
    right: int


@dataclass(frozen=True, slots=True)
class Worst:
    """A question whose right document stands at `place`, in words; titles with ids of what was wanted and found."""

    text: str
    place: str
    wanted: tuple[str, ...]
    found: tuple[str, ...]


def answers_page(found: MeasuredAnswers, *, at: datetime) -> str:
    """The page as HTML; `at` is when it was measured."""
    asked = found.asked
    curve = risk_coverage(
        [one.best.confidence if one.best else 0.0 for one in asked], [one.judgement.right for one in asked]
    )
    wrong = [one for one in asked if one.given and not one.judgement.right]
    missed = [one for one in asked if not one.given and one.judgement.right]
    page = (
        _environment()
        .get_template("answers.html")
        .render(
            title=f"Answers: {found.report.coverage:.1%} given, {found.report.wrong_rate:.1%} of them wrong",
            at=at,
            report=found.report,
            asked=asked,
            answerable=sum(one.question.answerable for one in asked),
            threshold=found.threshold,
            cards=_answer_cards(found),
            risk_chart=risk_chart(curve, found),
            curve=(*curve[:: max(len(curve) // CURVE_ROWS, 1)], *curve[-1:]),
            outcomes=outcomes(asked),
            wrong=sorted(wrong, key=_confidence, reverse=True)[:SHOWN],
            missed=sorted(missed, key=_confidence)[:SHOWN],
        )
    )
    return visible(page)


def retrieval_page(found: MeasuredRetrieval, *, at: datetime) -> str:
    """The page as HTML; `at` is when it was measured."""
    counts = places(found.ranked)
    page = (
        _environment()
        .get_template("retrieval.html")
        .render(
            title=f"Retrieval: hit@1 {found.report.hit_at_1:.1%}, hit@3 {found.report.hit_at_3:.1%}",
            at=at,
            ranked=found.ranked,
            documents=len(found.titles),
            cards=_retrieval_cards(found),
            places_chart=places_chart(counts, len(found.ranked)),
            places=counts,
            last=LAST,
            worst=worst(found),
        )
    )
    return visible(page)


def outcomes(asked: Sequence[Asked]) -> tuple[Outcome, ...]:
    """What became of the questions, in the order of `Reason`; without what none came to."""
    made = []
    for name in get_args(Reason):
        of = [one for one in asked if one.reason == name]
        if of:
            answerable = sum(one.question.answerable for one in of)
            made.append(Outcome(name, len(of), answerable, sum(one.judgement.right for one in of)))
    return tuple(made)


def place_of(one: Ranked) -> int:
    """The place of the first right document, 0 where it was not found."""
    return next((place for place, id in enumerate(one.found, start=1) if one.wanted.get(id)), 0)


def places(ranked: Sequence[Ranked]) -> tuple[tuple[str, int], ...]:
    """How many queries have their first right document in each of the first LAST places, and later or nowhere."""
    found = [place_of(one) for one in ranked]
    named = [(str(place), found.count(place)) for place in range(1, LAST + 1)]
    return (*named, ("later or not", sum(place == 0 or place > LAST for place in found)))


def worst(found: MeasuredRetrieval) -> tuple[Worst, ...]:
    """The queries whose right document is not first, those found latest or not at all before the others."""
    late = [(place_of(one), one) for one in found.ranked if place_of(one) != 1]
    late.sort(key=lambda pair: -(pair[0] or 10**9))
    return tuple(
        Worst(
            text=one.query.text,
            place=str(place) if place else "not found",
            wanted=tuple(_named(found, id) for id in one.wanted),
            found=tuple(_named(found, id) for id in one.found[:3]),
        )
        for place, one in late[:SHOWN]
    )


def risk_chart(points: Sequence[RiskPoint], found: MeasuredAnswers) -> Markup:
    """Share of wrong answers by the share of questions that are answered."""
    report = found.report
    highest = max((point.risk for point in points), default=0.0)
    top = next(each for each in (0.05, 0.1, 0.2, 0.5, 1.0) if each >= min(highest, 1.0))
    plot = Plot(top=top)
    shown = [*points[:: max(len(points) // CURVE_POINTS, 1)], *points[-1:]]
    marks = [
        (
            report.coverage,
            f"threshold {found.threshold:.2f}: {report.coverage:.1%} answered, {report.wrong_rate:.1%} wrong",
        ),
        (report.coverage_at_5pct_wrong, f"{report.coverage_at_5pct_wrong:.1%} answered with 5 % wrong"),
    ]
    return picture(
        "risk",
        "Risk and coverage",
        "; ".join(name for _, name in marks),
        plot.axes(_TENTHS, [(top * part / 5, f"{100 * top * part / 5:g} %") for part in range(6)], "answered", "wrong"),
        plot.line([(point.coverage, point.risk) for point in shown], "curve"),
        plot.uprights(marks, "mark"),
    )


def places_chart(counts: Sequence[tuple[str, int]], rows: int) -> Markup:
    """Share of the queries by the place of their first right document."""
    plot = Plot(left=0.5, right=len(counts) + 0.5)
    ticks = [(float(number), name if name.isdigit() else "later") for number, (name, _) in enumerate(counts, start=1)]
    bars = [
        plot.bar(number - 0.4, number + 0.4, count / max(rows, 1), "bar") for number, (_, count) in enumerate(counts, 1)
    ]
    return picture(
        "places",
        "Place of the first right document",
        "; ".join(f"{name}: {count}" for name, count in counts),
        plot.axes(ticks, _TENTHS, "place", "share of the questions"),
        *bars,
    )


def _answer_cards(found: MeasuredAnswers) -> list[Card]:
    report = found.report
    auroc = "–" if report.answerable_auroc is None else f"{report.answerable_auroc:.3f}"
    return [
        ("Answered", f"{report.coverage:.1%}", "of the questions are given an answer at the threshold."),
        ("Wrong", f"{report.wrong_rate:.1%}", "of the answers that are given are wrong."),
        ("Sure enough", f"{report.coverage_at_5pct_wrong:.1%}", "could be answered with at most 5 % of it wrong."),
        (
            "Answerable or not, AUROC",
            auroc,
            "is how likely a question that can be answered gets the higher confidence.",
        ),
        (
            "Citations that stand",
            f"{report.citation_valid:.1%}",
            "of the quotes are exactly what the stored version says.",
        ),
        (
            "Speed",
            f"{report.query_ms_p50:.1f} ms",
            f"for half of the questions, {report.query_ms_p95:.1f} ms for 95 %.",
        ),
    ]


def _retrieval_cards(found: MeasuredRetrieval) -> list[Card]:
    report = found.report
    return [
        ("First", f"{report.hit_at_1:.1%}", "of the questions have a right document in the first place."),
        ("Among three", f"{report.hit_at_3:.1%}", "have one among the first three."),
        ("MRR@10", f"{report.mrr_at_10:.3f}", "is the mean of 1 / the place of the first right one."),
        ("Recall@5", f"{report.recall_at_5:.1%}", "of all right documents stand among the first five."),
        ("Indexed", f"{report.index_s:.1f} s", f"and {report.index_bytes / 10**6:.1f} MB on disk."),
        ("Speed", f"{report.query_ms_p50:.1f} ms", f"for half of the searches, {report.query_ms_p95:.1f} ms for 95 %."),
    ]


def _confidence(one: Asked) -> float:
    return one.best.confidence if one.best else 0.0


def _named(found: MeasuredRetrieval, id: str) -> str:
    title = found.titles.get(id, "")
    return f"{title} ({id})" if title and title != id else id


def _questions(count: int) -> str:
    return "1 question" if count == 1 else f"{count:,} questions"


def _environment() -> Environment:
    found = environment(Path(__file__).parent)
    found.filters |= {"excerpt": excerpt, "percent": percent, "questions": _questions}
    return found
