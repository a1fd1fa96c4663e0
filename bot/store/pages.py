"""The page of the company's site that a customer is on, as the widget tells it: the last one of each conversation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit, urlunsplit

from sqlalchemy import Connection, insert, select, update

from bot.errors import BadInput
from bot.store.database import Database
from bot.store.tables import pages_seen

LONGEST_URL = 500
LONGEST_TITLE = 200


@dataclass(frozen=True, slots=True)
class PageSeen:
    url: str
    title: str
    at: datetime


def address(given: str) -> str:
    """The address without what may name people: user, query and fragment are left out; `BadInput` for anything but a
    web page."""
    try:
        parts = urlsplit(given.strip())
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise BadInput(f"a page has an http or https address: {error}") from error
    if parts.scheme not in ("http", "https") or not host or not given.isprintable():
        raise BadInput("a page has an http or https address")
    shown = f"[{host}]" if ":" in host else host
    return urlunsplit((parts.scheme, f"{shown}:{port}" if port else shown, parts.path, "", ""))[:LONGEST_URL]


class PagesSeen:
    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def saw(self, conversation: str, url: str, title: str) -> None:
        """Keep where the customer is now, in place of where they were; `BadInput` for what is no page."""
        plain = " ".join("".join(each if each.isprintable() else " " for each in title).split())
        values = {"url": address(url), "title": plain[:LONGEST_TITLE], "at": self._clock()}
        mine = pages_seen.c.conversation == conversation

        def work(connection: Connection) -> None:
            if connection.execute(update(pages_seen).where(mine).values(**values)).rowcount == 0:
                connection.execute(insert(pages_seen).values(conversation=conversation, **values))

        self._database.write(work)

    def of(self, conversation: str) -> PageSeen | None:
        """The last page, or None where the widget never told one."""
        query = select(pages_seen).where(pages_seen.c.conversation == conversation)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else PageSeen(row.url, row.title, row.at)
