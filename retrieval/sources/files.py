"""Files to parse: one file, a folder with what lies below it, or a zip; each under a name and an id of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from retrieval.errors import UnreadableSource
from retrieval.sources.archives import Member, members_of
from retrieval.sources.jsonl import id_of, lines_of
from retrieval.sources.registry import MAX_BYTES, default_id

MAX_ZIP_BYTES = 200 * 2**20


@dataclass(frozen=True, slots=True)
class Piece:
    """A file that waits to be parsed. `name` is what people know it by; `id` that of the document it becomes."""

    name: str
    id: str
    data: bytes


def pieces_of(path: Path) -> Iterator[Piece | UnreadableSource]:
    """What is to be parsed of a path, in the order of names; a file that cannot be opened is its reason.

    Ids are the paths below the folder, or inside the zip, without extension; of two files with one id the second keeps
    its extension (`a`, then `a.txt`).
    """
    taken: set[str] = set()
    files = files_below(path)
    if not files:
        yield UnreadableSource(path.name, "holds no file")
    for file in files:
        name = file.relative_to(path).as_posix() if path.is_dir() else path.name
        try:
            if name.lower().endswith((".jsonl", ".jsonl.gz")):
                yield from pieces_of_jsonl(file, name, taken)
                continue
            data = _bytes(file, name)
            if file.suffix.lower() == ".zip":
                yield from pieces_of_zip(data, name, taken)
            else:
                yield Piece(name, _free(name, taken), data)
        except UnreadableSource as failure:
            yield failure


def pieces_of_jsonl(path: Path, name: str, taken: set[str]) -> Iterator[Piece | UnreadableSource]:
    """A document a line, read one after the other; a line that is none is its reason. The id is made from the one that
    the line states; of two lines with one id the second is refused."""
    stated: set[str] = set()
    for number, line in lines_of(path):
        id = id_of(line)
        if not id:
            yield UnreadableSource(name, f"line {number} is no JSON object with an id and a text, both strings")
        elif id in stated:
            yield UnreadableSource(name, f"line {number} has the id {id!r} of a line before; keep one of them")
        else:
            stated.add(id)
            yield Piece(f"{name}/{id}.jsonl", _free(f"{id}.jsonl", taken), line)


def pieces_of_zip(data: bytes, name: str, taken: set[str] | None = None) -> Iterator[Piece | UnreadableSource]:
    """What is to be parsed of a zip; `UnreadableSource` is raised where the whole is refused."""
    ids = taken if taken is not None else set()
    empty = True
    for found in members_of(data, name):
        empty = False
        yield Piece(f"{name}/{found.path}", _free(found.path, ids), found.data) if isinstance(found, Member) else found
    if empty:
        yield UnreadableSource(name, "holds no file")


def files_below(path: Path) -> list[Path]:
    """The files of a folder, hidden ones left out, or the path itself if it is no folder."""
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.rglob("*") if _readable(file.relative_to(path)) and file.is_file())


def _free(name: str, taken: set[str]) -> str:
    id = default_id(name)
    if id in taken:
        id += PurePath(name).suffix
    number = 2
    while id in taken:
        id, number = f"{default_id(name)}-{number}", number + 1
    taken.add(id)
    return id


def _readable(relative: Path) -> bool:
    return not any(part.startswith((".", "~$")) for part in relative.parts)


def _bytes(path: Path, name: str) -> bytes:
    try:
        limit = MAX_ZIP_BYTES if path.suffix.lower() == ".zip" else MAX_BYTES
        if path.stat().st_size > limit:
            raise UnreadableSource(name, f"has {path.stat().st_size:,} bytes, the limit is {limit:,}; split it")
        return path.read_bytes()
    except OSError as error:
        raise UnreadableSource(name, f"cannot be opened: {error.strerror}") from error
