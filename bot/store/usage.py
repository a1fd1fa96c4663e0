"""What the conversation log says about knowledge: which documents were quoted, and which questions found no answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from bot.store.database import Database
from bot.store.tables import messages, turns

READ = 50_000
"""Messages that are read, the newest first."""
ABSTAINED = ("no-answer", "third-failure", "out-of-scope", "offer-human", "unanswered-again", "not-found-again")
"""The router's rules that a question ends with which nothing in the documents answers."""


@dataclass(frozen=True, slots=True)
class Usage:
    """`turns` answered messages were looked at, back to `since`; what was quoted before is not counted. `quoted` counts
    the bot's messages by the document they cite; `unanswered` are the texts of the questions that found no answer, the
    newest first."""

    turns: int
    since: datetime | None
    quoted: Mapping[str, int]
    unanswered: tuple[str, ...]


def usage_of(database: Database) -> Usage:
    """What the newest READ messages of the bot say, and the turns since the oldest of them."""
    cited = (
        select(messages.c.citations, messages.c.at)
        .where(messages.c.participant == "bot")
        .order_by(messages.c.position.desc())
        .limit(READ)
    )
    asked = (
        select(messages.c.text)
        .join(turns, (turns.c.conversation == messages.c.conversation) & (turns.c.message_seq == messages.c.seq))
        .where(turns.c.rule.in_(ABSTAINED))
        .order_by(messages.c.position.desc())
        .limit(READ)
    )
    quoted: Counter[str] = Counter()
    with database.read() as connection:
        read = connection.execute(cited).all()
        for row in read:
            quoted.update({str(citation["document"]) for citation in row.citations or ()})
        texts = tuple(text for text in connection.scalars(asked) if text.strip())
        looked_at = select(func.count(), func.min(turns.c.at)).select_from(turns)
        if len(read) == READ:
            looked_at = looked_at.where(turns.c.at >= read[-1].at)
        counted, since = connection.execute(looked_at).one()
    return Usage(int(counted), since, quoted, texts)
