"""What the desk keeps around its conversations, as one part of the application."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.store.api_tokens import ApiTokens
from bot.store.audit import Audit
from bot.store.canned import CannedReplies
from bot.store.database import Database
from bot.store.mailings import Mailings
from bot.store.mentions import Mentions
from bot.store.pages import PagesSeen
from bot.store.satisfaction import SatisfactionScores
from bot.store.search import Search
from bot.store.suggestions import Suggestions


@dataclass(frozen=True, slots=True)
class DeskStore:
    audit: Audit
    canned: CannedReplies
    mailings: Mailings
    mentions: Mentions
    pages: PagesSeen
    satisfaction: SatisfactionScores
    search: Search
    suggestions: Suggestions
    tokens: ApiTokens

    @classmethod
    def of(cls, database: Database, clock: Callable[[], datetime]) -> DeskStore:
        """All of it on one database."""
        return cls(
            audit=Audit(database, clock),
            canned=CannedReplies(database, clock),
            mailings=Mailings(database, clock),
            mentions=Mentions(database, clock),
            pages=PagesSeen(database, clock),
            satisfaction=SatisfactionScores(database, clock),
            search=Search(database),
            suggestions=Suggestions(database, clock),
            tokens=ApiTokens(database, clock),
        )
