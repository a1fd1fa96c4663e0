"""Taking documents and FAQ rows in: read in a bounded child, checked, stored; each source fails alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from bot.errors import BadInput
from bot.store.documents import Library
from retrieval.documents import Document
from retrieval.errors import UnreadableSource
from retrieval.sources.faq import FaqRow, faq_document, read_faq
from retrieval.sources.sandbox import read_folder, read_source

Progress = Callable[[str, int, int], None]

FAQ_ID = "faq"
"""Prefix of the documents that hold FAQ rows, one a file."""


@dataclass(frozen=True, slots=True)
class Intake:
    """What came of an ingest: ids now in use, and (name, reason) of what could not be read."""

    documents: tuple[str, ...]
    failed: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class FaqIntake:
    """How many rows of a FAQ file were new, changed, or known already."""

    added: int
    changed: int
    unchanged: int


def take_paths(library: Library, sources: Iterable[str], *, progress: Progress | None = None) -> Intake:
    """Read files and folders into the library; of two sources with one id the second is left out, and told."""
    documents: dict[str, Document] = {}
    failed: list[tuple[str, str]] = []
    for source in sources:
        path = Path(source)
        if path.is_dir():
            step = (lambda done, total: progress("reading documents", done, total)) if progress else None
            read, bad = read_folder(path, progress=step)
            found = [(document.id, document) for document in read]
            failed += [(failure.name, failure.reason) for failure in bad]
        else:
            try:
                found = [(path.name, read_source(path))]
            except UnreadableSource as error:
                found = []
                failed.append((error.name, error.reason))
        for name, document in found:
            if document.id in documents:
                reason = f"would replace {document.id!r}, read from another file just now; rename one of them"
                failed.append((name, reason))
            else:
                documents[document.id] = document
    stored = [library.put(document, source=document.id) for document in documents.values()]
    return Intake(tuple(document.id for document in stored), tuple(failed))


def take_faq(library: Library, file: Path) -> FaqIntake:
    """Read a FAQ file and store its rows, all or none; `BadInput` lists the rows that are wrong.

    A question that is known keeps its place and takes the new answer; rows of other files stay.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}") from error
    return take_faq_bytes(library, data, file.name)


def take_faq_bytes(library: Library, data: bytes, name: str) -> FaqIntake:
    """The same from an upload."""
    try:
        table = read_faq(data, name)
    except UnreadableSource as error:
        raise BadInput(f"{name} was not imported: {error.reason}", code="unreadable") from error
    rows, problems = table.rows, table.problems
    if problems:
        shown = "; ".join(f"row {number}: {problem}" for number, problem in problems[:20])
        more = f"; and {len(problems) - 20} more" if len(problems) > 20 else ""
        raise BadInput(f"{name} was not imported, {len(problems)} rows are wrong: {shown}{more}", code="bad_rows")
    id = faq_id(name)
    elsewhere = {key: row for other in library.current() if other.id != id for key, row in faq_rows(other).items()}
    clash = [row.question for row in rows if elsewhere.get(_key(row), row).answer != row.answer]
    if clash:
        raise BadInput(
            f"{name} was not imported: {len(clash)} questions have another answer in another file, "
            f"among them {clash[0]!r}; change it there or delete that document first",
            code="contradiction",
        )
    before = next((faq_rows(known) for known in library.current() if known.id == id), {})
    fresh = {_key(row): row for row in rows if _key(row) not in elsewhere}
    if fresh:
        library.put(faq_document(list((before | fresh).values()), id), source=name)
    added = len(fresh.keys() - before.keys())
    changed = sum(before[key].answer != fresh[key].answer for key in fresh.keys() & before.keys())
    return FaqIntake(added, changed, len(rows) - added - changed)


def faq_id(name: str) -> str:
    """The document that a FAQ file's rows become: `faq.csv` is `faq`, `New rows.xlsx` is `faq-new-rows`."""
    stem = re.sub(r"[^a-z0-9]+", "-", Path(name).stem.lower()).strip("-") or "rows"
    return stem if stem.startswith(FAQ_ID) else f"{FAQ_ID}-{stem}"


def faq_rows(document: Document) -> dict[str, FaqRow]:
    """The FAQ rows that a document is made of, by normalised question."""
    rows = [
        FaqRow(block.heading[-1], document.text[block.start : block.end], block.heading[0] if block.heading[1:] else "")
        for block in document.blocks
        if block.kind == "faq"
    ]
    return {_key(row): row for row in rows}


def _key(row: FaqRow) -> str:
    return " ".join(row.question.lower().split()).rstrip("?!. ")
