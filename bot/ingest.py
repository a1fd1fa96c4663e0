"""Taking FAQ rows in: every row checked, all of them stored or none. Documents are `bot.taking`'s."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.errors import BadInput
from bot.ledger import Ledger, Waiting
from bot.store.documents import Library
from retrieval.audiences import AUDIENCES, Audience, audience_of
from retrieval.documents import Document
from retrieval.errors import UnreadableSource
from retrieval.sources.faq import FaqRow, faq_document, read_faq
from retrieval.sources.instructions import Held, instruction_in, text_id

FAQ_ID = "faq"
"""Prefix of the documents that hold FAQ rows, one a file."""


@dataclass(frozen=True, slots=True)
class FaqIntake:
    """How many rows of a FAQ file were new, changed, or known already; `held` are the questions of those that wait for
    a person, with the words in them that read like an instruction to the bot and the document they wait in."""

    added: int
    changed: int
    unchanged: int
    held: tuple[HeldRow, ...] = ()


@dataclass(frozen=True, slots=True)
class HeldRow:
    question: str
    phrase: str
    document: str


def take_faq(library: Library, file: Path, *, ledger: Ledger | None = None) -> FaqIntake:
    """Read a FAQ file and store its rows, all or none; `BadInput` lists the rows that are wrong.

    A question that is known keeps its place and takes the new answer; rows of other files stay. With a ledger, a row
    that reads like instructions to the bot is held there until a person approves its document; without one, rows are
    taken as a person has read them.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}") from error
    return take_faq_bytes(library, data, file.name, ledger=ledger)


def take_faq_bytes(library: Library, data: bytes, name: str, *, ledger: Ledger | None = None) -> FaqIntake:
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
    family = faq_family(id)
    known = {document.id: document for document in library.current()}
    elsewhere = {key: row for other in known.values() if other.id not in family for key, row in faq_rows(other).items()}
    clash = [row.question for row in rows if elsewhere.get(_key(row), row).answer != row.answer]
    if clash:
        raise BadInput(
            f"{name} was not imported: {len(clash)} questions have another answer in another file, "
            f"among them {clash[0]!r}; change it there or delete that document first",
            code="contradiction",
        )
    before = {key: row for member in family if member in known for key, row in faq_rows(known[member]).items()}
    every = {_key(row): row for row in rows if _key(row) not in elsewhere}
    held = _speaking(every, before, ledger) if ledger else {}
    fresh = {key: row for key, row in every.items() if key not in held}
    _shelve(library, family, known, before, fresh, name)
    if ledger:
        _hold(ledger, family, {**before, **every}, held, name)
    added = len(fresh.keys() - before.keys())
    changed = sum(before[key] != fresh[key] for key in fresh.keys() & before.keys())
    waits = {audience: id for id, audience in family.items()}
    told = tuple(
        HeldRow(every[key].question, text.phrase, waits[audience_of(every[key].audience)]) for key, text in held.items()
    )
    return FaqIntake(added, changed, len(rows) - added - changed - len(held), told)


def faq_family(id: str) -> dict[str, Audience]:
    """The documents that the rows of one file become, by whom they are for."""
    return {(id if audience == "public" else f"{id}.{audience}"): audience for audience in AUDIENCES}


def _shelve(
    library: Library,
    family: Mapping[str, Audience],
    known: Mapping[str, Document],
    before: Mapping[str, FaqRow],
    fresh: Mapping[str, FaqRow],
    source: str,
) -> None:
    """Put the rows into the document of their audience, all at once; one whose last row went to another is taken out
    of use."""
    changed: list[Document] = []
    emptied: list[str] = []
    for id, audience in family.items():
        rows = [row for row in {**before, **fresh}.values() if row.audience == audience]
        if rows and any(row.audience == audience for row in (*fresh.values(), *_moved(before, fresh))):
            changed.append(faq_document(rows, id))
        elif not rows and id in known:
            emptied.append(id)
    library.put_all(changed, source=source, without=emptied)


def _speaking(rows: Mapping[str, FaqRow], before: Mapping[str, FaqRow], ledger: Ledger) -> dict[str, Held]:
    """The rows that read like instructions to the bot, but for those that are in use so or that a person let in."""
    approved = ledger.read().approved
    found = {}
    for key, row in rows.items():
        text = f"{row.question}\n{row.answer}"
        phrase = next((said for said in map(instruction_in, (row.question, row.answer, row.topic)) if said), "")
        if phrase and before.get(key) != row and text_id(text) not in approved:
            found[key] = Held(text, phrase)
    return found


def _hold(
    ledger: Ledger, family: Mapping[str, Audience], rows: Mapping[str, FaqRow], held: Mapping[str, Held], source: str
) -> None:
    """Keep each document of the file with its held rows in it, for approval; nothing of the others waits any more."""
    for id, audience in family.items():
        own = {key: row for key, row in rows.items() if row.audience == audience}
        texts = tuple(text for key, text in held.items() if key in own)
        if texts:
            ledger.hold(Waiting(faq_document(own.values(), id), source, texts))
        else:
            ledger.let_go(id)


def _moved(before: Mapping[str, FaqRow], fresh: Mapping[str, FaqRow]) -> list[FaqRow]:
    """The rows as they were, of those that are for somebody else now."""
    return [row for key, row in before.items() if key in fresh and fresh[key].audience != row.audience]


def faq_id(name: str) -> str:
    """The document that a FAQ file's rows become: `faq.csv` is `faq`, `New rows.xlsx` is `faq-new-rows`."""
    stem = re.sub(r"[^a-z0-9]+", "-", Path(name).stem.lower()).strip("-") or "rows"
    return stem if stem.startswith(FAQ_ID) else f"{FAQ_ID}-{stem}"


def faq_rows(document: Document) -> dict[str, FaqRow]:
    """The FAQ rows that a document is made of, by normalised question."""
    rows = [
        FaqRow(
            block.heading[-1],
            document.text[block.start : block.end],
            block.heading[0] if block.heading[1:] else "",
            document.audience,
        )
        for block in document.blocks
        if block.kind == "faq"
    ]
    return {_key(row): row for row in rows}


def _key(row: FaqRow) -> str:
    return " ".join(row.question.lower().split()).rstrip("?!. ")
