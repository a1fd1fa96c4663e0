"""Markdown becomes HTML that is safe to insert; a customer's text stays text."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from bot.channels.render import TAGS, citation_json, plain_html, safe_html
from retrieval.documents import Citation


class Elements(HTMLParser):
    """Collects (tag, attribute, value), as a browser's parser would see them."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen += [(tag, name, value or "") for name, value in attrs] or [(tag, "", "")]


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![x](https://tracker.example/p.gif)",
        "[x](javascript:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        "<a href='vbscript:x'>x</a>",
        "<svg onload=alert(1)>",
        '[x](https://a.example "onmouseover=alert(1)")',
        "<style>*{display:none}</style>",
        "`<iframe src=//evil.example>`",
    ],
)
def test_nothing_active_comes_through(text: str) -> None:
    found = Elements()
    found.feed(safe_html(text))
    assert {tag for tag, _, _ in found.seen} <= TAGS
    assert {name for _, name, _ in found.seen} <= {"", "href", "rel", "target", "title"}
    assert all(value.startswith(("https:", "http:", "mailto:")) for _, name, value in found.seen if name == "href")


def test_markdown_is_rendered_and_links_are_marked_as_not_ours() -> None:
    html = safe_html("**Bold**, see [the page](https://shop.example/a)\nand\n\n- one\n- two")
    assert "<strong>Bold</strong>" in html
    assert "<li>one</li>" in html
    assert 'href="https://shop.example/a"' in html
    assert 'rel="noopener noreferrer nofollow ugc"' in html
    assert 'target="_blank"' in html


def test_headings_do_not_enter_the_page_outline() -> None:
    assert "<h1" not in safe_html("# Very important")


def test_what_a_customer_wrote_is_not_markup() -> None:
    assert plain_html("<b>1</b>\n**2** & 3") == "<p>&lt;b&gt;1&lt;/b&gt;<br>**2** &amp; 3</p>"


def test_a_citation_links_to_the_stored_version() -> None:
    citation = Citation("help/été", 3, "Delivery", 5, 9, "text", "https://shop.example/help")
    assert citation_json(citation)["url"] == "/documents/help%2F%C3%A9t%C3%A9?version=3&start=5&end=9#quote"
