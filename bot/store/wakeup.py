"""Waking those who wait for the log: event streams, long polls, the worker.

One thread a process looks at the log's position four times a second, so a message that another process wrote is seen
as well; a write in this process wakes at once through `nudge`. What is in no log, such as that somebody is typing,
wakes this process through `stir`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

log = structlog.get_logger()

INTERVAL_S = 0.25


class Wakeup:
    """`position` reads how far the log has come. `closing` is set at shutdown: streams end then."""

    def __init__(self, position: Callable[[], int]) -> None:
        self._read = position
        self._seen = position()
        self._stirs = 0
        self._news = 0
        self._moved = threading.Condition()
        self._nudged = threading.Event()
        self.closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="log-watch", daemon=True)
        self._thread.start()

    def position(self) -> int:
        """The position seen last, and each stir counted on top: it grows whenever there is something to look at."""
        with self._moved:
            return self._seen + self._stirs

    def news_position(self) -> int:
        """The position without what a moment is worth: it grows with the log and with stirs that bring news."""
        with self._moved:
            return self._seen + self._news

    def wait(self, after: int, timeout_s: float) -> int:
        """Return the position as soon as it is past `after`, or after `timeout_s`, or at shutdown."""
        with self._moved:
            self._moved.wait_for(lambda: self._seen + self._stirs > after or self.closing.is_set(), timeout_s)
            return self._seen + self._stirs

    def stir(self, *, news: bool = False) -> None:
        """Wake everybody who waits in this process, though the log did not move; `news` is worth reading again for."""
        with self._moved:
            self._stirs += 1
            self._news += news
            self._moved.notify_all()

    def nudge(self) -> None:
        """Look at the log now; called after a write of this process."""
        self._nudged.set()

    def close(self) -> None:
        self.closing.set()
        self._nudged.set()
        with self._moved:
            self._moved.notify_all()
        self._thread.join()

    def _watch(self) -> None:
        while not self.closing.is_set():
            self._nudged.wait(INTERVAL_S)
            self._nudged.clear()
            try:
                position = self._read()
            except Exception as error:  # a database that is away for a moment must not end the watch
                log.error("log_not_read", error=type(error).__name__)
                self.closing.wait(INTERVAL_S)
                continue
            with self._moved:
                if position != self._seen:
                    self._seen = position
                    self._moved.notify_all()
