"""Who is writing just now: kept in memory for some seconds, never in the log, and told to the streams that look.

A mark is a hint: one that gets lost costs nothing, and the one who reads it lets it fade after `FADES_S`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Side = Literal["customer", "agent"]

FADES_S = 6.0
LEAST_BETWEEN_S = 1.5
"""Marks of one side of a conversation that come faster than this are dropped."""
MOST = 10_000
"""Conversations remembered at once; beyond it the oldest marks are forgotten."""


@dataclass(frozen=True, slots=True)
class Mark:
    """`number` grows with every mark of this process; `who` is the agent's name, or empty for the customer."""

    number: int
    conversation: str
    side: Side
    who: str
    at_s: float


class Typing:
    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._marks: dict[tuple[str, Side], Mark] = {}
        self._number = 0

    def mark(self, conversation: str, side: Side, who: str = "") -> bool:
        """Somebody is writing; False where that was told only just now."""
        with self._lock:
            now, key = self._clock_s(), (conversation, side)
            known = self._marks.get(key)
            if known is not None and now - known.at_s < LEAST_BETWEEN_S:
                return False
            self._number += 1
            self._marks.pop(key, None)
            self._marks[key] = Mark(self._number, conversation, side, who, now)
            while len(self._marks) > MOST:
                self._marks.pop(next(iter(self._marks)))
            return True

    def newest(self) -> int:
        """The number of the last mark."""
        with self._lock:
            return self._number

    def since(self, number: int, side: Side, conversation: str = "") -> tuple[Mark, ...]:
        """Marks of a side after `number` that have not faded, of one conversation or of all."""
        with self._lock:
            if number >= self._number:
                return ()
            fresh = self._clock_s() - FADES_S
            return tuple(
                mark
                for mark in self._marks.values()
                if mark.number > number
                and mark.side == side
                and mark.at_s > fresh
                and conversation in ("", mark.conversation)
            )
