"""Entities: one table of messages and what is found in them."""

from __future__ import annotations

import time
from datetime import date

import pytest

from bot.errors import BadInput
from bot.messages import Entity
from bot.understanding.dataset import IntentDataset
from bot.understanding.definitions import EntityDefinitions, Spelling
from bot.understanding.entities import EntityFinder, resolve

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
    started = time.perf_counter()
    found = finder.find("a" * 3_000 + "! b7", today=TODAY)
    assert time.perf_counter() - started < 1.0
    assert [entity.name for entity in found] == ["fine"]


def test_long_messages_stay_quick(finder: EntityFinder) -> None:
    for text in ("1" * 4_000, "a@" * 2_000, "kettle " * 570, "0117 " * 800, "1,000" * 800, "3/4/" * 1_000):
        started = time.perf_counter()
        finder.find(text, today=TODAY)
        assert time.perf_counter() - started < 2.0, text[:10]


def test_a_pattern_that_is_none_is_refused(dataset: IntentDataset) -> None:
    with pytest.raises(BadInput, match="regex voucher"):
        EntityDefinitions.of(IntentDataset(dataset.rows, regexes=(("voucher", "(unclosed"),)))
    with pytest.raises(BadInput, match="at most 300"):
        EntityDefinitions.of(IntentDataset(dataset.rows, regexes=(("voucher", "a" * 301),)))


def test_definitions_survive_json(dataset: IntentDataset) -> None:
    made = EntityDefinitions.of(dataset, Spelling(phone_region="IE"))
    assert EntityDefinitions.from_json(made.to_json()) == made
    assert made.phrases["wrong size"] == ("reason", "wrong size")
