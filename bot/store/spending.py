"""What the large model may use and has used: tokens reserved before a call and settled after it.

A reservation is one transaction on two counters, the day's and the conversation's: it is made whole or not at all, by
whichever process comes first, and what is reserved counts as used. So the limits are never passed, and a process that
dies during a call leaves its reservation counted: the call may have been charged. Costs are kept in millionths of the
company's currency, at the prices of the day of the call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, insert, select, update

from bot.store.database import Database
from bot.store.log import Clock
from bot.store.tables import model_budgets, model_calls

UNSETTLED_AFTER = timedelta(minutes=2)
"""How long a call may be under way; one that is older was cut off."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Tokens, read and written together, of one UTC day and of one conversation."""

    day: int
    conversation: int


@dataclass(frozen=True, slots=True)
class Prices:
    """What a million tokens cost, in the company's currency: so many millionths of it a token."""

    read: float = 0.0
    written: float = 0.0

    def micros(self, read: int, written: int) -> int:
        """The cost in millionths of the currency."""
        return round(read * self.read + written * self.written)


@dataclass(frozen=True, slots=True)
class Reservation:
    """The right to one call of at most `tokens`."""

    call: int
    conversation: str
    day: str
    tokens: int


@dataclass(frozen=True, slots=True)
class Use:
    """What one call came to. Each count is the endpoint's or an estimate; `outcome` is one word for the record."""

    read: int
    written: int
    micros: int
    outcome: str
    took_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Spent:
    """What a day has used: `tokens` settled and reserved together, `micros` of settled calls, calls by their outcome.
    `cut_off` calls were never settled and count whole."""

    day: str
    calls: int
    tokens: int
    micros: int
    outcomes: Mapping[str, int]
    cut_off: int


class Spending:
    """The counters of one installation, shared by its processes."""

    def __init__(self, database: Database, clock: Clock, limits: Limits) -> None:
        self._database = database
        self._clock = clock
        self.limits = limits

    def reserve(self, conversation: str, tokens: int, purpose: str) -> Reservation | None:
        """Take `tokens` off both budgets before a call, or None where one of them does not hold as much.

        `ValueError` for less than one token: a call without a reservation is not possible.
        """
        if tokens < 1:
            raise ValueError(f"a reservation is of at least one token, got {tokens}")
        day = self._day()

        def work(connection: Connection) -> Reservation | None:
            for scope, limit in ((f"day:{day}", self.limits.day), (_scope(conversation), self.limits.conversation)):
                if _locked(connection, scope) + tokens > limit:
                    return None
            for scope in (f"day:{day}", _scope(conversation)):
                _add(connection, scope, tokens)
            made = connection.execute(
                insert(model_calls).values(
                    conversation=conversation, day=day, purpose=purpose, reserved=tokens, at=self._clock()
                )
            )
            key = made.inserted_primary_key
            return Reservation(int(key[0]) if key else 0, conversation, day, tokens)

        return self._database.write(work)

    def settle(self, reservation: Reservation, use: Use) -> None:
        """Put what a call used in place of what was reserved for it; the second time changes nothing."""

        def work(connection: Connection) -> None:
            still_open = (model_calls.c.id == reservation.call, model_calls.c.outcome == "")
            values = {
                "read_tokens": use.read,
                "written_tokens": use.written,
                "micros": use.micros,
                "outcome": use.outcome,
                "took_ms": use.took_ms,
            }
            for scope in (f"day:{reservation.day}", _scope(reservation.conversation)):
                _locked(connection, scope)
            if connection.execute(update(model_calls).where(*still_open).values(**values)).rowcount == 0:
                return
            for scope in (f"day:{reservation.day}", _scope(reservation.conversation)):
                _add(connection, scope, use.read + use.written - reservation.tokens)

        self._database.write(work)

    def left(self, conversation: str) -> int:
        """Tokens that a call for this conversation could still reserve."""
        with self._database.read() as connection:
            day = self.limits.day - _used(connection, f"day:{self._day()}")
            return max(0, min(day, self.limits.conversation - _used(connection, _scope(conversation))))

    def of_day(self, day: str = "") -> Spent:
        """What a day (ISO 8601, today where none is given) has used."""
        day = day or self._day()
        counted = (
            select(model_calls.c.outcome, func.count(), func.sum(model_calls.c.micros))
            .where(model_calls.c.day == day)
            .group_by(model_calls.c.outcome)
        )
        cut_off = select(func.count()).where(
            model_calls.c.day == day,
            model_calls.c.outcome == "",
            model_calls.c.at < self._clock() - UNSETTLED_AFTER,
        )
        with self._database.read() as connection:
            rows = connection.execute(counted).all()
            return Spent(
                day,
                calls=sum(int(count) for _, count, _ in rows),
                tokens=_used(connection, f"day:{day}"),
                micros=sum(int(micros or 0) for _, _, micros in rows),
                outcomes={outcome or "under way": int(count) for outcome, count, _ in sorted(rows)},
                cut_off=int(connection.scalar(cut_off) or 0),
            )

    def _day(self) -> str:
        now: datetime = self._clock()
        return now.date().isoformat()


def _scope(conversation: str) -> str:
    return f"conversation:{conversation}"


def _used(connection: Connection, scope: str) -> int:
    return int(connection.scalar(select(model_budgets.c.tokens).where(model_budgets.c.scope == scope)) or 0)


def _locked(connection: Connection, scope: str) -> int:
    """A counter that nobody else can move until the transaction ends. It is made where there is none: what is not
    there cannot be locked, and of two that make it one loses, which `write` runs again."""
    query = select(model_budgets.c.tokens).where(model_budgets.c.scope == scope)
    found = connection.scalar(query.with_for_update())
    if found is None:
        connection.execute(insert(model_budgets).values(scope=scope, tokens=0))
    return int(found or 0)


def _add(connection: Connection, scope: str, tokens: int) -> None:
    """Move a counter that is locked."""
    changed = update(model_budgets).where(model_budgets.c.scope == scope)
    connection.execute(changed.values(tokens=model_budgets.c.tokens + tokens))
