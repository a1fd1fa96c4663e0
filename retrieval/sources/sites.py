"""A site, page by page: by its sitemap or from a start address, on one host, as its robots.txt allows.

Reading is polite and bounded: a pause between pages, limits on pages, bytes, depth and time, and a question whether a
page changed where an earlier reading left validators. What a limit leaves out is counted, never silently dropped.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from urllib.parse import urldefrag, urljoin, urlsplit, urlunsplit

from retrieval.errors import UnreadableSource
from retrieval.sources import robots
from retrieval.sources.addresses import same_site
from retrieval.sources.fetching import AGENT, MAX_PAGE_BYTES, Fetched, Fetcher, FetchFailed, Validators
from retrieval.sources.registry import PARSERS, default_id
from retrieval.sources.robots import Robots
from retrieval.sources.sandbox import Parsed, Sandbox

MAX_SITEMAPS = 50
_BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
_SITEMAP = re.compile(r"\.xml(\.gz)?$", re.IGNORECASE)
_NO_PAGE = re.compile(
    r"\.(png|jpe?g|gif|webp|svg|ico|avif|css|js|mjs|map|json|xml|rss|atom|woff2?|ttf|eot|mp[34]|webm|ogg|wav|mov|avi|"
    r"zip|gz|tgz|rar|7z|exe|dmg|apk|iso|csv|tsv)$",
    re.IGNORECASE,
)
_CHARSET = re.compile(
    r"utf-?(8|16)(le|be)?|us-ascii|ascii|latin-?1|(iso-?8859|windows|cp|koi8|euc|shift|gb|big5|mac)[\w-]*"
)
_SUFFIXES: Mapping[str, str] = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "text/markdown": ".md",
    "text/plain": ".txt",
    "application/pdf": ".pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
}
"""What an answer's media type makes a page's name end with."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How far a site is read. `depth` counts links from the start address; `delay_s` is the pause between pages."""

    pages: int = 500
    total_bytes: int = 200 * 2**20
    page_bytes: int = MAX_PAGE_BYTES
    depth: int = 3
    seconds: float = 900.0
    delay_s: float = 0.5


@dataclass(frozen=True, slots=True)
class Known:
    """What an earlier reading of a page left: validators, its links, the id of the document it became, and the address
    that the page names as its own, empty where that is the one it was read at."""

    validators: Validators
    links: tuple[str, ...]
    id: str
    own: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """What came of one address: a parsed document, or `unchanged` since it was last read, or the `reason` why neither.

    `same_as` is the address that the page names as its own, where that page was read as well.
    """

    url: str
    parsed: Parsed | None = None
    validators: Validators = Validators()
    unchanged: bool = False
    same_as: str = ""
    reason: str = ""


@dataclass(slots=True)
class Left:
    """What was not read: addresses waiting when a limit was reached, and the limit; pages that robots.txt closes."""

    waiting: int = 0
    limit: str = ""
    closed: int = 0


@dataclass(slots=True)
class _Queue:
    """Addresses to read, each once, with their distance from the start."""

    waiting: deque[tuple[str, int]] = field(default_factory=deque)
    seen: set[str] = field(default_factory=set)

    def add(self, url: str, depth: int) -> None:
        if url not in self.seen:
            self.seen.add(url)
            self.waiting.append((url, depth))


class Site:
    """One reading of one site; iterate `pages()` once, then `left` says what was not read."""

    def __init__(
        self,
        start: str,
        fetcher: Fetcher,
        sandbox: Sandbox,
        *,
        known: Mapping[str, Known] | None = None,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.left = Left()
        self._start = normal(start)
        self._fetcher = fetcher
        self._sandbox = sandbox
        self._known = known or {}
        self._limits = limits or Limits()
        self._clock = clock
        self._pause = pause
        self._queue = _Queue()
        self._bytes = 0
        self._canonical: dict[str, str] = {}
        self._robots = Robots("", AGENT)
        self._last: float | None = None

    @property
    def waiting(self) -> int:
        """How many addresses are still to be read."""
        return len(self._queue.waiting)

    def pages(self) -> Iterator[Page]:
        """Read the site. Every address gives one `Page`; nothing is raised for what a site does."""
        began = self._clock()
        try:
            self._robots = self._rules()
        except FetchFailed as error:
            yield Page(self._start, reason=str(error))
            return
        if _SITEMAP.search(urlsplit(self._start).path):
            yield from self._from_sitemaps(began)
        else:
            self._queue.add(self._start, 0)
        read = 0
        while self._queue.waiting:
            self.left.limit = self._reached(read, began)
            if self.left.limit:
                self.left.waiting = len(self._queue.waiting)
                return
            url, depth = self._queue.waiting.popleft()
            if not self._robots.allows(url):
                self.left.closed += 1
                if depth == 0:
                    yield Page(url, reason="is closed to robots by the site's robots.txt")
                continue
            read += 1
            yield self._page(url, depth)

    def _rules(self) -> Robots:
        """The site's robots.txt; `FetchFailed` only where the host itself cannot be reached or may not be."""
        address = urljoin(self._start, "/robots.txt")
        try:
            answer = self._fetcher.get(address, max_bytes=robots.MAX_BYTES)
        except FetchFailed as error:
            if 400 <= error.status < 500:
                return Robots("", AGENT)
            if error.status == 0:
                raise
            return Robots.closed(AGENT)
        return Robots(answer.body.decode("utf-8-sig", "replace"), AGENT)

    def _reached(self, read: int, began: float) -> str:
        """The limit that is reached; empty while none is."""
        if read >= self._limits.pages:
            return f"{self._limits.pages:,} pages"
        if self._bytes >= self._limits.total_bytes:
            return f"{self._limits.total_bytes:,} bytes"
        if self._clock() - began >= self._limits.seconds:
            return f"{self._limits.seconds:g} s"
        return ""

    def _from_sitemaps(self, began: float) -> Iterator[Page]:
        """Fill the queue from the sitemap at the start and those it names; what cannot be read is a `Page`."""
        waiting, seen = deque([self._start]), {self._start}
        while waiting and not self._reached(0, began):
            address = waiting.popleft()
            if not self._robots.allows(address):
                yield Page(address, reason="is closed to robots by the site's robots.txt")
                continue
            try:
                found = self._sandbox.sitemap(self._get(address).body, address)
            except (FetchFailed, UnreadableSource) as error:
                yield Page(address, reason=error.reason if isinstance(error, UnreadableSource) else str(error))
                continue
            for each in found.sitemaps:
                if self._on_host(each) and each not in seen and len(seen) < MAX_SITEMAPS:
                    seen.add(each)
                    waiting.append(each)
            for each in found.pages:
                if self._on_host(each):
                    self._queue.add(normal(each), self._limits.depth)

    def _page(self, url: str, depth: int) -> Page:
        known = self._known.get(url)
        try:
            answer = self._get(url, known.validators if known else None)
            if not answer.changed and known is not None:
                own = known.own or url
                self._canonical.setdefault(own, url)
                self._queue.seen.add(own)
                self._follow(known.links, url, depth)
                return Page(url, validators=known.validators, unchanged=True)
            name, data = _named(answer)
            address = normal(answer.url)
            parsed = self._sandbox.read(data, name, document_id=known.id if known else page_id(address), url=address)
        except FetchFailed as error:
            return Page(url, reason=str(error))
        except UnreadableSource as error:
            return Page(url, reason=error.reason)
        self._follow((*parsed.findings.links, *parsed.findings.around), address, depth)
        return self._as_canonical(Page(url, parsed, answer.validators), address)

    def _as_canonical(self, page: Page, address: str) -> Page:
        """The page under the address it names as its own; where that one was read before, only a pointer to it."""
        parsed = page.parsed
        if parsed is None:
            return page
        stated = normal(urljoin(address, parsed.findings.canonical)) if parsed.findings.canonical else address
        own = stated if same_site(stated, address) else address
        first = self._canonical.setdefault(own, page.url)
        if first != page.url:
            return Page(page.url, validators=page.validators, same_as=first)
        self._queue.seen.add(own)
        return replace(page, parsed=Parsed(replace(parsed.document, url=own), parsed.findings))

    def _get(self, url: str, known: Validators | None = None) -> Fetched:
        """Read an address after the pause that politeness asks for."""
        delay = self._robots.delay_s(self._limits.delay_s)
        if self._last is not None:
            self._pause(max(0.0, self._last + delay - self._clock()))
        try:
            answer = self._fetcher.get(url, known, max_bytes=self._limits.page_bytes)
        finally:
            self._last = self._clock()
        self._bytes += len(answer.body)
        return answer

    def _follow(self, links: tuple[str, ...], base: str, depth: int) -> None:
        if depth >= self._limits.depth:
            return
        for link in links:
            try:
                address = normal(urljoin(base, link))
            except ValueError:
                continue
            if self._on_host(address) and not _NO_PAGE.search(urlsplit(address).path):
                self._queue.add(address, depth + 1)

    def _on_host(self, url: str) -> bool:
        try:
            return urlsplit(url).scheme in ("http", "https") and same_site(self._start, url)
        except ValueError:
            return False


def normal(url: str) -> str:
    """An address as it is compared: without fragment, host in lower case, without the scheme's own port."""
    parts = urlsplit(urldefrag(url.strip()).url)
    host = (parts.hostname or "").lower()
    literal = f"[{host}]" if ":" in host else host
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    port = "" if parts.port in (None, usual) else f":{parts.port}"
    user = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    return urlunsplit((parts.scheme.lower(), f"{user}{literal}{port}", parts.path or "/", parts.query, ""))


def page_id(url: str) -> str:
    """The id of the document that a page becomes: its host and path, without the extension of a page."""
    parts = urlsplit(url)
    path = re.sub(r"(/index)?\.(html?|xhtml|php|aspx?|md|txt|pdf|docx|xlsx)$", "", parts.path.rstrip("/"), flags=re.I)
    query = f"-{parts.query}" if parts.query else ""
    return default_id(f"{parts.hostname or 'site'}{path}{query}.html")


def _named(answer: Fetched) -> tuple[str, bytes]:
    """The name that tells the parser what an answer is, and its bytes; text in UTF-8, marked as such."""
    last = PurePosixPath(urlsplit(answer.url).path).name
    suffix = _SUFFIXES.get(answer.media_type, "")
    if not suffix and answer.media_type not in ("", "application/octet-stream"):
        raise FetchFailed(f"is {answer.media_type}, which holds no text to quote")
    suffix = suffix or PurePosixPath(last).suffix.lower()
    if suffix and suffix not in PARSERS:
        raise FetchFailed(f"is {suffix}, which holds no text to quote")
    name = f"{PurePosixPath(last).stem or 'page'}{suffix}"
    if suffix in (".html", ".txt", ".md") and answer.charset and answer.charset not in ("utf-8", "utf8"):
        return name, _as_utf8(answer)
    return name, answer.body


def _as_utf8(answer: Fetched) -> bytes:
    """The charset of the answer counts over what the page says of itself (WHATWG HTML, 13.2.3.2)."""
    if not _CHARSET.fullmatch(answer.charset):
        raise FetchFailed(f"is in the unknown charset {answer.charset!r}")
    try:
        return (_BOM + answer.body.decode(answer.charset)).encode()
    except (LookupError, UnicodeDecodeError) as error:
        raise FetchFailed(f"says that it is in {answer.charset}, but it is not: {error}") from error
