"""The whole policy as one table: a message's signals, and what has to happen."""

from __future__ import annotations

from typing import Any

import pytest

from bot.messages import Concern, DialogueState, Entity, Understanding
from bot.routing.gate import FEATURES, Gate
from bot.routing.policy import Costs, Policy, parse_policy
from bot.routing.router import RULES, decide
from bot.routing.signals import Look, Signals
from retrieval.documents import Abstention, Cause

POLICY: Policy = parse_policy(
    {
        "flows": ["order_status", "refund_status"],
        "titles": {"order_status": "Where my order is", "refund_status": "Where my refund is"},
        "smalltalk": {"greet": "Hello."},
        "vip": {"attribute": "tier", "value": "kestrel"},
        "reserved": [
            {
                "id": "safety",
                "reason": "danger",
                "say": "Stop using it.",
                "intents": ["report_safety"],
                "words": ["smoke"],
            }
        ],
        "hours": {"timezone": "Europe/London", "mon": "08:00-20:00"},
        "rules": [
            {
                "id": "wrens-sleep",
                "when": "attribute tier == wren and out_of_hours",
                "route": "decline",
                "reason": "late",
            },
            {"id": "bulk", "when": "text matches [bulk order]", "route": "offer", "reason": "trade prices"},
            {
                "id": "model",
                "when": "text matches [bulk order]",
                "route": "large_model",
                "reason": "where there is one",
            },
            {"id": "quote", "when": "text matches [bulk order]", "route": "answer", "reason": "where there is one"},
        ],
    }
)
GATE = Gate()
OFFERS = Gate(need=(-1.0, *(0.0 for _ in FEATURES[1:])), human=0.6)
SURE_OF_NEED = Gate(need=(2.0, *(0.0 for _ in FEATURES[1:])), human=0.6)
ORDER_FORM = DialogueState("order_status_form", "order_number", "Which order?")


def understood(intent: str = "ask_delivery", confidence: float = 0.9, **more: Any) -> Understanding:
    return Understanding(intent, confidence, ((intent, confidence), ("greet", (1 - confidence) / 2)), **more)


def close_call() -> Understanding:
    return Understanding("order_status", 0.45, (("order_status", 0.45), ("refund_status", 0.4)))


TABLE = [
    ("asks for a human", {"understanding": understood(asks_for_human=True)}, "human", "asks-for-human"),
    ("taps for a human", {"payload": "/human"}, "human", "asks-for-human"),
    ("a human is asked for in a flow", {"payload": "/human", "dialogue": ORDER_FORM}, "human", "asks-for-human"),
    ("a reserved intent", {"understanding": understood("report_safety")}, "human", "reserved:safety"),
    ("a reserved word", {"text": "there is SMOKE coming out"}, "human", "reserved:safety"),
    (
        "no reserved word inside another",
        {"text": "smoked salmon board", "answer_confidence": 0.9},
        "answer",
        "sure-answer",
    ),
    ("sure quote while waiting", {"waiting": True, "answer_confidence": 0.9}, "answer", "waiting-answer"),
    ("unsure while waiting", {"waiting": True, "answer_confidence": 0.2}, "human", "waiting"),
    ("a tapped flow", {"payload": "/order_status"}, "flow", "tapped-choice"),
    ("a flow goes on", {"dialogue": ORDER_FORM, "text": "WF-204817"}, "flow", "active-flow"),
    (
        "a question in a flow",
        {"dialogue": ORDER_FORM, "text": "how long is delivery?", "answer_confidence": 0.9},
        "answer",
        "question-in-flow",
    ),
    (
        "the asked-for number in a flow is no question",
        {
            "dialogue": ORDER_FORM,
            "text": "is it WF-204817?",
            "answer_confidence": 0.9,
            "understanding": understood(entities=(Entity("order_number", "WF-204817", 6, 15),)),
        },
        "flow",
        "active-flow",
    ),
    (
        "another flow in a flow",
        {"dialogue": ORDER_FORM, "understanding": understood("refund_status")},
        "flow",
        "switches-flow",
    ),
    (
        "a description that sounds like another flow",
        {"dialogue": DialogueState("damaged_item_form", "details", "?"), "understanding": understood("refund_status")},
        "flow",
        "active-flow",
    ),
    ("upset", {"understanding": understood(frustration=0.9)}, "human", "frustrated"),
    ("third failure", {"failures": 2, "clarified": 1}, "human", "third-failure"),
    ("third message, but answered", {"failures": 2, "answer_confidence": 0.9}, "answer", "sure-answer"),
    ("greets", {"understanding": understood("greet")}, "smalltalk", "small-talk"),
    ("starts a flow", {"understanding": understood("order_status")}, "flow", "starts-flow"),
    (
        "a question on a flow's topic, surely answered",
        {"text": "Can I cancel?", "understanding": understood("order_status", 0.7), "answer_confidence": 0.9},
        "answer",
        "sure-answer",
    ),
    (
        "a flow that is surer than the quote",
        {"text": "Where is my order?", "understanding": understood("order_status", 0.99), "answer_confidence": 0.9},
        "flow",
        "starts-flow",
    ),
    (
        "the same wish with an order number",
        {
            "text": "Can you look up WF-204817?",
            "understanding": understood("order_status", entities=(Entity("order_number", "WF-204817", 16, 25),)),
            "answer_confidence": 0.9,
        },
        "flow",
        "starts-flow",
    ),
    (
        "a flow without the engine",
        {"understanding": understood("order_status"), "flows_available": False},
        "human",
        "flow-unavailable",
    ),
    ("a sure answer", {"answer_confidence": 0.9}, "answer", "sure-answer"),
    ("priority customer, no answer", {"attributes": {"tier": "kestrel"}}, "human", "vip"),
    ("outside, the first time", {"understanding": understood(out_of_scope=0.95)}, "decline", "out-of-scope"),
    ("outside, again", {"understanding": understood(out_of_scope=0.95), "clarified": 1}, "human", "no-answer"),
    ("two flows are close", {"understanding": close_call()}, "clarify", "close-intents"),
    ("close again", {"understanding": close_call(), "clarified": 1}, "human", "no-answer"),
    ("passages and a large model", {"large_model_available": True, "cosine": 0.5}, "large_model", "large-model"),
    ("nothing found", {}, "human", "no-answer"),
    (
        "a matter for a person",
        {"understanding": understood(concern=Concern("distress", 0.95, "I lost my father"))},
        "human",
        "concern:distress",
    ),
    (
        "hardly a matter for a person",
        {"understanding": understood(concern=Concern("distress", 0.5)), "answer_confidence": 0.9},
        "answer",
        "sure-answer",
    ),
    (
        "a description that a flow asked for sounds like one",
        {
            "understanding": understood(concern=Concern("anger", 0.7)),
            "dialogue": DialogueState("damaged_item_form", "details", "?"),
            "gate": Gate(concern=0.3),
        },
        "flow",
        "active-flow",
    ),
    (
        "danger in what a flow asked for",
        {
            "understanding": understood(concern=Concern("safety", 0.9)),
            "dialogue": DialogueState("damaged_item_form", "details", "?"),
            "gate": Gate(concern=0.3),
        },
        "human",
        "concern:safety",
    ),
    ("a rule of the company", {"attributes": {"tier": "wren"}, "in_hours": False}, "decline", "rule:wrens-sleep"),
    ("a rule that offers", {"text": "a bulk order"}, "offer", "rule:bulk"),
    ("a rule that offers, again", {"text": "a bulk order", "offered": "refused"}, "clarify", "not-found-again"),
    ("yes to an offer", {"text": "Yes, please!", "offered": "open"}, "human", "offer-taken"),
    ("no to an offer", {"text": "no thanks, I'm fine", "offered": "open"}, "smalltalk", "offer-refused"),
    ("no by button", {"text": "No, thanks", "payload": "/no_human"}, "smalltalk", "offer-refused"),
    ("yes to nothing", {"text": "yes"}, "human", "no-answer"),
    (
        "a question instead of a yes",
        {"text": "no idea, how much is express?", "offered": "open", "answer_confidence": 0.9},
        "answer",
        "sure-answer",
    ),
    ("not answered, a human is offered", {"gate": OFFERS}, "offer", "offer-human"),
    ("not answered, a human is surely needed", {"gate": SURE_OF_NEED}, "human", "no-answer"),
    ("not answered after a no", {"offered": "refused", "failures": 5, "gate": OFFERS}, "clarify", "not-found-again"),
    ("not answered, an offer was passed over", {"offered": "passed", "gate": OFFERS}, "human", "unanswered-again"),
    ("a wish for a human after a no", {"offered": "refused", "payload": "/human"}, "human", "asks-for-human"),
    ("an answer that costs more than an offer", {"answer_confidence": 0.62, "gate": OFFERS}, "offer", "offer-human"),
]


@pytest.mark.parametrize(("given", "route", "rule"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_policy(given: dict[str, Any], route: str, rule: str) -> None:
    state = dict(given)
    gate = state.pop("gate", GATE)
    signals = Signals(**{"text": "some text", "understanding": understood(), **state})
    decision = decide(signals, POLICY, gate)
    assert (decision.route, decision.rule) == (route, rule)
    assert decision.reason


def test_every_rule_is_in_the_table() -> None:
    decided = {row[3].split(":")[0] for row in TABLE}
    assert len(decided) >= len(RULES) - 1


def test_a_concern_says_by_which_example_it_was_recognised() -> None:
    concern = Concern("distress", 0.95, "I lost my father")
    decision = decide(Signals("my dad is gone", understood(concern=concern)), POLICY, GATE)
    assert decision.reason == "distress (0.95), like “I lost my father”"


def test_what_offering_costs_follows_from_costs() -> None:
    costs = Costs(human_minute=1, minutes_a_conversation=4, asking_back=0.5, offers_taken=0.5)
    assert costs.offer(1.0) == pytest.approx(4.5)
    assert costs.offer(0.0) == pytest.approx(2.5)
    assert costs.offer(costs.offer_until) == pytest.approx(costs.human)
    assert Costs(offers_taken=1.0).offer_until == 0.0


def test_break_even_follows_from_costs() -> None:
    assert Costs(wrong_answer=10, human_minute=1, minutes_a_conversation=4).break_even == pytest.approx(0.6)
    assert Costs(wrong_answer=1, human_minute=1, minutes_a_conversation=4).break_even == 0.0


@pytest.mark.parametrize(
    ("cause", "confidence", "rule"),
    [
        ("disagreement", 0.9, "documents-disagree"),
        ("out-of-date", 0.9, "out-of-date"),
        ("disagreement", 0.2, "no-answer"),
        ("", 0.9, "no-answer"),
    ],
)
def test_what_the_documents_themselves_speak_against_is_a_humans_to_answer(
    cause: Cause, confidence: float, rule: str
) -> None:
    withheld = Abstention("“1 day” (contact) — “5 days” (terms)", confidence, cause=cause)
    understood = Understanding("ask_complaint", 0.9, (("ask_complaint", 0.9),))
    decision = decide(Look(understood, (), withheld).signals("How soon?", clarified=1), POLICY, Gate())
    assert (decision.route, decision.rule) == ("human", rule)
    if rule != "no-answer":
        assert decision.reason == withheld.reason
