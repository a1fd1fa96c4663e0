"""FAQ tables: CSV, XLSX, JSON, YAML or a Markdown table to checked rows, and rows to a document.

Every row is checked; a problem names its row as a spreadsheet counts it (the header is row 1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import PurePath

from retrieval.audiences import audience_of, narrower
from retrieval.documents import Document
from retrieval.errors import UnreadableSource
from retrieval.sources.building import DocumentBuilder, clean, one_line
from retrieval.sources.findings import Findings
from retrieval.sources.tables import Row, csv_rows, json_rows, markdown_rows, xlsx_rows, yaml_rows

MAX_BYTES = 20 * 2**20
MAX_ROWS = 50_000
MAX_QUESTION = 500
MAX_ANSWER = 10_000
"""Characters."""

COLUMNS = {
    "question": ("question", "questions", "q"),
    "answer": ("answer", "answers", "a", "response"),
    "topic": ("topic", "category", "section", "group"),
    "audience": ("audience",),
}
"""Names a column may have, in any case; `topic` and `audience` may be missing."""

READERS: Mapping[str, Callable[[bytes, str], list[Row]]] = {
    ".csv": csv_rows,
    ".tsv": csv_rows,
    ".xlsx": xlsx_rows,
    ".json": json_rows,
    ".yaml": yaml_rows,
    ".yml": yaml_rows,
    ".md": markdown_rows,
}


@dataclass(frozen=True, slots=True)
class FaqRow:
    """A question with the company's answer, and who may be told it. `topic` may be empty."""

    question: str
    answer: str
    topic: str = ""
    audience: str = "public"


@dataclass(frozen=True, slots=True)
class FaqTable:
    """The rows that can be used, and what is wrong with the others as (row number, problem)."""

    rows: tuple[FaqRow, ...]
    problems: tuple[tuple[int, str], ...]


def read_faq(data: bytes, name: str) -> FaqTable:
    """Read and check a FAQ file by its extension. `UnreadableSource` if the file as a whole cannot be used: another
    format or encoding, missing columns, over a limit, no row at all."""
    suffix = PurePath(name).suffix.lower()
    if suffix not in READERS:
        raise UnreadableSource(name, f"is {suffix or 'without extension'}; a FAQ is one of {', '.join(READERS)}")
    if len(data) > MAX_BYTES:
        raise UnreadableSource(name, f"has {len(data):,} bytes, the limit is {MAX_BYTES:,}; split it")
    rows = READERS[suffix](data, name)
    if not rows:
        raise UnreadableSource(name, "has no rows; it needs a header with question and answer, and rows below")
    if len(rows) > MAX_ROWS:
        raise UnreadableSource(name, f"has {len(rows):,} rows, the limit is {MAX_ROWS:,}; split it")
    return check([_named(row, name) for row in rows], [row.number for row in rows])


def check(rows: Sequence[FaqRow], numbers: Sequence[int] | None = None) -> FaqTable:
    """Check rows: empty and oversize cells, repeated questions, contradicting answers.

    Of a question that stands twice with one answer the first row is kept; where the answers differ, none is.
    `numbers` default to those of a table with a header.
    """
    numbers = numbers or range(2, len(rows) + 2)
    problems: dict[int, str] = {}
    kept: dict[int, FaqRow] = {}
    first: dict[str, int] = {}
    for number, row in zip(numbers, rows, strict=True):
        problem = _problem(row)
        if problem:
            problems[number] = problem
            continue
        earlier = first.setdefault(_key(row.question), number)
        if earlier == number:
            kept[number] = row
        elif earlier in kept and _key(kept[earlier].answer) == _key(row.answer):
            problems[number] = f"repeats the question and answer of row {earlier}; remove one of them"
        else:
            problems[number] = f"answers the question of row {earlier} differently; keep one answer"
            if kept.pop(earlier, None):
                problems[earlier] = f"row {number} answers the same question differently; keep one answer"
    return FaqTable(tuple(kept.values()), tuple(sorted(problems.items())))


def faq_document(rows: Iterable[FaqRow], id: str, *, title: str = "", url: str = "") -> Document:
    """A document with one block of kind "faq" for each row; the last heading is the question.

    It is for those who may be told every row; rows for different people belong into different documents.
    """
    listed = list(rows)
    builder = DocumentBuilder()
    builder.heading(1, title or "Frequently asked questions")
    for row in listed:
        builder.faq(row.question, row.answer, row.topic)
    made = builder.document(id, url=url, media_type="text/x-faq")
    return replace(made, audience=reduce(narrower, (audience_of(row.audience) for row in listed), "public"))


def parse(data: bytes, id: str, *, name: str, url: str = "", findings: Findings | None = None) -> Document:
    """A document from a FAQ file without any problem; `UnreadableSource` names the first problems otherwise."""
    table = read_faq(data, name)
    if table.problems:
        listed = "; ".join(f"row {number}: {problem}" for number, problem in table.problems[:5])
        more = f" (and {len(table.problems) - 5} more)" if len(table.problems) > 5 else ""
        raise UnreadableSource(name, listed + more)
    if len(meant := {row.audience for row in table.rows}) > 1:
        listed = " and ".join(sorted(meant))
        raise UnreadableSource(name, f"has rows for {listed}; `firstline faq import` keeps them apart")
    return faq_document(table.rows, id, url=url)


def _named(row: Row, name: str) -> FaqRow:
    cells = {key.strip().lower(): value for key, value in row.cells.items()}
    found = {}
    for column, names in COLUMNS.items():
        match = next((alias for alias in names if alias in cells), None)
        if match is None and column not in ("topic", "audience"):
            got = ", ".join(key for key in row.cells if key) or "none"
            raise UnreadableSource(name, f"row {row.number} has the columns {got}; needed: question, answer[, topic]")
        found[column] = cells[match] if match else ""
    audience = one_line(found["audience"]).lower() or "public"
    return FaqRow(one_line(found["question"]), clean(found["answer"]), one_line(found["topic"]), audience)


def _problem(row: FaqRow) -> str | None:
    if not row.question and not row.answer:
        return "is empty"
    if not row.question or not row.answer:
        missing = "question" if not row.question else "answer"
        return f"has no {missing}"
    if len(row.question) > MAX_QUESTION:
        return f"has a question of {len(row.question):,} characters, the limit is {MAX_QUESTION:,}"
    if len(row.answer) > MAX_ANSWER:
        return f"has an answer of {len(row.answer):,} characters, the limit is {MAX_ANSWER:,}"
    try:
        audience_of(row.audience)
    except ValueError as error:
        return str(error)
    return None


def _key(text: str) -> str:
    return " ".join("".join(c if c.isalnum() else " " for c in text.casefold()).split()) or text
