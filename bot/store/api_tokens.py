"""Tokens of the API: hashed at rest, shown once, with a scope, a last use and an end.

A token has 256 random bits, so one round of SHA-256 keeps it: there is nothing to guess (OWASP's cheat sheet on
password storage asks for slow hashes because people choose passwords; nobody chooses these).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from sqlalchemy import Connection, Row, insert, select, update

from bot.errors import BadInput, Conflict, NotFound, Unverified
from bot.store.audit import Actor, record
from bot.store.database import Database
from bot.store.tables import api_tokens

Scope = Literal["read", "write"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
PREFIX = "flt_"
"""How every token begins, so that a leaked one is found by those who look for them."""
LONGEST_NAME = 80
USED_EVERY = timedelta(minutes=1)
"""How exact the last use is: a token in steady use is not written down at every request."""


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token without its secret. `write` may do what an agent may, `read` what a viewer may."""

    id: int
    name: str
    scope: Scope
    issued_by: str
    issued_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


class ApiTokens:
    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def issue(self, name: str, scope: str, *, by: Actor) -> tuple[ApiToken, str]:
        """A new token and its secret, which nobody can read again; `BadInput` for a bad name or scope."""
        name = " ".join(name.split())
        if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
            raise BadInput(f"a token has a name of 1 to {LONGEST_NAME} printable characters, that says what uses it")
        if scope not in SCOPES:
            raise BadInput(f"the scope of a token is {' or '.join(SCOPES)}, got {scope[:20]!r}")
        secret = PREFIX + secrets.token_urlsafe(32)

        def work(connection: Connection) -> ApiToken:
            values = {"name": name, "scope": scope, "issued_by": by.name, "issued_at": self._clock()}
            made = insert(api_tokens).values(token_hash=_digest(secret), **values).returning(api_tokens)
            token = _token(connection.execute(made).one())
            record(connection, self._clock(), by, "token_issued", _subject(token), after={"scope": scope})
            return token

        return self._database.write(work), secret

    def by_secret(self, secret: str) -> ApiToken:
        """The token with this secret, its use noted; `Unverified` for an unknown or revoked one."""
        query = select(api_tokens).where(api_tokens.c.token_hash == _digest(secret), api_tokens.c.revoked_at.is_(None))
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise Unverified("this API token is unknown or was revoked; an admin issues another one")
        now = self._clock()
        if row.used_at is None or now - row.used_at >= USED_EVERY:
            noted = update(api_tokens).where(api_tokens.c.id == row.id).values(used_at=now)
            self._database.write(lambda connection: connection.execute(noted))
        return _token(row)

    def revoke(self, id: int, *, by: Actor) -> None:
        """End a token, from the next request on; `NotFound`, or `Conflict` for one that has ended."""

        def work(connection: Connection) -> None:
            row = connection.execute(select(api_tokens).where(api_tokens.c.id == id).with_for_update()).one_or_none()
            if row is None:
                raise NotFound(f"no API token {id}")
            if row.revoked_at is not None:
                raise Conflict(f"the token {row.name} was revoked already")
            connection.execute(update(api_tokens).where(api_tokens.c.id == id).values(revoked_at=self._clock()))
            record(connection, self._clock(), by, "token_revoked", _subject(_token(row)), {"scope": row.scope})

        self._database.write(work)

    def listing(self) -> tuple[ApiToken, ...]:
        """Every token: those in use first, then the newest first."""
        order = (api_tokens.c.revoked_at.is_not(None), api_tokens.c.id.desc())
        with self._database.read() as connection:
            return tuple(_token(row) for row in connection.execute(select(api_tokens).order_by(*order)))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _subject(token: ApiToken) -> str:
    return f"{token.name} (token {token.id})"


def _token(row: Row[Any]) -> ApiToken:
    return ApiToken(row.id, row.name, row.scope, row.issued_by, row.issued_at, row.used_at, row.revoked_at)
