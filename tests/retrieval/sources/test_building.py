from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.sources.building import MAX_TEXT, DocumentBuilder, clean, one_line


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("a\r\nb\rc", "a\nb\nc"),
        ("a \t  b\u00a0c", "a b c"),
        ("cafe\u0301", "café"),
        ("soft\u00adhyphen zero\u200bwidth\x00", "softhyphen zerowidth"),
        ("  \n x \n ", "x"),
    ],
)
def test_clean(raw: str, expected: str) -> None:
    assert clean(raw) == expected


@given(st.text())
def test_clean_is_stable(raw: str) -> None:
    assert clean(clean(raw)) == clean(raw)
    assert "\n" not in one_line(raw)


def test_headings_make_the_path_and_the_first_is_the_title() -> None:
    builder = DocumentBuilder()
    builder.heading(1, "Delivery")
    builder.paragraph("Intro.")
    builder.heading(2, "UK")
    builder.heading(3, "Express")
    builder.paragraph("Fast.")
    builder.heading(2, "Abroad")
    builder.paragraph("Slow.")
    document = builder.document("d")
    assert document.title == "Delivery"
    assert [(block.heading, document.text[block.start : block.end]) for block in document.blocks] == [
        ((), "Intro."),
        (("UK", "Express"), "Fast."),
        (("Abroad",), "Slow."),
    ]
    assert document.text == "Delivery\n\nIntro.\n\nUK\n\nExpress\n\nFast.\n\nAbroad\n\nSlow."


def test_tables_with_a_header_name_their_cells() -> None:
    builder = DocumentBuilder()
    builder.table([["Service", "Price"], ["Express", "£6.95"], ["Saturday", ""]])
    builder.table([["Express", "£6.95"]], header=False)
    assert builder.document("d").text == "Service: Express; Price: £6.95\nService: Saturday\n\nExpress | £6.95"


def test_a_document_that_grows_without_limit_is_stopped() -> None:
    builder = DocumentBuilder()
    with pytest.raises(ValueError, match="longer than"):
        builder.paragraph("x " * (MAX_TEXT // 2 + 1))
