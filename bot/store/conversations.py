"""Conversations as they stand: opened, asked, answered by turns; found again by search.

The log of their messages is `bot.store.log`, who may speak in them `bot.store.ownership`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, insert, or_, select

from bot.errors import Conflict, LeaseLost
from bot.messages import DialogueState, IncomingMessage, Message, Offered, Owner, Reply, Turn
from bot.store import attachments as files
from bot.store import documents, leases
from bot.store.attachments import Sender
from bot.store.database import Database
from bot.store.leases import Lease
from bot.store.log import Clock, row_of, set_columns
from bot.store.ownership import Ownership, Placement
from bot.store.rows import attachments_to_json, dialogue_from_json, message_from_row, turn_to_columns
from bot.store.tables import conversations, messages, turns

ComesBack = Callable[[Connection, Row[Any]], str]
"""Which agent gets a closed conversation that its customer opens again, by its row; empty for the bot."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation as it stands. `asked_seq` is the newest customer message, `answered_seq` the newest one that a
    turn has dealt with; `clarified` and `failures` count in a row.

    `fence` grows with every change of owner (`bot.store.ownership`). `priority` counts from 0, the first; `team` is
    empty for anybody. `clock_from` to `first_answer_at` are the clock of a human's first answer (`handoff.service`).
    """

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
    offered: Offered = ""
    fence: int = 0
    priority: int = 2
    team: str = ""
    last_agent: str = ""
    held_since: datetime | None = None
    closed_at: datetime | None = None
    snoozed_until: datetime | None = None
    clock_from: datetime | None = None
    warn_at: datetime | None = None
    due_at: datetime | None = None
    first_answer_at: datetime | None = None


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
    offered: Offered = ""
    place: Placement | None = None


class Conversations(Ownership):
    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        delivered: Iterable[str] = (),
        comes_back: ComesBack = lambda connection, row: "",
    ) -> None:
        """`delivered` names the channels whose replies go out through the outbox (`bot.store.outbox`)."""
        super().__init__(database, clock, delivered=delivered)
        self._comes_back = comes_back

    def accept(self, message: IncomingMessage) -> Receipt:
        """Store a customer's message; durable when this returns, and the same `external_id` again is one message.

        A closed conversation opens again, with the agent that `comes_back` names or with the bot; a snoozed one comes
        back to the queue. The same id with another body is a `Conflict`, a file that is not the customer's to send in
        this conversation a `BadInput`.
        """
        return self._database.write(lambda connection: self._accept(connection, message))

    def _accept(self, connection: Connection, message: IncomingMessage) -> Receipt:
        known = connection.execute(
            select(messages, conversations.c.key)
            .join(conversations, conversations.c.id == messages.c.conversation)
            .where(messages.c.channel == message.channel, messages.c.external_id == message.external_id)
        ).one_or_none()
        if known is not None:
            carried = tuple(each["id"] for each in known.attachments)
            before = (known.text, known.payload, known.key, carried)
            if before != (message.text, message.payload, message.conversation, message.attachments):
                raise Conflict(f"message id {message.external_id!r} came before with another body", code="id_reused")
            return Receipt(known.conversation, known.seq, repeated=True)
        row = self._open(connection, message.channel, message.conversation, message.customer, dict(message.attributes))
        uploaded = files.sendable(connection, row.id, message.attachments, Sender("customer"))
        seq = self._insert(
            connection,
            row.id,
            "customer",
            message.text,
            payload=message.payload,
            channel=message.channel,
            external_id=message.external_id,
            attachments=attachments_to_json(uploaded),
        )
        files.sent(connection, uploaded, seq)
        set_columns(connection, row.id, asked_seq=seq, snoozed_until=None)
        if row.owner == "closed":
            self._reopen(connection, row)
        return Receipt(row.id, seq)

    def _reopen(self, connection: Connection, row: Row[Any]) -> None:
        agent = self._comes_back(connection, row)
        values = self._values(row, "agent" if agent else "bot", agent, "") | self._placed(None)
        self._move(connection, row, **values, clarified=0, offered="")
        if agent:
            line = Reply(f"{agent} is with you again.")
            self._say(connection, row, "system", line, kind="event", author=agent)

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
            return _conversation(row_of(connection, id))

    def find(self, channel: str, key: str) -> Conversation | None:
        """The conversation of `key` in `channel`, if there is one."""
        with self._database.read() as connection:
            row = connection.execute(
                select(conversations).where(conversations.c.channel == channel, conversations.c.key == key)
            ).one_or_none()
        return None if row is None else _conversation(row)

    def leave_email(self, id: str, email: str) -> None:
        """Keep the address at which a waiting customer wants to be answered."""
        self._database.write(lambda connection: set_columns(connection, id, email=email))

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
        version was replaced meanwhile. If an agent took or closed the conversation meanwhile the replies are dropped
        and only the record is kept: the bot never speaks while a human holds the conversation.
        """

        def work(connection: Connection) -> None:
            leases.check(connection, lease)
            row = row_of(connection, id, lock=True)
            if row.answered_seq >= outcome.turn.message_seq:
                raise LeaseLost(f"message {outcome.turn.message_seq} of {id} is answered already")
            if row.owner in ("agent", "closed"):
                self._record(connection, id, replace(outcome, dialogue=DialogueState()), [])
                return
            cited = [citation for reply in outcome.replies for citation in reply.citations]
            documents.require_current(connection, cited)
            said = [self._say(connection, row, "bot", reply) for reply in outcome.replies]
            self._record(connection, id, outcome, said)
            if outcome.hand_over and row.owner == "bot":
                values = self._values(row, "waiting", "", outcome.hand_over) | self._placed(outcome.place)
                self._move(connection, row, **{**values, "failures": outcome.failures})

        self._database.write(work)
        return self.said(id, outcome.turn.message_seq)

    def _record(self, connection: Connection, id: str, outcome: Outcome, said: list[int]) -> None:
        columns = turn_to_columns(outcome.turn)
        connection.execute(insert(turns).values(conversation=id, at=self._clock(), said=said, **columns))
        set_columns(
            connection,
            id,
            answered_seq=outcome.turn.message_seq,
            dialogue=asdict(outcome.dialogue),
            clarified=outcome.clarified,
            failures=outcome.failures,
            offered=outcome.offered,
        )


def _conversation(row: Row[Any]) -> Conversation:
    fields = dict(row._mapping)
    fields["dialogue"] = dialogue_from_json(row.dialogue)
    return Conversation(**fields)
