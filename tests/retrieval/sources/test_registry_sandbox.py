from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from retrieval.errors import UnreadableSource
from retrieval.sources import worker
from retrieval.sources.registry import MAX_BYTES, default_id, parse
from retrieval.sources.sandbox import Sandbox, read_folder


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.md", b"", "is empty"),
        ("a.md", b" \n ", "is empty"),
        ("a.md", b"# Only a title", "no text that could be quoted"),
        ("a.md", b"%PDF-1.4", "begins like a .pdf"),
        ("a.pdf", b"hello", "does not begin like a .pdf"),
        ("a.docx", b"hello", "does not begin like a .docx/.xlsx"),
        ("a.exe", b"MZ", "is .exe; readable are .csv, "),
        ("a", b"words", "without extension"),
        ("a.txt", b"x" * (MAX_BYTES + 1), "split it"),
    ],
)
def test_what_cannot_be_read_says_why(name: str, data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableSource, match=reason) as caught:
        parse(data, name)
    assert caught.value.name == name


def test_a_page_without_extension_is_known_by_its_beginning() -> None:
    assert parse(b"<!-- x --><!DOCTYPE html><p>Hello there.</p>", "returns").media_type == "text/html"


@pytest.mark.parametrize(
    ("name", "id"),
    [("returns.md", "returns"), ("a/b c.html", "a-b-c"), ("../x.md", "x"), ("größe.txt", "größe"), (".md", "md")],
)
def test_default_ids(name: str, id: str) -> None:
    assert default_id(name) == id


def test_the_child_reads_what_the_parser_does() -> None:
    with Sandbox() as sandbox:
        assert sandbox.parse(b"# Returns\n\nYou have 60 days.", "returns.md") == parse(
            b"# Returns\n\nYou have 60 days.", "returns.md"
        )


def test_a_folder_is_read_around_its_bad_files(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "x.md").write_text("no")
    (tmp_path / "a.md").write_text("# A\n\nText.")
    (tmp_path / "a.txt").write_text("A\n\nOther text.")
    (tmp_path / "bad.pdf").write_bytes(b"%PDF-1.7 nonsense")
    (tmp_path / "sub" / "b.html").write_text("<main><p>Inside.</p></main>")
    seen: list[tuple[int, int]] = []
    documents, failures = read_folder(tmp_path, lambda done, total: seen.append((done, total)))
    assert [document.id for document in documents] == ["a", "a.txt", "sub-b"]
    assert [failure.name for failure in failures] == ["bad.pdf"]
    assert seen[-1] == (4, 4)


def test_many_files_share_one_process(tmp_path: Path) -> None:
    for number in range(100):
        (tmp_path / f"{number}.md").write_text(f"# Title {number}\n\n" + "Some words here. " * 100)
    began = time.monotonic()
    documents, _ = read_folder(tmp_path)
    assert len(documents) == 100
    assert time.monotonic() - began < 10


def test_a_source_that_takes_too_long_is_stopped_and_the_next_is_read() -> None:
    slow = b"| a | b |\n|---|---|\n" + b"| x | y |\n" * 400_000
    with Sandbox(wall_s=0.5) as sandbox, pytest.raises(UnreadableSource, match=r"took longer than 0\.5 s"):
        sandbox.parse(slow, "slow.md")
    with Sandbox() as sandbox:
        assert sandbox.parse(b"Fine words.", "a.txt").text == "Fine words."


def test_a_child_that_died_is_replaced() -> None:
    with Sandbox() as sandbox:
        sandbox.parse(b"One.", "a.txt")
        assert sandbox._child is not None
        sandbox._child.kill()
        sandbox._child.wait()
        assert sandbox.parse(b"Two.", "b.txt").text == "Two."


@pytest.mark.parametrize(
    ("event", "arguments"),
    [("socket.connect", ()), ("subprocess.Popen", ()), ("open", ("/tmp/x", "w", 0)), ("os.remove", ("/tmp/x",))],
)
def test_the_child_refuses_what_a_parser_needs_not(event: str, arguments: tuple[object, ...]) -> None:
    with pytest.raises(PermissionError):
        worker._refuse(event, arguments)
    worker._refuse("open", ("/tmp/x", "r", os.O_RDONLY))
