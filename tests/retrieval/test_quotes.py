from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.quotes import MAX_SENTENCES, quote_around
from retrieval.sentences import sentences


def quoted(text: str, cosines: list[float]) -> list[str]:
    spans = sentences(text)
    assert len(spans) == len(cosines)
    return [text[start:end] for start, end in quote_around(text, spans, np.array(cosines, dtype=np.float32))]


def test_one_sentence_where_the_others_are_far() -> None:
    assert quoted("Express costs £6.95. Cats purr. Dogs bark.", [0.8, 0.1, 0.1]) == ["Express costs £6.95."]


def test_near_neighbours_are_quoted_too() -> None:
    text = "Cats purr. Express costs £6.95. Order before 16:00."
    assert quoted(text, [0.1, 0.8, 0.75]) == ["Express costs £6.95. Order before 16:00."]


def test_a_sentence_that_leans_brings_the_one_before() -> None:
    assert quoted("We trace the parcel. It takes two days.", [0.2, 0.9]) == ["We trace the parcel. It takes two days."]


def test_steps_are_quoted_together_with_their_introduction() -> None:
    text = "Cats purr.\n\nTo return it:\n\n1. Open the box. Now.\n2. Pack it.\n\nDogs bark."
    expected = ["To return it:\n\n1. Open the box. Now.\n2. Pack it."]
    assert quoted(text, [0.1, 0.5, 0.9, 0.1, 0.2, 0.1]) == expected
    assert quoted(text, [0.1, 0.9, 0.5, 0.1, 0.2, 0.1]) == expected


def test_a_list_item_is_quoted_with_what_introduces_its_list() -> None:
    text = "We pay within:\n\n- five days by card\n- two days by PayPal"
    assert quoted(text, [0.3, 0.2, 0.9]) == ["We pay within:", "- two days by PayPal"]
    assert quoted(text, [0.3, 0.9, 0.2]) == ["We pay within:\n\n- five days by card"]


def test_paragraphs_are_not_joined() -> None:
    assert quoted("First part.\n\nIt is second.", [0.7, 0.8]) == ["It is second."]


@given(st.text(alphabet="ab .:\n-1", min_size=1, max_size=150), st.data())
def test_quotes_are_ordered_slices(text: str, data: st.DataObject) -> None:
    spans = sentences(text)
    if not spans:
        return
    numbers = data.draw(st.lists(st.floats(-1, 1), min_size=len(spans), max_size=len(spans)))
    ranges = quote_around(text, spans, np.array(numbers, dtype=np.float32))
    assert all(0 <= start < end <= len(text) for start, end in ranges)
    assert all(before[1] <= after[0] for before, after in pairwise(ranges))


@pytest.mark.parametrize("count", [1, 2, 5])
def test_no_more_than_the_limit(count: int) -> None:
    (quote,) = quoted("Fine words here. " * count, [0.5] * count)
    assert len(sentences(quote)) == min(count, MAX_SENTENCES)
