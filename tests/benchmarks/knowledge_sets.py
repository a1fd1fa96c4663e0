"""The questions that finding and reading are measured on, each set cut in two: one half to choose on, one to report.

A set without a split of its own is cut by the SHA-256 of its question ids; `squad2_cs224n` by article, as everything
that learns from it is (`retrieval.training.examples.split_titles`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.errors import BadInput
from retrieval.datasets import Question, read_corpus, read_qrels, read_queries, read_questions
from retrieval.documents import Document
from retrieval.sources import faq

SEED = 13
CHOSEN_ON = 13
"""Articles of `squad2_cs224n`, in the order of their hashes, that may be learned from and chosen on; the last three are
only reported."""


@dataclass(frozen=True)
class QuestionSet:
    """Documents and questions about them; `reported[i]` says whether question i belongs to the half that nothing is
    chosen on."""

    name: str
    documents: Sequence[Document]
    questions: Sequence[Question]
    reported: Sequence[bool]


def is_reported(id: str) -> bool:
    """Whether a question of a set without a split belongs to the half that is only reported."""
    return hashlib.sha256(id.encode()).digest()[-1] % 2 == 1


def ranking_set(name: str, folder: Path, corpus: str) -> QuestionSet:
    """A retrieval set: its questions with the documents that answer them."""
    _needed(folder)
    qrels = read_qrels(folder / "qrels.tsv")
    queries = [query for query in read_queries(folder / "queries.jsonl") if query.id in qrels]
    questions = [Question(query.id, query.text, True, (), tuple(qrels[query.id])) for query in queries]
    return _halved(name, read_corpus(folder / corpus), questions)


def reading_set(name: str, path: Path) -> QuestionSet:
    """A SQuAD file: its paragraphs, and its questions with their answers."""
    _needed(path)
    return _halved(name, read_corpus(path), read_questions(path))


def articles_set(name: str, path: Path) -> QuestionSet:
    """A SQuAD file whose articles, not questions, are split; its documents are numbered by article."""
    from retrieval.training.examples import read_articles, split_titles

    _needed(path)
    titles = list(read_articles(path))
    _, held_out = split_titles(titles, (CHOSEN_ON,), SEED)
    numbers = {str(number) for number, title in enumerate(titles) if title in held_out}
    questions = [
        Question(each.id, each.text, each.answerable, each.answers, each.documents) for each in read_questions(path)
    ]
    return QuestionSet(
        name, read_corpus(path), questions, [each.documents[0].split("-")[0] in numbers for each in questions]
    )


def company_set(folder: Path, name: str = "demo") -> QuestionSet:
    """A company's folder: its documents and FAQ, and its validation questions, all of which may be chosen on."""
    _needed(folder / "eval" / "questions.validation.jsonl")
    table = folder / "faq" / "faq.csv"
    pairs = faq.parse(table.read_bytes(), "faq", name=table.name)
    questions = read_questions(folder / "eval" / "questions.validation.jsonl")
    return QuestionSet(name, [*read_corpus(folder / "docs"), pairs], questions, [False] * len(questions))


def _halved(name: str, documents: Sequence[Document], questions: Sequence[Question]) -> QuestionSet:
    return QuestionSet(name, documents, questions, [is_reported(question.id) for question in questions])


def _needed(path: Path) -> None:
    if not path.exists():
        raise BadInput(f"{path} is not there; name the folder of the public sets with --datasets")
