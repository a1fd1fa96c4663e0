"""What earlier ingests learnt of their sources: validators and hashes, links and notes, and text held for a person.

A file in the state folder, beside the releases. Losing it makes the next ingest slower and asks again for what was
approved; it never makes anything wrong, because the library alone says what is in use.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from bot.errors import NotFound
from bot.releases.registry import write_json
from retrieval.documents import Document
from retrieval.records import document_from
from retrieval.sources.instructions import Held

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One source as it was last taken in. `name` is its file name or address, `sha256` that of its bytes as they were
    read; `document` and `version` what it became, with `passages`, its `links`, and those `around` its text. `version`
    is 0 where it became nothing, for the `reason`; `edition` is that of the parsers that read a page."""

    name: str
    document: str = ""
    version: int = 0
    sha256: str = ""
    etag: str = ""
    last_modified: str = ""
    links: tuple[str, ...] = ()
    around: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    passages: int = 0
    reason: str = ""
    edition: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A document with text that waits for a person. `document` is the whole of it, as it was parsed."""

    document: Document
    source: str
    texts: tuple[Held, ...]


@dataclass(frozen=True, slots=True)
class Learnt:
    """What the ledger holds: entries by source, and the ids of texts that a person let through."""

    entries: Mapping[str, Entry] = field(default_factory=dict)
    approved: frozenset[str] = frozenset()


class Ledger:
    """Opened on a folder, which is made when something is first written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self) -> Learnt:
        """What is known; nothing where the file is missing, damaged or of another format."""
        try:
            given = json.loads((self.folder / "ledger.json").read_bytes())
            if given["format"] != FORMAT:
                return Learnt()
            entries = {key: _entry(values) for key, values in given["entries"].items()}
            return Learnt(entries, frozenset(given["approved"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return Learnt()

    def record(self, entries: Mapping[str, Entry], approved: frozenset[str] = frozenset()) -> None:
        """Add to what is known; durable when this returns."""
        with self._lock():
            before = self.read()
            merged = {key: asdict(each) for key, each in {**before.entries, **entries}.items()}
            value = {"format": FORMAT, "entries": merged, "approved": sorted(before.approved | approved)}
            write_json(self.folder / "ledger.json", value)

    def forget(self, document: str) -> None:
        """Drop what is known of a document that was taken out of use."""
        self.let_go(document)
        with self._lock():
            before = self.read()
            kept = {key: asdict(each) for key, each in before.entries.items() if each.document != document}
            value = {"format": FORMAT, "entries": kept, "approved": sorted(before.approved)}
            write_json(self.folder / "ledger.json", value)

    def hold(self, waiting: Waiting) -> None:
        """Keep a document whose text waits, in place of what waited of it before."""
        folder = self.folder / "held"
        folder.mkdir(parents=True, exist_ok=True)
        write_json(self._held(waiting.document.id), asdict(waiting))

    def let_go(self, document: str) -> None:
        """Nothing of a document waits any more."""
        self._held(document).unlink(missing_ok=True)

    def waiting(self) -> tuple[Waiting, ...]:
        """Every document with text that waits, by id; a damaged file is passed over."""
        found = []
        for path in (self.folder / "held").glob("*.json"):
            try:
                found.append(_waiting(json.loads(path.read_bytes())))
            except (OSError, ValueError, KeyError, TypeError):
                continue
        return tuple(sorted(found, key=lambda each: each.document.id))

    def waiting_of(self, document: str) -> Waiting:
        """What waits of one document; `NotFound` where nothing does."""
        try:
            return _waiting(json.loads(self._held(document).read_bytes()))
        except (OSError, ValueError, KeyError, TypeError) as error:
            known = ", ".join(each.document.id for each in self.waiting()) or "none"
            raise NotFound(f"nothing of {document!r} is held for review; documents that wait: {known}") from error

    def _held(self, document: str) -> Path:
        return self.folder / "held" / f"{hashlib.sha256(document.encode()).hexdigest()[:24]}.json"

    @contextmanager
    def _lock(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.folder / ".lock", "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _entry(values: Mapping[str, Any]) -> Entry:
    entry = Entry(**values)
    return replace(entry, links=tuple(entry.links), around=tuple(entry.around), notes=tuple(entry.notes))


def _waiting(values: Mapping[str, Any]) -> Waiting:
    texts = tuple(Held(**each) for each in values["texts"])
    return Waiting(document_from(values["document"]), str(values["source"]), texts)
