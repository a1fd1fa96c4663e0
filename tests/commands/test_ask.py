"""What is answered and why, on a real small release: for people and for machines."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from bot.releases.publish import Workshop
from bot.releases.release import load_release
from tests.commands.conftest import Firstline

QUESTION = "how much is express delivery"


def asked(firstline: Firstline, *words: str) -> dict[str, Any]:
    done = firstline("ask", *words, "--json")
    assert (done.status, done.err) == (0, ""), done.err
    told: dict[str, Any] = json.loads(done.out)
    return told


def test_the_answer_is_what_a_customer_would_be_told(shop: Workshop, firstline: Firstline) -> None:
    told = asked(firstline, QUESTION, "--why")
    release = load_release(shop.registry, shop.registry.current_id() or "")
    look = release.look(QUESTION, today=shop.today)
    assert told["confidence"] == pytest.approx(look.answer.confidence)
    assert [each["quote"] for each in told["citations"]] == [each.quote for each in look.answer.citations]
    assert bool(told["answer"]) == (told["decision"]["route"] == "answer")
    why = told["why"]
    assert [each["passage"] for each in why["found"]] == [hit.passage.id for hit in look.hits]
    quoted = [each["text"] for each in why["sentences"] if each["quoted"]]
    assert quoted
    assert all(any(sentence in each["quote"] for each in told["citations"]) for sentence in quoted)
    assert 1 / (1 + math.exp(-sum(part["contribution"] for part in why["reader"]))) == pytest.approx(
        told["confidence"], abs=1e-6
    )
    assert told["threshold"] == release.gate.answer


def test_a_follow_up_is_read_with_what_was_asked_before(shop: Workshop, firstline: Firstline) -> None:
    why = asked(firstline, "and how long is it?", "--before", QUESTION, "--why")["why"]
    assert (why["read_with"], why["leaning"]) == (QUESTION, 0.5)
    assert asked(firstline, "and how long is it?", "--why")["why"]["leaning"] == 0.0


def test_the_tables_for_people_name_every_step(shop: Workshop, firstline: Firstline) -> None:
    done = firstline("ask", QUESTION, "--why")
    assert done.status == 0, done.err
    for title in ("Candidates", "Sentences of the passage chosen", "Confidence of the reader", "Decided"):
        assert title in done.out


def test_what_cannot_be_asked_is_told(firstline: Firstline) -> None:
    assert "no release is live" in firstline("ask", "anything").err
    assert firstline("ask", "anything").status == 1
    assert firstline("ask", " ").status == 1
    assert firstline("ask", "anything", "--audience", "everybody").status == 2
