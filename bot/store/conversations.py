"""The conversation log: append-only, numbered per conversation, and the state that goes with it.

The log is the outbox, the event stream, the desk's transcript and the audit trail; this module is the only one that
writes it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, and_, func, insert, or_, select, update

from bot.errors import Conflict, LeaseLost, NotFound
from bot.messages import (
    DialogueState,
    IncomingMessage,
    Message,
    Owner,
    Participant,
    QuickReply,
    Reply,
    Turn,
)
from bot.store import documents, leases, outbox
from bot.store.database import Database
from bot.store.leases import Lease
from bot.store.rows import (
    citations_to_json,
    dialogue_from_json,
    message_from_row,
    quick_replies_to_json,
    turn_from_row,
    turn_to_columns,
)
from bot.store.tables import conversations, messages, turns
from retrieval.documents import Citation

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation as it stands. `asked_seq` is the newest customer message, `answered_seq` the newest one that a
    turn has dealt with; `clarified` and `failures` count in a row."""

    id: str
    channel: str
    key: str
    customer: str
    owner: Owner
    agent: str
    reason: str
    email: str
    attributes: dict[str, str]
    dialogue: DialogueState
    opened_at: datetime
    changed_at: datetime
    waiting_since: datetime | None
    last_seq: int
    asked_seq: int
    answered_seq: int
    clarified: int
    failures: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof that a message is stored: where, under which number, and whether it had come before."""

    conversation: str
    seq: int
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that one turn changes, written in one transaction by `commit_turn`."""

    turn: Turn
    replies: tuple[Reply, ...]
    dialogue: DialogueState
    clarified: int = 0
    failures: int = 0
    hand_over: str = ""


class Conversations:
    def __init__(self, database: Database, clock: Clock, *, delivered: Iterable[str] = ()) -> None:
        """`delivered` names the channels whose replies go out through the outbox (`bot.store.outbox`)."""
        self._database = database
        self._clock = clock
        self._delivered = frozenset(delivered)

    def accept(self, message: IncomingMessage) -> Receipt:
        """Store a customer's message; durable when this returns, and the same `external_id` again is one message.

        A closed conversation opens again with the bot. The same id with another body is a `Conflict`.
        """
        return self._database.write(lambda connection: self._accept(connection, message))

    def _accept(self, connection: Connection, message: IncomingMessage) -> Receipt:
        known = connection.execute(
            select(messages.c.conversation, messages.c.seq, messages.c.text, messages.c.payload, conversations.c.key)
            .join(conversations, conversations.c.id == messages.c.conversation)
            .where(messages.c.channel == message.channel, messages.c.external_id == message.external_id)
        ).one_or_none()
        if known is not None:
            if (known.text, known.payload, known.key) != (message.text, message.payload, message.conversation):
                raise Conflict(f"message id {message.external_id!r} came before with another body", code="id_reused")
            return Receipt(known.conversation, known.seq, repeated=True)
        row = self._open(connection, message.channel, message.conversation, message.customer, dict(message.attributes))
        seq = self._insert(
            connection,
            row.id,
            "customer",
            message.text,
            payload=message.payload,
            channel=message.channel,
            external_id=message.external_id,
        )
        reopened = {"owner": "bot", "agent": "", "reason": "", "failures": 0, "clarified": 0}
        _set(connection, row.id, asked_seq=seq, **(reopened if row.owner == "closed" else {}))
        return Receipt(row.id, seq)

    def open(self, channel: str, key: str, customer: str, attributes: dict[str, str] | None = None) -> Conversation:
        """The conversation of `key` in `channel`, made if it is new."""
        row = self._database.write(
            lambda connection: self._open(connection, channel, key, customer, dict(attributes or {}))
        )
        return _conversation(row)

    def _open(
        self, connection: Connection, channel: str, key: str, customer: str, attributes: dict[str, str]
    ) -> Row[Any]:
        same = and_(conversations.c.channel == channel, conversations.c.key == key)
        query = select(conversations).where(same).with_for_update()
        if (row := connection.execute(query).one_or_none()) is not None:
            return row
        now = self._clock()
        connection.execute(
            insert(conversations).values(
                id=secrets.token_hex(12),
                channel=channel,
                key=key,
                customer=customer,
                attributes=attributes,
                dialogue=asdict(DialogueState()),
                opened_at=now,
                changed_at=now,
            )
        )
        return connection.execute(query).one()

    def get(self, id: str) -> Conversation:
        """The conversation with this id; `NotFound` otherwise."""
        with self._database.read() as connection:
            return _conversation(_row(connection, id))

    def find(self, channel: str, key: str) -> Conversation | None:
        """The conversation of `key` in `channel`, if there is one."""
        with self._database.read() as connection:
            row = connection.execute(
                select(conversations).where(conversations.c.channel == channel, conversations.c.key == key)
            ).one_or_none()
        return None if row is None else _conversation(row)

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
    ) -> Message:
        """Add a message that is not a customer's to the log, and to the outbox where its channel needs one."""

        def work(connection: Connection) -> int:
            row = _row(connection, id, lock=True)
            reply = Reply(text, tuple(citations), tuple(quick_replies))
            return self._say(connection, row, participant, reply, kind=kind, author=author)

        seq = self._database.write(work)
        return self.log(id, after=seq - 1, limit=1, notes=True)[0]

    def rate(self, id: str, seq: int, rating: Literal["up", "down"]) -> None:
        """Keep what the customer thought of a bot's message; `NotFound` where there is no such message."""

        def work(connection: Connection) -> None:
            bots = (messages.c.conversation == id, messages.c.seq == seq, messages.c.participant == "bot")
            if connection.execute(update(messages).where(*bots).values(rating=rating)).rowcount == 0:
                raise NotFound(f"conversation {id} has no bot message {seq} to rate")

        self._database.write(work)

    def leave_email(self, id: str, email: str) -> None:
        """Keep the address at which a waiting customer wants to be answered."""
        self._database.write(lambda connection: _set(connection, id, email=email))

    def listing(self, *, owner: Owner | None = None, search: str = "", limit: int = 100) -> tuple[Conversation, ...]:
        """Conversations, the longest waiting first, then the last changed; `search` looks in texts and addresses."""
        query = select(conversations)
        if owner is not None:
            query = query.where(conversations.c.owner == owner)
        if search:
            said = select(messages.c.conversation).where(messages.c.text.icontains(search, autoescape=True))
            query = query.where(
                or_(
                    conversations.c.id.in_(said),
                    conversations.c.email.icontains(search, autoescape=True),
                    conversations.c.customer.icontains(search, autoescape=True),
                )
            )
        order = (
            conversations.c.waiting_since.is_(None),
            conversations.c.waiting_since,
            conversations.c.changed_at.desc(),
        )
        with self._database.read() as connection:
            return tuple(_conversation(row) for row in connection.execute(query.order_by(*order).limit(limit)))

    def is_answering(self, id: str) -> bool:
        """Whether a customer's message waits for its turn: show the typing indicator."""
        conversation = self.get(id)
        return conversation.owner == "bot" and conversation.asked_seq > conversation.answered_seq

    def unanswered(self, limit: int = 100) -> tuple[str, ...]:
        """Conversations with a customer message that no turn has dealt with, the oldest first."""
        query = (
            select(conversations.c.id)
            .where(conversations.c.asked_seq > conversations.c.answered_seq)
            .order_by(conversations.c.changed_at)
            .limit(limit)
        )
        with self._database.read() as connection:
            return tuple(connection.scalars(query))

    def next_question(self, id: str) -> Message | None:
        """The oldest customer message that no turn has dealt with."""
        answered = select(conversations.c.answered_seq).where(conversations.c.id == id).scalar_subquery()
        query = (
            select(messages)
            .where(messages.c.conversation == id, messages.c.participant == "customer", messages.c.seq > answered)
            .order_by(messages.c.seq)
            .limit(1)
        )
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else message_from_row(row)

    def lease(self, id: str, holder: str, ttl_s: float) -> Lease | None:
        """The right to answer this conversation, or None while another process has it."""
        name = f"conversation:{id}"
        return self._database.write(lambda connection: leases.acquire(connection, name, holder, self._clock(), ttl_s))

    def release(self, lease: Lease) -> None:
        self._database.write(lambda connection: leases.release(connection, lease))

    def commit_turn(self, lease: Lease, id: str, outcome: Outcome) -> tuple[Message, ...]:
        """Write a turn: replies, record, dialogue state, hand-over and outbox rows, or nothing.

        `LeaseLost` when another process answers this conversation now, `Conflict` (code `stale`) when a cited
        version was replaced meanwhile. If an agent took the conversation meanwhile the replies are dropped and only
        the record is kept: the bot never speaks while a human holds the conversation.
        """

        def work(connection: Connection) -> None:
            leases.check(connection, lease)
            row = _row(connection, id, lock=True)
            if row.answered_seq >= outcome.turn.message_seq:
                raise LeaseLost(f"message {outcome.turn.message_seq} of {id} is answered already")
            if row.owner == "agent":
                self._record(connection, id, replace(outcome, dialogue=DialogueState()), [])
                return
            cited = [citation for reply in outcome.replies for citation in reply.citations]
            documents.require_current(connection, cited)
            said = [self._say(connection, row, "bot", reply) for reply in outcome.replies]
            self._record(connection, id, outcome, said)
            if outcome.hand_over and row.owner == "bot":
                now = self._clock()
                _set(connection, id, owner="waiting", reason=outcome.hand_over, waiting_since=now)

        self._database.write(work)
        return self.said(id, outcome.turn.message_seq)

    def _record(self, connection: Connection, id: str, outcome: Outcome, said: list[int]) -> None:
        columns = turn_to_columns(outcome.turn)
        connection.execute(insert(turns).values(conversation=id, at=self._clock(), said=said, **columns))
        _set(
            connection,
            id,
            answered_seq=outcome.turn.message_seq,
            dialogue=asdict(outcome.dialogue),
            clarified=outcome.clarified,
            failures=outcome.failures,
        )

    def transition(
        self,
        id: str,
        expected: Iterable[Owner],
        to: Owner,
        *,
        event: str = "",
        agent: str = "",
        reason: str | None = None,
        by: str | None = None,
    ) -> None:
        """Move a conversation to another owner, if it still has one of the expected (compare and set).

        `by` is the agent who must hold it where the expected owner is an agent. `event` is the line everyone sees.
        A flow that was active ends: nobody is asked for an order number by the bot after an agent dealt with it.
        """

        def work(connection: Connection) -> None:
            row = _row(connection, id, lock=True)
            if row.owner not in tuple(expected) or (row.owner == "agent" and by is not None and row.agent != by):
                held = f"held by {row.agent}" if row.owner == "agent" else f"with {row.owner}"
                raise Conflict(f"conversation {id} is {held}, expected {' or '.join(expected)}", code="moved_on")
            now = self._clock()
            since = row.waiting_since or now if to == "waiting" else None
            kept = row.reason if reason is None else reason
            _set(connection, id, owner=to, agent=agent, reason=kept, waiting_since=since, changed_at=now, failures=0)
            _set(connection, id, dialogue=asdict(DialogueState()))
            if event:
                self._say(connection, row, "system", Reply(event), kind="event", author=agent)

        self._database.write(work)

    def _say(
        self,
        connection: Connection,
        row: Row[Any],
        participant: Participant,
        reply: Reply,
        *,
        kind: str = "text",
        author: str = "",
    ) -> int:
        seq = self._insert(
            connection,
            row.id,
            participant,
            reply.text,
            kind=kind,
            author=author,
            citations=citations_to_json(reply.citations),
            quick_replies=quick_replies_to_json(reply.quick_replies),
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
        _set(connection, id, last_seq=conversations.c.last_seq + 1, changed_at=now)
        seq = connection.scalar(select(conversations.c.last_seq).where(conversations.c.id == id))
        connection.execute(
            insert(messages).values(
                conversation=id, seq=seq, participant=participant, kind=kind, text=text, at=now, **columns
            )
        )
        return int(seq or 0)

    def position(self) -> int:
        """How far the whole log has come: grows with every message of every conversation."""
        with self._database.read() as connection:
            return int(connection.scalar(select(func.max(messages.c.position))) or 0)


def _set(connection: Connection, id: str, **values: Any) -> None:
    connection.execute(update(conversations).where(conversations.c.id == id).values(**values))


def _row(connection: Connection, id: str, *, lock: bool = False) -> Row[Any]:
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


def _conversation(row: Row[Any]) -> Conversation:
    fields = dict(row._mapping)
    fields["dialogue"] = dialogue_from_json(row.dialogue)
    return Conversation(**fields)
