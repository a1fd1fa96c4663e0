"""Markdown (CommonMark with tables), read from its token stream."""

from __future__ import annotations

from collections.abc import Sequence

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from retrieval.documents import Document
from retrieval.sources.building import DocumentBuilder
from retrieval.sources.decoding import decode
from retrieval.sources.html import add_html

_PARSER = MarkdownIt("commonmark").enable("table").enable("strikethrough")


def parse(data: bytes, id: str, *, name: str, url: str = "") -> Document:
    """A document from UTF-8 Markdown. A YAML front matter may give `title` and `url`."""
    front, body = _front_matter(decode(data, name))
    builder = DocumentBuilder()
    _add(builder, _PARSER.parse(body))
    title = str(front.get("title") or "")
    return builder.document(id, title=title, url=url or str(front.get("url") or ""), media_type="text/markdown")


def _front_matter(text: str) -> tuple[dict[str, object], str]:
    text = text.replace("\r\n", "\n")
    if not text.startswith("---\n"):
        return {}, text
    head, separator, body = text[4:].partition("\n---\n")
    try:
        front = yaml.safe_load(head) if separator else None
    except yaml.YAMLError:
        front = None
    return (front, body) if isinstance(front, dict) else ({}, text)


def _add(builder: DocumentBuilder, tokens: Sequence[Token]) -> None:
    position = 0
    while position < len(tokens):
        token = tokens[position]
        end = _closing(tokens, position)
        inside = tokens[position + 1 : end]
        if token.type == "heading_open":
            builder.heading(int(token.tag[1]), _text(inside))
        elif token.type == "paragraph_open":
            builder.paragraph(_text(inside))
        elif token.type in ("bullet_list_open", "ordered_list_open"):
            start = int(token.attrs.get("start", 1)) if token.type == "ordered_list_open" else None
            builder.items(_items(inside), first=start)
        elif token.type == "table_open":
            builder.table(_rows(inside))
        elif token.type == "html_block":
            add_html(builder, token.content)
        elif token.type in ("fence", "code_block"):
            builder.paragraph(token.content)
        elif token.nesting == 1:
            _add(builder, inside)
        position = end + 1


def _closing(tokens: Sequence[Token], position: int) -> int:
    """Index of the token that closes the one at `position` (itself where it does not nest)."""
    depth: int = tokens[position].nesting
    end = position
    while depth > 0:
        end += 1
        depth += tokens[end].nesting
    return end


def _text(tokens: Sequence[Token]) -> str:
    """What a reader sees of inline content and of code; blocks apart by a space."""
    return " ".join(inline_text(token) for token in tokens if token.type in ("inline", "fence", "code_block"))


def inline_text(token: Token) -> str:
    """What a reader sees of an inline token (of code: its content)."""
    if token.type != "inline":
        return token.content
    pieces = []
    for child in token.children or ():
        if child.type in ("softbreak", "hardbreak"):
            pieces.append(" ")
        elif child.type in ("text", "code_inline", "image"):
            pieces.append(child.content)
    return "".join(pieces)


def _items(tokens: Sequence[Token]) -> list[str]:
    """Items of a list; the items of a list inside follow their parent as items of their own."""
    items: list[str] = []
    fresh = False
    for token in tokens:
        if token.type == "list_item_open":
            fresh = True
        elif token.type in ("inline", "fence", "code_block"):
            if fresh or not items:
                items.append(_text([token]))
            else:
                items[-1] += " " + _text([token])
            fresh = False
    return items


def _rows(tokens: Sequence[Token]) -> list[list[str]]:
    rows: list[list[str]] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(inline_text(token))
    return rows
