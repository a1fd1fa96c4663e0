from __future__ import annotations

import pytest

from retrieval.datasets import Question
from retrieval.documents import Answer, Citation
from retrieval.judging import aurc, auroc, coverage_at, judge, plain, word_f1


def answer(text: str, document: str = "d") -> Answer:
    return Answer(text, (Citation(document, 1, "", 0, len(text), text, ""),), 0.5)


@pytest.mark.parametrize(
    ("given", "expected", "f1"), [("a b", "a b", 1.0), ("a b c d", "a", 0.4), ("x", "y", 0.0), ("", "", 1.0)]
)
def test_word_f1(given: str, expected: str, f1: float) -> None:
    assert word_f1(given, expected) == pytest.approx(f1)


def test_plain() -> None:
    assert plain("The  Answer, is: £6.95!") == "answer is 695"


@pytest.mark.parametrize(
    ("question", "text", "right"),
    [
        (Question("1", "?", True, ("£6.95",)), "It costs £6.95 each.", True),
        (Question("2", "?", True, ("£6.95",)), "It costs £16.95 each.", False),
        (Question("3", "?", True, ("never", "60 days")), "Within 60 days.", True),
        (Question("4", "?", True, (), ("d",)), "Anything.", True),
        (Question("5", "?", True, (), ("e",)), "Anything.", False),
        (Question("6", "?", False), "Anything.", False),
    ],
)
def test_judge(question: Question, text: str, right: bool) -> None:
    assert judge(question, answer(text)).right is right


def test_curves_on_known_answers() -> None:
    confidences, wrong = [0.9, 0.8, 0.7, 0.6], [False, False, True, False]
    assert aurc(confidences, wrong) == pytest.approx((0 + 0 + 1 / 3 + 1 / 4) / 4)
    assert coverage_at(confidences, wrong, 0.05) == 0.5
    assert coverage_at(confidences, wrong, 0.25) == 1.0
    assert coverage_at(confidences, [True] * 4, 0.05) == 0.0
    assert auroc([0.9, 0.5, 0.5, 0.1], [True, True, False, False]) == pytest.approx(3.5 / 4)
    assert auroc([0.1, 0.2], [True, True]) is None
