from __future__ import annotations

import pytest

from retrieval.documents import Document
from retrieval.errors import UnreadableSource
from retrieval.sources import html, markdown, text

MARKDOWN = b"""# Delivery & prices

*Last updated 3 September 2026*

Express costs **6.95**, see [returns](returns.md).
It is fast.

## How to

1. Open `My account`.
2. Choose:
   - one
   - two

| Service | Price |
|---|---|
| Express | 6.95 |

> Note: no Sunday delivery.
"""

PAGE = """<!doctype html><html><head><title>Returns | Wrenfield</title><style>p{}</style>
<link rel="canonical" href="https://www.wrenfield.example/help/returns"></head><body>
<header><a href="/">Wrenfield</a></header><nav><ul><li>Home</li></ul></nav>
<div class="cookie-banner"><p>We use cookies.</p></div>
<main><div class="breadcrumb">Help › Returns</div><h1>Returns</h1><p>You have <b>60</b> days.<br>Unused only.</p>
<h2>Fees</h2><table><thead><tr><th>Way</th><th>Price</th></tr></thead><tbody><tr><td>Drop-off</td><td>free</td></tr>
<tr><td>Collection</td><td>£4.50</td></tr></tbody></table><script>alert(1)</script>
<ol start="3"><li>Pack it</li><li>Post it<ul><li>today</li></ul></li></ol>
<dl><dt>RT number</dt><dd>Your return number</dd></dl><p hidden>secret</p></main>
<footer><p>© Wrenfield</p></footer></body></html>"""


def blocks(document: Document) -> list[tuple[str, tuple[str, ...], str]]:
    return [(block.kind, block.heading, document.text[block.start : block.end]) for block in document.blocks]


def test_markdown_structure() -> None:
    document = markdown.parse(MARKDOWN, "d", name="d.md")
    assert document.title == "Delivery & prices"
    assert blocks(document) == [
        ("paragraph", (), "Last updated 3 September 2026"),
        ("paragraph", (), "Express costs 6.95, see returns. It is fast."),
        ("list", ("How to",), "1. Open My account.\n2. Choose:\n3. one\n4. two"),
        ("table", ("How to",), "Service: Express; Price: 6.95"),
        ("paragraph", ("How to",), "Note: no Sunday delivery."),
    ]


def test_markdown_front_matter_gives_title_and_address() -> None:
    document = markdown.parse(b"---\ntitle: Fees\nurl: https://x.example/fees\n---\nIt is free.", "d", name="d.md")
    assert (document.title, document.url, document.text) == ("Fees", "https://x.example/fees", "It is free.")
    assert markdown.parse(b"---\n[broken\n---\nText.", "d", name="d.md").title == "d"


def test_html_inside_markdown_is_read_as_html() -> None:
    document = markdown.parse(b"<div><script>evil()</script><p>Fine.</p></div>\n", "d", name="d.md")
    assert document.text == "Fine."


def test_a_page_without_what_stands_around_its_content() -> None:
    document = html.parse(PAGE.encode(), "returns", name="returns.html")
    assert document.title == "Returns"
    assert document.url == "https://www.wrenfield.example/help/returns"
    assert blocks(document) == [
        ("paragraph", (), "You have 60 days. Unused only."),
        ("table", ("Fees",), "Way: Drop-off; Price: free\nWay: Collection; Price: £4.50"),
        ("list", ("Fees",), "3. Pack it\n4. Post it\n5. today"),
        ("table", ("Fees",), "RT number | Your return number"),
    ]


def test_without_main_the_densest_part_counts() -> None:
    page = "<body><div id='menu'>x</div><div><div><h1>T</h1><p>%s</p></div><div>aside</div></div></body>" % (
        "Text. " * 50
    )
    document = html.parse(page.encode(), "d", name="d.html")
    assert "aside" not in document.text
    assert document.title == "T"


def test_the_declared_encoding_is_used_and_checked() -> None:
    page = '<html><head><meta charset="iso-8859-1"></head><body><p>Caf\xe9</p></body></html>'
    assert html.parse(page.encode("latin-1"), "d", name="d.html").text == "Café"
    with pytest.raises(UnreadableSource, match="declares ascii"):
        html.parse(page.replace("iso-8859-1", "ascii").encode("latin-1"), "d", name="d.html")


def test_elements_nested_without_end_are_refused() -> None:
    page = b"<div>" * 20_000 + b"deep" + b"</div>" * 20_000
    with pytest.raises(UnreadableSource, match="nested deeper than 200"):
        html.parse(page, "d", name="d.html")
    assert html.parse(page[:500] + b"shallow", "d", name="d.html").text == "shallow"


def test_text_with_title_list_and_paragraphs() -> None:
    lines = [
        "\ufeffReturns",
        "",
        "You have 60 days",
        "to return:",
        "- unused items",
        "- in their box",
        "",
        "That is all.",
    ]
    source = "\r\n".join(lines).encode()
    document = text.parse(source, "d", name="d.txt")
    assert document.title == "Returns"
    assert blocks(document) == [
        ("paragraph", (), "You have 60 days to return:"),
        ("list", (), "- unused items\n- in their box"),
        ("paragraph", (), "That is all."),
    ]


def test_another_encoding_is_named_with_its_place() -> None:
    with pytest.raises(UnreadableSource, match=r"byte 0xa3 on line 2 is not UTF-8.*cp1252"):
        text.parse("Price\nIt costs £5".encode("cp1252"), "d", name="d.txt")
