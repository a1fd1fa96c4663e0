"""Search over all conversations: what was said and noted, addresses and customers; and a customer's other ones."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Row, Text, and_, cast, or_, select

from bot.messages import ANONYMOUS
from bot.store.database import Database
from bot.store.tables import conversations, messages

MOST_WORDS = 8
READ_ROWS = 500
"""Messages that are looked at for one answer, the newest first; several of them may be of one conversation."""
WINDOW = 160
"""Characters of a snippet."""

Snippet = tuple[tuple[str, bool], ...]
"""A piece of text in order, each part with whether it is what was searched for."""


@dataclass(frozen=True, slots=True)
class Filters:
    """`owner` and `channel` are exact; a conversation is in the span if what was found in it is, from `since` to before
    `until`. Empty ones let everything through."""

    owner: str = ""
    channel: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A conversation with the newest place that matches. `participant` said it, or is "customer's details"; `seq` is 0
    for the latter."""

    conversation: str
    seq: int
    participant: str
    kind: str
    at: datetime
    snippet: Snippet


@dataclass(frozen=True, slots=True)
class Past:
    """Another conversation of the same customer; `same` says by what: their id, or an address that anyone may give."""

    id: str
    channel: str
    owner: str
    opened_at: datetime
    changed_at: datetime
    reason: str
    same: str


def words_of(query: str) -> tuple[str, ...]:
    """The words that are searched for, each once; all must stand in one message."""
    return tuple(dict.fromkeys(query.split()))[:MOST_WORDS]


def snippet(text: str, words: Sequence[str], window: int = WINDOW) -> Snippet:
    """The part of a text around the first word, with every word in it marked."""
    pattern = re.compile("|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)), re.IGNORECASE)
    flat = " ".join(text.split())
    first = pattern.search(flat)
    start = max(0, (first.start() if first else 0) - window // 3)
    start = 0 if start < 12 else flat.find(" ", start) + 1 or start
    cut = flat[start : start + window]
    parts = [("… ", False)] if start else []
    at = 0
    for match in pattern.finditer(cut):
        parts += [(cut[at : match.start()], False), (match[0], True)]
        at = match.end()
    parts.append((cut[at:] + (" …" if start + window < len(flat) else ""), False))
    return tuple(part for part in parts if part[0])


class Search:
    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, query: str, filters: Filters, limit: int = 50) -> tuple[Found, ...]:
        """Conversations that match, each once, the newest match first; without words, all that the filters let
        through."""
        words = words_of(query)
        found: dict[str, Found] = {}
        places = (*self._said(words, filters), *self._known(words, filters))
        for each in sorted(places, key=lambda one: one.at, reverse=True):
            found.setdefault(each.conversation, each)
        return tuple(found.values())[:limit]

    def past(self, id: str, limit: int = 20) -> tuple[Past, ...]:
        """Other conversations of the customer of `id`, the last changed first. A visitor whom nobody knows has only
        those with the same e-mail address."""
        with self._database.read() as connection:
            row = connection.execute(select(conversations).where(conversations.c.id == id)).one_or_none()
            if row is None:
                return ()
            known = not row.customer.startswith(ANONYMOUS)
            same = [conversations.c.customer == row.customer] if known else []
            same += [conversations.c.email == row.email] if row.email else []
            if not same:
                return ()
            query = select(conversations).where(or_(*same), conversations.c.id != id, conversations.c.last_seq > 0)
            rows = connection.execute(query.order_by(conversations.c.changed_at.desc()).limit(limit)).all()
        return tuple(_past(each, "customer" if known and each.customer == row.customer else "e-mail") for each in rows)

    def _said(self, words: Sequence[str], filters: Filters) -> Iterator[Found]:
        query = (
            select(messages)
            .join(conversations, conversations.c.id == messages.c.conversation)
            .where(*_let_through(filters, messages.c.at), *(_contains(messages.c.text, word) for word in words))
            .order_by(messages.c.position.desc())
            .limit(READ_ROWS)
        )
        with self._database.read() as connection:
            for row in connection.execute(query):
                shown = snippet(row.text, words) if words else ((row.text[:WINDOW], False),)
                yield Found(row.conversation, row.seq, row.participant, row.kind, row.at, shown)

    def _known(self, words: Sequence[str], filters: Filters) -> Iterator[Found]:
        if not words:
            return
        attributes = cast(conversations.c.attributes, Text)
        matches = and_(
            *(
                or_(
                    _contains(conversations.c.email, word),
                    _contains(conversations.c.customer, word),
                    attributes.icontains(json.dumps(word)[1:-1], autoescape=True),
                )
                for word in words
            )
        )
        query = select(conversations).where(matches, *_let_through(filters, conversations.c.changed_at))
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(conversations.c.changed_at.desc()).limit(READ_ROWS)).all()
        for row in rows:
            details = " · ".join(dict.fromkeys(filter(None, (*row.attributes.values(), row.email, row.customer))))
            if not all(word.casefold() in details.casefold() for word in words):
                continue  # a name of an attribute matched, not its value
            yield Found(row.id, 0, "customer's details", "text", row.changed_at, snippet(details, words))


def _contains(column: Column[Any], word: str) -> ColumnElement[bool]:
    """Case does not matter; SQLite knows that of ASCII only, so other letters are tried in their usual spellings."""
    spellings = [word] if word.isascii() else dict.fromkeys((word, word.lower(), word.upper(), word.capitalize()))
    return or_(*(column.icontains(each, autoescape=True) for each in spellings))


def _let_through(filters: Filters, moment: Column[Any]) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if filters.owner:
        conditions.append(conversations.c.owner == filters.owner)
    if filters.channel:
        conditions.append(conversations.c.channel == filters.channel)
    if filters.since is not None:
        conditions.append(moment >= filters.since)
    if filters.until is not None:
        conditions.append(moment < filters.until)
    return conditions


def _past(row: Row[Any], same: str) -> Past:
    return Past(row.id, row.channel, row.owner, row.opened_at, row.changed_at, row.reason, same)
