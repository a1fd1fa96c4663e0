"""Which thread on Slack stands for which conversation, and how much of the conversation it shows.

What is posted is noted before and after: a thread whose note of before was not followed by the one of after may or may
not have the post, and is looked at before the post is repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, or_, select, update

from bot.errors import NotFound
from bot.store.database import Database
from bot.store.tables import conversations, slack_threads


@dataclass(frozen=True, slots=True)
class Thread:
    """`ts` is empty until the first message was posted. Messages up to `told_seq` stand there; `telling_seq`, where it
    is higher, was being posted. `shown` is a hash of what the first message shows, `fence` the conversation's at that
    time."""

    conversation: str
    channel: str
    ts: str
    told_seq: int
    telling_seq: int
    shown: str
    fence: int
    began_at: datetime


class SlackThreads:
    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def begin(self, conversation: str, channel: str, told_seq: int) -> Thread:
        """A thread for a conversation that had none here; it will not show messages up to `told_seq`."""

        def work(connection: Connection) -> None:
            connection.execute(delete(slack_threads).where(slack_threads.c.conversation == conversation))
            connection.execute(
                insert(slack_threads).values(
                    conversation=conversation,
                    channel=channel,
                    told_seq=told_seq,
                    telling_seq=told_seq,
                    began_at=self._clock(),
                )
            )

        self._database.write(work)
        return self._of(conversation)

    def opened(self, thread: Thread, ts: str, shown: str) -> Thread:
        """Its first message stands at `ts` and shows this, empty where that is not known."""
        return self._set(thread, ts=ts, shown=shown)

    def showing(self, thread: Thread, shown: str, fence: int) -> Thread:
        """Its first message shows this."""
        return self._set(thread, shown=shown, fence=fence)

    def telling(self, thread: Thread, seq: int) -> Thread:
        """Message `seq` is about to be posted."""
        return self._set(thread, telling_seq=seq)

    def told(self, thread: Thread, seq: int) -> Thread:
        """Messages up to `seq` stand there."""
        return self._set(thread, told_seq=seq, telling_seq=seq)

    def find(self, channel: str, ts: str) -> Thread | None:
        """The thread that begins at `ts`."""
        here = slack_threads.c.channel == channel, slack_threads.c.ts == ts
        return self._one(select(slack_threads).where(*here)) if ts else None

    def of(self, conversation: str) -> Thread | None:
        """The thread of a conversation."""
        return self._one(select(slack_threads).where(slack_threads.c.conversation == conversation))

    def behind(self, channel: str) -> tuple[str, ...]:
        """Conversations that changed hands since their thread was brought up to date, and those with a human, or
        waiting for one, that have no thread or more than it shows. What the bot says alone is not looked at."""
        threads = slack_threads.c
        human = conversations.c.owner.in_(("waiting", "agent"))
        without = threads.conversation.is_(None) & human
        more = (conversations.c.last_seq > threads.told_seq) & human
        moved = conversations.c.fence != threads.fence
        query = (
            select(conversations.c.id)
            .outerjoin(slack_threads, (threads.conversation == conversations.c.id) & (threads.channel == channel))
            .where(or_(without, more, moved, threads.ts == ""))
            .order_by(conversations.c.waiting_since.is_(None), conversations.c.waiting_since, conversations.c.id)
        )
        with self._database.read() as connection:
            return tuple(connection.scalars(query.limit(100)))

    def _of(self, conversation: str) -> Thread:
        found = self.of(conversation)
        if found is None:
            raise NotFound(f"conversation {conversation} was erased")
        return found

    def _one(self, query: Any) -> Thread | None:
        with self._database.read() as connection:
            row: Row[Any] | None = connection.execute(query).one_or_none()
        return None if row is None else Thread(**row._mapping)

    def _set(self, thread: Thread, **values: Any) -> Thread:
        mine = slack_threads.c.conversation == thread.conversation
        self._database.write(lambda connection: connection.execute(update(slack_threads).where(mine).values(**values)))
        return replace(thread, **values)
