"""The state of the knowledge: what `retrieval.health` finds in the library and in what was recorded of its use."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from bot.errors import FirstlineError
from bot.ledger import Ledger, Waiting
from bot.releases.registry import Registry
from bot.store.documents import Library
from bot.store.usage import Usage
from retrieval import health
from retrieval.embedder import OnnxEmbedder, Vectors
from retrieval.errors import RetrievalError
from retrieval.passages import cut
from retrieval.sources.fetching import Fetcher, FetchFailed
from retrieval.sources.findings import shown

Embed = Callable[[Sequence[str]], Vectors]
"""Questions to unit vectors of shape (questions, dimension)."""

MAX_ASKED = 2_000
"""Unanswered questions that are grouped, the newest."""
PROBE_BYTES = 4_096
MAX_LINKS = 1_000
ONLINE_S = 300.0
"""Links to other sites that are asked, and for how long in all."""
ALIVE = frozenset((302, 401, 403, 405, 429))
"""Statuses of an address that is there, but not for us."""


@dataclass(frozen=True, slots=True)
class Health:
    """What was found. `turns` answered messages since `since` were looked at for what was quoted and what was not;
    `not_asked` links to other sites were left out at a limit."""

    documents: int
    passages: int
    turns: int
    since: datetime | None
    held: tuple[tuple[str, tuple[str, ...]], ...]
    contradictions: tuple[health.Contradiction, ...]
    duplicates: tuple[health.Duplicate, ...]
    dead_links: tuple[health.DeadLink, ...]
    without_passages: tuple[str, ...]
    unread: tuple[tuple[str, str], ...]
    never_quoted: tuple[str, ...]
    unanswered: tuple[health.Unanswered, ...]
    stale: tuple[health.Stale, ...]
    not_asked: int = 0

    @property
    def findings(self) -> int:
        """How much there is to look at, documents that were never quoted aside."""
        return sum(
            len(each)
            for each in (
                self.held,
                self.contradictions,
                self.duplicates,
                self.dead_links,
                self.without_passages,
                self.unread,
                self.unanswered,
                self.stale,
            )
        )


def examine(
    library: Library,
    ledger: Ledger,
    usage: Usage,
    today: date,
    *,
    days: int = health.STALE_DAYS,
    embed: Embed | None = None,
    online: Online | None = None,
) -> Health:
    """Look at everything in use. `embed` groups questions by meaning, words alone do otherwise; `online` asks
    addresses elsewhere whether they are there."""
    documents = library.current()
    passages = [passage for document in documents for passage in cut(document)]
    entries = ledger.read().entries
    ids = {document.id for document in documents}
    sources = [health.Source(each.name, each.document, each.links) for each in entries.values() if each.document in ids]
    asked = usage.unanswered[:MAX_ASKED]
    dead_links = health.dead_links(sources, documents, answers=online)
    changed = {each.id: each.updated_at for each in library.listing()}
    return Health(
        documents=len(documents),
        passages=len(passages),
        turns=usage.turns,
        since=usage.since,
        held=tuple((each.document.id, _held(each)) for each in ledger.waiting()),
        contradictions=health.contradictions(passages),
        duplicates=health.duplicates(passages),
        dead_links=dead_links,
        without_passages=health.without_passages(documents),
        unread=tuple(sorted((each.name, each.reason) for each in entries.values() if not each.version)),
        never_quoted=health.never_quoted(documents, usage.quoted) if usage.turns else (),
        unanswered=health.unanswered(asked, embed(asked) if embed and asked else None),
        stale=health.stale(documents, changed, today, days=days),
        not_asked=online.left if online else 0,
    )


def live_embedder(registry: Registry) -> Embed | None:
    """The live release's encoder; None before the first, or where it cannot be loaded."""
    try:
        live = registry.current_id()
        if live is None:
            return None
        return OnnxEmbedder.load(registry.part(registry.manifest(live).parts["encoder"])).encode
    except (FirstlineError, RetrievalError, OSError):
        return None


class Online:
    """Asks addresses whether they are there, at most MAX_LINKS and for ONLINE_S; `left` counts those not asked."""

    def __init__(self, fetcher: Fetcher, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.left = 0
        self._fetcher = fetcher
        self._clock = clock
        self._ends = clock() + ONLINE_S
        self._asked = 0

    def __call__(self, url: str) -> str:
        """Why an address does not answer; empty where it does, or was not asked."""
        if self._asked >= MAX_LINKS or self._clock() > self._ends:
            self.left += 1
            return ""
        self._asked += 1
        try:
            self._fetcher.get(url, max_bytes=PROBE_BYTES)
        except FetchFailed as error:
            there = error.status in ALIVE or "more than" in str(error)
            return "" if there else str(error)
        return ""


def _held(waiting: Waiting) -> tuple[str, ...]:
    return tuple(shown(text.text) for text in waiting.texts)
