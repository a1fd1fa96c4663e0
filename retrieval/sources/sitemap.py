"""Sitemaps (sitemaps.org protocol 0.9): which pages a site has. Fetching is the caller's."""

from __future__ import annotations

import gzip
import io
import zlib
from dataclasses import dataclass
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from retrieval.errors import UnreadableSource

MAX_BYTES = 50 * 2**20


@dataclass(frozen=True, slots=True)
class Sitemap:
    """`pages` are addresses of pages, `sitemaps` of further sitemaps; one of the two is empty."""

    pages: tuple[str, ...]
    sitemaps: tuple[str, ...]


def parse(data: bytes, name: str) -> Sitemap:
    """Read a sitemap or a sitemap index, gzipped or not; `UnreadableSource` if it is neither."""
    try:
        if data.startswith(b"\x1f\x8b"):
            data = gzip.GzipFile(fileobj=io.BytesIO(data)).read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise UnreadableSource(name, f"has more than {MAX_BYTES:,} bytes")
        root = fromstring(data)
    except (ParseError, DefusedXmlException, OSError, EOFError, zlib.error, ValueError) as error:
        raise UnreadableSource(name, f"is not a sitemap: {error}") from error
    kind = root.tag.rpartition("}")[2]
    if kind not in ("urlset", "sitemapindex"):
        raise UnreadableSource(name, f"is <{kind}>; a sitemap is <urlset> or <sitemapindex>")
    found = [e.text.strip() for e in root.findall("./*/{*}loc") if e.text and e.text.strip()]
    addresses = tuple(dict.fromkeys(found))
    return Sitemap(addresses, ()) if kind == "urlset" else Sitemap((), addresses)
