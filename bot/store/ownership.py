"""Who speaks in a conversation: one owner at a time, moved by compare-and-set, guarded by a fencing token.

Every move raises the conversation's `fence`. An agent acts with the fence of their own claim, checked in the writing
transaction, so that a page that shows an older state cannot speak after a hand-back or a take-over (M. Kleppmann,
"How to do distributed locking", 2016). Which moves there are is the table of `bot.handoff.states`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from bot.errors import Conflict
from bot.messages import DialogueState, Message, Owner, Reply
from bot.store import attachments as files
from bot.store import satisfaction
from bot.store.attachments import Sender
from bot.store.log import Log, Source, known_seq, row_of, set_columns


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a conversation goes in the queue: `priority` from 0, the first; the team, empty for anybody; and when its
    first answer of a human should be warned about and is due, None without a clock."""

    priority: int = 2
    team: str = ""
    warn_at: datetime | None = None
    due_at: datetime | None = None


def refusal(owner: Owner, agent: str, fence: int, expected: Iterable[Owner], by: str, token: int | None) -> str:
    """Why a move or a message of `by` is refused, empty where it is not. Pure: the whole of the compare-and-set."""
    wanted = tuple(expected)
    stands = {"bot": "with the bot", "waiting": "waiting in the queue", "closed": "closed"}
    held = stands.get(owner) or f"held by {agent}"
    if owner not in wanted:
        remedy = "take it over first" if wanted == ("agent",) else "reload to see it as it stands"
        return f"this conversation is {held}; {remedy}"
    if owner == "agent" and by and agent != by:
        return f"this conversation is {held}, not by {by}; ask for it, or take the next one"
    if token is not None and token != fence:
        return f"this conversation changed hands since this page showed it and is {held} now; reload and look again"
    return ""


class Ownership(Log):
    """Moves between owners, and what only the holder may do."""

    def transition(
        self,
        id: str,
        expected: Iterable[Owner],
        to: Owner,
        *,
        event: str = "",
        agent: str = "",
        reason: str | None = None,
        by: str = "",
        token: int | None = None,
        note: str = "",
        place: Placement | None = None,
        team: str | None = None,
        until: datetime | None = None,
    ) -> int:
        """Move a conversation to another owner, if it still stands as expected (compare and set); its new fence.

        `Conflict` (code `moved_on`) says how it stands instead. `by` is the agent who acts and must hold it where the
        expected owner is an agent; `token` the fence they acted on. `event` is the line everyone sees, `note` one for
        colleagues. `place` starts the clock of a conversation that begins to wait; `team` sends it to another team;
        `until` keeps it out of the queue for a while. A flow that was active ends: nobody is asked for an order number
        by the bot after an agent dealt with it. A customer whose agent closes is to be asked how it was.
        """

        def work(connection: Connection) -> int:
            row = row_of(connection, id, lock=True)
            self._require(row, tuple(expected), by, token)
            values = self._values(row, to, agent, reason)
            if row.owner in ("bot", "closed"):
                values |= self._placed(place)
            if team is not None:
                values["team"] = team
            self._move(connection, row, **values, snoozed_until=until)
            if note:
                self._say(connection, row, "agent", Reply(note), kind="note", author=by)
            if event:
                self._say(connection, row, "system", Reply(event), kind="event", author=agent)
            if to == "closed" and row.owner == "agent":
                satisfaction.ask(connection, id, row.agent, self._clock())
            return int(row.fence) + 1

        return self._database.write(work)

    def speak(
        self,
        id: str,
        agent: str,
        text: str,
        *,
        token: int | None = None,
        source: Source | None = None,
        attachments: Sequence[str] = (),
    ) -> Message:
        """A message of the agent who holds the conversation, checked where it is written; `Conflict` otherwise.

        The first one stops the clock of the first answer. The same `source` again is the same message. `attachments`
        are ids of files that this agent uploaded; `BadInput` where one is not.
        """

        def work(connection: Connection) -> int:
            row = row_of(connection, id, lock=True)
            if (known := known_seq(connection, source)) is not None:
                return known
            self._require(row, ("agent",), agent, token)
            if row.clock_from is not None and row.first_answer_at is None:
                set_columns(connection, id, first_answer_at=self._clock())
            carried = files.sendable(connection, id, attachments, Sender("agent", agent))
            seq = self._say(connection, row, "agent", Reply(text), author=agent, source=source, files=carried)
            files.sent(connection, carried, seq)
            return seq

        return self._message(id, self._database.write(work))

    def _require(self, row: Row[Any], expected: tuple[Owner, ...], by: str, token: int | None) -> None:
        if why := refusal(row.owner, row.agent, row.fence, expected, by, token):
            raise Conflict(why, code="moved_on")

    def _values(self, row: Row[Any], to: Owner, agent: str, reason: str | None) -> dict[str, Any]:
        now = self._clock()
        return {
            "owner": to,
            "agent": agent,
            "reason": row.reason if reason is None else reason,
            "waiting_since": (row.waiting_since or now) if to == "waiting" else None,
            "held_since": now if to == "agent" else None,
            "closed_at": now if to == "closed" else None,
            "last_agent": agent or row.last_agent,
            "failures": 0,
            "dialogue": asdict(DialogueState()),
        }

    def _placed(self, place: Placement | None) -> dict[str, Any]:
        """The clock of a conversation that comes from the bot: a new one, or none."""
        given = asdict(place or Placement())
        return {**given, "clock_from": self._clock() if place is not None else None, "first_answer_at": None}

    def _move(self, connection: Connection, row: Row[Any], **values: Any) -> None:
        """Write a change of owner; nothing else changes one, so that every one raises the fence."""
        set_columns(connection, row.id, fence=row.fence + 1, changed_at=self._clock(), **values)
