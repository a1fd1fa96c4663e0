"""Server-sent events: bounded in number and in time, ended at shutdown, quiet but never silent for long.

A stream is a generator of frames. It holds one of the process's slots from the moment the response is made until it
is closed, whether or not anybody read from it.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Response

from bot.errors import FirstlineError
from bot.store.wakeup import Wakeup

HEARTBEAT_S = 15.0
LIFETIME_S = (300.0, 600.0)
"""A stream ends after a random time in this range, so that clients come back spread out."""
RETRY_MS = 3_000


class Busy(FirstlineError):
    """Every event stream of this process is taken; the client polls instead."""

    code = "busy"
    status = 503


class Slots:
    """How many streams one process holds open at once."""

    def __init__(self, most: int) -> None:
        self._free = threading.BoundedSemaphore(most)
        self.most = most

    def take(self) -> Callable[[], None]:
        """Take a slot and return what gives it back (once, however often it is called); `Busy` when none is free."""
        if not self._free.acquire(blocking=False):
            raise Busy(f"all {self.most} event streams are in use; poll /messages?wait=20 and try again later")
        returned = threading.Event()
        lock = threading.Lock()

        def give_back() -> None:
            with lock:
                if not returned.is_set():
                    returned.set()
                    self._free.release()

        return give_back

    @contextmanager
    def held(self) -> Iterator[bool]:
        """A slot for the length of a block where one is free; yields whether there was one."""
        try:
            give_back = self.take()
        except Busy:
            yield False
            return
        try:
            yield True
        finally:
            give_back()


def frame(event: str, data: Any, *, id: int | None = None) -> str:
    """One event as it goes over the wire."""
    number = f"id: {id}\n" if id is not None else ""
    return f"{number}event: {event}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def stream(slots: Slots, wakeup: Wakeup, news: Callable[[], Iterable[str]]) -> Response:
    """A response that sends the frames of `news` now and whenever the log moves; `Busy` when all slots are taken."""
    give_back = slots.take()
    response = Response(_frames(wakeup, news), mimetype="text/event-stream")
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    response.call_on_close(give_back)
    return response


def _frames(wakeup: Wakeup, news: Callable[[], Iterable[str]]) -> Iterator[str]:
    yield f"retry: {RETRY_MS}\n\n"
    ends = time.monotonic() + random.uniform(*LIFETIME_S)
    beat = time.monotonic()
    while not wakeup.closing.is_set() and time.monotonic() < ends:
        position = wakeup.position()
        for each in news():
            beat = time.monotonic()
            yield each
        left_s = HEARTBEAT_S - (time.monotonic() - beat)
        if left_s <= 0:
            beat = time.monotonic()
            yield ": still here\n\n"
            continue
        wakeup.wait(position, left_s)
