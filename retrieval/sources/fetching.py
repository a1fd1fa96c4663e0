"""Reading addresses: one request at a time, bounded in bytes and time, and only to addresses that were checked."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import httpx2

from retrieval.sources.addresses import Resolve, at_address, checked, resolve, same_site

AGENT = "FirstlineBot"
"""The name that robots.txt may speak of."""
MAX_REDIRECTS = 5
CONNECT_S = 10.0
READ_S = 20.0
PAGE_S = 60.0
"""Wall time for one page, redirects included."""
MAX_PAGE_BYTES = 20 * 2**20


class FetchFailed(Exception):
    """An address that gave nothing to read; the message is a sentence for people. `status` is HTTP's, 0 without one."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Validators:
    """What a server gave to ask with next time whether a page changed (RFC 9110, section 8.8)."""

    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer: `url` is where it came from after redirects. `media_type` and `charset` are lower case, empty where
    the server names none. `changed` is False where it says that nothing did; `body` is then empty."""

    url: str
    body: bytes
    media_type: str
    charset: str
    validators: Validators
    changed: bool = True


class Fetcher:
    """Reads addresses; a context manager. `allow_private` admits private, loopback and link-local addresses."""

    def __init__(
        self,
        *,
        allow_private: bool = False,
        page_s: float = PAGE_S,
        resolving: Resolve = resolve,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._allow_private = allow_private
        self._page_s = page_s
        self._resolving = resolving
        self._clock = clock
        timeout = httpx2.Timeout(READ_S, connect=CONNECT_S)
        # a proxy from the environment would connect to an address of its own choice
        self._client = httpx2.Client(timeout=timeout, follow_redirects=False, trust_env=False)

    def __enter__(self) -> Fetcher:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, url: str, known: Validators | None = None, *, max_bytes: int = MAX_PAGE_BYTES) -> Fetched:
        """Read an address, following redirects on its host alone. `FetchFailed` says what stood in the way."""
        ends = self._clock() + self._page_s
        address = url
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._once(address, known or Validators(), max_bytes, ends)
            if isinstance(answer, Fetched):
                return answer
            if not same_site(url, answer):
                raise FetchFailed(f"leads to {answer}, on another host; ingest that address if it is yours", 302)
            address = answer
        raise FetchFailed(f"is redirected more than {MAX_REDIRECTS} times", 302)

    def _once(self, url: str, known: Validators, max_bytes: int, ends: float) -> Fetched | str:
        """One request: what was read, or the address that it was sent on to."""
        try:
            address = checked(url, allow_private=self._allow_private, resolving=self._resolving)
        except ValueError as error:
            raise FetchFailed(str(error)) from error
        parts = urlsplit(url)
        headers = {
            "Host": parts.netloc,
            "User-Agent": f"{AGENT}/1.0",
            "Accept": "text/html, application/xhtml+xml, text/*;q=0.9, application/pdf;q=0.9, */*;q=0.5",
            "Accept-Encoding": "gzip",
        }
        headers |= {"If-None-Match": known.etag} if known.etag else {}
        headers |= {"If-Modified-Since": known.last_modified} if known.last_modified else {}
        target = at_address(url, address)
        try:
            extensions = {"sni_hostname": parts.hostname or ""}
            with self._client.stream("GET", target, headers=headers, extensions=extensions) as response:
                return self._read(url, response, max_bytes, ends)
        except httpx2.TimeoutException as error:
            raise FetchFailed("did not answer in time") from error
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            raise FetchFailed(f"cannot be read: {error or type(error).__name__}") from error

    def _read(self, url: str, response: httpx2.Response, max_bytes: int, ends: float) -> Fetched | str:
        status = response.status_code
        if status in (301, 302, 303, 307, 308) and response.headers.get("Location"):
            return urljoin(url, response.headers["Location"])
        if status != 304 and status != 200:
            raise FetchFailed(f"answered {status} {response.reason_phrase}".rstrip(), status)
        media_type, _, rest = response.headers.get("Content-Type", "").partition(";")
        charset = next((part.partition("=")[2] for part in rest.split(";") if part.strip().startswith("charset=")), "")
        validators = Validators(response.headers.get("ETag", ""), response.headers.get("Last-Modified", ""))
        body = b"" if status == 304 else b"".join(self._body(response, max_bytes, ends))
        kind = media_type.strip().lower()
        return Fetched(url, body, kind, charset.strip(" \"'").lower(), validators, changed=status != 304)

    def _body(self, response: httpx2.Response, max_bytes: int, ends: float) -> Iterator[bytes]:
        """The content, unpacked in bounded steps: a small answer can unpack to a very large one."""
        coding = response.headers.get("Content-Encoding", "identity").strip().lower()
        if coding not in ("identity", "", "gzip", "x-gzip"):
            raise FetchFailed(f"is packed as {coding}, which was not asked for")
        unpacking = zlib.decompressobj(wbits=31) if "gzip" in coding else None
        size = 0
        for raw in response.iter_raw():
            if self._clock() > ends:
                raise FetchFailed(f"took longer than {self._page_s:g} s to read")
            piece = unpacking.decompress(raw, max_bytes - size + 1) if unpacking else raw
            size += len(piece)
            if size > max_bytes:
                raise FetchFailed(f"has more than {max_bytes:,} bytes")
            yield piece
        if unpacking is not None and not unpacking.eof:
            raise FetchFailed("is packed as gzip and ends too early")
