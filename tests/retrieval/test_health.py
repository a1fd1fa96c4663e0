"""What knowledge health finds, and what it leaves alone."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pytest

from retrieval import health
from retrieval.documents import Document, Passage
from retrieval.passages import cut
from retrieval.similarity import alike, jaccard
from retrieval.sources import markdown


def document(id: str, text: str, url: str = "") -> Document:
    return markdown.parse(text.encode(), id, name=f"{id}.md", url=url)


def passages(**texts: str) -> list[Passage]:
    return [passage for id, text in texts.items() for passage in cut(document(id, text))]


def differences(**texts: str) -> list[str]:
    return [each.differs for each in health.contradictions(passages(**texts))]


@pytest.mark.parametrize(
    ("one", "other", "differs"),
    [
        ("Express delivery to Leeds costs £6.95.", "Express delivery to Leeds costs £7.95.", "£6.95 / £7.95"),
        (
            "You can return unused items within 60 days.",
            "You can return unused items within 30 days.",
            "60 day / 30 day",
        ),
        ("Gift cards stay valid for three years.", "Gift cards stay valid for two years.", "3 year / 2 year"),
        ("The showroom in York closes at 17:30.", "The showroom in York closes at 6 pm.", "17:30 / 6 pm"),
        (
            "Order by 18 December for Christmas delivery.",
            "Order by 20 December for Christmas delivery.",
            "18 december / 20 december",
        ),
        ("Trade accounts save 10% on lamps.", "Trade accounts save 15 % on lamps.", "10% / 15%"),
        (
            "Opened pillows and mattress toppers can be returned here.",
            "Opened pillows and mattress toppers cannot be returned here.",
            "without condition / “not”",
        ),
    ],
)
def test_figures_dates_and_conditions_that_differ(one: str, other: str, differs: str) -> None:
    assert differences(a=f"# A\n\n{one}", b=f"# B\n\n{other}") == [differs]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Express delivery to Leeds costs £6.95.", "Express delivery to Leeds costs £6.95."),
        ("Express delivery to Leeds costs £6.95.", "Standard delivery to Leeds costs £3.95."),
        ("Delivery to Leeds costs £3.95 today.", "Delivery to Leeds costs £3.95 today, or nothing from £45."),
        ("Express costs £6.95 in the week.", "The kettle boils one litre in 150 seconds."),
        ("Send it back within sixty days of the order.", "Send it back within 60 days of the order."),
    ],
)
def test_what_is_no_contradiction(one: str, other: str) -> None:
    assert differences(a=f"# A\n\n{one}", b=f"# B\n\n{other}") == []


def test_a_contradiction_shows_both_places() -> None:
    (found,) = health.contradictions(
        passages(a="# A\n\nHello. The lamp Ember costs £20 here.", b="# B\n\nThe lamp Ember costs £25 here.")
    )
    assert (found.one.document, found.one.text) == ("a", "The lamp Ember costs £20 here.")
    assert (found.other.document, found.other.start) == ("b", len("B\n\n"))


LONG = "You can return unused items within sixty days; open your account, choose the order, and print the label."


def test_duplicates_and_near_duplicates() -> None:
    listed = passages(
        a=f"# A\n\n{LONG}",
        b=f"# B\n\n{LONG}",
        c=f"# C\n\n{LONG} Ask inside.",
        d="# D\n\nA kettle wants citric acid twice a year.",
    )
    (found,) = health.duplicates(listed)
    assert [place.document for place in found.places] == ["a", "b", "c"]
    assert 0.8 <= found.similarity < 1.0


def test_short_passages_may_repeat() -> None:
    assert health.duplicates(passages(a="# A\n\nAsk us.", b="# B\n\nAsk us.")) == ()


def test_sets_alike_are_found_without_comparing_all() -> None:
    drawn = np.random.default_rng(1)
    sets = [frozenset(str(word) for word in drawn.integers(0, 5_000, 12)) for _ in range(1_000)]
    sets += [frozenset([*list(each)[:-2], "x"]) for each in sets[:100]]
    found = {pair[:2] for pair in alike(sets, 0.7)}
    assert sum((number, 1_000 + number) in found for number in range(100)) >= 99
    assert all(jaccard(sets[one], sets[other]) >= 0.7 for one, other in found)


def test_links_that_lead_nowhere() -> None:
    documents = [document("x.example-a", "# A\n\nText.", "https://x.example/a"), document("guide", "# G\n\nText.")]
    sources = [
        health.Source(
            "https://x.example/a", "x.example-a", ("/b", "a#top", "https://x.example/a", "https://other.example/")
        ),
        health.Source("help/guide.md", "guide", ("../guide.md", "missing.html", "mailto:a@b.example", "guide")),
    ]
    inside = health.dead_links(sources, documents)
    assert [(each.target, each.documents) for each in inside] == [
        ("help/missing.html", ("guide",)),
        ("https://x.example/b", ("x.example-a",)),
    ]
    asked = health.dead_links(sources, documents, answers=lambda url: "answered 404" if "other" in url else "")
    assert (asked[-1].target, asked[-1].reason) == ("https://other.example/", "answered 404")


def test_questions_without_a_page_are_grouped() -> None:
    questions = ["Do you sell tea?", "do you sell tea", "Do you sell tea?", "Is there parking near the shop?"]
    by_words = health.unanswered(questions)
    assert [(each.question, each.times) for each in by_words] == [
        ("Do you sell tea?", 3),
        ("Is there parking near the shop?", 1),
    ]
    vectors = np.array([[1, 0], [1, 0], [1, 0], [0.9, 0.436]], dtype=np.float32)
    assert [each.times for each in health.unanswered(questions, vectors)] == [4]
    assert health.unanswered([]) == ()


def test_documents_nobody_looked_at() -> None:
    documents = [
        document("old", "# Old\n\nText."),
        document("new", "# New\n\nText."),
        document("empty", "# Only a title"),
    ]
    changed = {"old": datetime(2024, 1, 1, tzinfo=UTC), "new": datetime(2026, 11, 1, tzinfo=UTC)}
    assert [each.document for each in health.stale(documents, changed, date(2026, 11, 18))] == ["old"]
    assert health.never_quoted(documents, {"new"}) == ("old", "empty")
    assert health.without_passages(documents) == ("empty",)
