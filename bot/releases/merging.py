"""When changes are merged into the release: at once where that takes seconds, else together and in the background.

Every process serves changes over its release at once (`bot.releases.fresh`), so merging is housekeeping: it makes
searching and starting quicker, and what is served does not depend on it.
"""

from __future__ import annotations

from bot.releases.registry import Registry
from bot.store.documents import Library
from retrieval.index import FaissFiles
from retrieval.knowledge import read_manifest, read_versions

MERGED_AT_ONCE = 20_000
"""Passages up to which a release is built anew with every change."""
CHANGES_AT_MOST = 200
"""Documents that may differ from a larger release before it is built anew with the next change."""


def pending(registry: Registry, library: Library) -> int:
    """Documents that the library has in use otherwise than the live release holds them; 0 before the first release."""
    id = registry.current_id()
    if id is None:
        return 0
    held = read_versions(registry.part(registry.manifest(id).parts["knowledge"]))
    used = {id: version for id, version in library.versions().items() if version}
    return sum(held.get(id) != used.get(id) for id in held.keys() | used.keys())


def may_wait(registry: Registry, library: Library) -> bool:
    """Whether what changed is little beside a large release, so that the call that changed it need not wait."""
    id = registry.current_id()
    if id is None:
        return False
    folder = registry.part(registry.manifest(id).parts["knowledge"])
    held = read_manifest(folder)
    placed = held.index == (registry.indexes or FaissFiles()).kind
    return placed and held.passages > MERGED_AT_ONCE and pending(registry, library) <= CHANGES_AT_MOST
