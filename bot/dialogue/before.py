"""Which earlier messages a question may lean on: pure, from the log and the state of the conversation.

"And for sale items?" is searched with the question before it. What was said to a flow, to small talk or to an agent
is no such question, and what is said to a flow that waits for a slot leans on nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from bot.messages import DialogueState, Message, Turn
from retrieval.followups import history_of, leaning

RECENT = timedelta(minutes=30)
"""How long before a question another one may have been asked for it to go on from there."""
LOOKED_AT = 20
"""Messages of the log, the last before a question, in which that one is looked for."""

_QUESTION_ROUTES = ("answer", "clarify", "offer", "decline", "large_model")
_UNANSWERED_RULES = ("no-answer", "documents-disagree", "out-of-date", "vip", "third-failure", "unanswered-again")


def goes_on(message: Message, dialogue: DialogueState) -> bool:
    """Whether a message may go on from a question before it: not what answers an active flow, nor a tapped choice."""
    answers_flow = bool(dialogue.form) and "?" not in message.text
    return message.payload is None and not answers_flow and leaning(message.text) > 0


def history(log: Iterable[Message], message: Message) -> str:
    """What the message is read with, from the log up to it with its turns (oldest first); empty for nothing."""
    asked = [
        each.text
        for each in log
        if each.seq < message.seq
        and each.participant == "customer"
        and message.at - each.at <= RECENT
        and each.payload is None
        and each.text
        and each.turn is not None
        and _was_question(each.turn)
    ]
    return history_of(asked)


def _was_question(turn: Turn) -> bool:
    return turn.decision.route in _QUESTION_ROUTES or turn.decision.rule in _UNANSWERED_RULES
