"""The people of the desk: accounts and roles, sign-in with delays, sessions, the one-time set-up.

Every change and every sign-in stands in the audit log, written in the same transaction. The first admin is the owner,
and where there is an owner there always is one: the last can neither be removed nor become something else.

Passwords are argon2id with the parameters of OWASP's cheat sheet (m = 19,456 KiB, t = 2, p = 1), at most two hashed
at once. Session and set-up tokens are stored as hashes only.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from bot.errors import BadInput, Conflict, Forbidden, NotFound, Unverified
from bot.store.audit import COMMAND_LINE, Actor, What, record
from bot.store.database import Database
from bot.store.roles import Role, at_least, may_manage
from bot.store.tables import notes, people, sessions, sign_in_failures

SESSION = timedelta(hours=12)
FREE_TRIES = 4
LONGEST_DELAY_S = 300
SHORTEST_PASSWORD = 10
_SETUP = "setup_token_hash"
_WRONG = "e-mail or password is wrong, or too many tries; wait a moment and try again"

_NOBODY = Actor("somebody who is not signed in", role="viewer")

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_two_at_once = threading.BoundedSemaphore(2)


@dataclass(frozen=True, slots=True)
class Person:
    id: int
    email: str
    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class Session:
    """Who is signed in, and the token that every form of this session carries."""

    person: Person
    csrf: str


class People:
    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock
        self._nobody = _hash("nobody has this password")

    def setup_token(self) -> str | None:
        """A fresh one-time token that makes the first account; None once there is one. An older token ends."""
        token = secrets.token_urlsafe(24)

        def work(connection: Connection) -> bool:
            if connection.scalar(select(func.count()).select_from(people)):
                return False
            connection.execute(delete(notes).where(notes.c.key == _SETUP))
            connection.execute(insert(notes).values(key=_SETUP, value=_digest(token)))
            return True

        return token if self._database.write(work) else None

    def set_up(self, token: str, email: str, name: str, password: str) -> Person:
        """Make the first account, the owner's; `Unverified` for a wrong or used token."""
        _require(email, name, password)
        hashed = _hash(password)

        def work(connection: Connection) -> Person:
            used = delete(notes).where(notes.c.key == _SETUP, notes.c.value == _digest(token))
            if connection.execute(used).rowcount == 0:
                raise Unverified("this set-up link was used or replaced; `firstline users setup-link` prints a new one")
            made = self._insert(connection, email, name, "owner", hashed)
            self._tell(connection, actor(made), "set_up", made, after={"role": made.role})
            return made

        return self._database.write(work)

    def add(self, email: str, name: str, role: Role, password: str, *, by: Actor = COMMAND_LINE) -> Person:
        """Add an account; `BadInput` for a bad address or a short password, `Conflict` for a known address,
        `Forbidden` for a role that `by` does not manage. An admin without an owner above becomes the owner."""
        _require(email, name, password)
        _require_manager(by, role)
        hashed = _hash(password)

        def work(connection: Connection) -> Person:
            first = role == "admin" and not _owners(connection)
            made = self._insert(connection, email, name, "owner" if first else role, hashed)
            self._tell(connection, by, "person_added", made, after={"role": made.role})
            return made

        return self._database.write(work)

    def _insert(self, connection: Connection, email: str, name: str, role: Role, hashed: str) -> Person:
        address = email.strip().lower()
        if connection.scalar(select(people.c.id).where(people.c.email == address)) is not None:
            raise Conflict(f"{address} has an account already", code="known_address")
        row = insert(people).values(
            email=address, name=name.strip(), role=role, password=hashed, added_at=self._clock()
        )
        id = connection.scalar(row.returning(people.c.id))
        return Person(int(id or 0), address, name.strip(), role)

    def list(self) -> tuple[Person, ...]:
        with self._database.read() as connection:
            return tuple(_person(row) for row in connection.execute(select(people).order_by(people.c.name)))

    def change_role(self, email: str, role: Role, *, by: Actor = COMMAND_LINE) -> Person:
        """Give an account another role, from its next request on. `Forbidden` where `by` manages the old role or the
        new one not, `Conflict` for the last owner."""

        def work(connection: Connection) -> Person:
            row = _account(connection, email)
            _require_manager(by, row.role)
            _require_manager(by, role)
            if role != "owner":
                _require_other_owner(connection, row)
            changed = Person(row.id, row.email, row.name, role)
            if row.role != role:
                connection.execute(update(people).where(people.c.id == row.id).values(role=role))
                self._tell(connection, by, "role_changed", changed, {"role": row.role}, {"role": role})
            return changed

        return self._database.write(work)

    def remove(self, email: str, *, by: Actor = COMMAND_LINE) -> None:
        """End an account and its sessions; `Forbidden` for a role that `by` does not manage, `Conflict` for the last
        owner."""

        def work(connection: Connection) -> None:
            row = _account(connection, email)
            _require_manager(by, row.role)
            _require_other_owner(connection, row)
            connection.execute(delete(sessions).where(sessions.c.person == row.id))
            connection.execute(delete(people).where(people.c.id == row.id))
            self._tell(connection, by, "person_removed", _person(row), {"role": row.role})

        self._database.write(work)

    def _tell(
        self,
        connection: Connection,
        by: Actor,
        what: What,
        person: Person,
        before: dict[str, str] | None = None,
        after: dict[str, str] | None = None,
    ) -> None:
        record(connection, self._clock(), by, what, f"{person.name} (person {person.id})", before, after)

    def sign_in(self, email: str, password: str, *, address: str) -> str:
        """A session token, valid for `SESSION`. `Unverified`, always in the same words, for an unknown account, a
        wrong password and a locked address alike; each failure after the fourth doubles the delay."""
        account = email.strip().lower() if _is_address(email) else ""
        subjects = (f"account:{account}", f"address:{address}")
        if self._locked(subjects):
            raise Unverified(_WRONG)
        with self._database.read() as connection:
            row = connection.execute(select(people).where(people.c.email == account)).one_or_none()
        good = _verify(row.password if row is not None else self._nobody, password) and row is not None
        if not good or row is None:
            self._count_failure(subjects, _person(row) if row is not None else None)
            raise Unverified(_WRONG)
        return self._open_session(_person(row), subjects)

    def _open_session(self, person: Person, subjects: tuple[str, ...]) -> str:
        token = secrets.token_urlsafe(32)
        expires_at = self._clock() + SESSION

        def work(connection: Connection) -> None:
            connection.execute(delete(sign_in_failures).where(sign_in_failures.c.subject.in_(subjects)))
            connection.execute(delete(sessions).where(sessions.c.expires_at < self._clock()))
            row = {"token_hash": _digest(token), "person": person.id, "csrf": secrets.token_urlsafe(24)}
            connection.execute(insert(sessions).values(expires_at=expires_at, **row))
            self._tell(connection, actor(person), "sign_in", person)

        self._database.write(work)
        return token

    def by_session(self, token: str) -> Session | None:
        """Who holds this session token, or None when it is unknown or over."""
        query = (
            select(people, sessions.c.csrf)
            .join(sessions, sessions.c.person == people.c.id)
            .where(sessions.c.token_hash == _digest(token), sessions.c.expires_at > self._clock())
        )
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else Session(_person(row), row.csrf)

    def sign_out(self, token: str) -> None:
        """End a session; one that is not there changes nothing."""
        mine = sessions.c.token_hash == _digest(token)

        def work(connection: Connection) -> None:
            query = select(people).join(sessions, sessions.c.person == people.c.id).where(mine)
            row = connection.execute(query).one_or_none()
            if row is not None and connection.execute(delete(sessions).where(mine)).rowcount:
                self._tell(connection, actor(_person(row)), "sign_out", _person(row))

        self._database.write(work)

    def _locked(self, subjects: tuple[str, ...]) -> bool:
        query = select(func.max(sign_in_failures.c.locked_until)).where(sign_in_failures.c.subject.in_(subjects))
        with self._database.read() as connection:
            until = connection.scalar(query)
        return until is not None and until > self._clock()

    def _count_failure(self, subjects: tuple[str, ...], person: Person | None) -> None:
        def work(connection: Connection) -> None:
            subject = f"{person.name} (person {person.id})" if person else "an unknown account"
            record(connection, self._clock(), _NOBODY, "sign_in_failed", subject)
            for subject in subjects:
                same = sign_in_failures.c.subject == subject
                counted = update(sign_in_failures).where(same).values(failures=sign_in_failures.c.failures + 1)
                failures = connection.scalar(counted.returning(sign_in_failures.c.failures))
                if failures is None:
                    first = {"subject": subject, "failures": 1, "locked_until": self._clock()}
                    connection.execute(insert(sign_in_failures).values(**first))
                elif failures > FREE_TRIES:
                    delay = timedelta(seconds=min(2 ** min(failures - FREE_TRIES, 30), LONGEST_DELAY_S))
                    locked = update(sign_in_failures).where(same).values(locked_until=self._clock() + delay)
                    connection.execute(locked)

        self._database.write(work)


def actor(person: Person) -> Actor:
    """The person as the audit log names who did something."""
    return Actor(person.name, person.id, person.role)


def _account(connection: Connection, email: str) -> Row[Any]:
    query = select(people).where(people.c.email == email.strip().lower())
    row = connection.execute(query.with_for_update()).one_or_none()
    if row is None:
        raise NotFound(f"nobody has the address {email}")
    return row


def _owners(connection: Connection) -> list[int]:
    """Ids of the owners, locked until the transaction ends, so that two who remove each other leave one."""
    query = select(people.c.id).where(people.c.role == "owner").order_by(people.c.id).with_for_update()
    return list(connection.scalars(query))


def _require_other_owner(connection: Connection, row: Row[Any]) -> None:
    if row.role == "owner" and _owners(connection) == [row.id]:
        raise Conflict(f"{row.email} is the last owner; make another one first", code="last_owner")


def _require_manager(by: Actor, role: Role) -> None:
    if not may_manage(by.role, role):
        needed = "an owner" if at_least(role, "admin") else "an admin"
        raise Forbidden(f"only {needed} may do this for the role {role}; {by.name} is {by.role}")


def _person(row: Row[Any]) -> Person:
    return Person(row.id, row.email, row.name, row.role)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _hash(password: str) -> str:
    with _two_at_once:
        return _hasher.hash(password)


def _verify(hashed: str, password: str) -> bool:
    with _two_at_once:
        try:
            return _hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return False


def _require(email: str, name: str, password: str) -> None:
    if not _is_address(email):
        raise BadInput("an e-mail address looks like name@company.example; this one does not")
    if not 1 <= len(name.strip()) <= 120 or not name.strip().isprintable():
        raise BadInput("a name has 1 to 120 printable characters")
    if not SHORTEST_PASSWORD <= len(password) <= 1_000:
        raise BadInput(f"a password has at least {SHORTEST_PASSWORD} characters, this one has {len(password)}")
    if any("\ud800" <= character <= "\udfff" for character in password):
        raise BadInput("a password has whole characters only, this one holds half of one; type it again")


def _is_address(email: str) -> bool:
    address = email.strip()
    shaped = re.fullmatch(r"[^@\s]{1,64}@[^@\s]{1,180}\.[^@\s.]{2,}", address)
    return shaped is not None and address.isprintable() and len(address) <= 254
