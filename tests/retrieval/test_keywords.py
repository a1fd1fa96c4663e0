from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from retrieval.errors import BadSnapshot
from retrieval.keywords import ARRAYS, VOCABULARY, KeywordIndex
from retrieval.words import content_words, stem_of

TEXTS = ["Express delivery costs £6.95", "Returns are free", "", "Order WF-204817 has two kettles", "free e-mail help"]


@pytest.mark.parametrize(
    ("word", "stem"),
    [
        ("returns", "return"),
        ("returned", "return"),
        ("returning", "return"),
        ("deliveries", "delivery"),
        ("boxes", "box"),
        ("stopped", "stop"),
        ("stopping", "stop"),
        ("arrives", "arriv"),
        ("arriving", "arriv"),
        ("glasses", "glass"),
        ("bus", "bus"),
        ("204817", "204817"),
    ],
)
def test_stems(word: str, stem: str) -> None:
    assert stem_of(word) == stem


def test_content_words_leave_the_small_ones_out() -> None:
    assert content_words("How do I return the kettle’s lid?") == ["return", "kettl", "lid"]
    assert "204817" in content_words("order wf-204817")
    assert content_words("e-mail")[-1] == content_words("email")[-1]


def test_bm25_is_the_formula() -> None:
    texts = ["kettle lid", "kettle kettle box parcel", "parcel"]
    score = KeywordIndex.build(texts).scores("kettle")[1]
    idf = math.log(1 + (3 - 2 + 0.5) / (2 + 0.5))
    expected = idf * 2 / (2 + 1.5 * (1 - 0.75 + 0.75 * 4 / (7 / 3)))
    assert score == pytest.approx(expected, rel=1e-5)


def test_the_best_come_first_and_only_those_that_share_a_word() -> None:
    scores, rows = KeywordIndex.build(TEXTS).search("free returns of kettles", 10)
    assert rows.tolist()[0] == 1
    assert sorted(rows.tolist()) == [1, 3, 4]
    assert (np.diff(scores) <= 0).all()


@pytest.mark.parametrize("query", ["", "the of and", "zebra", "😀"])
def test_no_shared_word_finds_nothing(query: str) -> None:
    assert KeywordIndex.build(TEXTS).search(query, 3)[1].size == 0


@pytest.mark.parametrize("texts", [[], [""], ["the"], TEXTS])
def test_what_was_saved_is_loaded(texts: list[str], tmp_path: Path) -> None:
    index = KeywordIndex.build(texts)
    index.save(tmp_path)
    loaded = KeywordIndex.load(tmp_path)
    assert len(loaded) == len(texts)
    np.testing.assert_array_equal(loaded.scores("free kettles"), index.scores("free kettles"))


def test_parts_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    KeywordIndex.build(TEXTS).save(tmp_path)
    (tmp_path / VOCABULARY).write_text('{"texts": 5, "vocabulary": ["one"]}')
    with pytest.raises(BadSnapshot, match="1 words"):
        KeywordIndex.load(tmp_path)
    (tmp_path / ARRAYS).write_bytes(b"PK")
    with pytest.raises(BadSnapshot, match="build the knowledge again"):
        KeywordIndex.load(tmp_path)


def test_pickled_arrays_are_refused(tmp_path: Path) -> None:
    KeywordIndex.build(TEXTS).save(tmp_path)
    np.savez(tmp_path / ARRAYS, data=np.array([{"a": 1}], dtype=object))
    with pytest.raises(BadSnapshot):
        KeywordIndex.load(tmp_path)
