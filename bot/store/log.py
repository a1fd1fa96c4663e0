"""The conversation log: append-only, numbered per conversation from 1.

It is the outbox, the event stream, the desk's transcript and the audit trail; nothing else writes messages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, func, insert, select, update

from bot.errors import NotFound
from bot.messages import Attachment, Message, Participant, QuickReply, Reply, Turn
from bot.store import outbox
from bot.store.database import Database
from bot.store.rows import (
    attachments_to_json,
    citations_to_json,
    message_from_row,
    quick_replies_to_json,
    turn_from_row,
)
from bot.store.tables import conversations, messages, turns
from retrieval.documents import Citation

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a message came from: a channel, and the message's id there, unique in it."""

    channel: str
    external_id: str


class Log:
    """Reading and appending; who may speak is the business of `bot.store.ownership`."""

    def __init__(self, database: Database, clock: Clock, *, delivered: Iterable[str] = ()) -> None:
        """`delivered` names the channels whose replies go out through the outbox (`bot.store.outbox`)."""
        self._database = database
        self._clock = clock
        self._delivered = frozenset(delivered)

    def log(self, id: str, *, after: int = 0, limit: int = 200, notes: bool = False) -> tuple[Message, ...]:
        """Messages with `seq > after`, oldest first; with `notes`, also agents' notes and every message's turn."""
        query = select(messages).where(messages.c.conversation == id, messages.c.seq > after)
        if not notes:
            query = query.where(messages.c.kind != "note")
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(messages.c.seq).limit(limit)).all()
            recorded = {} if not notes or not rows else _turns(connection, id, rows[0].seq, rows[-1].seq)
        return tuple(message_from_row(row, recorded.get(row.seq)) for row in rows)

    def turn(self, id: str, seq: int) -> Turn | None:
        """The record of the turn that dealt with message `seq`."""
        query = select(turns).where(turns.c.conversation == id, turns.c.message_seq == seq)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else turn_from_row(row)

    def said(self, id: str, seq: int) -> tuple[Message, ...]:
        """The replies of the turn that dealt with message `seq`; none before it is dealt with."""
        turn = select(turns.c.said).where(turns.c.conversation == id, turns.c.message_seq == seq)
        query = select(messages).where(messages.c.conversation == id).order_by(messages.c.seq)
        with self._database.read() as connection:
            numbers = connection.scalar(turn) or []
            rows = connection.execute(query.where(messages.c.seq.in_(numbers))).all()
        return tuple(message_from_row(row) for row in rows)

    def append(
        self,
        id: str,
        participant: Participant,
        text: str,
        *,
        kind: str = "text",
        author: str = "",
        citations: Sequence[Citation] = (),
        quick_replies: Sequence[QuickReply] = (),
        source: Source | None = None,
    ) -> Message:
        """Add a message that is not a customer's to the log, and to the outbox where its channel needs one. What comes
        from the same `source` again is the message it was."""

        def work(connection: Connection) -> int:
            row = row_of(connection, id, lock=True)
            if (known := known_seq(connection, source)) is not None:
                return known
            reply = Reply(text, tuple(citations), tuple(quick_replies))
            return self._say(connection, row, participant, reply, kind=kind, author=author, source=source)

        return self._message(id, self._database.write(work))

    def rate(self, id: str, seq: int, rating: Literal["up", "down"]) -> None:
        """Keep what the customer thought of a bot's message; `NotFound` where there is no such message."""

        def work(connection: Connection) -> None:
            bots = (messages.c.conversation == id, messages.c.seq == seq, messages.c.participant == "bot")
            if connection.execute(update(messages).where(*bots).values(rating=rating)).rowcount == 0:
                raise NotFound(f"conversation {id} has no bot message {seq} to rate")

        self._database.write(work)

    def position(self) -> int:
        """How far the whole log has come: grows with every message of every conversation."""
        with self._database.read() as connection:
            return int(connection.scalar(select(func.max(messages.c.position))) or 0)

    def _message(self, id: str, seq: int) -> Message:
        return self.log(id, after=seq - 1, limit=1, notes=True)[0]

    def _say(
        self,
        connection: Connection,
        row: Row[Any],
        participant: Participant,
        reply: Reply,
        *,
        kind: str = "text",
        author: str = "",
        source: Source | None = None,
        files: Sequence[Attachment] = (),
    ) -> int:
        came_by = {} if source is None else asdict(source)
        seq = self._insert(
            connection,
            row.id,
            participant,
            reply.text,
            kind=kind,
            author=author,
            citations=citations_to_json(reply.citations),
            quick_replies=quick_replies_to_json(reply.quick_replies),
            attachments=attachments_to_json(files),
            **came_by,
        )
        if row.channel in self._delivered and kind != "note":
            outbox.enqueue(connection, row.channel, row.id, seq, self._clock())
        return seq

    def _insert(
        self,
        connection: Connection,
        id: str,
        participant: Participant,
        text: str,
        *,
        kind: str = "text",
        **columns: Any,
    ) -> int:
        now = self._clock()
        set_columns(connection, id, last_seq=conversations.c.last_seq + 1, changed_at=now)
        seq = connection.scalar(select(conversations.c.last_seq).where(conversations.c.id == id))
        connection.execute(
            insert(messages).values(
                conversation=id, seq=seq, participant=participant, kind=kind, text=text, at=now, **columns
            )
        )
        return int(seq or 0)


def set_columns(connection: Connection, id: str, **values: Any) -> None:
    """Change a conversation's own columns."""
    connection.execute(update(conversations).where(conversations.c.id == id).values(**values))


def known_seq(connection: Connection, source: Source | None) -> int | None:
    """The number of the message that came from there before, if one did."""
    if source is None:
        return None
    here = messages.c.channel == source.channel, messages.c.external_id == source.external_id
    return connection.scalar(select(messages.c.seq).where(*here))


def row_of(connection: Connection, id: str, *, lock: bool = False) -> Row[Any]:
    """The row of a conversation, with `lock` until the transaction ends; `NotFound` where there is none."""
    query = select(conversations).where(conversations.c.id == id)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise NotFound(f"no conversation {id!r}")
    return row


def _turns(connection: Connection, id: str, first: int, last: int) -> dict[int, Turn]:
    """The records of the turns on messages `first` to `last`, by the message's number."""
    answered = turns.c.message_seq.between(first, last)
    rows = connection.execute(select(turns).where(turns.c.conversation == id, answered))
    return {row.message_seq: turn_from_row(row) for row in rows}
