"""Decisions made again from their records: the same under the same policy and gate, others under others."""

from __future__ import annotations

import json
import random
from dataclasses import asdict, replace

import pytest

from bot.messages import Concern, DialogueState, Entity, Turn, Understanding
from bot.routing.evidence import Evidence
from bot.routing.gate import FEATURES, Gate
from bot.routing.policy import Costs, load_policy
from bot.routing.record import gate_hash, signals_from_json, signals_to_json
from bot.routing.replay import Past, differing, expected_cost, figures, replay
from bot.routing.router import decide
from bot.routing.signals import Signals
from retrieval.documents import Abstention
from tests.conftest import ROOT

POLICY = load_policy(ROOT / "data" / "policy.yml")
TEXTS = (
    "where is my order",
    "no thanks",
    "yes please",
    "there is smoke",
    "how much is express delivery?",
    "a bulk order of mugs",
    "WF-204817",
    "this is wrong",
    "do you sell scissors",
    "HUMAN",
)
INTENTS = (*sorted(POLICY.flows), "ask_delivery", "ask_product", "ask_trade", "greet", "complaint", "talk_to_human")
PAYLOADS = (None, None, None, None, "/human", "/no_human", "/order_status")


def fitted(seed: int) -> Gate:
    chance = random.Random(seed)
    weights = tuple(chance.gauss(0, 0.7) for _ in FEATURES)
    need = tuple(chance.gauss(0, 0.7) for _ in FEATURES)
    return Gate(weights=weights, need=need, answer=0.6, human=0.66, concern=0.4)


def past(chance: random.Random, gate: Gate) -> Past:
    """A turn as it is on record, with everything in it by chance."""
    ranking = tuple((name, chance.random()) for name in chance.sample(INTENTS, 3))
    understanding = Understanding(
        intent=ranking[0][0],
        confidence=ranking[0][1],
        ranking=ranking,
        out_of_scope=chance.random(),
        entities=(Entity("order_number", "WF-1", 0, 4),) if chance.random() < 0.2 else (),
        asks_for_human=chance.random() < 0.05,
        frustration=chance.random(),
        concern=Concern(chance.choice(("anger", "safety")), chance.random()) if chance.random() < 0.7 else None,
    )
    signals = Signals(
        text=chance.choice(TEXTS),
        understanding=understanding,
        answer_confidence=chance.choice((0.0, chance.random())),
        cosine=chance.uniform(-1, 1),
        verbatim=chance.random() < 0.5,
        withheld=Abstention("they disagree", 0.9, cause="disagreement") if chance.random() < 0.1 else None,
        dialogue=DialogueState("order_status_form", "item", "Which?") if chance.random() < 0.2 else DialogueState(),
        flows_available=chance.random() < 0.9,
        large_model_available=chance.random() < 0.2,
        payload=chance.choice(PAYLOADS),
        attributes={"tier": "kestrel"} if chance.random() < 0.2 else {},
        clarified=chance.randrange(3),
        failures=chance.randrange(4),
        waiting=chance.random() < 0.1,
        in_hours=chance.random() < 0.8,
        evidence=Evidence(*(chance.random() for _ in range(4)), agree=chance.random() < 0.5, documents=3, length=7),
        offered=chance.choice(("", "", "open", "passed", "refused")),
        channel="web",
        agents_present=chance.randrange(3),
    )
    stored = json.loads(json.dumps(signals_to_json(signals)))
    turn = Turn(
        message_seq=1,
        understanding=understanding,
        decision=decide(signals, POLICY, gate),
        release="r-1",
        signals=stored,
        policy=POLICY.hash,
        gate=gate_hash(gate),
    )
    return Past("c", signals.text, signals.payload, turn)


def test_a_thousand_turns_are_decided_again_as_they_were() -> None:
    chance, gate = random.Random(13), fitted(1)
    turns = [past(chance, gate) for _ in range(1_000)]
    assert len({each.turn.decision.rule for each in turns}) >= 20, "the turns are to reach most of the rules"
    read = Gate.from_json(json.loads(json.dumps(gate.to_json())))
    assert gate_hash(read) == gate_hash(gate)
    assert differing(turns, POLICY, read) == ()
    assert differing(turns, POLICY, fitted(2)) != ()


def test_signals_survive_their_record() -> None:
    made = past(random.Random(5), fitted(1))
    signals = made.signals()
    again = json.loads(json.dumps(signals_to_json(signals)))
    assert (
        signals_from_json(again, text=made.text, understanding=made.turn.understanding, payload=made.payload) == signals
    )
    assert "text" not in again
    assert "understanding" not in again


def test_a_field_of_a_later_version_is_left_out() -> None:
    stored = {**signals_to_json(Signals("x", Understanding("", 0.0))), "phase_of_the_moon": 0.5}
    assert signals_from_json(stored, text="x", understanding=Understanding("", 0.0), payload=None).text == "x"


def test_other_costs_move_turns_and_are_counted() -> None:
    signals = Signals("how much?", Understanding("ask_delivery", 0.9), answer_confidence=0.7)
    gate = Gate()
    decision = decide(signals, POLICY, gate)
    assert decision.route == "answer"
    turn = Turn(3, signals.understanding, decision, "r-1", signals=signals_to_json(signals))
    held = Turn(4, signals.understanding, replace(decision, rule="held-by-agent"), "r-1", signals=turn.signals)
    records = [Past("c", "how much?", None, turn), Past("c", "x", None, Turn(5, signals.understanding, decision, "r"))]
    careful = replace(POLICY, costs=Costs(wrong_answer=60.0))
    made = replay([*records, Past("c", "x", None, held)], (POLICY, gate), (careful, replace(gate, answer=0.9)))
    assert (len(made.turns), made.skipped) == (1, 2)
    assert made.flows == (("answer", "human", 1),)
    told = figures(made)
    assert told["cost_before"] == pytest.approx(18.0, abs=0.01)
    assert told["cost_after"] == pytest.approx(2.4)
    assert told["changed"][0]["to"] == {
        "route": "human",
        "rule": "no-answer",
        "reason": told["changed"][0]["to"]["reason"],
    }


def test_who_waits_already_costs_no_second_human() -> None:
    waiting = Signals("hello?", Understanding("greet", 0.2), waiting=True)
    assert expected_cost(decide(waiting, POLICY, Gate()), waiting, POLICY.costs, Gate()) == 0.0


def test_the_record_names_what_it_keeps() -> None:
    kept = set(signals_to_json(Signals("x", Understanding("", 0.0))))
    assert {"evidence", "withheld", "offered", "in_hours", "agents_present", "attributes"} <= kept
    assert set(asdict(Evidence())) == set(signals_to_json(Signals("x", Understanding("", 0.0)))["evidence"])
