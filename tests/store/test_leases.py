"""Leases on both databases: one holder at a time, and a late one is refused by its token."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from bot.errors import LeaseLost
from bot.store.database import Database
from bot.store.leases import Lease, acquire, check, release
from tests.conftest import Clock


class Doors:
    """Each call in a transaction of its own, as processes do it."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def acquire(self, holder: str, name: str = "c1", ttl_s: float = 30) -> Lease | None:
        return self._database.write(lambda connection: acquire(connection, name, holder, self._clock(), ttl_s))

    def check(self, lease: Lease) -> None:
        self._database.write(lambda connection: check(connection, lease))

    def release(self, lease: Lease) -> None:
        self._database.write(lambda connection: release(connection, lease))


@pytest.fixture
def doors(database: Database, clock: Clock) -> Doors:
    return Doors(database, clock)


def held(lease: Lease | None) -> Lease:
    assert lease is not None
    return lease


def test_one_holder_at_a_time_for_each_name(doors: Doors, clock: Clock) -> None:
    first = held(doors.acquire("one"))
    assert doors.acquire("two") is None
    assert doors.acquire("one") is None
    assert held(doors.acquire("two", "c2")).token == 1
    clock.pass_(seconds=29.9)
    assert doors.acquire("two") is None
    doors.check(first)


def test_a_lease_that_ran_out_goes_on_with_a_higher_token(doors: Doors, clock: Clock) -> None:
    slow = held(doors.acquire("slow"))
    clock.pass_(seconds=30)
    doors.check(slow)
    fast = held(doors.acquire("fast"))
    assert fast.token == slow.token + 1
    with pytest.raises(LeaseLost, match="c1: token 1 was overtaken by 2"):
        doors.check(slow)
    doors.check(fast)


def test_a_released_name_is_free_at_once_and_the_token_still_rises(doors: Doors) -> None:
    first = held(doors.acquire("one"))
    doors.release(first)
    second = held(doors.acquire("two"))
    assert second.token == 2
    with pytest.raises(LeaseLost):
        doors.check(first)


def test_releasing_late_takes_nothing_from_the_new_holder(doors: Doors, clock: Clock) -> None:
    slow = held(doors.acquire("slow"))
    clock.pass_(seconds=31)
    fast = held(doors.acquire("fast"))
    doors.release(slow)
    assert doors.acquire("third") is None
    doors.check(fast)


def test_a_name_never_leased_is_lost(doors: Doors) -> None:
    with pytest.raises(LeaseLost, match="overtaken by none"):
        doors.check(Lease("c9", "one", 1))


def test_of_many_who_want_a_new_name_at_once_one_gets_it(doors: Doors) -> None:
    for name in ("a", "b", "c"):
        with ThreadPoolExecutor(8) as pool:
            got = list(pool.map(lambda holder, name=name: doors.acquire(f"p{holder}", name), range(8)))
        assert sum(lease is not None for lease in got) == 1
