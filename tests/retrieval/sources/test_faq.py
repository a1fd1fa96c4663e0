from __future__ import annotations

import json

import pytest

from retrieval.errors import UnreadableSource
from retrieval.passages import cut
from retrieval.sources.faq import MAX_BYTES, FaqRow, faq_document, parse, read_faq

ROWS = [FaqRow("Is it free?", "Yes.", "Prices"), FaqRow("How long?", "Two days.\nOr three.", "")]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("f.csv", b'question,answer,topic\nIs it free?,Yes.,Prices\nHow long?,"Two days.\nOr three.",\n'),
        (
            "f.csv",
            b'\xef\xbb\xbfQuestion;Answer;Category\nIs it free?;Yes.;Prices\nHow long?;"Two days.\nOr three.";\n',
        ),
        ("f.tsv", b'topic\tq\ta\nPrices\tIs it free?\tYes.\n\tHow long?\t"Two days.\nOr three."\n'),
        ("f.json", json.dumps([{"question": r.question, "answer": r.answer, "topic": r.topic} for r in ROWS]).encode()),
        (
            "f.yaml",
            b"- {question: 'Is it free?', answer: Yes., topic: Prices}\n- question: How long?\n  answer: |\n"
            b"    Two days.\n    Or three.\n",
        ),
    ],
)
def test_every_format_gives_the_same_rows(name: str, data: bytes) -> None:
    table = read_faq(data, name)
    assert list(table.rows) == ROWS
    assert table.problems == ()


def test_markdown_tables() -> None:
    tables = ["| Question | Answer |\n|---|---|\n| Is it *free*? | Yes. |", "| Other | Column |\n|---|---|\n| a | b |"]
    data = "\n\n".join(["# FAQ", *tables]).encode()
    assert read_faq(data, "f.md").rows == (FaqRow("Is it free?", "Yes."),)


def test_problems_are_told_row_by_row() -> None:
    data = b"question,answer\nA?,1\n,2\nB?,\nA?,1\nC?,3\nc?,4\nD?,5\n,\nE?," + b"x" * 10_001
    table = read_faq(data, "f.csv")
    assert [row.question for row in table.rows] == ["A?", "D?"]
    assert [(number, problem.split(";")[0]) for number, problem in table.problems] == [
        (3, "has no question"),
        (4, "has no answer"),
        (5, "repeats the question and answer of row 2"),
        (6, "row 7 answers the same question differently"),
        (7, "answers the question of row 6 differently"),
        (9, "is empty"),
        (10, "has an answer of 10,001 characters, the limit is 10,000"),
    ]


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("f.csv", b"frage,antwort\nA,B\n", "columns frage, antwort; needed: question, answer"),
        ("f.csv", "question,answer\nA,£5\n".encode("cp1252"), "byte 0xa3 on line 2 .* cp1252"),
        ("f.csv", b"question,answer\nA,B,C\n", "row 2 has 3 cells under 2 columns"),
        ("f.csv", b"question,question,answer\nA,B,C\n", "column question twice"),
        ("f.csv", b'question,answer\n"A,B\n', "not a CSV file"),
        ("f.csv", b"", "no rows"),
        ("f.csv", b"question,answer\n", "no rows"),
        ("f.csv", b"x" * (MAX_BYTES + 1), "bytes, the limit is"),
        ("f.xls", b"abc", "a FAQ is one of .csv"),
        ("f.json", b'{"question": 1}', "not a list of objects"),
        ("f.json", b"[1,", "is not JSON"),
        ("f.json", b"[" * 100_000, "is not JSON"),
        ("f.yaml", b"- &a {question: x, answer: y}\n- *a\n", "aliases"),
        ("f.yaml", b"!!python/object/apply:os.system ['true']", "not YAML"),
        ("f.xlsx", b"PK\x03\x04nothing", "not a readable office file"),
        ("f.md", b"no table", "no rows"),
    ],
)
def test_files_that_cannot_be_used(name: str, data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableSource, match=reason):
        read_faq(data, name)


def test_a_faq_becomes_a_document_with_one_passage_a_row() -> None:
    document = faq_document(ROWS, "faq")
    assert [(p.kind, p.heading, p.text) for p in cut(document)] == [
        ("faq", ("Prices", "Is it free?"), "Yes."),
        ("faq", ("How long?",), "Two days.\nOr three."),
    ]


def test_as_a_source_a_faq_with_problems_is_refused() -> None:
    with pytest.raises(UnreadableSource, match="row 3: has no question"):
        parse(b"question,answer\nA?,1\n,2\n", "faq", name="faq.csv")
