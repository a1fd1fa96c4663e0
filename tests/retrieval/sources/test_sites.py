"""Reading a site from a real server on loopback: what is followed, what is refused, what is asked again."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from retrieval.sources.addresses import checked, is_public, same_site
from retrieval.sources.fetching import Fetcher, FetchFailed, Validators
from retrieval.sources.robots import Robots
from retrieval.sources.sandbox import Sandbox
from retrieval.sources.sites import Known, Limits, Page, Site, normal, page_id

QUICK = Limits(delay_s=0.0)


@dataclass
class Answer:
    """What the server says at a path."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Shop:
    """A web server that a test fills; `asked` are the paths of the requests, `headers` those of the last one."""

    address: str
    answers: dict[str, Answer]
    asked: list[str]
    headers: dict[str, str]

    def page(self, path: str, html: str, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers[path] = Answer(html.encode(), headers={"Content-Type": "text/html; charset=utf-8", **named})

    def read(self, path: str = "/", *, private: bool = True, **options: object) -> tuple[Site, dict[str, Page]]:
        with Fetcher(allow_private=private) as fetcher, Sandbox() as sandbox:
            site = Site(self.address + path, fetcher, sandbox, **{"limits": QUICK, **options})  # type: ignore[arg-type]
            pages = {page.url.removeprefix(self.address): page for page in site.pages()}
        return site, pages


@pytest.fixture
def shop() -> Iterator[Shop]:
    made = Shop("", {}, [], {})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            made.headers = dict(self.headers.items())
            answer = made.answers.get(self.path, Answer(status=404))
            fresh = answer.headers.get("ETag")
            changed = fresh is None or self.headers.get("If-None-Match") != fresh
            self.send_response(answer.status if changed else 304)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body) if changed else 0))
            self.end_headers()
            self.wfile.write(answer.body if changed else b"")

        def log_message(self, *_: object) -> None:
            """Keep the test's output to itself."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    made.address = f"http://127.0.0.1:{server.server_port}"
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


def article(text: str, *links: str) -> str:
    listed = "".join(f'<a href="{link}">more</a> ' for link in links)
    return f"<html><head><title>T</title></head><body><main><h1>T</h1><p>{text}</p>{listed}</main></body></html>"


def test_links_are_followed_on_the_host_alone(shop: Shop) -> None:
    shop.page(
        "/", article("Start.", "/a", "b?x=1#part", "http://elsewhere.example/", "/logo.png", "mailto:x@y.example")
    )
    shop.page("/a", article("About A.", "/"))
    shop.page("/b?x=1", article("About B.", "/c"))
    shop.page("/c", article("About C.", "/d"))
    shop.page("/d", article("About D.", "/e"))
    site, pages = shop.read(limits=Limits(delay_s=0.0, depth=2))
    assert list(pages) == ["/", "/a", "/b?x=1", "/c"]
    assert all(page.parsed for page in pages.values())
    assert site.left.limit == ""


def test_robots_are_obeyed(shop: Shop) -> None:
    shop.answers["/robots.txt"] = Answer(b"User-agent: *\nDisallow: /secret\nDisallow: /*?sort=\nAllow: /secret/open\n")
    shop.page("/", article("Start.", "/secret/a", "/secret/open", "/list?sort=up"))
    shop.page("/secret/open", article("Open."))
    site, pages = shop.read()
    assert list(pages) == ["/", "/secret/open"]
    assert site.left.closed == 2
    assert not {"/secret/a", "/list?sort=up"} & set(shop.asked)


def test_a_site_whose_robots_fail_is_left_alone(shop: Shop) -> None:
    shop.answers["/robots.txt"] = Answer(b"", 503)
    shop.page("/", article("Start."))
    _, pages = shop.read()
    assert pages["/"].reason == "is closed to robots by the site's robots.txt"


@pytest.mark.parametrize(
    ("rules", "path", "allowed"),
    [
        ("", "/a", True),
        ("User-agent: *\nDisallow: /", "/a", False),
        ("User-agent: *\nDisallow:", "/a", True),
        ("User-agent: FirstlineBot\nDisallow: /a\n\nUser-agent: *\nDisallow: /", "/b", True),
        ("User-agent: *\nDisallow: /*.pdf$", "/x.pdf", False),
        ("User-agent: *\nDisallow: /*.pdf$", "/x.pdf?y=1", True),
        ("User-agent: *\nDisallow: /a\nAllow: /a/b", "/a/b/c", True),
        ("User-agent: *\nDisallow: /a\nAllow: /a", "/a", True),
        ("User-agent: *\nDisallow: /a$", "/a", False),
        ("User-agent: *\nDisallow: /a$", "/ab", True),
        ("User-agent: *\nDisallow: /a*a$", "/a", True),
        ("User-agent: *\nDisallow: /a*b*c", "/axbxc/d", False),
        ("User-agent: *\nDisallow: /a*b*c", "/axcxb", True),
        ("User-agent: *\nDisallow: /*b*b$", "/bab", False),
        ("User-agent: *\nDisallow: /*ab*b$", "/ab", True),
    ],
)
def test_the_longest_rule_decides(rules: str, path: str, allowed: bool) -> None:
    assert Robots(rules, "FirstlineBot").allows(f"https://x.example{path}") is allowed


def test_no_rule_is_slow_to_match() -> None:
    robots = Robots(f"User-agent: *\nDisallow: /{'*a' * 12}*b\n", "FirstlineBot")
    began = time.process_time()
    assert robots.allows(f"https://x.example/{'a' * 200}")
    assert time.process_time() - began < 0.5


def test_the_pause_is_kept_and_a_site_may_ask_for_a_longer_one(shop: Shop) -> None:
    shop.answers["/robots.txt"] = Answer(b"User-agent: *\nCrawl-delay: 3\n")
    shop.page("/", article("Start.", "/a"))
    shop.page("/a", article("A."))
    pauses: list[float] = []
    shop.read(pause=pauses.append, clock=lambda: 0.0)
    assert pauses == [3.0]
    assert Robots("User-agent: *\nCrawl-delay: 9999\n", "x").delay_s(0.5) == 30.0


def test_a_sitemap_an_index_and_a_packed_one(shop: Shop) -> None:
    space = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
    index = f"<sitemapindex {space}><sitemap><loc>{shop.address}/one.xml.gz</loc></sitemap>"
    index += f"<sitemap><loc>{shop.address}/gone.xml</loc></sitemap></sitemapindex>"
    urls = (
        f"<urlset {space}><url><loc>{shop.address}/a</loc></url><url><loc>http://other.example/b</loc></url></urlset>"
    )
    shop.answers["/sitemap.xml"] = Answer(index.encode(), headers={"Content-Type": "application/xml"})
    shop.answers["/one.xml.gz"] = Answer(gzip.compress(urls.encode()))
    shop.page("/a", article("About A.", "/not-followed"))
    _, pages = shop.read("/sitemap.xml")
    assert pages["/a"].parsed is not None
    assert pages["/gone.xml"].reason.startswith("answered 404")
    assert set(pages) == {"/a", "/gone.xml"}


def test_what_did_not_change_is_not_read_again(shop: Shop) -> None:
    shop.page("/", article("Start.", "/a"), ETag='"v1"')
    shop.page("/a", article("A."), Last_Modified="Sat, 21 Nov 2026 10:00:00 GMT")
    _, pages = shop.read()
    known = {
        page.url: Known(page.validators, tuple(page.parsed.findings.links), page.parsed.document.id)
        for page in pages.values()
        if page.parsed
    }
    assert known[f"{shop.address}/"].validators == Validators('"v1"')
    _, again = shop.read(known=known)
    assert again["/"].unchanged
    assert again["/a"].parsed is not None
    assert shop.headers["If-Modified-Since"] == "Sat, 21 Nov 2026 10:00:00 GMT"


def test_a_page_under_two_addresses_is_one(shop: Shop) -> None:
    head = f'<link rel="canonical" href="{shop.address}/a">'
    shop.page("/", article("Start.", "/a", "/a?from=mail", "/old"))
    shop.page("/a", head + article("A."))
    shop.page("/a?from=mail", head + article("A."))
    shop.answers["/old"] = Answer(status=301, headers={"Location": "/a"})
    _, pages = shop.read()
    assert pages["/a"].parsed is not None
    assert pages["/a"].parsed.document.url == f"{shop.address}/a"
    assert pages["/a?from=mail"].same_as == pages["/old"].same_as == f"{shop.address}/a"


def test_a_page_that_did_not_change_still_is_its_other_addresses(shop: Shop) -> None:
    head = f'<link rel="canonical" href="{shop.address}/a">'
    shop.page("/", article("Start.", "/a?from=mail", "/a?from=news"))
    shop.page("/a?from=mail", head + article("A."), ETag='"v1"')
    shop.page("/a?from=news", head + article("A."))
    known = {f"{shop.address}/a?from=mail": Known(Validators('"v1"'), (), "a", f"{shop.address}/a")}
    _, pages = shop.read(known=known)
    assert pages["/a?from=mail"].unchanged
    assert pages["/a?from=news"].same_as == f"{shop.address}/a?from=mail"


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("http://169.254.169.254/latest/meta-data/", "on another host"),
        ("http://localhost:9/", "on another host"),
        ("http://elsewhere.example/", "on another host"),
        ("file:///etc/passwd", "on another host"),
        ("/", "is redirected more than 5 times"),
    ],
)
def test_redirects_stay_on_the_host(shop: Shop, target: str, said: str) -> None:
    shop.answers["/"] = Answer(status=302, headers={"Location": target})
    _, pages = shop.read()
    assert said in pages["/"].reason
    assert set(shop.asked) == {"/robots.txt", "/"}


def test_private_addresses_are_refused_unless_admitted(shop: Shop) -> None:
    shop.page("/", article("Start."))
    _, pages = shop.read(private=False)
    assert pages["/"].reason == "leads to 127.0.0.1, which is not a public address; --allow-private lets it be read"
    assert shop.asked == []


def test_the_connection_goes_to_the_address_that_was_checked(shop: Shop) -> None:
    """A name that changes its mind between the check and the connection (DNS rebinding) is never asked twice."""
    shop.page("/", article("Start."))
    port = int(shop.address.rpartition(":")[2])
    asked: list[str] = []

    def resolving(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    with Fetcher(allow_private=True, resolving=resolving) as fetcher:
        answer = fetcher.get(f"http://shop.example:{port}/")
    assert b"Start." in answer.body
    assert asked == ["shop.example"]
    assert shop.headers["Host"] == f"shop.example:{port}"
    mixed = Fetcher(resolving=lambda host, port: ["93.184.216.34", "10.0.0.1"])
    with mixed as fetcher, pytest.raises(FetchFailed, match=r"leads to 10\.0\.0\.1"):
        fetcher.get("http://shop.example/")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "169.254.169.254",
        "::1",
        "fe80::1%eth0",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "100.64.0.1",
        "2002:0a00:0001::",
        "0.0.0.0",
        "224.0.0.1",
        "fd00::1",
    ],
)
def test_private_addresses_in_every_dress(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "url", ["ftp://x.example/", "http://user:pw@x.example/", "http:///x", "http://nowhere.invalid/"]
)
def test_addresses_that_are_not_read(url: str) -> None:
    def nowhere(host: str, port: int) -> list[str]:
        raise socket.gaierror(8, "unknown")

    with pytest.raises(ValueError, match=r"only http|user name|does not resolve"):
        checked(url, allow_private=False, resolving=nowhere)


def test_limits_on_pages_bytes_and_time_are_told(shop: Shop) -> None:
    shop.page("/", article("Start.", *(f"/{number}" for number in range(9))))
    for number in range(9):
        shop.page(f"/{number}", article(f"Page {number}."))
    site, pages = shop.read(limits=Limits(delay_s=0.0, pages=3))
    assert (len(pages), site.left.limit, site.left.waiting) == (3, "3 pages", 7)
    site, pages = shop.read(limits=Limits(delay_s=0.0, total_bytes=400))
    assert (site.left.limit, len(pages) < 5) == ("400 bytes", True)
    site, pages = shop.read(limits=Limits(delay_s=0.0, page_bytes=200))
    assert pages["/"].reason == "has more than 200 bytes"
    clock: Callable[[], float] = iter(range(0, 10_000, 100)).__next__
    site, pages = shop.read(limits=Limits(delay_s=0.0, seconds=500), clock=clock)
    assert site.left.limit == "500 s"


def test_a_packed_answer_is_unpacked_within_its_limit(shop: Shop) -> None:
    html = {"Content-Type": "text/html", "Content-Encoding": "gzip"}
    shop.answers["/"] = Answer(gzip.compress(article("Packed.", "/bomb", "/odd", "/torn").encode()), headers=html)
    shop.answers["/bomb"] = Answer(gzip.compress(b"0" * (30 * 2**20)), headers=html)
    shop.answers["/odd"] = Answer(b"x", headers={"Content-Type": "text/html", "Content-Encoding": "br"})
    shop.answers["/torn"] = Answer(gzip.compress(article("T").encode())[:-20], headers=html)
    _, pages = shop.read()
    assert pages["/"].parsed is not None
    assert pages["/bomb"].reason == "has more than 20,971,520 bytes"
    assert "packed as br" in pages["/odd"].reason
    assert "ends too early" in pages["/torn"].reason


def test_the_charset_of_the_answer_counts(shop: Shop) -> None:
    page = '<meta charset="utf-8">' + article("Größe: 5 €.", "/bad", "/unknown")
    shop.answers["/"] = Answer(page.encode("cp1252"), headers={"Content-Type": "text/html; Charset=Windows-1252"})
    shop.answers["/"].headers["Content-Type"] = "text/html; charset=windows-1252"
    shop.answers["/bad"] = Answer(b"\xff\xfe\xfa", headers={"Content-Type": "text/html; charset=ascii"})
    shop.answers["/unknown"] = Answer(b"x", headers={"Content-Type": "text/html; charset=punycode"})
    _, pages = shop.read()
    assert pages["/"].parsed is not None
    assert "Größe: 5 €." in pages["/"].parsed.document.text
    assert "but it is not" in pages["/bad"].reason
    assert "unknown charset" in pages["/unknown"].reason


def test_what_is_no_page_says_so(shop: Shop) -> None:
    shop.page("/", article("Start.", "/picture", "/empty", "/gone", "/text"))
    shop.answers["/picture"] = Answer(b"GIF89a", headers={"Content-Type": "image/gif"})
    shop.page("/empty", "<main></main>")
    shop.answers["/text"] = Answer(b"Plain words.", headers={"Content-Type": "text/plain"})
    _, pages = shop.read()
    assert pages["/picture"].reason == "is image/gif, which holds no text to quote"
    assert pages["/empty"].reason == "holds no text that could be quoted"
    assert pages["/gone"].reason.startswith("answered 404")
    assert pages["/text"].parsed is not None


def test_a_server_that_is_not_there() -> None:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/"
    with Fetcher(allow_private=True) as fetcher, Sandbox() as sandbox:
        (page,) = Site(address, fetcher, sandbox, limits=QUICK).pages()
    assert page.reason.startswith("cannot be read: ")


def test_addresses_are_compared_without_what_does_not_matter() -> None:
    assert normal("HTTPS://X.Example:443/a#part") == "https://x.example/a"
    assert normal("http://x.example") == "http://x.example/"
    assert same_site("http://x.example/", "https://x.example/b")
    assert not same_site("http://x.example/", "http://x.example:8080/")
    assert not same_site("https://x.example/", "https://www.x.example/")
    assert page_id("https://x.example/help/returns.html?lang=en") == "x.example-help-returns-lang-en"
    assert page_id("https://x.example/") == "x.example"
