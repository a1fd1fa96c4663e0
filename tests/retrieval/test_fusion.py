from __future__ import annotations

import pytest

from retrieval.fusion import Fusion


def test_reciprocal_rank_rewards_what_both_found() -> None:
    fused = Fusion("rank").combine({1: 0.9, 2: 0.8}, {2: 7.0, 3: 5.0})
    assert [number for number, _ in fused] == [2, 1, 3]
    assert dict(fused)[2] == pytest.approx(1 / 62 + 1 / 61)


def test_scores_are_scaled_and_weighted() -> None:
    fused = dict(Fusion("score", 0.7).combine({1: 0.9, 2: 0.5, 3: 0.1}, {2: 10.0, 3: 0.5}))
    assert fused == {1: pytest.approx(0.7), 2: pytest.approx(0.7 * 0.5 + 0.3), 3: pytest.approx(0.0)}


def test_totals_weigh_bm25_by_what_the_question_could_reach() -> None:
    fused = dict(Fusion("total", 0.5).combine({1: 0.9, 2: 0.5}, {2: 6.0, 3: 3.0}, 10.0))
    assert fused == {1: pytest.approx(0.45 + 0.15), 2: pytest.approx(0.25 + 0.3), 3: pytest.approx(0.25 + 0.15)}


def test_a_passage_that_shares_no_word_has_no_share_of_the_lowest_bm25() -> None:
    fused = dict(Fusion("total", 0.5).combine({1: 0.9, 2: 0.8}, {2: 6.0}, 10.0))
    assert fused == {1: pytest.approx(0.45), 2: pytest.approx(0.4 + 0.3)}


def test_a_question_without_telling_words_is_found_by_likeness() -> None:
    assert Fusion().combine({1: 0.4, 2: 0.8}, {}, 0.0)[0][0] == 2


@pytest.mark.parametrize("fusion", [Fusion(), Fusion("rank"), Fusion("score", 0.5)])
def test_one_empty_side_is_no_trouble(fusion: Fusion) -> None:
    assert [number for number, _ in fusion.combine({4: 0.2, 5: 0.4}, {})] == [5, 4]
    assert [number for number, _ in fusion.combine({}, {4: 3.0})] == [4]
    assert fusion.combine({}, {}) == []


def test_json_reads_back() -> None:
    assert Fusion(**Fusion("score", 0.65).to_json()) == Fusion("score", 0.65)  # type: ignore[arg-type]
