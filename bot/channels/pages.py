"""Public pages and files: the demo shop, cited documents at the quote, the widget's own files, health."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from flask import Blueprint, Response, jsonify, render_template, request, send_from_directory
from markupsafe import escape
from sqlalchemy.exc import SQLAlchemyError

from bot.channels.brand import brand
from bot.channels.current import parts
from bot.channels.headers import secured
from bot.channels.reading import sections
from bot.errors import FirstlineError, NotFound
from bot.store.document_keys import DocumentKeys
from bot.store.documents import Library
from retrieval.documents import Document

WIDGET = Path(__file__).parent.parent / "widget"
SHOWN_STATES = ("Packing", "Dispatched", "Delivered", "Returned")
SUFFIXES = {".js", ".css", ".svg"}

blueprint = Blueprint("pages", __name__, template_folder=str(WIDGET))


@blueprint.after_request
def secure(response: Response) -> Response:
    """The widget's frame may stand in any page, everything else only on its own."""
    return secured(response, ancestors="*" if request.endpoint == "pages.frame" else "'none'")


@blueprint.errorhandler(FirstlineError)
def told(error: FirstlineError) -> tuple[str, int]:
    """A page for people; nothing in it comes from the request."""
    return render_template("trouble.html", error=error, company=parts().settings.company_name), error.status


@blueprint.get("/")
def shop() -> str:
    """The front page of the demo company, with the widget on it."""
    settings = parts().settings
    return render_template("shop.html", settings=settings, orders=sample_orders(settings.data / "shop" / "orders.json"))


@blueprint.get("/widget/frame")
def frame() -> str:
    """What the loader puts in its frame."""
    handoff, settings = parts().handoff, parts().settings
    return render_template(
        "frame.html",
        company=settings.company_name,
        in_hours=handoff.in_hours(),
        next_open=handoff.next_open(),
        largest=settings.max_attachment_bytes,
    )


@blueprint.get("/widget/brand.css")
def brand_css() -> Response:
    """The company's colour as custom properties."""
    return _cached(Response(brand(parts().settings.brand_colour).css(), mimetype="text/css"))


@blueprint.get("/widget/mark.svg")
def mark() -> Response:
    """The company's initial in its colour, as the icon of browser tabs."""
    colours, initial = brand(parts().settings.brand_colour), escape(parts().settings.company_name[:1])
    letter = f'<text x="16" y="23" font-family="serif" font-size="20" text-anchor="middle">{initial}</text>'
    box = f'<rect width="32" height="32" rx="8" fill="{colours.fill}"/><g fill="{colours.ink}">{letter}</g>'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">{box}</svg>'
    return _cached(Response(svg, mimetype="image/svg+xml"))


@blueprint.get("/widget/loader.js")
def loader() -> Response:
    """The one script of a page with the widget, with the company's name and colour filled in."""
    settings = parts().settings
    colours = brand(settings.brand_colour)
    facts = {"company": settings.company_name, "fill": colours.fill, "ink": colours.ink, "hover": colours.hover}
    script = _source("loader.js").replace("__FACTS__", json.dumps(facts).replace("<", "\\u003c"))
    return _cached(Response(script, mimetype="text/javascript"))


@blueprint.get("/widget/<name>")
def file(name: str) -> Response:
    """A file of the widget; templates are not served."""
    if Path(name).suffix not in SUFFIXES:
        raise NotFound(f"no such file of the widget: {name[:80]!r}")
    return _cached(send_from_directory(WIDGET, name))


@blueprint.get("/documents/<path:id>")
def document(id: str) -> str:
    """A stored version of a document, with the cited characters marked.

    What is not for the public opens with the key that a signed-in customer's citation carries, and is otherwise not
    there, as if it did not exist.
    """
    version = _number("version")
    keys = DocumentKeys(parts().settings.session_key)
    opened = keys.open(request.args.get("key", ""), id, version)
    return document_page(parts().library.get(id, version or None, viewer="customers" if opened else "public"))


def document_page(shown: Document) -> str:
    """A version of a document with the characters marked that the request names."""
    start, end = _number("start"), _number("end")
    return render_template(
        "document.html",
        company=parts().settings.company_name,
        document=shown,
        sections=sections(shown, start, end),
        current=_current_version(parts().library, shown.id),
        quoted=end > start,
    )


@blueprint.get("/healthz")
def healthy() -> Response:
    """The process is up."""
    return jsonify({"status": "ok"})


@blueprint.get("/readyz")
def ready() -> tuple[Response, int]:
    """A release is loaded and the database answers; 503 names what is missing."""
    try:
        parts().library.generation()
        database = "ok"
    except SQLAlchemyError:
        database = "unreachable"
    release = parts().live.current().id if parts().live.ready() else None
    good = database == "ok" and release is not None
    return jsonify({"status": "ok" if good else "not ready", "database": database, "release": release}), (
        200 if good else 503
    )


@dataclass(frozen=True, slots=True)
class SampleOrder:
    """An order of the demo that a visitor may ask about."""

    number: str
    email: str
    state: str


@lru_cache(maxsize=1)
def sample_orders(path: Path) -> tuple[SampleOrder, ...]:
    """One order for each of a few states, of different customers, from the demo's own file where there is one."""
    if not path.exists():
        return ()
    orders = [SampleOrder(each["number"], each["email"], each["state"]) for each in json.loads(path.read_bytes())]
    shown: list[SampleOrder] = []
    for state in SHOWN_STATES:
        known = {each.email for each in shown}
        shown += [each for each in orders if each.state == state and each.email not in known][:1]
    return tuple(shown)


def _current_version(library: Library, id: str) -> int:
    """The version in use, 0 when the document was taken out of use."""
    try:
        return library.get(id).version
    except NotFound:
        return 0


def _number(name: str) -> int:
    value = request.args.get(name, "0")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else 0


@lru_cache(maxsize=8)
def _source(name: str) -> str:
    return (WIDGET / name).read_text(encoding="utf-8")


def _cached(response: Response) -> Response:
    """Let browsers keep a file, and ask each time whether it is still the same."""
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    if not response.direct_passthrough:
        response.add_etag()
    response.make_conditional(request)
    return response
