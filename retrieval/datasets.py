"""Evaluation files: corpora, queries with relevance judgements, and questions with answers."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retrieval.documents import Document
from retrieval.errors import UnreadableSource
from retrieval.sources.building import DocumentBuilder
from retrieval.sources.decoding import decode
from retrieval.sources.jsonl import read_jsonl
from retrieval.sources.sandbox import read_folder

Qrels = Mapping[str, Mapping[str, int]]
"""Query id to document id to relevance, 1 or more."""


@dataclass(frozen=True, slots=True)
class LabelledQuery:
    """A query of a retrieval set."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question of an answers set. An answer is right if it contains one of `answers`, or, where there are none, if
    it quotes one of `documents`. `answerable` is False where the right thing is to abstain."""

    id: str
    text: str
    answerable: bool
    answers: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()


def read_corpus(path: Path) -> tuple[Document, ...]:
    """A corpus: a folder of sources, JSON lines (`.jsonl`, `.jsonl.gz`), or the paragraphs of a SQuAD file.

    `UnreadableSource` for the first source that cannot be read: a measurement on part of a corpus means nothing.
    """
    if path.is_dir():
        documents, failures = read_folder(path)
        if failures:
            raise failures[0]
        return documents
    if path.suffix == ".json":
        return tuple(_paragraph(id, title, paragraph) for id, title, paragraph in _squad(_json(path), path.name))
    return tuple(read_jsonl(path))


def read_queries(path: Path) -> tuple[LabelledQuery, ...]:
    """Queries from JSON lines with `id` and `text`."""
    return tuple(LabelledQuery(_string(row, "id", name), _string(row, "text", name)) for name, row in _lines(path))


def read_qrels(path: Path) -> Qrels:
    """Judgements from tab-separated values with the header `query_id doc_id rel`; relevance 0 is left out."""
    rows = csv.reader(io.StringIO(_text(path)), delimiter="\t")
    header = next(rows, [])
    if header != ["query_id", "doc_id", "rel"]:
        raise UnreadableSource(path.name, f"begins with {header}, not with the header query_id, doc_id, rel")
    qrels: dict[str, dict[str, int]] = {}
    for number, row in enumerate(rows, start=2):
        if len(row) != 3 or not row[2].lstrip("-").isdigit():
            raise UnreadableSource(path.name, f"row {number} is {row}; needed: query id, document id, whole number")
        if int(row[2]) > 0:
            qrels.setdefault(row[0], {})[row[1]] = int(row[2])
    return qrels


def read_questions(path: Path) -> tuple[Question, ...]:
    """Questions from SQuAD 1/2 JSON, JSON lines, a JSON list, or a CSV with Question, Answer_True, Document_True.

    A row of JSON has `id`, `question` or `text`, and `answers` (may be empty) with an optional `document`; or, as in
    the demo company's set, `expect` ("answer" is answerable, anything else is not), `quote`, `also` and `documents`.
    """
    if path.suffix == ".csv":
        return tuple(_csv_questions(path))
    if path.suffix == ".json":
        stored = _json(path)
        if isinstance(stored, dict):
            return tuple(_squad_questions(stored, path.name))
        rows = [(f"{path.name} entry {number}", row) for number, row in enumerate(stored, start=1)]
    else:
        rows = list(_lines(path))
    return tuple(_question(row, name) for name, row in rows)


def _question(row: Any, name: str) -> Question:
    text = _string(row, "question" if isinstance(row, dict) and "question" in row else "text", name)
    documents = _strings(row, "documents", name) or ([row["document"]] if row.get("document") else [])
    if "expect" in row:
        quote = row.get("quote")
        answers, answerable = [*([quote] if quote else []), *_strings(row, "also", name)], row["expect"] == "answer"
    else:
        stated = row.get("answers", row.get("answer"))
        answers = [stated] if isinstance(stated, str) else list(stated or [])
        answerable = bool(answers or documents) and not row.get("is_impossible")
    return Question(_string(row, "id", name), text, answerable, tuple(answers), tuple(documents))


def _csv_questions(path: Path) -> Iterator[Question]:
    rows = csv.DictReader(io.StringIO(_text(path)))
    needed = {"Question", "Answer_True", "Document_True"}
    if not needed <= set(rows.fieldnames or ()):
        raise UnreadableSource(path.name, f"has the columns {rows.fieldnames}; needed: {', '.join(sorted(needed))}")
    for number, row in enumerate(rows):
        answers = tuple(answer for answer in (row["Answer_True"].strip(),) if answer)
        documents = (row["Document_True"].strip(),)
        yield Question(f"{path.stem}-{number:03d}", row["Question"].strip(), True, answers, documents)


def _squad_questions(stored: dict[str, Any], name: str) -> Iterator[Question]:
    for id, _, paragraph in _squad(stored, name):
        for entry in paragraph["qas"]:
            answers = tuple(dict.fromkeys(answer["text"] for answer in entry["answers"]))
            answerable = bool(answers) and not entry.get("is_impossible", False)
            yield Question(entry["id"], entry["question"], answerable, answers if answerable else (), (id,))


def _squad(stored: Any, name: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(document id, title, paragraph) for every paragraph."""
    if not isinstance(stored, dict) or not isinstance(stored.get("data"), list):
        raise UnreadableSource(name, "is not a SQuAD file: it has no list named data")
    for number, article in enumerate(stored["data"]):
        for place, paragraph in enumerate(article["paragraphs"]):
            yield f"{number}-{place}", str(article.get("title", "")).replace("_", " "), paragraph


def _paragraph(id: str, title: str, paragraph: dict[str, Any]) -> Document:
    builder = DocumentBuilder()
    builder.paragraph(paragraph["context"])
    return builder.document(id, title=title)


def _text(path: Path) -> str:
    try:
        return decode(path.read_bytes(), path.name)
    except OSError as error:
        raise UnreadableSource(str(path), f"cannot be opened: {error.strerror}") from error


def _json(path: Path) -> Any:
    try:
        return json.loads(_text(path))
    except json.JSONDecodeError as error:
        raise UnreadableSource(path.name, f"is not JSON: {error}") from error


def _lines(path: Path) -> Iterator[tuple[str, Any]]:
    for number, line in enumerate(_text(path).split("\n"), start=1):
        if line.strip():
            name = f"{path.name} line {number}"
            try:
                yield name, json.loads(line)
            except json.JSONDecodeError as error:
                raise UnreadableSource(name, f"is not JSON: {error}") from error


def _strings(row: dict[str, Any], key: str, name: str) -> list[str]:
    """A list of texts; empty where there is none. A text alone would be taken for its letters."""
    listed = row.get(key) or []
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        raise UnreadableSource(name, f"has {key}: {str(listed)[:60]!r}; needed: a list of texts")
    return listed


def _string(row: Any, key: str, name: str) -> str:
    if not isinstance(row, dict) or not isinstance(row.get(key), str | int):
        got = ", ".join(row) if isinstance(row, dict) else type(row).__name__
        raise UnreadableSource(name, f"has {got}; needed: {key}")
    return str(row[key])
