"""Waking those who wait: at once for a nudge, soon for another process, and not at all for a database that is away."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from bot.store.wakeup import INTERVAL_S, Wakeup


class Position:
    """A log's position that a test moves; raises while `away`."""

    def __init__(self) -> None:
        self.now = 0
        self.away = False
        self.read = 0

    def __call__(self) -> int:
        self.read += 1
        if self.away:
            raise OSError("the database is away")
        return self.now


@pytest.fixture
def position() -> Position:
    return Position()


@pytest.fixture
def wakeup(position: Position) -> Iterator[Wakeup]:
    made = Wakeup(position)
    yield made
    made.close()


def timed(work: Callable[[], int]) -> tuple[int, float]:
    began = time.monotonic()
    return work(), time.monotonic() - began


def later(seconds: float, work: Callable[[], None]) -> None:
    threading.Timer(seconds, work).start()


def test_who_is_behind_does_not_wait(position: Position) -> None:
    position.now = 5
    made = Wakeup(position)
    assert timed(lambda: made.wait(4, 10))[1] < 0.1
    assert made.position() == 5
    made.close()


def test_a_nudge_wakes_at_once(wakeup: Wakeup, position: Position) -> None:
    def write() -> None:
        position.now = 1
        wakeup.nudge()

    later(0.05, write)
    reached, took_s = timed(lambda: wakeup.wait(0, 10))
    assert reached == 1
    assert took_s < INTERVAL_S


def test_a_stir_wakes_though_nothing_was_written_and_says_whether_it_is_news(wakeup: Wakeup) -> None:
    later(0.05, wakeup.stir)
    reached, took_s = timed(lambda: wakeup.wait(0, 10))
    assert (reached, wakeup.position(), wakeup.news_position()) == (1, 1, 0)
    assert took_s < 5
    wakeup.stir(news=True)
    assert (wakeup.wait(1, 10), wakeup.news_position()) == (2, 1)


def test_what_another_process_wrote_is_seen_soon(wakeup: Wakeup, position: Position) -> None:
    later(0.05, lambda: setattr(position, "now", 7))
    reached, took_s = timed(lambda: wakeup.wait(0, 10))
    assert reached == 7
    assert took_s < 3 * INTERVAL_S


def test_all_who_wait_are_woken(wakeup: Wakeup, position: Position) -> None:
    woken: list[int] = []
    threads = [threading.Thread(target=lambda: woken.append(wakeup.wait(0, 10))) for _ in range(20)]
    for thread in threads:
        thread.start()
    position.now = 3
    wakeup.nudge()
    for thread in threads:
        thread.join(5)
    assert woken == [3] * 20


def test_nothing_new_ends_the_wait_in_time(wakeup: Wakeup) -> None:
    reached, took_s = timed(lambda: wakeup.wait(0, 0.3))
    assert reached == 0
    assert 0.25 < took_s < 1.0


def test_closing_ends_every_wait(position: Position) -> None:
    made = Wakeup(position)
    later(0.05, made.close)
    assert timed(lambda: made.wait(0, 10))[1] < 1.0
    assert made.closing.is_set()


def test_a_database_that_is_away_for_a_moment_does_not_end_the_watch(wakeup: Wakeup, position: Position) -> None:
    position.away = True
    wakeup.nudge()
    before = position.read
    while position.read < before + 2:
        time.sleep(0.02)
    position.away, position.now = False, 9
    assert wakeup.wait(0, 5) == 9
