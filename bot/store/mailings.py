"""How often the transcript of a conversation went out by e-mail, so that nobody is flooded through us."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, insert, select

from bot.errors import Conflict
from bot.store.database import Database
from bot.store.tables import conversations, transcript_mails

MOST = 3
WITHIN = timedelta(hours=1)


class Mailings:
    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def reserve(self, conversation: str) -> None:
        """Count one mail before it is sent; `Conflict` where `MOST` went out within `WITHIN`."""

        def work(connection: Connection) -> None:
            now = self._clock()
            connection.execute(select(conversations.c.id).where(conversations.c.id == conversation).with_for_update())
            recent = (transcript_mails.c.conversation == conversation, transcript_mails.c.at > now - WITHIN)
            count = connection.scalar(select(func.count()).select_from(transcript_mails).where(*recent))
            if (count or 0) >= MOST:
                raise Conflict(
                    f"the transcript was sent {MOST} times in the last hour; wait a little", code="too_often"
                )
            connection.execute(insert(transcript_mails).values(conversation=conversation, at=now))

        self._database.write(work)
