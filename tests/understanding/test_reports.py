"""One style for all written reports: inside each page, once, and nothing of it written a second time."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.understanding.care.findings import Report
from bot.understanding.care.page import care_page
from bot.understanding.measuring.reporting.knowledge import answers_page
from bot.understanding.measuring.reporting.page import intents_page
from tests.conftest import ROOT
from tests.understanding.test_knowledge_report import AT, measured, one
from tests.understanding.test_report import evaluation

FOLDER = ROOT / "bot" / "understanding"
STYLE = (FOLDER / "reports.css").read_text("utf-8")


def test_every_report_holds_the_style_and_fetches_nothing(tmp_path: Path) -> None:
    pages = (
        care_page(Report((tmp_path,), 9, 3, None, ()), at=AT),
        answers_page(measured(one("x", 0.9, right=True)), at=AT),
        intents_page(evaluation(tmp_path), at=AT),
    )
    for page in pages:
        style = page.partition("<style>")[2].partition("</style>")[0]
        assert style.count(STYLE.strip()) == 1
        assert not re.search(r"@import|url\(|<link|<script", page)


@pytest.mark.parametrize("page", sorted(FOLDER.rglob("*.html")), ids=lambda page: page.stem)
def test_no_template_repeats_a_rule_of_the_style(page: Path) -> None:
    rules = {line for line in STYLE.splitlines() if "{" in line}
    assert [line for line in page.read_text("utf-8").splitlines() if line in rules] == []


def test_what_the_style_names_it_also_has() -> None:
    """A colour that no theme defines is black on black."""
    for page in ("", *(each.read_text("utf-8") for each in FOLDER.rglob("*.html"))):
        used, had = set(re.findall(r"var\((--[\w-]+)\)", STYLE + page)), set(re.findall(r"^  (--[\w-]+):", STYLE, re.M))
        assert used <= had
