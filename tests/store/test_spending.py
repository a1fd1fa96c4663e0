"""Budgets of the large model: never passed, whoever asks at once, and kept by whoever dies."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.store.database import Database
from bot.store.spending import Limits, Prices, Spending, Use
from tests.conftest import ROOT, Clock

DAY = Limits(1_000, 400)


@pytest.fixture
def spending(database: Database, clock: Clock) -> Spending:
    return Spending(database, clock, DAY)


def test_what_is_reserved_counts_until_it_is_settled(spending: Spending) -> None:
    reserved = spending.reserve("c1", 300, "answer")
    assert reserved is not None
    assert (spending.left("c1"), spending.left("c2"), spending.of_day().tokens) == (100, 400, 300)
    spending.settle(reserved, Use(50, 10, 180, "written", 12.0))
    assert (spending.left("c1"), spending.of_day().tokens) == (340, 60)
    spent = spending.of_day()
    assert (spent.calls, spent.micros, spent.outcomes, spent.cut_off) == (1, 180, {"written": 1}, 0)


def test_settling_twice_changes_nothing(spending: Spending) -> None:
    reserved = spending.reserve("c1", 300, "answer")
    assert reserved is not None
    for read in (50, 200):
        spending.settle(reserved, Use(read, 0, 0, "written"))
    assert spending.of_day().tokens == 50


def test_a_conversation_and_a_day_each_have_their_limit(spending: Spending, clock: Clock) -> None:
    assert spending.reserve("c1", 401, "answer") is None
    assert spending.of_day().tokens == 0, "a refusal leaves nothing behind on either counter"
    assert [bool(spending.reserve(id, 400, "answer")) for id in ("c1", "c2", "c3")] == [True, True, False]
    assert spending.left("c3") == 200
    clock.pass_(days=1)
    assert spending.reserve("c3", 400, "answer")
    assert spending.left("c1") == 0, "a conversation's budget is not a day's"


def test_a_call_that_was_cut_off_stays_counted_and_is_named(spending: Spending, clock: Clock) -> None:
    spending.reserve("c1", 300, "answer")
    assert spending.of_day().cut_off == 0
    clock.pass_(minutes=3)
    spent = spending.of_day()
    assert (spent.tokens, spent.cut_off, spent.outcomes) == (300, 1, {"under way": 1})


def test_a_call_that_used_more_than_was_reserved_is_counted_as_it_was(spending: Spending) -> None:
    reserved = spending.reserve("c1", 100, "answer")
    assert reserved is not None
    spending.settle(reserved, Use(900, 200, 0, "written"))
    assert spending.left("c2") == 0


def test_nothing_can_be_had_for_nothing(spending: Spending) -> None:
    with pytest.raises(ValueError, match="at least one token"):
        spending.reserve("c1", 0, "answer")


def test_costs_are_millionths_at_the_price_of_a_million_tokens() -> None:
    assert Prices(0.15, 0.6).micros(1_000, 100) == 210


def test_threads_that_ask_at_once_never_overspend(database: Database, clock: Clock) -> None:
    spending = Spending(database, clock, Limits(1_000, 1_000))
    with ThreadPoolExecutor(8) as pool:
        made = [each for each in pool.map(lambda n: spending.reserve(f"c{n % 3}", 70, "answer"), range(40)) if each]
    assert len(made) == 1_000 // 70
    assert spending.of_day().tokens == 70 * len(made)


ASKS = """
import sys
from datetime import UTC, datetime
from bot.store.database import Database
from bot.store.spending import Limits, Spending
database = Database.open(sys.argv[1])
spending = Spending(database, lambda: datetime(2026, 11, 18, tzinfo=UTC), Limits(1_000, 1_000))
print(sum(spending.reserve("c1", 30, "answer") is not None for _ in range(30)), flush=True)
"""


def test_processes_that_ask_at_once_never_overspend(tmp_path: Path, clock: Clock) -> None:
    url = f"sqlite:///{tmp_path / 'shared.sqlite'}"
    Database.open(url).close()
    asking = [
        subprocess.Popen([sys.executable, "-c", ASKS, url], stdout=subprocess.PIPE, cwd=ROOT, text=True)
        for _ in range(3)
    ]
    had = sum(int(each.communicate(timeout=60)[0]) for each in asking)
    opened = Database.open(url)
    assert had == 1_000 // 30
    assert Spending(opened, clock, Limits(1_000, 1_000)).of_day().tokens == 30 * had
    opened.close()
