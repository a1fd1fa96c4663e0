"""The page of a report: self-contained, escaped, and readable without its pictures."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from bot.understanding.care.corpus import PlacedRow
from bot.understanding.care.findings import Finding, Fix, Report
from bot.understanding.care.page import MOST_INTENTS, care_page, matrix

AT = datetime(2026, 11, 18, 10, 0, tzinfo=UTC)
HOSTILE = "<script>alert('x')</script>\"><img src=x onerror=y>"


def overlap(one: str, other: str, share: float) -> Finding:
    return Finding("overlap", "advice", "said", subject=f"{one} / {other}", figures={"taken_for": share})


def test_what_comes_from_rows_is_escaped_and_nothing_is_fetched(tmp_path: Path) -> None:
    row = PlacedRow(tmp_path / f"{HOSTILE.replace('/', '')}.csv", 3, HOSTILE, HOSTILE)
    moved = Finding("contradicted", "advice", HOSTILE, (row,), fix=Fix("move", (0,), HOSTILE))
    page = care_page(Report((row.path,), 1, 2, 0.5, (moved, overlap(HOSTILE, "b", 0.2))), at=AT)
    assert "<script" not in page
    assert "<img" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert f"firstline data accept {moved.id}" in page
    assert "default-src 'none'" in page


def test_pictures_have_their_text(tmp_path: Path) -> None:
    page = care_page(Report((tmp_path,), 9, 3, None, (overlap("a", "b", 0.25),)), at=AT)
    assert '<desc id="bars-text">Intents that overlap: 1. </desc>' in page
    assert page.count("25%") == 2
    assert '<th scope="row">1 a</th>' in page
    assert "Nothing was found" in care_page(Report((tmp_path,), 9, 3, 1.0, ()), at=AT)


def test_the_matrix_holds_the_worst_pairs_both_ways() -> None:
    shown = matrix(tuple(overlap(f"i{number}", f"j{number}", 0.5 - number / 100) for number in range(30)))
    assert shown is not None
    assert len(shown.intents) == MOST_INTENTS
    assert shown.cells[0][1] == shown.cells[1][0] == shown.strength == 0.5
    assert shown.cells[0][0] is None
    assert matrix(()) is None
