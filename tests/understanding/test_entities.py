"""Entities: one table of messages and what is found in them."""

from __future__ import annotations

import string
import time
from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import BadInput
from bot.messages import Entity
from bot.understanding.entities.amounts import find_amounts
from bot.understanding.entities.dates import find_dates
from bot.understanding.entities.definitions import EntityDefinitions, Spelling
from bot.understanding.entities.finder import EntityFinder, resolve
from bot.understanding.examples.dataset import IntentDataset
from bot.understanding.examples.rows import Row
from tests.benchmarks.entities import DEFINITIONS, Sentence, sentences
from tests.benchmarks.entities import TODAY as WRITTEN

TODAY = date(2026, 11, 18)  # a Wednesday


@pytest.fixture(scope="module")
def finder(dataset: IntentDataset) -> EntityFinder:
    return EntityFinder(EntityDefinitions.of(dataset))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("WF-204817", [("order_number", "WF-204817")]),
        ("it's wf 204817, not 204818!", [("order_number", "WF-204817"), ("order_number", "WF-204818")]),
        ("part SP-204817 of 12048179", []),
        ("write to Maud.Wren+x@Post.Example.", [("email", "maud.wren+x@post.example")]),
        ("not@valid, @home, a@b", []),
        ("ring 0117 496 0117", [("phone", "+441174960117")]),
        ("ring +44 7911 123456 please", [("phone", "+447911123456")]),
        ("2026-11-02 or 2026-02-31", [("date", "2026-11-02")]),
        ("on 3/4/2026 and 25/12", [("date", "2026-04-03"), ("date", "2026-12-25")]),
        ("3.4.26", [("date", "2026-04-03")]),
        ("12th of March 2025, Sept 5", [("date", "2025-03-12"), ("date", "2026-09-05")]),
        ("yesterday, day before yesterday", [("date", "2026-11-17"), ("date", "2026-11-16")]),
        ("last Friday and next friday", [("date", "2026-11-13"), ("date", "2026-11-20")]),
        ("last Wednesday, by Wednesday", [("date", "2026-11-11"), ("date", "2026-11-25")]),
        ("3 days ago, a fortnight ago", [("date", "2026-11-15"), ("date", "2026-11-04")]),
        ("in two weeks, a couple of months ago", [("date", "2026-12-02"), ("date", "2026-09-18")]),
        ("£12.50, 9,95 €, 1,299 GBP", [("amount", "12.50 GBP"), ("amount", "9.95 EUR"), ("amount", "1299.00 GBP")]),
        ("1.299,50 EUR, 20 quid, 50p", [("amount", "1299.50 EUR"), ("amount", "20.00 GBP"), ("amount", "0.50 GBP")]),
        ("£204817 is an amount", [("amount", "204817.00 GBP")]),
        ("my Kettles and the EK-200", [("product", "kettle EK-200"), ("product", "kettle EK-200")]),
        ("it is the Wrong  size", [("reason", "wrong size")]),
        ("code wg-abcdef123456", [("voucher", "wg-abcdef123456")]),
        ("kettledrum", []),
        ("", []),
        ("🙂 <b>hi</b> أين طلبي", []),
    ],
)
def test_messages(finder: EntityFinder, text: str, expected: list[tuple[str, str]]) -> None:
    assert [(entity.name, entity.value) for entity in finder.find(text, today=TODAY)] == expected


def test_offsets_are_exact(finder: EntityFinder) -> None:
    text = "🙂 Since 3 days ago: order wf-204817 for £59 (maud@post.example)"
    found = {entity.name: text[entity.start : entity.end] for entity in finder.find(text, today=TODAY)}
    assert found == {
        "date": "3 days ago",
        "order_number": "wf-204817",
        "amount": "£59",
        "email": "maud@post.example",
    }


def test_overlaps_the_longer_then_the_more_specific_wins() -> None:
    long, short, tie = Entity("a", "x", 0, 9), Entity("order_number", "x", 3, 9), Entity("order_number", "y", 0, 9)
    assert resolve([short, long]) == (long,)
    assert resolve([long, tie]) == (tie,)
    assert resolve([Entity("a", "x", 5, 6), Entity("b", "y", 0, 5)])[0].name == "b"


def test_another_company_writes_things_its_own_way() -> None:
    spelling = Spelling(order_pattern=r"#(\d{4})", order_format="SHOP/{}", phone_region="US")
    finder = EntityFinder(EntityDefinitions(spelling=spelling))
    found = finder.find("order #1234 of 3/4/2026, call 212-555-0123", today=TODAY)
    assert [(e.name, e.value) for e in found] == [
        ("order_number", "SHOP/1234"),
        ("date", "2026-03-04"),
        ("phone", "+12125550123"),
    ]


def test_a_catastrophic_pattern_cannot_hold_up_a_message() -> None:
    finder = EntityFinder(EntityDefinitions(regexes=(("evil", r"(a|aa)+$"), ("fine", r"b\d"))))
    started = time.process_time()
    found = finder.find("a" * 3_000 + "! b7", today=TODAY)
    assert time.process_time() - started < 1.0
    assert [entity.name for entity in found] == ["fine"]


def test_long_messages_stay_quick(finder: EntityFinder) -> None:
    for text in ("1" * 4_000, "a@" * 2_000, "kettle " * 570, "0117 " * 800, "1,000" * 800, "3/4/" * 1_000):
        started = time.process_time()
        finder.find(text, today=TODAY)
        assert time.process_time() - started < 2.0, text[:10]


def test_ten_times_the_text_takes_ten_times_as_long(finder: EntityFinder) -> None:
    """Every recogniser on its own worst texts, unclipped: quadratic time would be a hundred times as long."""
    pieces = (
        "1",
        "a@",
        "a.",
        "o'",
        "1,000 ",
        "3/4/",
        "3 to ",
        "twenty ",
        "May 3 ",
        "on the 9th ",
        "weigh 1 pound ",
        "£",
    )
    for piece in pieces:
        short, long = (_quickest(piece * (size // len(piece))) for size in (1_000, 10_000))
        assert long < 0.5, piece
        assert long < 30 * max(short, 0.002), piece


def _quickest(text: str) -> float:
    took = []
    for _ in range(3):
        started = time.process_time()
        list(find_dates(text, TODAY))
        list(find_amounts(text))
        took.append(time.process_time() - started)
    return min(took)


def test_many_slow_patterns_share_one_budget() -> None:
    finder = EntityFinder(EntityDefinitions(regexes=tuple((f"evil{n}", r"(a|aa)+$") for n in range(40))))
    started = time.process_time()
    finder.find("a" * 3_000 + "!", today=TODAY)
    assert time.process_time() - started < 1.5


def test_a_pattern_too_slow_for_the_rows_is_refused(dataset: IntentDataset) -> None:
    rows = (*dataset.rows, Row("a" * 3_000 + "!", "greet"))
    with pytest.raises(BadInput, match=r"regex evil: .* takes longer than 50 ms"):
        EntityDefinitions.of(IntentDataset(rows, regexes=(("evil", r"(a|aa)+$"),)))


def test_a_lookup_of_thousands_is_read_in_linear_time() -> None:
    phrases = {f"the {word} {n}": ("thing", str(n)) for n in range(5_000) for word in ("grey", "blue")}
    finder = EntityFinder(EntityDefinitions(phrases))
    started = time.process_time()
    found = finder.find("the grey " * 400 + "the blue 4999", today=TODAY)
    assert time.process_time() - started < 1.0
    assert [(each.name, each.value) for each in found] == [("thing", "4999")]


@pytest.mark.parametrize("sentence", sentences(), ids=lambda each: each.text[:40].encode("ascii", "replace").decode())
def test_customers_sentences(sentence: Sentence) -> None:
    """The rows of `tests.benchmarks.entities`, written before the recognisers were read."""
    found = EntityFinder(DEFINITIONS).find(sentence.text, today=WRITTEN)
    assert found == sentence.entities


_PIECES = st.sampled_from(
    [
        "WF-204817",
        "a@b.example",
        "07911 123456",
        "£20",
        "20 quid",
        "twenty",
        "pounds",
        "May",
        "3",
        "3rd",
        "of",
        "to",
        "5/6/25",
        "2025-06-11",
        "next",
        "Friday",
        "in two weeks",
        "yesterday",
        "kettle",
        "-",
        "–",
        ",",
        ".",
        "%",
        "k",
        "👩‍👩‍👧‍👦",
        "e\u0301",
        "\u200f",
        "אין",
        "ı",
        "İ",
        "ſ",
        "ß",
        "ﬁ",
        "٣",
        "²",
        "\x00",
        "\ud800",
        "\n",
    ]
)
_TEXTS = st.one_of(
    st.text(max_size=200),
    st.text(alphabet=string.digits + " ./-,:£€$%@+()kmpSTWF'’ıſİ", max_size=200),
    st.lists(_PIECES, max_size=30).map(" ".join),
    st.lists(_PIECES, max_size=30).map("".join),
)


@settings(max_examples=400, deadline=None)
@given(_TEXTS, st.dates(), st.sampled_from(["GB", "US", "DE"]))
def test_any_text_gives_entities_in_order_that_do_not_overlap(text: str, today: date, region: str) -> None:
    finder = EntityFinder(EntityDefinitions(DEFINITIONS.phrases, DEFINITIONS.regexes, Spelling(phone_region=region)))
    found = finder.find(text, today=today)
    assert found == finder.find(text, today=today)
    assert all(0 <= each.start < each.end <= len(text) and each.value for each in found)
    assert all(one.end <= other.start for one, other in pairwise(found))
    for each in found:
        if each.name == "date":
            assert date.fromisoformat(each.value).isoformat() == each.value
        if each.name == "amount":
            figure, _, currency = each.value.partition(" ")
            assert Decimal(figure) >= 0
            assert len(currency) == 3
        if each.name == "phone":
            assert each.value.startswith("+")


@settings(max_examples=200, deadline=None)
@given(_TEXTS)
def test_what_is_taken_over_again_gives_the_same(text: str) -> None:
    """A normalised value, read alone, is found whole and stays what it is."""
    finder = EntityFinder(DEFINITIONS)
    for each in finder.find(text, today=WRITTEN):
        if each.name in ("order_number", "phone", "date", "amount"):
            again = finder.find(each.value, today=WRITTEN)
            assert [(one.name, one.value, one.start, one.end) for one in again] == [
                (each.name, each.value, 0, len(each.value))
            ]


def test_a_pattern_that_is_none_is_refused(dataset: IntentDataset) -> None:
    with pytest.raises(BadInput, match="regex voucher"):
        EntityDefinitions.of(IntentDataset(dataset.rows, regexes=(("voucher", "(unclosed"),)))
    with pytest.raises(BadInput, match="at most 300"):
        EntityDefinitions.of(IntentDataset(dataset.rows, regexes=(("voucher", "a" * 301),)))


def test_definitions_survive_json(dataset: IntentDataset) -> None:
    made = EntityDefinitions.of(dataset, Spelling(phone_region="IE"))
    assert EntityDefinitions.from_json(made.to_json()) == made
    assert made.phrases["wrong size"] == ("reason", "wrong size")
