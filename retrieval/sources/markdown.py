"""Markdown (CommonMark with tables), read from its token stream."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from retrieval.audiences import audience_of
from retrieval.documents import Document
from retrieval.errors import UnreadableSource
from retrieval.sources.building import DocumentBuilder
from retrieval.sources.decoding import decode
from retrieval.sources.findings import Findings
from retrieval.sources.html import add_html, visible_text

_FRONT = re.compile(r"\A\s*---[ \t]*\n(.*?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)
_LIMITS = re.compile(r"^\W*audience\W*:", re.IGNORECASE | re.MULTILINE)
_PARSER = MarkdownIt("commonmark").enable("table").enable("strikethrough")


def parse(data: bytes, id: str, *, name: str, url: str = "", findings: Findings | None = None) -> Document:
    """A document from UTF-8 Markdown.

    A YAML front matter may give `title`, `url`, `audience` (`retrieval.audiences`), and the dates `review_by` and
    `valid_until`. `UnreadableSource` where an audience or a date is none, or stands in a front matter that is not
    YAML: a document must not go to everybody by a slip.
    """
    front, body = _front_matter(decode(data, name), name)
    builder = DocumentBuilder(findings)
    tokens = _PARSER.parse(body)
    children = (child for token in tokens for child in token.children or ())
    builder.findings.add_links(str(each.attrs.get("href", "")) for each in children if each.type == "link_open")
    _add(builder, tokens)
    title = str(front.get("title") or "")
    made = builder.document(id, title=title, url=url or str(front.get("url") or ""), media_type="text/markdown")
    try:
        return replace(
            made,
            audience=audience_of(front.get("audience")),
            review_by=_day(front, "review_by"),
            valid_until=_day(front, "valid_until"),
        )
    except ValueError as error:
        raise UnreadableSource(name, f"has a front matter that {error}") from error


def _front_matter(text: str, name: str) -> tuple[dict[str, object], str]:
    """The front matter with its keys in lower case, and what follows it."""
    text = text.replace("\r\n", "\n")
    match = _FRONT.match(text)
    if match is None:
        return {}, text
    try:
        front = yaml.safe_load(match.group(1))
    except yaml.YAMLError:
        front = None
    if isinstance(front, dict):
        return {str(key).strip().lower(): value for key, value in front.items()}, text[match.end() :]
    if _LIMITS.search(match.group(1)):
        raise UnreadableSource(name, "has a front matter that names an audience but is not YAML; correct it")
    return {}, text


def _day(front: Mapping[str, object], key: str) -> str:
    """The date that the front matter gives as ISO 8601, empty for none; `ValueError` for anything else."""
    stated = front.get(key)
    if stated in (None, ""):
        return ""
    day = stated.date() if isinstance(stated, datetime) else stated
    try:
        return (day if isinstance(day, date) else date.fromisoformat(str(day).strip())).isoformat()
    except ValueError as error:
        raise ValueError(f"gives {key} as {str(stated)[:40]!r}; a date looks like 2027-03-31") from error


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
    if any(child.type == "html_inline" for child in token.children or ()):
        return visible_text(_PARSER.renderer.render([token], _PARSER.options, {}))
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
