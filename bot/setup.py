"""The first start: base model and the company's documents, each only when it is missing."""

from __future__ import annotations

from collections.abc import Callable

from bot.errors import BadInput
from bot.ingest import take_faq
from bot.ledger import Ledger
from bot.settings import Settings
from bot.store.documents import Library
from bot.taking import take_sources
from bot.understanding.weights import ensure_base

Progress = Callable[[str, int, int], None]


def ensure_base_model(settings: Settings, progress: Progress) -> None:
    """Fetch and check the base encoder unless it is there or a local folder is named."""
    progress("base model", 0, 0)
    ensure_base(settings.home / "base" / "all-MiniLM-L6-v2", source=settings.base_model or None)
    progress("base model", 1, 1)


def first_documents(library: Library, settings: Settings, progress: Progress) -> None:
    """Fill an empty library from the company's folder; `BadInput` names every file that cannot be read."""
    if library.listing():
        return
    ledger = Ledger(settings.home / "sources")
    intake = take_sources(library, [str(settings.data / "docs")], ledger=ledger, progress=progress)
    if intake.failed:
        listed = "; ".join(f"{name}: {reason}" for name, reason in intake.failed)
        raise BadInput(f"{len(intake.failed)} documents in {settings.data / 'docs'} cannot be read: {listed}")
    take_faq(library, settings.data / "faq" / "faq.csv")
