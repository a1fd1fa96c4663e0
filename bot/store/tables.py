"""The tables. Times are UTC; JSON columns hold the records of `bot.messages` written by `bot.store.rows`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

metadata = MetaData()
_Serial = BigInteger().with_variant(Integer, "sqlite")


class Moment(TypeDecorator[datetime]):
    """An aware UTC datetime, also on SQLite, which knows no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment: datetime = value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


conversations = Table(
    "conversations",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("channel", String(20), nullable=False),
    Column("key", String(200), nullable=False),
    Column("customer", String(200), nullable=False),
    Column("owner", String(10), nullable=False, default="bot"),
    Column("agent", String(120), nullable=False, default=""),
    Column("reason", Text, nullable=False, default=""),
    Column("email", String(254), nullable=False, default=""),
    Column("attributes", JSON, nullable=False, default=dict),
    Column("dialogue", JSON, nullable=False, default=dict),
    Column("opened_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("waiting_since", Moment),
    Column("last_seq", Integer, nullable=False, default=0),
    Column("asked_seq", Integer, nullable=False, default=0),
    Column("answered_seq", Integer, nullable=False, default=0),
    Column("clarified", Integer, nullable=False, default=0),
    Column("failures", Integer, nullable=False, default=0),
    Column("fence", Integer, nullable=False, default=0),
    Column("priority", Integer, nullable=False, default=2),
    Column("team", String(60), nullable=False, default=""),
    Column("last_agent", String(120), nullable=False, default=""),
    Column("held_since", Moment),
    Column("closed_at", Moment),
    Column("snoozed_until", Moment),
    Column("clock_from", Moment),
    Column("warn_at", Moment),
    Column("due_at", Moment),
    Column("first_answer_at", Moment),
    Column("offered", String(10), nullable=False, default=""),
    UniqueConstraint("channel", "key"),
)
Index("conversations_owner", conversations.c.owner, conversations.c.waiting_since)

messages = Table(
    "messages",
    metadata,
    Column("position", _Serial, primary_key=True, autoincrement=True),
    Column("conversation", ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("participant", String(10), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("text", Text, nullable=False),
    Column("author", String(120), nullable=False, default=""),
    Column("payload", Text),
    Column("channel", String(20)),
    Column("external_id", String(200)),
    Column("citations", JSON, nullable=False, default=list),
    Column("quick_replies", JSON, nullable=False, default=list),
    Column("attachments", JSON, nullable=False, default=list),
    Column("rating", String(4), nullable=False, default=""),
    Column("at", Moment, nullable=False),
    UniqueConstraint("conversation", "seq"),
    UniqueConstraint("channel", "external_id"),
)

attachments = Table(
    "attachments",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("conversation", ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("key", String(36), nullable=False),
    Column("participant", String(10), nullable=False),
    Column("author", String(120), nullable=False, default=""),
    Column("seq", Integer),
    Column("name", String(200), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("at", Moment, nullable=False),
    UniqueConstraint("conversation", "participant", "author", "key"),
)
Index("attachments_unsent", attachments.c.seq, attachments.c.at)
"""Files of messages; `seq` is empty until the message that carries one is stored."""

turns = Table(
    "turns",
    metadata,
    Column("conversation", ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True),
    Column("message_seq", Integer, primary_key=True),
    Column("route", String(20), nullable=False),
    Column("rule", String(60), nullable=False),
    Column("reason", Text, nullable=False),
    Column("release", String(40), nullable=False),
    Column("intent", String(120), nullable=False),
    Column("confidence", Float, nullable=False),
    Column("understanding", JSON, nullable=False),
    Column("found", JSON, nullable=False),
    Column("answer_confidence", Float, nullable=False),
    Column("draft", Text, nullable=False),
    Column("draft_audience", String(10), nullable=False, default="public"),
    Column("took_ms", Float, nullable=False),
    Column("signals", JSON, nullable=False, default=dict),
    Column("policy", String(16), nullable=False, default=""),
    Column("gate", String(16), nullable=False, default=""),
    Column("large_model", Text, nullable=False, default=""),
    Column("said", JSON, nullable=False, default=list),
    Column("at", Moment, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(80), primary_key=True),
    Column("holder", String(80), nullable=False),
    Column("token", Integer, nullable=False),
    Column("expires_at", Moment, nullable=False),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("channel", String(20), nullable=False),
    Column("conversation", ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("state", String(10), nullable=False, default="waiting"),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_at", Moment, nullable=False),
    Column("last_error", Text, nullable=False, default=""),
    UniqueConstraint("channel", "conversation", "seq"),
)
Index("deliveries_due", deliveries.c.state, deliveries.c.next_at)

documents = Table(
    "documents",
    metadata,
    Column("id", String(200), primary_key=True),
    Column("current", Integer, nullable=False),
    Column("source", Text, nullable=False),
    Column("updated_at", Moment, nullable=False),
)

document_versions = Table(
    "document_versions",
    metadata,
    Column("document", String(200), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("blocks", JSON, nullable=False),
    Column("url", Text, nullable=False),
    Column("media_type", String(80), nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("audience", String(10), nullable=False, default="public"),
    Column("review_by", String(10), nullable=False, default=""),
    Column("valid_until", String(10), nullable=False, default=""),
    Column("at", Moment, nullable=False),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("kind", String(40), nullable=False),
    Column("payload", JSON, nullable=False),
    Column("state", String(10), nullable=False, default="waiting"),
    Column("done", Integer, nullable=False, default=0),
    Column("total", Integer, nullable=False, default=0),
    Column("message", Text, nullable=False, default=""),
    Column("result", JSON, nullable=False, default=dict),
    Column("attempts", Integer, nullable=False, default=0),
    Column("created_at", Moment, nullable=False),
    Column("alive_until", Moment),
    Column("finished_at", Moment),
)
Index("jobs_state", jobs.c.state, jobs.c.id)

people = Table(
    "people",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("email", String(254), nullable=False, unique=True),
    Column("name", String(120), nullable=False),
    Column("role", String(10), nullable=False),
    Column("password", Text, nullable=False),
    Column("added_at", Moment, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("person", ForeignKey("people.id", ondelete="CASCADE"), nullable=False),
    Column("csrf", String(64), nullable=False),
    Column("expires_at", Moment, nullable=False),
)

sign_in_failures = Table(
    "sign_in_failures",
    metadata,
    Column("subject", String(300), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("locked_until", Moment, nullable=False),
)

presence = Table(
    "presence",
    metadata,
    Column("agent", String(120), primary_key=True),
    Column("seen_at", Moment, nullable=False),
)

agents = Table(
    "agents",
    metadata,
    Column("name", String(120), primary_key=True),
    Column("teams", JSON, nullable=False, default=list),
    Column("capacity", Integer),
    Column("assigned_at", Moment),
)
"""What an agent can carry; one without a row is on every team, with the policy's capacity."""

notes = Table(
    "notes",
    metadata,
    Column("key", String(60), primary_key=True),
    Column("value", Text, nullable=False),
)
"""Small facts of this installation: the hash of the one-time set-up token, marks of what was already imported."""

audit = Table(
    "audit",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("who", String(120), nullable=False),
    Column("person", BigInteger),
    Column("what", String(30), nullable=False),
    Column("subject", String(300), nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)

canned_replies = Table(
    "canned_replies",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("title", String(80), nullable=False, unique=True),
    Column("text", Text, nullable=False),
    Column("changed_at", Moment, nullable=False),
)

suggestions = Table(
    "suggestions",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("conversation", ForeignKey("conversations.id", ondelete="SET NULL")),
    Column("seq", Integer, nullable=False),
    Column("question", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("topic", String(120), nullable=False, default=""),
    Column("audience", String(10), nullable=False, default="public"),
    Column("personal", JSON, nullable=False, default=list),
    Column("state", String(10), nullable=False, default="waiting"),
    Column("suggested_by", String(120), nullable=False),
    Column("suggested_at", Moment, nullable=False),
    Column("decided_by", String(120), nullable=False, default=""),
    Column("decided_at", Moment),
)
Index("suggestions_state", suggestions.c.state, suggestions.c.id)

satisfaction = Table(
    "satisfaction",
    metadata,
    Column("conversation", ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("agent", String(120), nullable=False),
    Column("asked_at", Moment, nullable=False),
    Column("score", Integer),
    Column("comment", Text, nullable=False, default=""),
    Column("answered_at", Moment),
)

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("name", String(80), nullable=False),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("scope", String(10), nullable=False),
    Column("issued_by", String(120), nullable=False),
    Column("issued_at", Moment, nullable=False),
    Column("used_at", Moment),
    Column("revoked_at", Moment),
)

mentions = Table(
    "mentions",
    metadata,
    Column("person", ForeignKey("people.id", ondelete="CASCADE"), primary_key=True),
    Column("conversation", ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("by", String(120), nullable=False),
    Column("at", Moment, nullable=False),
    Column("seen_at", Moment),
)

pages_seen = Table(
    "pages_seen",
    metadata,
    Column("conversation", ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True),
    Column("url", String(500), nullable=False),
    Column("title", String(200), nullable=False, default=""),
    Column("at", Moment, nullable=False),
)

transcript_mails = Table(
    "transcript_mails",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("conversation", ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("at", Moment, nullable=False),
)
Index("transcript_mails_conversation", transcript_mails.c.conversation, transcript_mails.c.at)

model_budgets = Table(
    "model_budgets",
    metadata,
    Column("scope", String(80), primary_key=True),
    Column("tokens", BigInteger, nullable=False),
)

model_calls = Table(
    "model_calls",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("conversation", String(32), nullable=False),
    Column("day", String(10), nullable=False),
    Column("purpose", String(10), nullable=False),
    Column("reserved", BigInteger, nullable=False),
    Column("read_tokens", BigInteger, nullable=False, default=0),
    Column("written_tokens", BigInteger, nullable=False, default=0),
    Column("micros", BigInteger, nullable=False, default=0),
    Column("outcome", String(40), nullable=False, default=""),
    Column("took_ms", Float, nullable=False, default=0.0),
    Column("at", Moment, nullable=False),
)
Index("model_calls_day", model_calls.c.day, model_calls.c.outcome)

slack_threads = Table(
    "slack_threads",
    metadata,
    Column("conversation", ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True),
    Column("channel", String(60), nullable=False),
    Column("ts", String(40), nullable=False, default=""),
    Column("told_seq", Integer, nullable=False),
    Column("telling_seq", Integer, nullable=False),
    Column("shown", String(64), nullable=False, default=""),
    Column("fence", Integer, nullable=False, default=-1),
    Column("began_at", Moment, nullable=False),
)
Index("slack_threads_ts", slack_threads.c.channel, slack_threads.c.ts)
