"""Colleagues who are named in notes: `@Maud Wren`, or `@Maud` where one person only begins so."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from bot.store.database import Database
from bot.store.people import Person
from bot.store.tables import mentions

SHOWN = 50


@dataclass(frozen=True, slots=True)
class Mention:
    """Somebody was named in note `seq` of a conversation."""

    conversation: str
    seq: int
    by: str
    at: datetime


def mentioned(text: str, people: Iterable[Person]) -> tuple[Person, ...]:
    """Who is named in a note, each once. Of two whose names begin alike the longer one that fits is meant."""
    everybody = sorted(people, key=lambda each: -len(each.name))
    names = [(each.name, each) for each in everybody]
    firsts = [each.name.split()[0] for each in everybody]
    names += [(first, each) for first, each in zip(firsts, everybody, strict=True) if firsts.count(first) == 1]
    found: dict[int, Person] = {}
    rest = text
    for name, person in names:
        rest, count = re.subn(rf"(?<!\w)@{re.escape(name)}(?!\w)", " ", rest, flags=re.IGNORECASE)
        if count:
            found[person.id] = person
    return tuple(found.values())


class Mentions:
    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def add(self, conversation: str, seq: int, people: Iterable[Person], *, by: str) -> None:
        """Note who was named in message `seq`."""
        rows = [{"person": each.id, "conversation": conversation, "seq": seq, "by": by} for each in people]

        def work(connection: Connection) -> None:
            for row in rows:
                connection.execute(insert(mentions).values(**row, at=self._clock()))

        if rows:
            self._database.write(work)

    def unseen(self, person: int) -> tuple[Mention, ...]:
        """Where somebody was named and has not looked since, the newest first."""
        query = (
            select(mentions)
            .where(mentions.c.person == person, mentions.c.seen_at.is_(None))
            .order_by(mentions.c.at.desc(), mentions.c.seq.desc())
            .limit(SHOWN)
        )
        with self._database.read() as connection:
            return tuple(Mention(row.conversation, row.seq, row.by, row.at) for row in connection.execute(query))

    def seen(self, person: int, conversation: str) -> None:
        """They opened the conversation."""
        theirs = (mentions.c.person == person, mentions.c.conversation == conversation, mentions.c.seen_at.is_(None))
        change = update(mentions).where(*theirs).values(seen_at=self._clock())
        self._database.write(lambda connection: connection.execute(change))
