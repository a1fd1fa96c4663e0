"""What each route does: from a decision to replies and the state that follows. Pure but for what is passed in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from bot.dialogue.client import DialogueTurn
from bot.messages import Decision, DialogueState, Offered, QuickReply, Reply
from bot.routing.policy import Policy
from bot.routing.router import HUMAN_PAYLOAD, REFUSES_PAYLOAD, choices
from bot.routing.signals import Signals
from bot.store.conversations import Conversation
from retrieval.documents import Abstention, Answer

HUMAN_BUTTON = QuickReply("Talk to a human", HUMAN_PAYLOAD)
OTHER_BUTTON = QuickReply("Something else", "/something_else")
YES_BUTTON = QuickReply("Yes, please", HUMAN_PAYLOAD)
NO_BUTTON = QuickReply("No, thanks", REFUSES_PAYLOAD)
CONCERN_SENTENCES = {
    "human": "human",
    "distress": "distress",
    "payment_dispute": "payment_dispute",
    "wrong_information": "wrong_information",
    "deletion": "deletion",
}
"""The sentence that opens a hand-over, by the kind of concern; reserved topics of that id have their own."""


@dataclass(frozen=True, slots=True)
class Act:
    """The replies of a turn and the conversation's state after it. `hand_over` is the reason shown in the queue."""

    replies: tuple[Reply, ...] = ()
    dialogue: DialogueState = field(default_factory=DialogueState)
    clarified: int = 0
    failures: int = 0
    hand_over: str = ""
    offered: Offered = ""


def hold_back(conversation: Conversation) -> Act:
    """An agent holds the conversation: the bot says nothing and changes nothing."""
    return Act(dialogue=conversation.dialogue, offered=conversation.offered)


def act(
    decision: Decision,
    signals: Signals,
    policy: Policy,
    answer: Answer | Abstention,
    dialogue: DialogueTurn | None,
    waiting_line: Callable[[], str],
) -> Act:
    """The act of a decision. `dialogue` is what the dialogue engine said where the route is `flow`."""
    done = _act(decision, signals, policy, answer, dialogue, waiting_line)
    return replace(done, offered=_offered(decision, signals, done))


def _offered(decision: Decision, signals: Signals, done: Act) -> Offered:
    """What became of the offer of a human after this turn."""
    if done.hand_over:
        return ""
    if decision.route == "offer":
        return "open"
    if decision.rule == "offer-refused":
        return "refused"
    return "passed" if signals.offered == "open" else signals.offered


def _act(
    decision: Decision,
    signals: Signals,
    policy: Policy,
    answer: Answer | Abstention,
    dialogue: DialogueTurn | None,
    waiting_line: Callable[[], str],
) -> Act:
    if dialogue is not None and decision.route == "flow":
        return _flow(dialogue, waiting_line)
    if decision.route in ("answer", "large_model") and isinstance(answer, Answer):
        return _answer(decision, signals, policy, answer)
    if decision.route == "smalltalk":
        return _smalltalk(decision, signals, policy)
    if decision.route in ("clarify", "decline", "offer"):
        return _ask_back(decision, signals, policy)
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


def _smalltalk(decision: Decision, signals: Signals, policy: Policy) -> Act:
    if decision.rule == "offer-refused":
        return Act((Reply(policy.say("offer_refused")),), signals.dialogue)
    return Act((Reply(policy.smalltalk[signals.understanding.intent]),), signals.dialogue)


def _ask_back(decision: Decision, signals: Signals, policy: Policy) -> Act:
    """A question back, an offer, or what we are for; each counts as a message that was not answered."""
    written = _written(decision, policy)
    offered = tuple(QuickReply(policy.titles[name], f"/{name}") for name in choices(signals, policy))
    if decision.rule == "close-intents" and offered:
        reply = Reply(policy.say("clarify"), quick_replies=(*offered, OTHER_BUTTON))
    elif decision.route == "offer":
        reply = Reply(written or policy.say("offer"), quick_replies=(YES_BUTTON, NO_BUTTON))
    elif decision.route == "decline":
        reply = Reply(written or policy.say("out_of_scope"), quick_replies=(HUMAN_BUTTON,))
    elif decision.rule == "file-in-words":
        reply = Reply(policy.say("file_in_words"), quick_replies=(HUMAN_BUTTON,))
    elif decision.rule == "not-found-again":
        reply = Reply(policy.say("not_found_again"), quick_replies=(HUMAN_BUTTON,))
    else:
        reply = Reply(written or policy.say("clarify_open"), quick_replies=(HUMAN_BUTTON,))
    return Act((reply,), signals.dialogue, signals.clarified + 1, signals.failures + 1)


def _human(decision: Decision, signals: Signals, policy: Policy, waiting_line: Callable[[], str]) -> Act:
    if signals.waiting:
        return Act(dialogue=signals.dialogue)
    opening = _opening(decision, policy)
    return Act((Reply(f"{opening} {waiting_line()}".strip()),), DialogueState(), hand_over=decision.reason)


def _written(decision: Decision, policy: Policy) -> str:
    """The sentence of the company's own rule that decided, empty where it has none."""
    return next((rule.say for rule in policy.rules if decision.rule == f"rule:{rule.id}"), "")


def _opening(decision: Decision, policy: Policy) -> str:
    kind, _, id = decision.rule.partition(":")
    if kind in ("reserved", "concern"):
        for topic in policy.reserved:
            if id == topic.id:
                return topic.say
    if kind == "concern":
        return policy.say(CONCERN_SENTENCES.get(id, "frustrated"))
    if written := _written(decision, policy):
        return written
    keys = {
        "offer-taken": "human",
        "asks-for-human": "human",
        "flow-unavailable": "flow_unavailable",
        "frustrated": "frustrated",
        "documents-disagree": "documents_disagree",
        "out-of-date": "out_of_date",
        "file-only": "file_only",
    }
    return policy.say(keys.get(decision.rule, "no_answer"))
