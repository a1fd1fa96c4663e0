"""The report of `firstline evaluate intents` as one HTML page that needs nothing else."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from itertools import groupby
from pathlib import Path

import numpy as np
from jinja2 import Environment

from bot.understanding.measuring.curves import histogram, reliability, risk_coverage
from bot.understanding.measuring.evaluation import Evaluation
from bot.understanding.measuring.reporting import charts
from bot.understanding.measuring.reporting.headline import headlines
from bot.understanding.measuring.robustness.slices import FEWEST_ROWS, MOST_ROWS, WEAK_FALL
from bot.understanding.reports import environment
from retrieval.judging import coverage_at

LONGEST_TEXT = 300
_EXAMPLES = 3
_SHARES_WRONG = (0.01, 0.02, 0.05)
_SCORE_BINS, _TIME_BINS, _CURVE_ROWS = 20, 24, 20
_PERCENTILES = (5, 25, 50, 75, 95, 99)
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co"})
_KEPT = frozenset("\n\u200c\u200d")
"""Line ends, and what joins and parts letters of many scripts and emoji."""


def intents_page(found: Evaluation, *, at: datetime) -> str:
    """The page as HTML; `at` is when it was measured. Texts and labels of the files are hostile and escaped."""
    run = found.measured
    wrong = [not right for right in run.right]
    marks = [(share, coverage_at(run.confidence, wrong, share)) for share in _SHARES_WRONG]
    bins = reliability(run.confidence, run.right)
    curve = risk_coverage(run.confidence, run.right)
    inside, outside = (histogram(scores, 0.0, 1.0, _SCORE_BINS) for scores in (run.inside, run.outside))
    percentiles = {share: float(np.percentile(run.times_ms, share)) for share in _PERCENTILES}
    times = histogram(run.times_ms, 0.0, max(percentiles[99], 0.1), _TIME_BINS)
    page = (
        _environment()
        .get_template("report.html")
        .render(
            found=found,
            report=found.report,
            run=run,
            at=at,
            headlines=headlines(found),
            examples=_EXAMPLES,
            bins=bins,
            marks=marks,
            curve=(*curve[:: max(len(curve) // _CURVE_ROWS, 1)], *curve[-1:]),
            inside=inside,
            outside=outside,
            times=times,
            percentiles=percentiles,
            groups=[(name, list(slices)) for name, slices in groupby(found.slices, key=lambda each: each.group)],
            weak_fall=WEAK_FALL,
            fewest_rows=FEWEST_ROWS,
            most_rows=MOST_ROWS,
            reliability_chart=charts.reliability_chart(bins),
            risk_chart=charts.risk_chart(curve, marks),
            scores_chart=charts.scores_chart(inside, outside, len(run.texts), len(run.strangers), run.threshold),
            times_chart=charts.times_chart(times, percentiles[50], percentiles[95]),
            slices_chart=charts.slices_chart(found.slices, WEAK_FALL) if found.slices else "",
        )
    )
    return visible(page)


def visible(text: str) -> str:
    """The text with a mark for every character that cannot be seen but turns what is around it, or cannot be stored."""
    return "".join(
        "\ufffd" if letter not in _KEPT and unicodedata.category(letter) in _UNSEEN else letter for letter in text
    )


def excerpt(text: str) -> str:
    """The text as it fits a cell: at most 300 characters."""
    return f"{text[:LONGEST_TEXT]}…" if len(text) > LONGEST_TEXT else text


def percent(share: float) -> str:
    return f"{share:.1%}"


def rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def points(difference: float) -> str:
    """A difference of shares in percentage points, with its sign."""
    return f"{100 * difference:+.1f}".replace("-", "−")


def _environment() -> Environment:
    found = environment(Path(__file__).parent)
    found.filters |= {"excerpt": excerpt, "percent": percent, "points": points, "rows": rows}
    return found
