"""Stories on both databases: whole conversations with their turns and replies, as far back as asked for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import delete

from bot.messages import Decision, Reply
from bot.store.conversations import Conversations
from bot.store.database import Database
from bot.store.stories import stories_since
from bot.store.tables import conversations as table
from tests.conftest import Clock
from tests.store.test_conversations import message, outcome


def told(conversations: Conversations, key: str, route: str = "answer", draft: str = "") -> str:
    """A conversation of one question, its answer, and a note."""
    asked = conversations.accept(replace(message(f"From {key}?", key), conversation=key))
    made = outcome(asked.seq, Reply("First."), Reply("Second."))
    turn = replace(made.turn, decision=Decision(route, "why", "rule"), draft=draft)  # type: ignore[arg-type]
    lease = conversations.lease(asked.conversation, "p1", 30)
    assert lease is not None
    conversations.commit_turn(lease, asked.conversation, replace(made, turn=turn))
    conversations.append(asked.conversation, "agent", "A note.", kind="note", author="Maud")
    return asked.conversation


def test_conversations_are_read_with_their_turns_and_replies(
    conversations: Conversations, database: Database, clock: Clock
) -> None:
    old = told(conversations, "old")
    clock.pass_(days=2)
    answered, drafted = told(conversations, "answered"), told(conversations, "drafted", "human", "A draft.")
    told(conversations, "neither", "smalltalk")
    gone = told(conversations, "gone")
    database.write(lambda connection: connection.execute(delete(table).where(table.c.id == gone)))
    stories = {each.conversation: each for each in stories_since(database, clock() - timedelta(days=1))}
    assert set(stories) == {answered, drafted}
    story = stories[answered]
    assert [(each.seq, each.participant, each.kind) for each in story.log] == [
        (1, "customer", "text"),
        (2, "bot", "text"),
        (3, "bot", "text"),
        (4, "agent", "note"),
    ]
    assert story.said == {1: (2, 3)}
    assert story.log[0].turn is not None
    assert story.log[0].turn.decision.route == "answer"
    assert "From answered" not in repr(story)
    assert {each.conversation for each in stories_since(database, clock() - timedelta(days=3))} == {
        old,
        answered,
        drafted,
    }
