"""Who a source is for, as it is read: front matter, FAQ column, and what re-reading may not widen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.commands.knowledge import write_faq
from bot.errors import BadInput
from bot.ingest import take_faq
from bot.store.database import Database
from bot.store.documents import Library
from bot.taking import Options, take_sources
from retrieval.errors import UnreadableSource
from retrieval.sources import markdown
from retrieval.sources.faq import parse as parse_faq
from tests.conftest import Clock

BODY = "\n\n# Refund limits\n\nMore than three refunds a month go to a team leader.\n"


@pytest.fixture
def library(tmp_path: Path, clock: Clock) -> Iterator[Library]:
    database = Database.open(f"sqlite:///{tmp_path / 'library.sqlite'}")
    yield Library(database, clock)
    database.close()


def read(front: str) -> tuple[str, str, str]:
    document = markdown.parse(f"{front}{BODY}".encode(), "limits", name="limits.md")
    assert document.text.startswith("Refund limits")
    return document.audience, document.review_by, document.valid_until


@pytest.mark.parametrize(
    ("front", "audience", "review_by", "valid_until"),
    [
        ("", "public", "", ""),
        ("---\ntitle: x\n---", "public", "", ""),
        ("---\naudience: agents\n---", "agents", "", ""),
        ("\ufeff---  \r\nAudience:  Customers\r\n---  ", "customers", "", ""),
        ("---\nreview_by: 2027-03-31\nvalid_until: '2027-12-31'\n---", "public", "2027-03-31", "2027-12-31"),
    ],
)
def test_a_front_matter_says_who_it_is_for_and_until_when(
    front: str, audience: str, review_by: str, valid_until: str
) -> None:
    assert read(front) == (audience, review_by, valid_until)


@pytest.mark.parametrize(
    ("front", "said"),
    [
        ("---\naudience: agent\n---", "'agent'; it is one of public, customers, agents"),
        ("---\naudience: agents: all\n---", "names an audience but is not YAML"),
        ("---\nvalid_until: next year\n---", "a date looks like 2027-03-31"),
    ],
)
def test_a_slip_in_the_front_matter_publishes_nothing(front: str, said: str) -> None:
    with pytest.raises(UnreadableSource, match=said):
        read(front)


def test_the_option_narrows_and_is_kept(library: Library, tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "open.md").write_text(BODY)
    (folder / "closed.md").write_text(f"---\naudience: agents\n---{BODY}")

    def taken(**options: object) -> dict[str, str]:
        chosen = Options(**options)  # type: ignore[arg-type]
        take_sources(library.meant_for(chosen.audience), [str(folder)], options=chosen)
        return {each.id: each.audience for each in library.listing()}

    assert taken() == {"open": "public", "closed": "agents"}
    assert taken(audience="customers") == {"open": "customers", "closed": "agents"}
    assert taken() == {"open": "customers", "closed": "agents"}
    assert taken(audience="public") == {"open": "public", "closed": "agents"}


FAQ = "question,answer,audience\nHow long?,60 days.,\nWho may waive the fee?,A team leader.,Agents\n"


def test_rows_of_a_faq_stand_in_the_document_of_their_audience(library: Library, tmp_path: Path) -> None:
    file = tmp_path / "faq.csv"
    file.write_text(FAQ)
    assert take_faq(library, file).added == 2
    assert {each.id: each.audience for each in library.listing()} == {"faq": "public", "faq.agents": "agents"}
    assert "waive" not in library.get("faq").text
    file.write_text(FAQ.replace("60 days.,", "60 days.,agents"))
    taken = take_faq(library, file)
    assert (taken.added, taken.changed, taken.unchanged) == (0, 1, 1)
    assert {each.id for each in library.listing()} == {"faq.agents"}
    exported = tmp_path / "out.csv"
    assert write_faq(library, exported) == 2
    assert exported.read_text().count(",agents") == 2


def test_a_misspelt_audience_in_a_row_is_told_and_nothing_imported(library: Library, tmp_path: Path) -> None:
    file = tmp_path / "faq.csv"
    file.write_text(FAQ.replace("Agents", "staff"))
    with pytest.raises(BadInput, match="row 3: states the audience 'staff'"):
        take_faq(library, file)
    assert library.listing() == ()


def test_a_faq_read_as_one_document_is_for_one_audience() -> None:
    with pytest.raises(UnreadableSource, match="`firstline faq import` keeps them apart"):
        parse_faq(FAQ.encode(), "faq", name="faq.csv")
