from __future__ import annotations

import pytest

from retrieval.mismatch import MISMATCHES, OPPOSITES, mismatch

QUOTE = "The shop in Bristol allows returns within 60 days."


@pytest.mark.parametrize(
    ("question", "differs"),
    [
        ("how many days for a return", {"names_quoted", "same_polarity"}),
        ("Does the Bristol shop take returns?", {"names", "names_quoted", "same_polarity"}),
        ("Does the London shop take returns?", {"names", "names_missing", "same_polarity"}),
        ("Is it 60 days?", {"names_quoted", "figures", "same_polarity"}),
        ("Is it 90 days?", {"names_quoted", "figures", "figures_missing", "same_polarity"}),
        ("what can't I send back", {"names_quoted", "negated"}),
        ("which returns does the shop disallow", {"names_quoted", "same_polarity", "prefixed"}),
    ],
)
def test_what_the_quote_lacks_is_told(question: str, differs: set[str]) -> None:
    found = mismatch(question, QUOTE, f"Returns\n{QUOTE}".replace("allows", "allow"))
    told = {name for name, value in zip(MISMATCHES, found.values(), strict=True) if value}
    assert told == differs


def test_an_opposite_counts_where_the_word_itself_is_not_said() -> None:
    assert mismatch("what is the maximum", "the minimum is £30", "the minimum is £30").opposite == 1.0
    assert mismatch("what is the maximum", "minimum £30, maximum £90", "minimum £30, maximum £90").opposite == 0.0
    elsewhere = mismatch("what is the maximum", "it is £30", "the minimum: it is £30")
    assert (elsewhere.opposite, elsewhere.opposite_anywhere) == (0.0, 1.0)


def test_opposites_go_both_ways() -> None:
    assert all(word in OPPOSITES[other] for word, others in OPPOSITES.items() for other in others)
    assert all(word not in others for word, others in OPPOSITES.items())


def test_a_sentence_does_not_begin_with_a_name() -> None:
    assert mismatch("Got it. Delivery was fine, I'm told", "x", "y").names == 0.0
