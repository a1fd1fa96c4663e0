"""The page of an evaluation: the numbers behind its pictures, and that it is safe, complete and readable."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from axe_playwright_python.sync_playwright import Axe
from markupsafe import Markup
from playwright.sync_api import Page

from bot.understanding.classifier import IntentPrediction, NearestRow
from bot.understanding.measuring.conditions import conditions
from bot.understanding.measuring.curves import confused_pairs, histogram, reliability, risk_coverage
from bot.understanding.measuring.evaluation import Evaluation
from bot.understanding.measuring.metrics import by_intent
from bot.understanding.measuring.reporting import charts
from bot.understanding.measuring.reporting.page import LONGEST_TEXT, excerpt, intents_page, points, visible
from bot.understanding.measuring.reporting.svg import Plot, element
from bot.understanding.measuring.results import IntentReport, Measured
from bot.understanding.measuring.robustness.slices import Flip, Slice

AT = datetime(2026, 11, 18, 10, 30, tzinfo=UTC)
HOSTILE = "</td><script>alert(1)</script>\u202e<img src=x onerror=alert(2)>\x00{{ 7 * 7 }}"


def test_reliability_by_hand() -> None:
    low, high = reliability([0.1, 0.2, 0.9, 1.0], [False, True, True, True], bins=2)
    assert (low.rows, low.confidence, low.accuracy) == (2, pytest.approx(0.15), 0.5)
    assert (high.rows, high.confidence, high.accuracy) == (2, pytest.approx(0.95), 1.0)
    assert high.interval[0] == pytest.approx(0.342, abs=0.001)
    empty, _ = reliability([0.9], [True], bins=2)
    assert (empty.rows, empty.confidence, empty.accuracy) == (0, None, None)


def test_risk_and_coverage_by_hand() -> None:
    curve = risk_coverage([0.2, 0.9, 0.5, 0.7], [False, True, False, True])
    assert [point.coverage for point in curve] == [0.25, 0.5, 0.75, 1.0]
    assert [point.risk for point in curve] == [0.0, 0.0, pytest.approx(1 / 3), 0.5]
    assert [point.confidence for point in curve] == [0.9, 0.7, 0.5, 0.2]
    assert risk_coverage([], []) == ()


def test_confused_pairs_come_with_their_most_confident_rows() -> None:
    truth, predicted = ["a", "a", "a", "b", "b"], ["b", "b", "a", "a", "b"]
    first, second = confused_pairs(predicted, truth, [0.3, 0.8, 0.9, 0.5, 0.9])
    assert (first.truth, first.predicted, first.rows, first.share) == ("a", "b", 2, pytest.approx(2 / 3))
    assert first.examples == (1, 0)
    assert (second.truth, second.rows, second.share) == ("b", 1, 0.5)
    assert confused_pairs(truth, truth, [1.0] * 5) == ()


def test_a_histogram_counts_what_lies_beyond_at_its_ends() -> None:
    found = histogram([-1.0, 0.1, 0.6, 5.0], 0.0, 1.0, 2)
    assert (found.edges, found.counts) == ((0.0, 0.5, 1.0), (2, 2))
    with pytest.raises(ValueError, match=r"low < high, got 1\.0 and 1\.0"):
        histogram([1.0], 1.0, 1.0, 3)


def test_svg_escapes_what_it_holds() -> None:
    drawn = element("text", "<b>", class_='x"', data_name="&")
    assert drawn == '<text class="x&#34;" data-name="&amp;">&lt;b&gt;</text>'
    assert element("g", Markup("<b/>")) == "<g><b/></g>"
    plot = Plot(right=2.0)
    assert plot.x(0) < plot.x(1) < plot.x(2)
    assert plot.y(1) < plot.y(0)


def test_texts_are_shown_as_far_as_they_can_be() -> None:
    assert visible("a\x00b\u202ec\ud800\n👩\u200d🚀") == "a\ufffdb\ufffdc\ufffd\n👩\u200d🚀"
    assert excerpt("x" * 5_000) == "x" * LONGEST_TEXT + "…"
    assert (points(-0.123), points(0.05)) == ("−12.3", "+5.0")


def evaluation(
    folder: Path, *, label: str = "order_status", text: str = "where is it", strangers: int = 2
) -> Evaluation:
    """Twenty-one rows of two intents, every seventh taken for the other."""
    truth = tuple(label if row % 2 else "greet" for row in range(21))
    predicted = tuple(("greet" if each == label else label) if row % 7 == 0 else each for row, each in enumerate(truth))
    known = tuple(
        IntentPrediction(intent, 0.5 + row / 50, ((intent, 0.5),), row / 40, (NearestRow(text, label, 0.61),))
        for row, intent in enumerate(predicted)
    )
    unknown = tuple(replace(known[0], out_of_scope=0.9, nearest=()) for _ in range(strangers))
    run = Measured(
        (text,) * 21, truth, known, (text,) * strangers, unknown, 0.4, tuple(1 + row / 10 for row in range(21))
    )
    report = IntentReport(0.86, 0.85, 0.05, 100, 21, 2, 12.0, 2.0, 3.0, 1_000, 2_000_000)
    intervals = {"accuracy": (0.7, 0.95), "macro_f1": (0.6, 0.9)}
    if strangers:
        report = replace(
            report,
            oos_auroc=0.9,
            oos_fpr95=0.1,
            oos_recall_at_5pct_frr=0.8,
            oos_recall_at_threshold=0.7,
            in_scope_accuracy_at_threshold=0.8,
            oos_rows=strangers,
        )
        shares = ("oos_auroc", "oos_recall_at_threshold", "in_scope_accuracy_at_threshold")
        intervals |= dict.fromkeys(shares, (0.6, 0.95))
    flip = Flip(text, text.upper(), label, label, "greet", 0.9)
    slices = (
        Slice("6_to_12_words", "length of the rows", "Rows.", "", 10, 0.9, 0.86, 0.04, -0.1, 0.2, 0.1, 0.1),
        Slice(
            "capitals",
            "typing",
            "SHOUTED.",
            "A (2020).",
            21,
            0.6,
            0.86,
            -0.26,
            -0.4,
            -0.1,
            0.5,
            0.1,
            (text, text),
            (flip,),
        ),
    )
    return Evaluation(
        report=report,
        intervals=intervals,
        spread={},
        seeds=(13,),
        measured=run,
        per_intent=by_intent(predicted, truth),
        confused=confused_pairs(predicted, truth, run.confidence),
        slices=slices,
        conditions=conditions([folder / "nlu.yml"], folder / f"{text[:40]}.csv", None, folder),
        notes=(f"a note on {text}",),
    )


class Structure(HTMLParser):
    """What the page is made of: elements with their attributes, in their order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))
        if tag not in {"meta", "br", "img", "input"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def test_nothing_of_the_files_becomes_markup(tmp_path: Path) -> None:
    page = intents_page(evaluation(tmp_path, label=f"grüße/你好 {HOSTILE}", text=HOSTILE), at=AT)
    structure = Structure(page)
    assert structure.open == []
    assert {tag for tag, _ in structure.elements}.isdisjoint(
        {"script", "img", "iframe", "object", "link", "base", "form"}
    )
    assert not [name for _, attributes in structure.elements for name in attributes if name.startswith("on")]
    assert "&lt;script&gt;alert(1)" in page
    assert "{{ 7 * 7 }}" in page
    assert not {"\u202e", "\x00"} & set(page)


def test_the_page_needs_nothing_else(tmp_path: Path) -> None:
    page = intents_page(evaluation(tmp_path), at=AT)
    structure = Structure(page)
    assert not re.search(r"url\(|@import|https?://", page)
    assert all((each["href"] or "").startswith("#") for each in structure.of("a"))
    ids = [attributes["id"] for _, attributes in structure.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {str(each["href"])[1:] for each in structure.of("a")} <= set(ids)
    assert "default-src 'none'" in str(structure.of("meta"))
    assert "color-scheme: light dark" in page


def test_every_picture_has_words_and_a_table(tmp_path: Path) -> None:
    page = intents_page(evaluation(tmp_path), at=AT)
    pictures = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(pictures) == 5
    for picture in pictures:
        drawn = ElementTree.fromstring(picture)
        named = {each.attrib.get("id") for each in drawn.iter()} - {None}
        assert drawn.attrib["role"] == "img"
        assert set(drawn.attrib["aria-labelledby"].split()) <= named
        assert "nan" not in picture
        rest = page[page.index(picture) + len(picture) :]
        assert rest.index("<table") < (rest.index("<svg") if "<svg" in rest else len(rest))


def test_the_page_says_what_was_measured(tmp_path: Path) -> None:
    page = intents_page(evaluation(tmp_path), at=AT)
    text = " ".join(re.sub(r"<[^>]+>", " ", page.split("<main>")[1]).split())
    for said in (
        "on 18 November 2026, 10:30 UTC",
        "Accuracy 86.0% 95 %: 70.0 to 95.0 %",
        "weak slice capitals (typing): 60.0% of 21 rows right, 26.0 points below 86.0%, beyond chance",
        "order_status taken for greet",
        "where is it order_status greet 64.0% where is it ( order_status , cosine 0.61)",
        "The model's own threshold is 0.400",
        "capitals 21 60.0% 86.0% −26.0 −40.0 to −10.0 10.0% → 50.0% weak",
        "6_to_12_words 10 90.0% 86.0% +4.0 −10.0 to +20.0 10.0% → 10.0% few rows",
        "SHOUTED. After A (2020).",
        "where is it.csv",
        "a note on where is it",
        "Python 3.",
    ):
        assert said in text, said


def test_what_was_not_measured_is_not_on_the_page(tmp_path: Path) -> None:
    alone = replace(evaluation(tmp_path, strangers=0), slices=(), notes=(), confused=())
    page = intents_page(alone, at=AT)
    assert page.count("<svg") == 3
    for absent in ("strangers", "slices-part", "To know before", "Out-of-scope AUROC"):
        assert absent not in page
    assert "No row was taken for another intent." in page


def test_several_seeds_are_said(tmp_path: Path) -> None:
    several = replace(evaluation(tmp_path), seeds=(13, 14, 15), spread={"accuracy": 0.012, "ece": 0.003})
    page = intents_page(several, at=AT)
    assert "means over 3 trainings" in page
    assert "± 1.2 over 3 seeds" in page


def test_the_risk_chart_takes_any_risk() -> None:
    for wrong in ([], [True], [False], [True] * 3):
        curve = risk_coverage([0.5] * len(wrong), [not each for each in wrong])
        assert "svg" in charts.risk_chart(curve, [(0.05, 0.0)])


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible(visit: Callable[..., Page], tmp_path: Path, scheme: str) -> None:
    file = tmp_path / "report.html"
    file.write_text(intents_page(evaluation(tmp_path, text=HOSTILE), at=AT), "utf-8")
    page = visit(file.as_uri(), color_scheme=scheme, viewport={"width": 390, "height": 800})
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    found = Axe().run(page).response["violations"]
    assert [(each["id"], node["html"], node["failureSummary"]) for each in found for node in each["nodes"]] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
