"""The circuit breaker: opens after failures in a row, rests longer each time, closes on a success."""

from __future__ import annotations

from bot.breaker import FAILURES_BEFORE_OPEN, FIRST_REST_S, LONGEST_REST_S, Breaker


class Seconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_failures_in_a_row_open_it_and_one_call_at_a_time_tries_again() -> None:
    seconds = Seconds()
    breaker = Breaker(seconds)
    for _ in range(FAILURES_BEFORE_OPEN):
        assert breaker.enter()
        breaker.failed()
    assert (breaker.closed(), breaker.enter()) == (False, False)
    seconds.now += FIRST_REST_S
    assert breaker.closed()
    assert [breaker.enter(), breaker.enter()] == [True, False]
    breaker.succeeded()
    assert [breaker.enter(), breaker.enter()] == [True, True]


def test_a_success_between_failures_starts_the_count_anew() -> None:
    breaker = Breaker(Seconds())
    for _ in range(5 * FAILURES_BEFORE_OPEN):
        breaker.failed()
        breaker.succeeded()
    assert breaker.closed()


def test_each_failed_try_doubles_the_rest_up_to_a_limit() -> None:
    seconds = Seconds()
    breaker = Breaker(seconds)
    rests = []
    for _ in range(FAILURES_BEFORE_OPEN + 12):
        breaker.failed()
        began = seconds.now
        while not breaker.closed():
            seconds.now += FIRST_REST_S
        rests.append(seconds.now - began)
    assert rests[FAILURES_BEFORE_OPEN - 1 :][:3] == [FIRST_REST_S, 2 * FIRST_REST_S, 4 * FIRST_REST_S]
    assert rests[-1] == LONGEST_REST_S
