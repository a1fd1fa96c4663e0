from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.sentences import sentences


def split(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("   \n ", []),
        ("One sentence without an end", ["One sentence without an end"]),
        ("It costs £6.95. It is fast.", ["It costs £6.95.", "It is fast."]),
        ("Return it, e.g. by post. Keep WF-204817.", ["Return it, e.g. by post.", "Keep WF-204817."]),
        ("Ask Mr. Wren. He knows.", ["Ask Mr. Wren.", "He knows."]),
        ("Really? Yes! Fine… Good.", ["Really?", "Yes!", "Fine…", "Good."]),
        ("He said “stop.” Then he left.", ["He said “stop.”", "Then he left."]),
        ("1. Open the box.\n2. Lift the lid.", ["1. Open the box.", "2. Lift the lid."]),
        ("- free\n- fast, by 16:00 p.m. daily", ["- free", "- fast, by 16:00 p.m. daily"]),
        ("Version 3.6.21 is out. Update.", ["Version 3.6.21 is out.", "Update."]),
        ("See www.wrenfield.example/help. Thanks.", ["See www.wrenfield.example/help.", "Thanks."]),
        ("これは本です。高いです。", ["これは本です。", "高いです。"]),
    ],
)
def test_known_splits(text: str, expected: list[str]) -> None:
    assert split(text) == expected


@given(st.text(alphabet="ab .!?\n-1£é“”)(…", max_size=200))
def test_sentences_cover_everything_but_white_space(text: str) -> None:
    spans = sentences(text)
    assert all(text[start:end].strip() == text[start:end] != "" for start, end in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert "".join("".join(text[start:end] for start, end in spans).split()) == "".join(text.split())
