"""A report as one HTML page that needs nothing else; everything that comes from the rows is hostile and escaped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from jinja2 import Environment

from bot.understanding.care.findings import KINDS, Finding, Kind, Report
from bot.understanding.reports import environment
from bot.understanding.utterances import clean

MOST_INTENTS = 14
"""Intents in the picture of overlaps: those of the worst pairs."""

OPEN_UP_TO = 40
_LONGEST_TEXT = 300


@dataclass(frozen=True, slots=True)
class Bar:
    """A kind with its findings; `share` in [0, 1] is the bar's length against the longest."""

    kind: Kind
    findings: tuple[Finding, ...]
    share: float


@dataclass(frozen=True, slots=True)
class Matrix:
    """Intents × intents: `cells[i][j]` is the share of both intents' rows taken for the other, None below the
    threshold of a finding; `strength` is the largest."""

    intents: tuple[str, ...]
    cells: tuple[tuple[float | None, ...], ...]
    strength: float


def care_page(report: Report, *, at: datetime) -> str:
    """The page as HTML; `at` is when the check was made."""
    template = _environment().get_template("page.html")
    return template.render(
        report=report, at=at, bars=bars(report), matrix=matrix(report.of_kind("overlap")), open_up_to=OPEN_UP_TO
    )


def bars(report: Report) -> tuple[Bar, ...]:
    """Every kind that was found, in the order of `KINDS`."""
    longest = max(report.counts.values(), default=1)
    return tuple(
        Bar(kind, report.of_kind(key), report.counts[key] / longest)
        for key, kind in KINDS.items()
        if report.counts[key]
    )


def matrix(pairs: tuple[Finding, ...]) -> Matrix | None:
    """The worst pairs as a matrix of at most `MOST_INTENTS`; None without pairs."""
    intents: list[str] = []
    taken: dict[tuple[str, str], float] = {}
    for pair in pairs:
        one, other = pair.subject.split(" / ", 1)
        taken[one, other] = taken[other, one] = pair.figures["taken_for"]
        missing = [name for name in (one, other) if name not in intents]
        if len(intents) + len(missing) <= MOST_INTENTS:
            intents += missing
    if not intents:
        return None
    cells = tuple(tuple(taken.get((row, column)) for column in intents) for row in intents)
    return Matrix(tuple(intents), cells, max(taken.values()))


def _environment() -> Environment:
    found = environment(Path(__file__).parent)
    found.filters["shown"] = _shown
    found.filters["percent"] = lambda share: f"{share:.0%}"
    return found


def _shown(text: str) -> str:
    seen = clean(text)
    return f"{seen[:_LONGEST_TEXT]}…" if len(seen) > _LONGEST_TEXT else seen
