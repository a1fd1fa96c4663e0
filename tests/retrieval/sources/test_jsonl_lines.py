"""Corpora of JSON lines as sources: a document a line, each failing alone."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from retrieval.errors import UnreadableSource
from retrieval.sources import jsonl, registry
from retrieval.sources.files import Piece, pieces_of


def corpus(path: Path, *rows: object) -> Path:
    lines = "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt", encoding="utf-8") as file:
        file.write(lines)
    return path


@pytest.mark.parametrize("name", ["corpus.jsonl", "corpus.jsonl.gz"])
def test_each_line_is_a_document_of_its_own(tmp_path: Path, name: str) -> None:
    rows = [{"id": "guide/a.md", "text": "# A\n\nFact one."}, {"id": "b", "title": "B", "text": "Two.", "url": "u"}]
    pieces = list(pieces_of(corpus(tmp_path / name, *rows, "")))
    assert all(isinstance(each, Piece) for each in pieces)
    documents = [registry.parse(each.data, each.name, document_id=each.id) for each in pieces]  # type: ignore[union-attr]
    assert [(each.id, each.title, each.url) for each in documents] == [("guide-a.md", "A", ""), ("b", "B", "u")]
    assert documents[0].text.endswith("Fact one.")


def test_a_bad_line_and_a_second_one_of_the_same_id_fail_alone(tmp_path: Path) -> None:
    rows = ({"id": "a", "text": "One."}, "{nonsense", {"id": 5, "text": "x"}, {"id": "a", "text": "Two."}, "[1]")
    pieces = list(pieces_of(corpus(tmp_path / "corpus.jsonl", *rows)))
    reasons = [each.reason for each in pieces if isinstance(each, UnreadableSource)]
    assert [type(each) for each in pieces].count(Piece) == 1
    assert [reason.split(" ")[1] for reason in reasons] == ["2", "3", "4", "5"]
    assert "has the id 'a' of a line before" in reasons[2]


def test_a_line_without_text_is_told_by_the_parser() -> None:
    with pytest.raises(UnreadableSource, match="needs id and text"):
        registry.parse(b'{"id": "a"}', "corpus.jsonl/a.jsonl")
    with pytest.raises(UnreadableSource, match="cannot be parsed"):
        registry.parse(b'{"id": ', "corpus.jsonl/a.jsonl")


def test_a_line_without_end_and_a_broken_archive_end_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl, "MAX_LINE", 100)
    (long,) = pieces_of(corpus(tmp_path / "long.jsonl", {"id": "a", "text": "x" * 200}))
    assert isinstance(long, UnreadableSource)
    assert "line 1 has more than 100 bytes" in long.reason
    broken = corpus(tmp_path / "broken.jsonl.gz", {"id": "a", "text": "One."})
    broken.write_bytes(broken.read_bytes()[:-9])
    (found,) = [each for each in pieces_of(broken) if isinstance(each, UnreadableSource)]
    assert "cannot be read" in found.reason
