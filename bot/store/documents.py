"""The library: documents and all their versions. Which version may be quoted is decided here, nowhere else.

A citation is checked in the transaction that writes the reply (`require_current`), so a document that was changed or
deleted cannot be quoted after the call that changed it returned, whatever index a process has loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from bot.errors import Conflict, NotFound
from bot.store.audit import COMMAND_LINE, Actor, record
from bot.store.database import Database
from bot.store.tables import document_versions, documents
from retrieval.audiences import Audience, may_see, narrower
from retrieval.documents import Block, Citation, Document

DELETED = 0
"""The current version of a document that was deleted."""
IDS_AT_ONCE = 500
"""Documents named in one query."""
CLOCKS_APART = timedelta(minutes=1)
"""How far the clocks of two machines that change documents may differ before all versions are read again."""


@dataclass(frozen=True, slots=True)
class Shelved:
    """A line of the library's listing."""

    id: str
    title: str
    version: int
    updated_at: datetime
    source: str
    media_type: str
    url: str
    audience: Audience


@dataclass(frozen=True, slots=True)
class _Known:
    """The versions in use as they were at a generation (`Library._generation`)."""

    generation: tuple[int, datetime | None, int]
    versions: Mapping[str, int]


class Library:
    """The shelf of this installation. `meant_for` is the widest audience of what is put on it; None leaves that to the
    documents, and a document that was kept from somebody before stays so."""

    def __init__(self, database: Database, clock: Callable[[], datetime], *, meant_for: Audience | None = None) -> None:
        self._database = database
        self._meant_for = meant_for
        self.clock = clock
        self._known = _Known((0, None, 0), {})

    @property
    def database(self) -> Database:
        """Where the library is kept; the conversation log lies beside it."""
        return self._database

    def meant_for(self, audience: Audience | None) -> Library:
        """The same shelf for documents of an audience, also for those that were for a narrower one before."""
        return Library(self._database, self.clock, meant_for=audience)

    def put(self, document: Document, *, source: str) -> Document:
        """Store a document; the same content keeps its version, other content becomes the next one."""
        return self.put_all([document], source=source)[0]

    def put_all(
        self, several: Iterable[Document], *, source: str, without: Collection[str] = ()
    ) -> tuple[Document, ...]:
        """Store documents, and take those `without` out of use, in one transaction: all of it or nothing."""
        listed = list(several)

        def work(connection: Connection) -> tuple[Document, ...]:
            for id in without:
                self._delete(connection, id)
            return tuple(self._put(connection, each, source) for each in listed)

        return self._database.write(work)

    def _put(self, connection: Connection, document: Document, source: str) -> Document:
        row = connection.execute(select(documents).where(documents.c.id == document.id).with_for_update()).one_or_none()
        newest = connection.execute(
            select(document_versions)
            .where(document_versions.c.document == document.id)
            .order_by(document_versions.c.version.desc())
            .limit(1)
        ).one_or_none()
        now = self.clock()
        kept: Audience = newest.audience if newest is not None else "public"
        document = replace(document, audience=narrower(document.audience, self._meant_for or kept))
        in_use = newest is not None and row is not None and row.current == newest.version
        if newest is not None and in_use and _same(newest, document):
            return _document(newest)
        version = newest.version + 1 if newest is not None else 1
        values = {"current": version, "source": source, "updated_at": now}
        connection.execute(
            insert(document_versions).values(
                document=document.id,
                version=version,
                title=document.title,
                text=document.text,
                blocks=[asdict(block) for block in document.blocks],
                url=document.url,
                media_type=document.media_type,
                content_hash=document.content_hash,
                audience=document.audience,
                review_by=document.review_by,
                valid_until=document.valid_until,
                at=now,
            )
        )
        if row is None:
            connection.execute(insert(documents).values(id=document.id, **values))
        else:
            connection.execute(update(documents).where(documents.c.id == document.id).values(**values))
        return self._get(connection, document.id, version)

    def delete(self, id: str, *, by: Actor = COMMAND_LINE) -> None:
        """Take a document out of use; its versions stay readable where they were cited."""

        def work(connection: Connection) -> None:
            self._delete(connection, id)
            record(connection, self.clock(), by, "document_deleted", id)

        self._database.write(work)

    def _delete(self, connection: Connection, id: str) -> None:
        values = {"current": DELETED, "updated_at": self.clock()}
        if connection.execute(update(documents).where(documents.c.id == id).values(**values)).rowcount == 0:
            raise NotFound(f"no document {id!r}; `firstline documents list` shows what there is")

    def get(self, id: str, version: int | None = None, *, viewer: Audience = "agents") -> Document:
        """The current version of a document, or a named one; `NotFound` otherwise.

        What `viewer` may not see is not there for them. A document that was kept from them later is kept with all its
        versions, and a version that was kept from them stays so.
        """
        with self._database.read() as connection:
            found = self._get(connection, id, version)
            newest = (
                select(document_versions.c.audience)
                .where(document_versions.c.document == id)
                .order_by(document_versions.c.version.desc())
                .limit(1)
            )
            meant = narrower(found.audience, connection.scalars(newest).one())
        if not may_see(viewer, meant):
            raise _not_found(id, version)
        return found

    def _get(self, connection: Connection, id: str, version: int | None) -> Document:
        if version is None:
            version = connection.scalar(select(documents.c.current).where(documents.c.id == id)) or DELETED
        row = connection.execute(
            select(document_versions).where(document_versions.c.document == id, document_versions.c.version == version)
        ).one_or_none()
        if row is None:
            raise _not_found(id, version)
        return _document(row)

    def current(self) -> tuple[Document, ...]:
        """Every document in use, in its current version, by id."""
        with self._database.read() as connection:
            return tuple(_document(row) for row in connection.execute(_in_use(document_versions)))

    def listing(self) -> tuple[Shelved, ...]:
        """What is in use, without the texts, the last changed first."""
        columns = (
            documents.c.id,
            document_versions.c.title,
            document_versions.c.version,
            documents.c.updated_at,
            documents.c.source,
            document_versions.c.media_type,
            document_versions.c.url,
            document_versions.c.audience,
        )
        query = _in_use(*columns).order_by(None).order_by(documents.c.updated_at.desc(), documents.c.id)
        with self._database.read() as connection:
            return tuple(Shelved(*row) for row in connection.execute(query))

    def generation(self) -> str:
        """A value that changes with every change of what may be quoted."""
        return "/".join(str(value) for value in self._generation())

    def _generation(self) -> tuple[int, datetime | None, int]:
        """How many documents there are, when the last was changed, and the sum of their current versions."""
        query = select(func.count(), func.max(documents.c.updated_at), func.sum(documents.c.current))
        with self._database.read() as connection:
            count, newest, total = connection.execute(query).one()
        return count, newest, total or 0

    def versions(self) -> Mapping[str, int]:
        """The version in use of every document, `DELETED` where there is none, as of this call; the same object as long
        as nothing changes. After a change only what was changed lately is read, if that adds up."""
        generation = self._generation()
        known = self._known
        if known.generation != generation:
            since = known.generation[1]
            found = self._changed(since - CLOCKS_APART) if since is not None else {}
            merged = {**known.versions, **found}
            if (len(merged), sum(merged.values())) != (generation[0], generation[2]):
                merged = self._changed(None)
            known = self._known = _Known(generation, merged)
        return known.versions

    def _changed(self, since: datetime | None) -> dict[str, int]:
        query = select(documents.c.id, documents.c.current)
        if since is not None:
            query = query.where(documents.c.updated_at >= since)
        with self._database.read() as connection:
            return {row.id: row.current for row in connection.execute(query)}

    def current_check(self) -> Callable[[str, int], bool]:
        """Says of a document and version whether it may be quoted, as of this call; one small query a turn.

        What changes after this call is caught by `require_current` when the reply is written.
        """
        versions = self.versions()
        return lambda id, version: versions.get(id) == version

    def several(self, wanted: Mapping[str, int]) -> tuple[Document, ...]:
        """These versions of these documents, as far as they are there, in the order asked for."""
        found = {}
        ids = list(wanted)
        with self._database.read() as connection:
            for first in range(0, len(ids), IDS_AT_ONCE):
                query = select(document_versions).where(
                    document_versions.c.document.in_(ids[first : first + IDS_AT_ONCE])
                )
                for row in connection.execute(query):
                    if wanted[row.document] == row.version:
                        found[row.document] = _document(row)
        return tuple(found[id] for id in ids if id in found)


def _not_found(id: str, version: int | None) -> NotFound:
    return NotFound(f"no document {id!r} with version {version or 'current'}")


def require_current(connection: Connection, citations: Iterable[Citation]) -> None:
    """Raise `Conflict` (code `stale`) if a cited version is not the current one; locks what it has read."""
    for id, version in sorted({(citation.document, citation.version) for citation in citations}):
        query = select(documents.c.current).where(documents.c.id == id).with_for_update(read=True)
        current = connection.scalar(query)
        if current != version:
            raise Conflict(f"{id} version {version} was replaced by version {current or 'none'}", code="stale")


def _in_use(*columns: Any) -> Any:
    same = (documents.c.id == document_versions.c.document) & (documents.c.current == document_versions.c.version)
    return select(*columns).select_from(document_versions.join(documents, same)).order_by(documents.c.id)


def _document(row: Row[Any]) -> Document:
    blocks = tuple(Block(block["kind"], tuple(block["heading"]), block["start"], block["end"]) for block in row.blocks)
    return Document(
        row.document,
        row.title,
        row.text,
        blocks,
        row.version,
        row.url,
        row.media_type,
        audience=row.audience,
        review_by=row.review_by,
        valid_until=row.valid_until,
    )


def _same(row: Row[Any], document: Document) -> bool:
    """Whether a stored version says what the document says, to the same people, for as long."""
    stored = (row.content_hash, row.audience, row.review_by, row.valid_until)
    return stored == (document.content_hash, document.audience, document.review_by, document.valid_until)
