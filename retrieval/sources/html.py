"""HTML: the content of a page without what stands around it on every page."""

from __future__ import annotations

import codecs
import re
from urllib.parse import urljoin

from bs4 import BeautifulSoup
from bs4.element import NavigableString, PreformattedString, Tag

from retrieval.documents import Document
from retrieval.errors import UnreadableSource
from retrieval.sources.building import DocumentBuilder, one_line
from retrieval.sources.decoding import decode
from retrieval.sources.findings import Findings, shown
from retrieval.sources.visibility import drop_hidden

MAX_DEPTH = 200
TELLING_WORDS = 3
"""Words from which a hidden text is worth a note; icons and counters hold fewer."""

_DROPPED_NAMES = """
    script style noscript template svg canvas iframe object form button select input textarea nav footer aside dialog
"""
_DROPPED = _DROPPED_NAMES.split()
_AROUND = re.compile(
    r"(^|[-_ ])(nav|navbar|menu|breadcrumbs?|footer|cookies?|consent|gdpr|banner|sidebar|share|social|related|"
    r"newsletter|skip-link|skip|pagination|feedback|was-this-helpful|visually-hidden|sr-only)($|[-_ ])",
    re.IGNORECASE,
)
_AROUND_ROLES = frozenset(("navigation", "banner", "contentinfo", "search", "dialog", "alertdialog", "complementary"))
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BLOCK_NAMES = """
    address article blockquote body center dd details div dl dt fieldset figcaption figure header hr html li main ol p
    pre section summary table tbody td tfoot th thead tr ul h1 h2 h3 h4 h5 h6
"""
_BLOCKS = frozenset(_BLOCK_NAMES.split())


def parse(data: bytes, id: str, *, name: str, url: str = "", findings: Findings | None = None) -> Document:
    """A document from an HTML page in UTF-8 or in the encoding its head declares; hidden text is left out and noted."""
    page = _page(_decoded(data, name), name)
    builder = DocumentBuilder(findings)
    title = page.title.get_text() if page.title else ""
    canonical = page.find("link", rel="canonical", href=True)
    if isinstance(canonical, Tag):
        builder.findings.canonical = str(canonical["href"]).strip()
    _drop_unseen(builder.findings, page)
    everywhere = _links(page)
    _strip(page)
    content = _content(page)
    builder.findings.add_links(_links(content))
    builder.findings.add_links(everywhere, around=True)
    heading = page.find("h1")
    if isinstance(heading, Tag) and heading not in content.descendants:
        builder.heading(1, heading.get_text(" "))
    _walk(builder, content)
    stated = builder.findings.canonical
    address = url or (stated if re.match(r"https?://", stated) else "")
    return builder.document(id, title=_short_title(title), url=address, media_type="text/html")


def add_html(builder: DocumentBuilder, source: str) -> None:
    """Add a piece of HTML, such as one inside Markdown."""
    page = _page(source, "HTML inside Markdown")
    _drop_unseen(builder.findings, page)
    _strip(page)
    builder.findings.add_links(_links(page))
    _walk(builder, page)


def visible_text(source: str) -> str:
    """What a reader sees of a line with HTML in it."""
    page = _page(source, "HTML inside Markdown")
    drop_hidden(page)
    return page.get_text()


def _drop_unseen(findings: Findings, page: BeautifulSoup) -> None:
    """Take out what is hidden, and note it."""
    hidden = [text for text in drop_hidden(page, findings) if len(text.split()) >= TELLING_WORDS]
    if hidden:
        more = f" and {len(hidden) - 1} more" if len(hidden) > 1 else ""
        findings.note(f"hidden text was left out: {shown(hidden[0])}{more}")


def _links(part: Tag) -> list[str]:
    """Targets of the links in a page or a part of it, as they are meant where the page names a base."""
    root = part.find_parents()[-1] if part.parent is not None else part
    base = root.find("base", href=True)
    start = str(base["href"]) if isinstance(base, Tag) else ""
    targets = [str(link["href"]) for link in part.find_all("a", href=True) if "nofollow" not in (link.get("rel") or [])]
    return [urljoin(start, target) if start else target for target in targets]


def _page(source: str, name: str) -> BeautifulSoup:
    """The parsed page; one nested so deep that reading it would take time without end is refused."""
    page = BeautifulSoup(source, "lxml")
    depths = {id(page): 0}
    for element in page.find_all(True):
        depths[id(element)] = depth = depths[id(element.parent)] + 1
        if depth > MAX_DEPTH:
            raise UnreadableSource(name, f"has elements nested deeper than {MAX_DEPTH}; clean the page up first")
    return page


def _decoded(data: bytes, name: str) -> str:
    if data.startswith(codecs.BOM_UTF8):
        return decode(data, name)
    declared = re.search(rb"<meta[^>]+charset=[\"']?([\w-]+)", data[:4096], re.IGNORECASE)
    encoding = declared.group(1).decode("ascii").lower() if declared else "utf-8"
    if encoding in ("utf-8", "utf8"):
        return decode(data, name)
    try:
        return data.decode(encoding)
    except (LookupError, UnicodeDecodeError) as error:
        raise UnreadableSource(name, f"the page declares {encoding} but is not: {error}; save it as UTF-8") from error


def _strip(page: BeautifulSoup) -> None:
    """Take out scripts, navigation, footers, banners and what is hidden."""
    for element in page.find_all(_DROPPED):
        element.decompose()
    for element in page.find_all(True):
        if element.decomposed or element.name in ("html", "body", "main", "article"):
            continue
        names = " ".join([*(element.get("class") or []), str(element.get("id") or "")])
        hidden = element.has_attr("hidden") or element.get("aria-hidden") == "true"
        if hidden or element.get("role") in _AROUND_ROLES or _AROUND.search(names):
            element.decompose()
    for header in page.find_all("header"):
        if header.find_parent(("main", "article")) is None and header.find("h1") is None:
            header.decompose()


def _content(page: BeautifulSoup) -> Tag:
    """The main element, the only article, else the element that holds most of the running text directly."""
    main = page.find("main") or page.find(role="main")
    if isinstance(main, Tag) and main.get_text(strip=True):
        return main
    articles = [article for article in page.find_all("article") if article.find_parent("article") is None]
    if len(articles) == 1:
        return articles[0]
    body = page.body or page
    return _densest(body)


def _densest(body: Tag) -> Tag:
    """Descend as long as one child holds nearly all of the text that is not in links."""
    whole = _weight(body)
    current = body
    while whole:
        heavy = [child for child in current.find_all(True, recursive=False) if _weight(child) >= 0.8 * whole]
        if not heavy or heavy[0].name not in ("div", "section", "article", "table", "tbody", "tr", "td", "center"):
            break
        current = heavy[0]
    return current


def _weight(element: Tag) -> int:
    return len(element.get_text(strip=True)) - sum(len(link.get_text(strip=True)) for link in element.find_all("a"))


def _walk(builder: DocumentBuilder, element: Tag) -> None:
    running: list[str] = []
    for child in element.children:
        if isinstance(child, Tag) and (child.name in _BLOCKS or child.find(_BLOCKS) is not None):
            builder.paragraph("".join(running))
            running.clear()
            _block(builder, child)
        elif isinstance(child, Tag):
            running.append(" " if child.name == "br" else child.get_text())
        elif isinstance(child, NavigableString) and not isinstance(child, PreformattedString):
            running.append(str(child))
    builder.paragraph("".join(running))


def _block(builder: DocumentBuilder, element: Tag) -> None:
    if element.name in _HEADINGS:
        builder.heading(_HEADINGS[element.name], element.get_text(" "))
    elif element.name in ("ul", "ol"):
        start = str(element.get("start") or "1")
        first = (int(start) if start.isdigit() else 1) if element.name == "ol" else None
        builder.items(_items(element), first=first)
    elif element.name == "dl":
        builder.table(_definitions(element), header=False)
    elif element.name == "table" and element.find("table") is None:
        _table(builder, element)
    else:
        _walk(builder, element)


def _items(listing: Tag) -> list[str]:
    """Items of a list; the items of a list inside follow their parent as items of their own."""
    items: list[str] = []
    for child in listing.find_all(("li", "ul", "ol"), recursive=False):
        if child.name != "li":
            items.extend(_items(child))
            continue
        nested = [inner.extract() for inner in child.find_all(("ul", "ol"), recursive=False)]
        items.append(child.get_text(" "))
        for inner in nested:
            items.extend(_items(inner))
    return items


def _definitions(listing: Tag) -> list[list[str]]:
    rows: list[list[str]] = []
    for part in listing.find_all(("dt", "dd")):
        if part.name == "dt" or not rows:
            rows.append([])
        rows[-1].append(part.get_text(" "))
    return rows


def _table(builder: DocumentBuilder, table: Tag) -> None:
    if table.caption is not None:
        builder.paragraph(table.caption.get_text(" "))
    rows = [row.find_all(("td", "th")) for row in table.find_all("tr")]
    rows = [row for row in rows if row]
    header = bool(rows) and (table.thead is not None or all(cell.name == "th" for cell in rows[0]))
    builder.table([[cell.get_text(" ") for cell in row] for row in rows], header=header)


def _short_title(title: str) -> str:
    """A page's title without the site's name after the last bar or dash."""
    return re.split(r"\s+[|–—·]\s+", one_line(title))[0]
