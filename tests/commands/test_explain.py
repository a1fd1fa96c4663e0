"""Why a text is understood and routed as it is: on a real small release, for people and for machines."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from bot.releases.publish import Workshop
from bot.releases.release import load_release
from tests.commands.conftest import Firstline, Ran


@pytest.fixture
def ask(shop: Workshop, firstline: Firstline) -> Any:
    """Runs `explain --json` on a text and returns what was told."""

    def explain(text: str) -> dict[str, Any]:
        done = firstline("explain", text, "--json")
        assert (done.status, done.err) == (0, ""), done.err
        told: dict[str, Any] = json.loads(done.out)
        return told

    return explain


def test_what_is_told_is_what_the_release_understands(ask: Any, shop: Workshop) -> None:
    text = "where is my order WF-204817"
    told = ask(text)
    release = load_release(shop.registry, shop.registry.current_id() or "")
    look = release.look(text, today=shop.today)
    assert told["release"] == release.id
    understood, explanation = told["understood"], told["explanation"]
    assert (understood["intent"], understood["language"]) == (look.understanding.intent, look.understanding.language)
    assert understood["entities"] == [{"name": "order_number", "value": "WF-204817", "start": 18, "end": 27}]
    (first, confidence), (second, behind) = look.understanding.ranking[:2]
    assert (explanation["intent"], explanation["runner_up"]) == (first, second)
    assert explanation["confidence"] == pytest.approx(confidence, abs=1e-4)
    assert explanation["runner_up_confidence"] == pytest.approx(behind, abs=1e-4)
    assert explanation["margin"] == pytest.approx(confidence - behind, abs=1e-4)
    assert explanation["out_of_scope"]["probability"] == pytest.approx(look.understanding.out_of_scope, abs=1e-4)
    assert [row["text"] for row in explanation["nearest"]] == [row.text for row in look.understanding.nearest]


def test_the_nearest_rows_are_the_nearest(ask: Any, shop: Workshop) -> None:
    told = ask("track my order")["explanation"]
    nearest = told["nearest"]
    assert (nearest[0]["text"], nearest[0]["intent"]) == ("track my order", "order_status")
    assert nearest[0]["cosine"] == pytest.approx(1.0, abs=0.01)
    assert [row["cosine"] for row in nearest] == sorted((row["cosine"] for row in nearest), reverse=True)
    classifier = load_release(shop.registry, shop.registry.current_id() or "").understander.classifier
    vector = classifier.vectors(["track my order"])[0, : classifier.model.space.dimension]
    model, rival = classifier.model, told["runner_up_row"]
    of_rival = model.space.row_classes == model.labels.index(told["runner_up"])
    assert rival["intent"] == told["runner_up"]
    assert rival["cosine"] == pytest.approx(float(np.max(model.space.rows[of_rival] @ vector)), abs=1e-4)


def test_the_parts_add_up_to_the_probabilities(ask: Any) -> None:
    told = ask("how much is express delivery")
    scope = told["explanation"]["out_of_scope"]
    log_odds = scope["start"] + sum(part["contribution"] for part in scope["parts"])
    assert scope["probability"] == pytest.approx(1 / (1 + math.exp(-log_odds)))
    for part in scope["parts"]:
        assert part["contribution"] == pytest.approx(part["coefficient"] * part["standardised"])
        assert part["meaning"]
    moved = [abs(part["contribution"]) for part in scope["parts"]]
    assert moved == sorted(moved, reverse=True)
    quote = told["quote"]
    assert (quote["document"], quote["version"]) == ("delivery", 1)
    log_odds = sum(part["contribution"] for part in quote["parts"])
    assert quote["p_right"] == pytest.approx(1 / (1 + math.exp(-log_odds)))


@pytest.mark.parametrize(
    ("text", "route", "rule"),
    [
        ("let me talk to a human please", "human", "asks-for-human"),
        ("there was smoke from the kettle", "human", "reserved:safety"),
    ],
)
def test_the_decision_names_its_rule(ask: Any, text: str, route: str, rule: str) -> None:
    decision = ask(text)["decision"]
    assert (decision["route"], decision["rule"]) == (route, rule)
    assert decision["reason"]


def test_people_read_it_in_tables(shop: Workshop, firstline: Firstline) -> None:
    done: Ran = firstline("explain", "where is my order WF-204817")
    assert (done.status, done.err) == (0, "")
    for said in (
        f"Understood, by {shop.registry.current_id()}",
        "order_number WF-204817",
        "characters 18 to 27",
        "runner-up",
        "behind",
        "Nearest training rows",
        "the runner-up's nearest",
        "What moved the out-of-scope probability",
        "cosine to the middle of the nearest intent",
        "Decided",
        "rule",
    ):
        assert said in done.out


def test_of_a_long_text_the_end_that_was_read_is_explained(ask: Any) -> None:
    told = ask("hello there " + "and so on " * 40 + "where is my order")
    assert told["explanation"]["intent"] == told["understood"]["intent"]
    assert told["explanation"]["confidence"] == pytest.approx(told["understood"]["confidence"], abs=1e-4)


@pytest.mark.parametrize("text", ["🙂", "?!"])
def test_without_a_word_there_is_nothing_to_explain(ask: Any, firstline: Firstline, text: str) -> None:
    told = ask(text)
    assert (told["explanation"], told["understood"]["out_of_scope"]) == (None, 1.0)
    assert told["decision"]["rule"]
    assert "Nearest training rows" not in firstline("explain", text).out


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "the message is empty"), ("x" * 5_000, "has 5,000 characters"), ("\ud800", "lone surrogate")],
)
def test_what_no_customer_could_send_is_refused(shop: Workshop, firstline: Firstline, text: str, said: str) -> None:
    done = firstline("explain", text)
    assert (done.status, done.out) == (1, "")
    assert said in done.err


def test_markup_is_shown_as_it_is(shop: Workshop, firstline: Firstline) -> None:
    assert json.loads(firstline("explain", "[red]where[/red] is my order", "--json").out)["text"].startswith("[red]")


def test_without_a_release_the_remedy_is_told(firstline: Firstline) -> None:
    done = firstline("explain", "where is my order")
    assert (done.status, done.out) == (1, "")
    assert done.err.endswith("no release is live, so there is nothing to explain; `firstline train` makes the first")
