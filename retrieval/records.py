"""Records of `retrieval.documents` to JSON lines and back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from retrieval.audiences import audience_of
from retrieval.documents import Block, Document, Passage
from retrieval.errors import BadSnapshot

Record = TypeVar("Record")


def write_lines(path: Path, records: Iterable[Document | Passage]) -> None:
    """One JSON object a line, UTF-8."""
    with path.open("w", encoding="utf-8") as lines:
        for record in records:
            lines.write(json.dumps(asdict(record), ensure_ascii=False) + "\n")


def read_documents(path: Path) -> tuple[Document, ...]:
    """The documents of a snapshot, in their order; `BadSnapshot` if a line is not one."""
    return tuple(_read(path, document_from))


def read_passages(path: Path) -> tuple[Passage, ...]:
    """The passages of a snapshot, in their order; `BadSnapshot` if a line is not one."""
    return tuple(_read(path, _passage))


def _read(path: Path, make: Callable[[dict[str, Any]], Record]) -> Iterator[Record]:
    try:
        lines = path.read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BadSnapshot(f"{path} cannot be read ({error}); build the knowledge again") from error
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            yield make(json.loads(line))
        except (ValueError, TypeError, KeyError) as error:
            raise BadSnapshot(f"{path} line {number} is not a record ({error}); build the knowledge again") from error


def document_from(values: dict[str, Any]) -> Document:
    """A document from the values that `dataclasses.asdict` gave."""
    blocks = tuple(Block(b["kind"], tuple(b["heading"]), b["start"], b["end"]) for b in values["blocks"])
    return Document(**{**values, "blocks": blocks, "audience": audience_of(values.get("audience"))})


def _passage(values: dict[str, Any]) -> Passage:
    return Passage(**{**values, "heading": tuple(values["heading"])})
