"""What each route does: from a decision to replies and the state that follows. Pure but for what is passed in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bot.dialogue.client import DialogueTurn
from bot.messages import Decision, DialogueState, QuickReply, Reply
from bot.routing.policy import Policy
from bot.routing.router import HUMAN_PAYLOAD, choices
from bot.routing.signals import Signals
from bot.store.conversations import Conversation
from retrieval.documents import Abstention, Answer

HUMAN_BUTTON = QuickReply("Talk to a human", HUMAN_PAYLOAD)
OTHER_BUTTON = QuickReply("Something else", "/something_else")


@dataclass(frozen=True, slots=True)
class Act:
    """The replies of a turn and the conversation's state after it. `hand_over` is the reason shown in the queue."""

    replies: tuple[Reply, ...] = ()
    dialogue: DialogueState = field(default_factory=DialogueState)
    clarified: int = 0
    failures: int = 0
    hand_over: str = ""


def hold_back(conversation: Conversation) -> Act:
    """An agent holds the conversation: the bot says nothing and changes nothing."""
    return Act(dialogue=conversation.dialogue)


def act(
    decision: Decision,
    signals: Signals,
    policy: Policy,
    answer: Answer | Abstention,
    dialogue: DialogueTurn | None,
    waiting_line: Callable[[], str],
) -> Act:
    """The act of a decision. `dialogue` is what the dialogue engine said where the route is `flow`."""
    if dialogue is not None and decision.route == "flow":
        return _flow(dialogue, waiting_line)
    if decision.route == "answer" and isinstance(answer, Answer):
        return _answer(decision, signals, policy, answer)
    if decision.route == "smalltalk":
        return Act((Reply(policy.smalltalk[signals.understanding.intent]),), signals.dialogue)
    if decision.route == "clarify":
        return _clarify(decision, signals, policy)
    return _human(decision, signals, policy, waiting_line)


def _answer(decision: Decision, signals: Signals, policy: Policy, answer: Answer) -> Act:
    text = answer.text
    if decision.rule == "waiting-answer":
        text = f"{policy.say('while_waiting')} {text}"
    replies = [Reply(text, answer.citations)]
    if decision.rule == "question-in-flow" and signals.dialogue.prompt:
        replies.append(Reply(signals.dialogue.prompt))
    return Act(tuple(replies), signals.dialogue)


def _flow(dialogue: DialogueTurn, waiting_line: Callable[[], str]) -> Act:
    if not dialogue.handover:
        return Act(dialogue.replies, dialogue.state)
    return Act((*dialogue.replies, Reply(waiting_line())), DialogueState(), hand_over=dialogue.handover)


def _clarify(decision: Decision, signals: Signals, policy: Policy) -> Act:
    offered = tuple(QuickReply(policy.titles[name], f"/{name}") for name in choices(signals, policy))
    if decision.rule == "close-intents" and offered:
        reply = Reply(policy.say("clarify"), quick_replies=(*offered, OTHER_BUTTON))
    elif decision.rule == "out-of-scope":
        reply = Reply(policy.say("out_of_scope"), quick_replies=(HUMAN_BUTTON,))
    else:
        reply = Reply(policy.say("clarify_open"), quick_replies=(HUMAN_BUTTON,))
    return Act((reply,), signals.dialogue, signals.clarified + 1, signals.failures + 1)


def _human(decision: Decision, signals: Signals, policy: Policy, waiting_line: Callable[[], str]) -> Act:
    if signals.waiting:
        return Act(dialogue=signals.dialogue)
    opening = _opening(decision, policy)
    return Act((Reply(f"{opening} {waiting_line()}".strip()),), DialogueState(), hand_over=decision.reason)


def _opening(decision: Decision, policy: Policy) -> str:
    for topic in policy.reserved:
        if decision.rule == f"reserved:{topic.id}":
            return topic.say
    keys = {
        "asks-for-human": "human",
        "flow-unavailable": "flow_unavailable",
        "frustrated": "frustrated",
        "documents-disagree": "documents_disagree",
        "out-of-date": "out_of_date",
    }
    return policy.say(keys.get(decision.rule, "no_answer"))
