from __future__ import annotations

import json
from pathlib import Path

import pytest

from retrieval.datasets import Question, read_corpus, read_qrels, read_queries, read_questions
from retrieval.errors import UnreadableSource

SQUAD = {
    "data": [
        {
            "title": "Normans",
            "paragraphs": [
                {
                    "context": "Normandy is in France.",
                    "qas": [
                        {"id": "a", "question": "Where?", "answers": [{"text": "France"}, {"text": "France"}]},
                        {"id": "b", "question": "When?", "answers": [], "is_impossible": True},
                    ],
                }
            ],
        }
    ]
}


def test_squad_gives_corpus_and_questions(tmp_path: Path) -> None:
    path = tmp_path / "squad.json"
    path.write_text(json.dumps(SQUAD))
    (document,) = read_corpus(path)
    assert (document.id, document.title, document.text) == ("0-0", "Normans", "Normandy is in France.")
    assert read_questions(path) == (
        Question("a", "Where?", True, ("France",), ("0-0",)),
        Question("b", "When?", False, (), ("0-0",)),
    )


def test_questions_of_every_shape(tmp_path: Path) -> None:
    rows = [
        {"id": "1", "text": "A?", "expect": "answer", "documents": ["d"], "quote": "x"},
        {"id": "2", "text": "B?", "expect": "answer", "documents": ["d"], "quote": None},
        {"id": "3", "text": "C?", "expect": "human", "documents": [], "quote": None},
        {"id": "4", "question": "D?", "answers": ["y"], "document": "e"},
        {"id": 5, "question": "E?", "answers": []},
    ]
    path = tmp_path / "q.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    assert read_questions(path) == (
        Question("1", "A?", True, ("x",), ("d",)),
        Question("2", "B?", True, (), ("d",)),
        Question("3", "C?", False),
        Question("4", "D?", True, ("y",), ("e",)),
        Question("5", "E?", False),
    )
    (tmp_path / "q.json").write_text(json.dumps(rows))
    assert read_questions(tmp_path / "q.json") == read_questions(path)


def test_a_csv_of_questions(tmp_path: Path) -> None:
    path = tmp_path / "QA.csv"
    path.write_text("\ufeffQuestion,Answer_True,Yes_No_True,Document_True\nWhere? ,There,Yes,a/b.md\n", "utf-8")
    assert read_questions(path) == (Question("QA-000", "Where?", True, ("There",), ("a/b.md",)),)


def test_queries_and_judgements(tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_text('{"id": "1", "text": "A?", "answer": "x"}\n')
    (tmp_path / "qrels.tsv").write_text("query_id\tdoc_id\trel\n1\ta\t1\n1\tb\t0\n2\ta\t2\n")
    assert [query.text for query in read_queries(tmp_path / "q.jsonl")] == ["A?"]
    assert read_qrels(tmp_path / "qrels.tsv") == {"1": {"a": 1}, "2": {"a": 2}}


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("qrels.tsv", "q d 1\n", "not with the header"),
        ("qrels.tsv", "query_id\tdoc_id\trel\n1\ta\n", "row 2"),
        ("qrels.tsv", "query_id\tdoc_id\trel\n1\ta\tyes\n", "whole number"),
    ],
)
def test_bad_judgements(tmp_path: Path, name: str, content: str, reason: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(UnreadableSource, match=reason):
        read_qrels(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("q.jsonl", "{broken", "line 1: is not JSON"),
        ("q.jsonl", '{"text": "A?", "answers": []}', "needed: id"),
        ("q.jsonl", '{"id": "1"}', "needed: text"),
        ("q.jsonl", "[]", "needed: text"),
        ("q.jsonl", '{"id": "1", "text": "A?", "expect": "answer", "also": "one day"}', "needed: a list of texts"),
        ("q.jsonl", '{"id": "1", "text": "A?", "answers": [], "documents": "faq"}', "needed: a list of texts"),
        ("q.csv", "a,b\n1,2\n", "needed: Answer_True"),
        ("q.json", '{"version": 2}', "no list named data"),
    ],
)
def test_bad_questions(tmp_path: Path, name: str, content: str, reason: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(UnreadableSource, match=reason):
        read_questions(tmp_path / name)
    with pytest.raises(UnreadableSource, match="cannot be opened"):
        read_questions(tmp_path / "none.jsonl")


def test_a_corpus_with_a_bad_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# A\n\nText.")
    assert len(read_corpus(tmp_path)) == 1
    (tmp_path / "b.pdf").write_bytes(b"%PDF-1.4 broken")
    with pytest.raises(UnreadableSource, match=r"b\.pdf"):
        read_corpus(tmp_path)
