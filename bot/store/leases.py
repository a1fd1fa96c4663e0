"""Leases with fencing tokens: one holder of a name at a time, and a late holder cannot write.

A lease that is taken over gets a higher token; `check` inside the writing transaction then refuses the old one
(M. Kleppmann, "How to do distributed locking", 2016).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, update

from bot.errors import LeaseLost
from bot.store.tables import leases


@dataclass(frozen=True, slots=True)
class Lease:
    name: str
    holder: str
    token: int


def acquire(connection: Connection, name: str, holder: str, now: datetime, ttl_s: float) -> Lease | None:
    """The lease on `name` for `ttl_s` seconds, or None while another holder has it."""
    expires_at = now + timedelta(seconds=ttl_s)
    row = connection.execute(select(leases).where(leases.c.name == name).with_for_update()).one_or_none()
    if row is None:
        connection.execute(insert(leases).values(name=name, holder=holder, token=1, expires_at=expires_at))
        return Lease(name, holder, 1)
    if row.expires_at > now and row.holder:
        return None
    token = row.token + 1
    connection.execute(
        update(leases).where(leases.c.name == name).values(holder=holder, token=token, expires_at=expires_at)
    )
    return Lease(name, holder, token)


def check(connection: Connection, lease: Lease) -> None:
    """Raise `LeaseLost` unless `lease` is still the newest on its name; locks the row until the transaction ends."""
    row = connection.execute(select(leases).where(leases.c.name == lease.name).with_for_update()).one_or_none()
    if row is None or row.token != lease.token:
        raise LeaseLost(f"{lease.name}: token {lease.token} was overtaken by {row.token if row else 'none'}")


def release(connection: Connection, lease: Lease) -> None:
    """Give the name back; a lease that was overtaken changes nothing."""
    connection.execute(
        update(leases).where(leases.c.name == lease.name, leases.c.token == lease.token).values(holder="")
    )
