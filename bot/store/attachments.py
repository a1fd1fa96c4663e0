"""Files of messages: their bytes in a folder by random id, a row for each in the database.

A file is written whole before its row is, so that every row has its file. What is uploaded waits to be sent with a
message, and only who uploaded it may send it. Rows go with their conversation; files without a row, and what was never
sent, are swept away.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from bot.errors import BadInput, Conflict, NotFound, Refused, TooLarge
from bot.messages import Attachment, Participant
from bot.store.database import Database
from bot.store.log import row_of
from bot.store.tables import attachments

UNSENT_FOR = timedelta(days=1)
"""How long an uploaded file waits for its message."""
STRAY_FOR = timedelta(hours=1)
"""How old a file without a row is before it is nobody's: its row may be on the way."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who uploads and sends: the customer, or an agent by name."""

    participant: Participant
    author: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """A file as it lies here. `seq` is the message that carries it, None before it was sent."""

    attachment: Attachment
    path: Path
    sha256: str
    sender: Sender
    seq: int | None


class Attachments:
    def __init__(self, database: Database, folder: Path, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._folder = folder
        self._clock = clock

    def put(
        self, conversation: str, key: str, sender: Sender, *, name: str, kind: str, data: bytes, most_bytes: int
    ) -> Attachment:
        """Keep a checked file for a message to come; durable when this returns, and the same `key` again is one file.

        `Conflict` for the same key with other bytes, `TooLarge` where all files of the conversation would have more
        than `most_bytes`, `NotFound` for no such conversation, `Refused` where the file cannot be written.
        """
        attachment = Attachment(secrets.token_hex(16), name, kind, len(data))
        sha256 = hashlib.sha256(data).hexdigest()
        mine = (
            attachments.c.conversation == conversation,
            attachments.c.participant == sender.participant,
            attachments.c.author == sender.author,
            attachments.c.key == key,
        )

        def known(connection: Connection) -> Attachment | None:
            row_of(connection, conversation, lock=True)
            row = connection.execute(select(attachments).where(*mine)).one_or_none()
            if row is None:
                _require_room(connection, conversation, attachment.size, most_bytes)
                return None
            if row.sha256 != sha256:
                raise Conflict("this upload's id came before with another file; make a new id", code="id_reused")
            return _attachment(row)

        def work(connection: Connection) -> Attachment:
            if (before := known(connection)) is not None:
                return before
            values = {**asdict(attachment), **asdict(sender), "conversation": conversation, "key": key}
            connection.execute(insert(attachments).values(**values, sha256=sha256, at=self._clock()))
            return attachment

        with self._database.read() as connection:
            if (before := known(connection)) is not None:
                return before
        path = self._path(attachment.id)
        _write(path, data)
        stored = self._database.write(work)
        if stored.id != attachment.id:
            path.unlink()
        return stored

    def get(self, conversation: str, id: str) -> Kept:
        """A file of this conversation; `NotFound` for one of another, or one whose bytes are gone."""
        query = select(attachments).where(attachments.c.id == id, attachments.c.conversation == conversation)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        if row is None or not self._path(row.id).exists():
            raise NotFound("this conversation has no such file")
        return Kept(_attachment(row), self._path(row.id), row.sha256, Sender(row.participant, row.author), row.seq)

    def sweep(self) -> int:
        """Forget what was never sent, and files whose row is gone with their conversation; returns how many files."""
        unsent = attachments.c.seq.is_(None), attachments.c.at < self._clock() - UNSENT_FOR
        self._database.write(lambda connection: connection.execute(delete(attachments).where(*unsent)))
        swept = 0
        for shard in self._folder.glob("[0-9a-f][0-9a-f]"):
            for path in self._strays(shard):
                path.unlink(missing_ok=True)
                swept += 1
        return swept

    def _strays(self, shard: Path) -> list[Path]:
        """Files of one folder that are old enough and have no row."""
        latest, old = (self._clock() - STRAY_FOR).timestamp(), {}
        for path in shard.iterdir():
            with suppress(FileNotFoundError):  # written to its end or given up meanwhile
                if path.stat().st_mtime < latest:
                    old[path.name] = path
        with self._database.read() as connection:
            known = connection.scalars(select(attachments.c.id).where(attachments.c.id.in_(old)))
            return [old[name] for name in old.keys() - set(known)]

    def _path(self, id: str) -> Path:
        return self._folder / id[:2] / id


def sendable(connection: Connection, conversation: str, ids: Sequence[str], sender: Sender) -> tuple[Attachment, ...]:
    """The files with these ids, held until the transaction ends; `BadInput` where one is not this sender's to send."""
    if not ids:
        return ()
    waiting = (
        attachments.c.conversation == conversation,
        attachments.c.participant == sender.participant,
        attachments.c.author == sender.author,
        attachments.c.seq.is_(None),
    )
    rows = connection.execute(select(attachments).where(attachments.c.id.in_(ids), *waiting).with_for_update()).all()
    found = {row.id: _attachment(row) for row in rows}
    if missing := [id for id in ids if id not in found]:
        raise BadInput(
            f"{len(missing)} of {len(ids)} files are not waiting to be sent in this conversation; upload them again",
            code="unknown_file",
        )
    return tuple(found[id] for id in ids)


def sent(connection: Connection, files: Sequence[Attachment], seq: int) -> None:
    """Note which message carries these files."""
    if files:
        ids = [each.id for each in files]
        connection.execute(update(attachments).where(attachments.c.id.in_(ids)).values(seq=seq))


def _require_room(connection: Connection, conversation: str, size: int, most_bytes: int) -> None:
    mine = attachments.c.conversation == conversation
    before = int(connection.scalar(select(func.coalesce(func.sum(attachments.c.size), 0)).where(mine)) or 0)
    if before + size > most_bytes:
        raise TooLarge(
            f"with this file the conversation's files have {before + size:,} bytes, at most {most_bytes:,} are taken; "
            "send it another way"
        )


def _attachment(row: Row[Any]) -> Attachment:
    return Attachment(row.id, row.name, row.kind, row.size)


def _write(path: Path, data: bytes) -> None:
    """Write beside the place, flush, and move there; nobody but this account may read it."""
    partial = path.with_name(f"{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        with suppress(OSError):
            partial.unlink()
        raise Refused(
            f"the file could not be kept here ({error.strerror}); send it another way, or later", code="no_room"
        ) from error
