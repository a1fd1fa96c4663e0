"""The library: which version may be quoted, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from bot.errors import Conflict, NotFound
from bot.store.database import Database
from bot.store.documents import Library, require_current
from retrieval.documents import Block, Citation, Document
from tests.conftest import Clock


@pytest.fixture
def library(database: Database, clock: Clock) -> Library:
    return Library(database, clock)


def document(text: str = "Returns are free for 60 days.", id: str = "returns", title: str = "Returns") -> Document:
    return Document(id, title, text, (Block("paragraph", ("Returns",), 0, len(text)),), url="https://shop.example/r")


def quote(id: str, version: int) -> Citation:
    return Citation(id, version, "Returns", 0, 5, "Retur", "")


def test_the_same_content_keeps_its_version_and_other_content_is_the_next(library: Library) -> None:
    assert library.put(document(), source="a").version == 1
    assert library.put(document(), source="b").version == 1
    assert library.put(document("Returns cost £2."), source="a").version == 2
    assert library.get("returns").text == "Returns cost £2."
    assert library.get("returns", 1).text == "Returns are free for 60 days."


def test_what_was_put_comes_back_whole(library: Library) -> None:
    given = document("£5 – “quoted” 😀\nsecond line")
    stored = library.put(given, source="a")
    assert (stored.text, stored.blocks, stored.url, stored.title) == (given.text, given.blocks, given.url, given.title)
    assert library.get("returns") == stored


def test_content_that_comes_back_is_a_new_version(library: Library) -> None:
    library.put(document(), source="a")
    library.put(document("Other."), source="a")
    assert library.put(document(), source="a").version == 3


def test_a_deleted_document_is_gone_but_its_versions_stay_readable(library: Library) -> None:
    library.put(document(), source="a")
    library.delete("returns")
    assert (library.current(), library.listing()) == ((), ())
    assert library.get("returns", 1).version == 1
    assert not library.current_check()("returns", 1)
    with pytest.raises(NotFound, match="current"):
        library.get("returns")
    assert library.put(document(), source="a").version == 2


@pytest.mark.parametrize("version", [None, 0, 2, -1])
def test_what_is_not_there_is_told(library: Library, version: int | None) -> None:
    with pytest.raises(NotFound, match="'nothing'"):
        library.get("nothing", version)
    with pytest.raises(NotFound, match="firstline documents list"):
        library.delete("nothing")


@pytest.mark.parametrize(
    ("change", "stale"),
    [
        (lambda library: None, False),
        (lambda library: library.put(document(), source="again"), False),
        (lambda library: library.put(document("Changed."), source="a"), True),
        (lambda library: library.delete("returns"), True),
    ],
)
def test_only_the_current_version_may_be_quoted(
    library: Library, database: Database, change: Callable[[Library], object], stale: bool
) -> None:
    library.put(document(), source="a")
    library.put(document("Other page.", "other"), source="a")
    change(library)
    cited = [quote("returns", 1), quote("other", 1), quote("returns", 1)]
    if not stale:
        database.write(lambda connection: require_current(connection, cited))
        return
    with pytest.raises(Conflict, match="returns version 1 was replaced by version") as caught:
        database.write(lambda connection: require_current(connection, cited))
    assert caught.value.code == "stale"


def test_several_documents_are_stored_together_or_not_at_all(library: Library) -> None:
    with pytest.raises(UnicodeEncodeError):
        library.put_all([document(), document("A lone surrogate: \ud800.", "bad")], source="a")
    assert library.current() == ()


def test_what_is_stored_and_what_is_taken_out_of_use_go_together(library: Library) -> None:
    library.put(document(id="old"), source="a")
    with pytest.raises(UnicodeEncodeError):
        library.put_all([document("A lone surrogate: \ud800.", "bad")], source="a", without=["old"])
    with pytest.raises(NotFound):
        library.put_all([document(id="new")], source="a", without=["nothing"])
    assert [each.id for each in library.current()] == ["old"]
    library.put_all([document(id="new")], source="a", without=["old"])
    assert [each.id for each in library.current()] == ["new"]


def test_the_listing_names_the_last_changed_first(library: Library, clock: Clock) -> None:
    library.put(document(id="old"), source="help.zip")
    clock.pass_(minutes=1)
    library.put(document(id="new", title="New"), source="a")
    first, second = library.listing()
    assert (first.id, first.title, first.version, first.updated_at) == ("new", "New", 1, clock())
    assert (second.id, second.source) == ("old", "help.zip")
    assert [each.id for each in library.current()] == ["new", "old"]


def test_the_generation_moves_with_every_change_and_only_then(library: Library, clock: Clock) -> None:
    seen = [library.generation()]
    for change in (
        lambda: library.put(document(), source="a"),
        lambda: library.put(document("Other."), source="a"),
        lambda: library.delete("returns"),
        lambda: library.put(document("Other."), source="a"),
    ):
        clock.pass_(seconds=1)
        change()
        seen.append(library.generation())
    assert len(set(seen)) == len(seen)
    library.put(document(), source="a")
    generation = library.generation()
    clock.pass_(seconds=1)
    library.put(document(), source="a")
    assert library.generation() == generation


def test_writers_of_one_document_get_versions_without_gaps(library: Library) -> None:
    with ThreadPoolExecutor(6) as pool:
        versions = list(pool.map(lambda n: library.put(document(f"Text {n}."), source="a").version, range(12)))
    assert sorted(versions) == list(range(1, 13))
    assert library.listing()[0].version == 12
