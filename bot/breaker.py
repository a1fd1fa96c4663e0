"""A circuit breaker for a system that is asked while a customer waits (M. Nygard, "Release It!", 2007).

Its state is small and lives in the process: each web or worker process learns for itself that the far side is down, at
the price of a few calls each. Nothing is lost by that but these calls.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

FAILURES_BEFORE_OPEN = 3
FIRST_REST_S = 10.0
LONGEST_REST_S = 300.0


class Breaker:
    """Opens after some failures in a row; then one call at a time is let through after a rest, and each that fails
    doubles the rest from `first_rest_s` up to `longest_rest_s`. `clock` counts seconds. Safe to share between threads.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        *,
        first_rest_s: float = FIRST_REST_S,
        longest_rest_s: float = LONGEST_REST_S,
    ) -> None:
        self._clock = clock
        self._first_rest_s = first_rest_s
        self._longest_rest_s = longest_rest_s
        self._lock = threading.Lock()
        self._failures = 0
        self._open_until = 0.0

    def closed(self) -> bool:
        """Whether a call may be tried now; changes nothing."""
        with self._lock:
            return self._clock() >= self._open_until

    def enter(self) -> bool:
        """Whether this call may go. After a rest the one that goes keeps the others waiting until it is back."""
        with self._lock:
            if self._clock() < self._open_until:
                return False
            if self._failures >= FAILURES_BEFORE_OPEN:
                self._open_until = self._clock() + self._rest_s()
            return True

    def succeeded(self) -> None:
        """Close for good."""
        with self._lock:
            self._failures, self._open_until = 0, 0.0

    def failed(self) -> None:
        """Count a failure, and open where there are too many."""
        with self._lock:
            self._failures += 1
            if self._failures >= FAILURES_BEFORE_OPEN:
                self._open_until = self._clock() + self._rest_s()

    def _rest_s(self) -> float:
        doublings = min(self._failures - FAILURES_BEFORE_OPEN, 10)
        return min(self._first_rest_s * 2.0**doublings, self._longest_rest_s)
