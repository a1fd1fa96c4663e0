"""The release a process serves with: noticed when the pointer moves, loaded in the background, swapped in one step."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime

import structlog

from bot.errors import BadRelease, NotFound
from bot.releases.fresh import Fresh
from bot.releases.registry import Registry
from bot.releases.release import Release, load_release, smoke
from bot.store.documents import Library

log = structlog.get_logger()

LOOK_EVERY_S = 0.5
RETRY_S = 30.0
"""How long a release that did not load is left aside; it keeps its id when it is published anew."""


class LiveRelease:
    """Serves the live release; the one before keeps serving until the new one has answered its smoke questions.

    With a library, what it says now is served over what the release was built from (`bot.releases.fresh`). A release
    that does not load is logged and left aside for `RETRY_S`: this process goes on with what it has.
    """

    def __init__(self, registry: Registry, clock: Callable[[], datetime], *, library: Library | None = None) -> None:
        self._registry = registry
        self._clock = clock
        self._library = library
        self._release: Release | None = None
        self._fresh: Fresh | None = None
        self._failed = ""
        self._retry_at = 0.0
        self._closing = threading.Event()
        self._loading = threading.Lock()
        self.refresh()
        self._thread = threading.Thread(target=self._watch, name="release-watch", daemon=True)
        self._thread.start()

    def current(self) -> Release:
        """The release to answer with, as the library is now; `NotFound` before the first was published."""
        fresh, release = self._fresh, self._release
        if release is None:
            raise NotFound("no release is loaded yet; `firstline train` makes the first one")
        return release if fresh is None else fresh.current()

    def ready(self) -> bool:
        return self._release is not None

    def refresh(self) -> None:
        """Load what the pointer names now, if it is not what is served."""
        with self._loading:
            id: str | None = "the pointer"
            try:
                id = self._registry.current_id()
                if id is None or self._is_aside(id) or (self._release is not None and self._release.id == id):
                    return
                release = load_release(self._registry, id, reuse=self._release)
                smoke(release, self._clock().date())
            except (BadRelease, NotFound) as error:
                self._leave_aside(str(id), error)
                return
            if self._library is not None:
                self._fresh = self._kept_up(release, self._library)
            self._release = release
            self._failed = ""
            log.info("release_loaded", release=id)

    def _kept_up(self, release: Release, library: Library) -> Fresh:
        """The release as the library is now: with all of it where another serves meanwhile, else as soon as it can."""
        fresh = Fresh(release, library, before=self._fresh)
        if self._fresh is None:
            fresh.current()
        else:
            fresh.catch_up()
        return fresh

    def _is_aside(self, id: str) -> bool:
        return id == self._failed and time.monotonic() < self._retry_at

    def _leave_aside(self, id: str, error: Exception) -> None:
        if not self._is_aside(id):
            log.error("release_not_loaded", release=id, error=str(error), serving=self._serving())
            self._failed, self._retry_at = id, time.monotonic() + RETRY_S

    def close(self) -> None:
        self._closing.set()
        self._thread.join()

    def _serving(self) -> str:
        return self._release.id if self._release is not None else "nothing"

    def _watch(self) -> None:
        while not self._closing.wait(LOOK_EVERY_S):
            try:
                self.refresh()
                if self._fresh is not None:
                    self._fresh.catch_up()
            except Exception as error:
                log.error("release_watch_failed", error=str(error))
