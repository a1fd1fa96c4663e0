"""A document page shows the stored text, with exactly the cited characters marked."""

from __future__ import annotations

import pytest

from bot.channels.reading import Section, sections
from retrieval.documents import Document
from retrieval.sources.building import DocumentBuilder


@pytest.fixture
def document() -> Document:
    builder = DocumentBuilder()
    builder.heading(1, "Delivery")
    builder.heading(2, "Prices")
    builder.paragraph("It costs something. Not much.")
    builder.table([["Service", "Price"], ["Standard", "£3.95"], ["Express", "£6.95"]])
    builder.heading(3, "How")
    builder.items(["Pack it.", "Send it."], first=1)
    builder.items(["Hope."])
    return builder.document("delivery")


def marked(shown: tuple[Section, ...]) -> str:
    cells = [fragment for section in shown for row in section.rows for cell in row for fragment in cell]
    return "|".join(fragment.text for fragment in cells if fragment.quoted)


def test_every_kind_of_block_has_its_shape(document: Document) -> None:
    shown = sections(document)
    assert [section.kind for section in shown] == ["paragraph", "table", "numbered", "items"]
    assert shown[0].headings == ((2, "Prices"),)
    assert shown[2].headings == ((3, "How"),)
    assert shown[1].columns == ("Service", "Price")
    assert [[cell[0].text for cell in row] for row in shown[1].rows] == [["Standard", "£3.95"], ["Express", "£6.95"]]
    assert [row[0][0].text for row in shown[2].rows] == ["Pack it.", "Send it."]


def test_a_quote_is_marked_where_it_stands(document: Document) -> None:
    start = document.text.index("Not much.")
    shown = sections(document, start, start + len("Not much."))
    assert marked(shown) == "Not much."
    firsts = [
        fragment for section in shown for row in section.rows for cell in row for fragment in cell if fragment.first
    ]
    assert [fragment.text for fragment in firsts] == ["Not much."]


def test_a_quote_over_several_cells_has_one_beginning(document: Document) -> None:
    start = document.text.index("Standard")
    end = document.text.index("£6.95") + len("£6.95")
    shown = sections(document, start, end)
    assert marked(shown) == "Standard|£3.95|Express|£6.95"
    assert sum(fragment.first for section in shown for row in section.rows for cell in row for fragment in cell) == 1


@pytest.mark.parametrize(("start", "end"), [(0, 0), (10, 5), (99_999, 100_000), (0, 10**9)])
def test_odd_ranges_do_no_harm(document: Document, start: int, end: int) -> None:
    assert len(sections(document, start, end)) == 4


def test_a_document_without_blocks_is_shown_whole() -> None:
    (section,) = sections(Document("plain", "Plain", "One line.\nAnother.", ()), 0, 3)
    assert marked((section,)) == "One"
    assert len(section.rows) == 2
