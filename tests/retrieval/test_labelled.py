"""What labelled questions teach the reader: their passages, and near ones that do not answer."""

from __future__ import annotations

from retrieval.datasets import Question
from retrieval.documents import Document
from retrieval.embedder import OnnxEmbedder
from retrieval.training.labelled import labelled_examples

ASKED = Question("1", "will it be here tomorrow", True, ("next working day",), ("delivery",))


def test_the_passage_that_answers_and_passages_that_do_not(shop: list[Document], embedder: OnnxEmbedder) -> None:
    examples = labelled_examples([ASKED], shop, embedder, seed=1)
    (right,) = [each for each in examples if each.answers]
    assert "next working day" in right.pair.text[slice(*right.pair.spans[right.sentences[0]])]
    wrong = [each for each in examples if not each.answers]
    assert wrong
    assert all("next working day" not in each.pair.text for each in wrong)
    assert all(each.pair.question == ASKED.text for each in examples)


def test_a_question_that_nothing_answers_teaches_only_what_does_not(
    shop: list[Document], embedder: OnnxEmbedder
) -> None:
    examples = labelled_examples([Question("2", "do you fly it in", False)], shop, embedder, seed=1)
    assert examples
    assert not any(each.answers for each in examples)


def test_an_answer_that_stands_nowhere_teaches_nothing(shop: list[Document], embedder: OnnxEmbedder) -> None:
    lost = Question("3", "what is your number", True, ("ring us",), ("delivery",))
    assert labelled_examples([lost], shop, embedder, seed=1) == []
