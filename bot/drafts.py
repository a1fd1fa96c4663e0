"""Drafts of the large model for agents: written by the worker after a hand-over, never sent by itself.

An agent sees them where the bot's own draft stands, and sends one, changes it or leaves it. They are held to the same
guard as what customers are told; the passages are all that an agent may see, and the draft says for whom it is.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from bot.dialogue import before
from bot.llm.writer import Answered, Writer
from bot.messages import Message
from bot.releases.release import Release
from bot.store.conversations import Conversations
from bot.store.documents import Library
from bot.store.drafts import Draftless, Drafts
from bot.writing import ask_model

RECENT = timedelta(minutes=15)
"""A question older than this gets no draft any more: somebody has read it."""
_NO_QUESTION = ("turn-failed", "asks-for-human", "offer-taken", "file-only", "file-in-words")
"""Rules of turns whose message asks nothing that documents could answer, or that broke the models."""


def write_drafts(
    drafts: Drafts,
    conversations: Conversations,
    library: Library,
    release: Callable[[], Release],
    writer: Writer,
    clock: Callable[[], datetime],
) -> int:
    """Draft what waits for it; returns how many drafts were written. While the model cannot be asked, nothing is
    claimed and the turns wait."""
    written = 0
    for wanted in drafts.wanted(clock() - RECENT, without=_NO_QUESTION):
        if writer.available(wanted.conversation) and drafts.claim(wanted):
            written += _write(wanted, drafts, conversations, library, release(), writer, clock)
    return written


def _write(
    wanted: Draftless,
    drafts: Drafts,
    conversations: Conversations,
    library: Library,
    release: Release,
    writer: Writer,
    clock: Callable[[], datetime],
) -> bool:
    conversation = conversations.get(wanted.conversation)
    first = max(wanted.seq - 1 - before.LOOKED_AT, 0)
    log = conversations.log(conversation.id, after=first, limit=before.LOOKED_AT + 1, notes=True)
    message: Message = next(each for each in log if each.seq == wanted.seq)
    history = before.history(log, message) if before.goes_on(message, conversation.dialogue) else ""
    today = clock().date()
    look = release.look(
        message.text, today=today, history=history, audience="agents", is_current=library.current_check()
    )
    answered = ask_model(
        writer,
        conversation,
        message.text,
        look,
        release.encoder.encode,
        library,
        audience="agents",
        today=today,
        purpose="draft",
    )
    if isinstance(answered, Answered):
        drafts.keep(wanted, f"draft: {answered.note}", answered.text, answered.audience)
        return True
    drafts.keep(wanted, f"draft: {answered.note}")
    return False
