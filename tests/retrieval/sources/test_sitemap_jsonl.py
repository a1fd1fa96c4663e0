from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from retrieval.errors import UnreadableSource
from retrieval.sources.jsonl import read_jsonl
from retrieval.sources.sitemap import Sitemap, parse

NAMESPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
INDEX = f"""<?xml version="1.0"?><sitemapindex {NAMESPACE}>
<sitemap><loc>https://x.example/one.xml.gz</loc></sitemap>
<sitemap><loc>https://x.example/sitemap.xml</loc></sitemap></sitemapindex>""".encode()
PAGES = f"""<urlset {NAMESPACE}><url><loc> https://x.example/a </loc></url><url><loc>https://x.example/b</loc></url>
<url><loc>https://x.example/a</loc></url></urlset>""".encode()


def test_an_index_and_a_packed_list_of_pages() -> None:
    assert parse(INDEX, "sitemap.xml") == Sitemap((), ("https://x.example/one.xml.gz", "https://x.example/sitemap.xml"))
    assert parse(gzip.compress(PAGES), "one.xml.gz") == Sitemap(("https://x.example/a", "https://x.example/b"), ())


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"<html></html>", "is <html>"),
        (b"nonsense", "not a sitemap"),
        (b"\x1f\x8bnonsense", "not a sitemap"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><urlset>&a;</urlset>', "not a sitemap"),
    ],
)
def test_what_is_no_sitemap(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableSource, match=reason):
        parse(data, "sitemap.xml")


def test_a_corpus_plain_and_gzipped(tmp_path: Path) -> None:
    lines = (
        '{"id": "a/1.md", "title": "Fees", "text": "It is free."}\n\n{"id": "b", "text": "# T\\n\\n## H\\n\\nText."}\n'
    )
    (tmp_path / "c.jsonl").write_text(lines)
    (tmp_path / "c.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    plain, packed = list(read_jsonl(tmp_path / "c.jsonl")), list(read_jsonl(tmp_path / "c.jsonl.gz"))
    assert plain == packed
    assert [(document.id, document.title) for document in plain] == [("a/1.md", "Fees"), ("b", "T")]
    assert plain[1].blocks[0].heading == ("H",)


@pytest.mark.parametrize("line", ['{"id": "a"}', '{"id": 3, "text": "x"}', "[1]", "{broken"])
def test_a_bad_line_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "c.jsonl").write_text('{"id": "a", "text": "x"}\n' + line)
    with pytest.raises(UnreadableSource, match=r"line [23]"):
        list(read_jsonl(tmp_path / "c.jsonl"))
