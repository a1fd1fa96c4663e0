"""Typing marks: seen by the other side, faded after seconds, not more often than told, never many."""

from __future__ import annotations

from bot.channels import typing
from bot.channels.typing import FADES_S, LEAST_BETWEEN_S, Typing


class Seconds:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_mark_is_seen_once_by_who_looks_and_fades() -> None:
    clock = Seconds()
    marks = Typing(clock)
    start = marks.newest()
    assert marks.mark("c1", "customer")
    assert marks.mark("c1", "agent", "Maud")
    (mark,) = marks.since(start, "agent", "c1")
    assert (mark.conversation, mark.who) == ("c1", "Maud")
    assert marks.since(mark.number, "agent", "c1") == ()
    assert [each.conversation for each in marks.since(start, "customer")] == ["c1"]
    assert marks.since(start, "customer", "c2") == ()
    clock.now += FADES_S + 0.1
    assert marks.since(start, "customer") == ()


def test_marks_that_come_too_fast_are_dropped_one_side_at_a_time() -> None:
    clock = Seconds()
    marks = Typing(clock)
    assert [marks.mark("c1", "customer") for _ in range(5)] == [True, False, False, False, False]
    assert marks.mark("c1", "agent", "Maud")
    assert marks.mark("c2", "customer")
    clock.now += LEAST_BETWEEN_S
    assert marks.mark("c1", "customer")


def test_only_so_many_are_remembered() -> None:
    marks = Typing(Seconds())
    for number in range(typing.MOST + 50):
        marks.mark(f"c{number}", "customer")
    kept = marks.since(0, "customer")
    assert len(kept) == typing.MOST
    assert kept[0].conversation == "c50"
