from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from retrieval.confidence import FEATURES
from retrieval.datasets import Question, read_corpus
from retrieval.documents import Document
from retrieval.embedder import OnnxEmbedder
from retrieval.reading import SIGNALS
from retrieval.training.choosing import (
    Choice,
    asked,
    choice_of,
    fit_choice,
    given,
    held_out,
    known,
    public_questions,
    share_right,
)
from retrieval.training.examples import read_articles, split_titles


def drawn(count: int, weights: np.ndarray, seed: int) -> list[Choice]:
    """Questions of eight sentences, the right one being drawn by the logit of the weights."""
    chance = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        values = chance.normal(size=(8, len(weights))).astype(np.float32)
        scores = values @ weights + chance.gumbel(size=8)
        made.append(Choice(values, np.arange(8) == scores.argmax()))
    return made


def test_the_weights_that_chose_are_found_again() -> None:
    true = np.array([2.0, 1.0, 0.0, -1.0, 0.5, 0.0, 0.0, 0.0])
    found = fit_choice(drawn(1500, true, seed=3))
    assert found[0] == 1.0
    assert found == pytest.approx(true / 2, abs=0.12)
    unseen = drawn(400, true, seed=4)
    assert share_right(unseen, found) > share_right(unseen, np.eye(len(true))[0]) + 0.1


def test_a_question_of_the_company_is_right_where_the_quote_says_it(
    shop: list[Document], embedder: OnnxEmbedder
) -> None:
    knowledge = known(shop, embedder)
    choice = choice_of(knowledge, Question("1", "descale the kettle", True, ("every two months",), ("kettle",)), 5.0)
    assert choice.values.shape == (len(choice.right), len(SIGNALS))
    assert choice.right.sum() == 1
    assert choice.weight == 5.0
    none = choice_of(knowledge, Question("2", "descale the kettle", True, ("a blue bicycle",), ("kettle",)))
    assert not none.right.any()


@pytest.fixture
def squad(tmp_path: Path) -> Path:
    def article(number: int) -> dict[str, object]:
        text = f"Team {number} won the cup in 19{number}. The final was held at Stadium {number}."
        questions = [
            {"id": f"{number}a", "question": f"When did Team {number} win?", "answers": [{"text": f"19{number}"}]},
            {"id": f"{number}b", "question": f"Who lost to Team {number}?", "answers": [], "is_impossible": True},
        ]
        for each in questions:
            for answer in each["answers"]:  # type: ignore[attr-defined]
                answer["answer_start"] = text.index(answer["text"])
        return {"title": f"Article_{number}", "paragraphs": [{"context": text, "qas": questions}]}

    path = tmp_path / "squad.json"
    path.write_text(json.dumps({"data": [article(number) for number in range(10, 26)]}))
    return path


def test_held_out_questions_are_not_learned_from(squad: Path, tmp_path: Path) -> None:
    titles = list(read_articles(squad))
    learned, kept = split_titles(titles, (13,), 13)
    mine, cross = public_questions(squad, squad)
    assert mine == []  # what XQuAD reports or is chosen on is not read in SQuAD
    assert {titles[int(question.documents[0].split("-")[0])] for question in cross} <= set(learned)
    other = tmp_path / "xquad.json"
    stored = json.loads(squad.read_text())
    other.write_text(json.dumps({"data": [each for each in stored["data"] if each["title"] == learned[0]]}))
    mine, _ = public_questions(squad, other)
    assert {titles[int(question.documents[0].split("-")[0])] for question in mine} == set(learned) - {learned[0]}
    assert not {question.id for question in cross} & {f"{title.split('_')[1]}a" for title in kept}


def test_paragraphs_are_read_and_everything_is_searched(squad: Path, embedder: OnnxEmbedder) -> None:
    knowledge = known(read_corpus(squad), embedder)
    own = [passage for passage in knowledge.retriever.passages if passage.document == "0-0"]
    question = Question("10a", "When did Team 10 win?", True, ("1910",), ("0-0",))
    features, right = given(knowledge, question, own)
    assert right
    assert features.shape == (len(FEATURES),)
    found, marks = asked(knowledge, [question, Question("x", "Who lost to Team 10?", False, (), ("0-0",))])
    assert [each.shape for each in found] == [(len(FEATURES),)] * 2
    assert marks[1] is False


def test_confidence_of_a_fold_is_fitted_without_it() -> None:
    chance = np.random.default_rng(5)
    rows = np.hstack([np.ones((60, 1)), chance.normal(size=(60, 3))])
    right = (rows[:, 1] > 0).tolist()
    nothing = np.zeros((0, 4)), np.zeros(0)
    unseen = held_out(list(rows), right, nothing, 1)
    assert np.mean((np.array(unseen) > 0) == np.array(right)) > 0.9
    shuffled = chance.permutation(right).tolist()
    by_chance = held_out(list(rows), shuffled, nothing, 1)
    assert np.mean((np.array(by_chance) > 0) == np.array(shuffled)) < 0.75
