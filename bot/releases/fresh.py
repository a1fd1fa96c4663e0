"""A loaded release kept up with the library: what was changed since is searched with it, before anything is published.

The library says what is in use; a release holds an index that was built once. Where they differ, the difference is
embedded here and laid over the index (`retrieval.segments`), so a process quotes a new text as soon as the call that
stored it has returned, and has an answer at every moment in between. Publishing merges the difference into the next
release and takes this work off every process.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice

from bot.releases.release import Release
from bot.store.documents import Library
from retrieval.documents import Document
from retrieval.knowledge import IsCurrent
from retrieval.segments import Layers, Segment

PASSAGES_KEPT = 2_000
"""Passages beside the release that a process holds; more have to wait for the publication. Documents that the release
has in an older version come first, and one document is always taken whole."""
PASSAGES_AT_ONCE = 32
"""Passages laid over in one go while a customer waits, whole documents; the rest follows in the background."""
FETCHED_AT_ONCE = 50
"""Documents."""

_Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class _State:
    """`release` is the layers' base brought up to `versions`; `done` where nothing is left to embed for it."""

    versions: Mapping[str, int]
    release: Release
    done: bool


class Fresh:
    """Keeps one loaded release up. Safe to share between threads; one of them works, the others wait for it.

    What was embedded for the release `before` is taken over where the encoder is the same.
    """

    def __init__(self, base: Release, library: Library, *, before: Fresh | None = None) -> None:
        self.base = base
        self._library = library
        self._working = threading.Lock()
        self._layers: Layers | None = None
        same = before is not None and before.base.encoder.fingerprint == base.encoder.fingerprint
        self._segments: dict[_Key, Segment] = dict(before._segments) if before is not None and same else {}
        self._state: _State | None = None

    def current(self) -> Release:
        """The release as the library is now. A document whose turn to be embedded has not come is not found yet, and
        its older version no longer."""
        versions = self._library.versions()
        state = self._state
        if state is None or state.versions is not versions:
            with self._working:
                state = self._state
                if state is None or state.versions is not versions:
                    state = self._state = self._brought_up(versions, PASSAGES_AT_ONCE)
        return state.release

    def catch_up(self) -> None:
        """Go on until nothing is left to embed, or the library changes again; for a thread in the background."""
        self.current()
        while (state := self._state) is not None and not state.done:
            with self._working:
                if self._state is state:
                    self._state = self._brought_up(state.versions, PASSAGES_AT_ONCE)

    def _brought_up(self, versions: Mapping[str, int], most: int) -> _State:
        layers = self._layers = self._layers or Layers(self.base.knowledge)
        wanted = layers.missing(versions)
        taken: dict[_Key, Segment] = {}
        held = fresh = 0
        done = True
        for key, document in self._documents(wanted):
            segment = self._segments.get(key)
            if document is not None and segment is None:
                if fresh >= most:
                    done = False
                    break
                segment = Segment.of(document, self.base.encoder, layers.vectors(document.id))
                fresh += len(segment.passages)
            if segment is None:
                continue
            if taken and held + len(segment.passages) > PASSAGES_KEPT:
                break
            taken[key] = segment
            held += len(segment.passages)
        self._segments = taken if done else self._segments | taken
        joined = Segment.joined(list(taken.values()), self.base.encoder.dimension)
        knowledge = layers.over(layers.superseded(versions), joined)
        return _State(versions, replace(self.base, knowledge=knowledge, is_current=_check(versions)), done)

    def _documents(self, wanted: Mapping[str, int]) -> Iterator[tuple[_Key, Document | None]]:
        """What is wanted, in order; None for a document whose segment is there already."""
        keys = iter(wanted.items())
        while batch := list(islice(keys, FETCHED_AT_ONCE)):
            unknown = {id: version for id, version in batch if (id, version) not in self._segments}
            found = {each.id: each for each in self._library.several(unknown)}
            yield from ((key, found.get(key[0])) for key in batch)


def _check(versions: Mapping[str, int]) -> IsCurrent:
    return lambda id, version: versions.get(id) == version
