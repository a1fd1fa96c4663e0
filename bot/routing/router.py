"""The router: signals and policy in, a decision with its reason out. Pure, so that the whole policy is one table.

Written rules come first, in the order of `RULES`; the learned gate decides what they leave open. The first rule that
has an opinion wins, and its name is what the decision cites.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from bot.messages import Decision
from bot.routing.gate import Gate, question_mass
from bot.routing.policy import Policy
from bot.routing.signals import Signals
from bot.routing.thresholds import answers_from

Rule = Callable[[Signals, Policy, Gate], Decision | None]

HUMAN_PAYLOAD = "/human"
REFUSES_PAYLOAD = "/no_human"
_QUESTION = re.compile(r"(?i)\W*(?:can|could|do|does|is|are|how|what|when|which|who|why|will|would|am|may)\b")
SWITCHES_FLOW = "switches-flow"
_MORE = (
    r"(?:[\s,.!]+(?:please|thanks|thank you|ta|cheers|then|do|go ahead|that would be (?:great|good|lovely)|%s))*\W*$"
)
_YES = re.compile(
    r"(?i)^\W*(?:yes|yeah|yep|yup|sure|ok|okay|please|please do|go on|go ahead|alright|all right|fine|do it|do|"
    r"absolutely|of course|definitely|i would|that would be (?:great|good|lovely)|sounds good)" + _MORE % "i would"
)
_NO = re.compile(
    r"(?i)^\W*(?:no|nope|nah|not now|no need|never ?mind|don'?t bother|leave it|it'?s fine|i'?m (?:fine|ok|okay|good)|"
    r"not really|not necessary|forget it|rather not|better not)"
    + _MORE
    % "need|not now|it'?s (?:fine|ok)|i'?m (?:fine|good)"
)
OBJECTIONS = {"disagreement": "documents-disagree", "out-of-date": "out-of-date"}
"""The rule by what speaks against an answer that fits."""
SURE_OF_A_SWITCH = 0.8
"""Confidence from which a message in one flow is taken to begin another."""
SURE_IN_WORDS = 0.8
"""Probability from which a description that a flow asked for is taken for a matter for a person."""


def decide(signals: Signals, policy: Policy, gate: Gate) -> Decision:
    """What happens to this message, and why."""
    for rule in RULES:
        decision = rule(signals, policy, gate)
        if decision is not None:
            return decision
    return _unanswered(signals, gate)


def offer_answered(signals: Signals, policy: Policy, gate: Gate) -> Decision | None:
    """A yes or a no to the human that was just offered; anything else is a message of its own."""
    if signals.payload == REFUSES_PAYLOAD:
        return Decision("smalltalk", "the customer wants no human now", "offer-refused")
    if signals.offered != "open" or signals.payload is not None:
        return None
    if _NO.match(signals.text):
        return Decision("smalltalk", "the customer wants no human now", "offer-refused")
    if _YES.match(signals.text):
        return Decision("human", "the customer takes the offer of a human", "offer-taken")
    return None


def asks_for_human(signals: Signals, policy: Policy, gate: Gate) -> Decision | None:
    if signals.payload == HUMAN_PAYLOAD or signals.understanding.asks_for_human:
        return Decision("human", "the customer asks for a human", "asks-for-human")
    return None


def reserved_topic(signals: Signals, policy: Policy, gate: Gate) -> Decision | None:
    for topic in policy.reserved:
        by_word = topic.words is not None and topic.words.search(signals.text) is not None
        intent = signals.understanding
        by_intent = intent.intent in topic.intents and intent.confidence >= gate.smalltalk
        if by_word or by_intent:
            return Decision("human", topic.reason, f"reserved:{topic.id}")
    return None


def written_rule(signals: Signals, policy: Policy, gate: Gate) -> Decision | None:
    """The company's own rules, in the order of the file. A human is offered once, and not again after a no."""
    for rule in policy.rules:
        if not rule.holds(signals, gate) or (rule.route == "offer" and signals.offered):
            continue
        return Decision(rule.route, rule.reason, f"rule:{rule.id}")
    return None


def matter_for_a_person(signals: Signals, policy: Policy, gate: Gate) -> Decision | None:
    """What the encoder recognises in how people write: anger, distress, danger, disputes…; the reason says by what."""
    concern = signals.understanding.concern
    if concern is None or signals.payload is not None:
        return None
    if concern.probability < (max(gate.concern, SURE_IN_WORDS) if asked_for_words(signals) else gate.concern):
        return None
    reason = f"{concern.kind.replace('_', ' ')} ({concern.probability:.2f}), like “{concern.nearest}”"
    return Decision("human", reason, f"concern:{concern.kind}")


def waiting_for_human(signals: Signals, policy: Policy, gate: Gate) -> Decision | None:
    """While a customer waits for a human, only a sure quote is said; the rest is left to the human."""
    if not signals.waiting:
        return None
    if gate.p_right(signals) >= gate.answer:
        return Decision("answer", "sure of a quote while the customer waits", "waiting-answer")
    return Decision("human", "the customer waits for a human", "waiting")


def only_a_file(signals: Signals, policy: Policy, gate: Gate) -> Decision | None:
    """What nothing here can read is a person's to look at; where none is wanted, the customer is asked for words."""
    if not signals.files or signals.text.strip():
        return None
    if signals.offered == "refused":
        return Decision("clarify", "a file without a word, and no human is wanted", "file-in-words")
    return Decision("human", "a file without a word, which a person has to look at", "file-only")


def tapped_choice(signals: Signals, policy: Policy, gate: Gate) -> Decision | None:
    if signals.payload is None or signals.dialogue.form:
        return None
    intent = signals.payload.removeprefix("/").split("{")[0]
    if intent in policy.flows:
        return _flow(signals, f"the customer chose {intent}", "tapped-choice")
    return None


def active_flow(signals: Signals, policy: Policy, gate: Gate) -> Decision | None:
    """A flow goes on, but does not trap: a question in the middle is answered and the flow asks again."""
    if not signals.dialogue.form:
        return None
    intent = signals.understanding.intent
    answers_question = any(entity.name in ("order_number", "email") for entity in signals.understanding.entities)
    another = intent in policy.flows and not signals.dialogue.form.startswith(intent)
    if another and signals.understanding.confidence >= SURE_OF_A_SWITCH and not asked_for_words(signals):
        return _flow(signals, f"{intent} instead of {signals.dialogue.form}", SWITCHES_FLOW)
    asks = (question_mass(signals.understanding) > 0.5 and "?" in signals.text) or intent.startswith("ask_")
    if signals.payload is None and asks and not answers_question and gate.p_right(signals) >= gate.answer:
        return Decision("answer", f"a question in the middle of {signals.dialogue.form}", "question-in-flow")
    return _flow(signals, f"{signals.dialogue.form} is active", "active-flow")


def too_many_failures(signals: Signals, policy: Policy, gate: Gate) -> Decision | None:
    if signals.offered == "refused":
        return None
    if signals.failures + 1 >= policy.failures_before_human and gate.p_right(signals) < gate.answer:
        understood = signals.understanding.confidence >= gate.flow and signals.understanding.intent in policy.flows
        if not understood:
            return Decision("human", f"{signals.failures + 1} messages in a row without an answer", "third-failure")
    return None


def frustrated(signals: Signals, policy: Policy, gate: Gate) -> Decision | None:
    if signals.understanding.frustration >= policy.frustration_before_human:
        return Decision("human", "the customer is upset", "frustrated")
    return None


def small_talk(signals: Signals, policy: Policy, gate: Gate) -> Decision | None:
    intent = signals.understanding
    if intent.intent in policy.smalltalk and intent.confidence >= gate.smalltalk and signals.payload is None:
        return Decision("smalltalk", f"{intent.intent} ({intent.confidence:.2f})", "small-talk")
    return None


def answered_question(signals: Signals, policy: Policy, gate: Gate) -> Decision | None:
    """A question on a flow's topic is a question if a quote is surer to be right than the flow is to be meant."""
    names_order = any(entity.name in ("order_number", "email") for entity in signals.understanding.entities)
    asks = _QUESTION.match(signals.text) is not None or signals.text.rstrip().endswith("?")
    intent = signals.understanding
    if not asks or names_order or signals.payload is not None or intent.intent not in policy.flows:
        return None
    return sure_answer(signals, policy, gate) if gate.p_right(signals) > intent.confidence else None


def starts_flow(signals: Signals, policy: Policy, gate: Gate) -> Decision | None:
    intent = signals.understanding
    if intent.intent in policy.flows and intent.confidence >= gate.flow and intent.out_of_scope < gate.out_of_scope:
        return _flow(signals, f"{intent.intent} ({intent.confidence:.2f})", "starts-flow")
    return None


def documents_object(signals: Signals, policy: Policy, gate: Gate) -> Decision | None:
    """What would have been answered, had the documents agreed or their page not lapsed, is a human's to answer."""
    if signals.withheld is None or not signals.withheld.cause:
        return None
    if gate.p_right(replace(signals, answer_confidence=signals.withheld.confidence)) < gate.answer:
        return None
    return Decision("human", signals.withheld.reason, OBJECTIONS[signals.withheld.cause])


def vip(signals: Signals, policy: Policy, gate: Gate) -> Decision | None:
    marked = policy.vip is not None and signals.attributes.get(policy.vip.attribute) == policy.vip.value
    if marked and gate.p_right(signals) < gate.answer:
        return Decision("human", "a priority customer, and no sure answer", "vip")
    return None


def sure_answer(signals: Signals, policy: Policy, gate: Gate) -> Decision | None:
    p, needed = gate.p_right(signals), answers_from(signals, policy, gate)
    if p >= needed:
        return Decision("answer", f"probably right ({p:.2f}, needed {needed:.2f})", "sure-answer")
    return None


def clarify_once(signals: Signals, policy: Policy, gate: Gate) -> Decision | None:
    """Ask back once when two intents are close; say once what we are for when the message is about nothing we know."""
    if signals.clarified:
        return None
    intent = signals.understanding
    if intent.out_of_scope >= gate.out_of_scope and gate.p_right(signals) < gate.answer / 2:
        return Decision("decline", f"probably outside our topics ({intent.out_of_scope:.2f})", "out-of-scope")
    offered = choices(signals, policy)
    if len(offered) >= 2 and intent.ranking[0][1] - intent.ranking[1][1] <= gate.close:
        return Decision("clarify", f"{offered[0]} or {offered[1]}", "close-intents")
    return None


def large_model(signals: Signals, policy: Policy, gate: Gate) -> Decision | None:
    if signals.large_model_available and signals.cosine > 0.3:
        return Decision("large_model", "passages found, none of them a sure quote", "large-model")
    return None


def asked_for_words(signals: Signals) -> bool:
    """Whether the flow waits for a description in the customer's own words, which may sound like anything."""
    return signals.dialogue.slot in ("details", "reason", "new_address", "item")


def choices(signals: Signals, policy: Policy) -> tuple[str, ...]:
    """Likely intents that can be offered as quick replies: they start a flow and have a title."""
    likely = [name for name, confidence in signals.understanding.ranking[:3] if confidence >= 0.15]
    return tuple(name for name in likely if name in policy.flows and name in policy.titles)


RULES: tuple[Rule, ...] = (
    offer_answered,
    asks_for_human,
    reserved_topic,
    written_rule,
    matter_for_a_person,
    waiting_for_human,
    only_a_file,
    tapped_choice,
    active_flow,
    frustrated,
    too_many_failures,
    small_talk,
    answered_question,
    starts_flow,
    documents_object,
    sure_answer,
    vip,
    clarify_once,
    large_model,
)


def _unanswered(signals: Signals, gate: Gate) -> Decision:
    """Nothing answers: the cheaper of offering a human and fetching one. It is offered once; a no is obeyed, and who
    went on to something that is not answered either is not asked again."""
    if signals.offered == "refused":
        return Decision("clarify", "nothing in the help pages answers this, and no human is wanted", "not-found-again")
    if signals.offered:
        return Decision("human", "nothing answers this, and a human was offered before", "unanswered-again")
    needed = gate.p_human(signals)
    if needed >= gate.human:
        return Decision("human", "nothing in the help pages answers this", "no-answer")
    return Decision("offer", f"no sure answer; a human is needed with {needed:.2f}", "offer-human")


def _flow(signals: Signals, reason: str, rule: str) -> Decision:
    if not signals.flows_available:
        return Decision("human", f"{reason}, but flows are not available", "flow-unavailable")
    return Decision("flow", reason, rule)
