from __future__ import annotations

import pytest

from retrieval.asking import Kind, holds_kind, kinds_of, share_held


@pytest.mark.parametrize(
    ("question", "kinds"),
    [
        ("How much is express delivery?", {"number"}),
        ("what would fixing it set me back", {"number"}),
        ("In what year was the shop founded?", {"date"}),
        ("whats the deadline for christmas", {"date"}),
        ("How long does a refund take?", {"duration"}),
        ("Who pays the customs?", {"person"}),
        ("Where is the showroom?", {"place"}),
        ("Why was my card refused?", {"reason"}),
        ("what happens when I am not at home", set()),
        ("can I return it", set()),
    ],
)
def test_the_kind_of_answer_is_in_the_words(question: str, kinds: set[Kind]) -> None:
    assert kinds_of(question) == kinds


@pytest.mark.parametrize(
    ("sentence", "kind", "question", "held"),
    [
        ("It costs £6.95.", "number", "How much is it?", True),
        ("It is expensive.", "number", "How much is it?", False),
        ("Within 60 days of order 12.", "number", "How many items of order 12 and 60?", False),
        ("It takes 3 working days.", "duration", "How long?", True),
        ("It has 3 buttons.", "duration", "How long?", False),
        ("It opened in 1998.", "date", "When did it open?", True),
        ("Handyhouse carries it in.", "person", "who carries it", False),
        ("It is carried in by Handyhouse.", "person", "who carries it", True),
        ("It is carried in by Handyhouse.", "person", "who at Handyhouse carries it", False),
        ("You find us in Bristol.", "place", "where are you", True),
        ("It is refused because the card expired.", "reason", "why", True),
    ],
)
def test_a_sentence_holds_the_kind_or_not(sentence: str, kind: Kind, question: str, held: bool) -> None:
    assert holds_kind(sentence, kind, question) is held


def test_the_share_counts_the_kinds_asked_for() -> None:
    asked = "How much is it and who brings it?"
    assert share_held("It costs £3.", kinds_of(asked), asked) == 0.5
    assert share_held("It costs £3.", frozenset(), asked) == 0.0
