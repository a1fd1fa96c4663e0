"""The knowledge page: FAQ rows by upload, checked row by row and live when the page comes back; documents in use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from bot.channels.current import parts
from bot.console import sessions
from bot.console.workshop import workshop
from bot.errors import BadInput, FirstlineError, NotFound
from bot.ingest import faq_rows, take_faq_bytes
from bot.releases.publish import publish_knowledge
from retrieval.errors import UnreadableSource
from retrieval.sources.faq import FaqRow, read_faq

blueprint = Blueprint("knowledge", __name__, url_prefix="/knowledge")

SHOWN_ROWS = 200


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of one row: `outcome` is added, changed, known or wrong; `number` as a spreadsheet counts."""

    number: int
    question: str
    outcome: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Upload:
    """What became of a file. `release` is what went live with it, empty before the first release."""

    name: str
    rows: tuple[Checked, ...]
    imported: bool
    release: str = ""
    problem: str = ""

    def count(self, outcome: str) -> int:
        return sum(row.outcome == outcome for row in self.rows)


@dataclass(frozen=True, slots=True)
class Publication:
    """Whether what is in the library is what is live."""

    release: str
    at: datetime | None
    pending: int


@blueprint.get("/")
def show() -> BaseResponse:
    return _page()


@blueprint.post("/faq")
def upload() -> BaseResponse:
    """Take a FAQ file, all rows or none, and publish it; the page shows what became of every row."""
    given = request.files.get("file")
    if given is None or not given.filename:
        return _page(Upload("", (), False, problem="choose a file first: CSV, XLSX, JSON, YAML or Markdown"), 400)
    name = given.filename.replace("\\", "/").rpartition("/")[2][-120:]
    done = take(given.read(), name, by=sessions.person().name)
    return _page(done, 200 if done.imported else 400)


@blueprint.post("/publish")
def publish() -> BaseResponse:
    """Publish the library as it is now."""
    publish_knowledge(workshop(), by=sessions.person().name, note="from the desk")
    parts().live.refresh()
    return redirect("/desk/knowledge/", 303)


@blueprint.post("/documents/delete")
def delete() -> BaseResponse:
    """Take a document out of use: it cannot be quoted any more when this returns."""
    sessions.require_admin()
    parts().library.delete(request.form.get("id", ""))
    _publish(f"without {request.form.get('id', '')}")
    return redirect("/desk/knowledge/", 303)


def take(data: bytes, name: str, *, by: str) -> Upload:
    """Check every row of a FAQ file; store and publish them if all are good."""
    try:
        table = read_faq(data, name)
    except UnreadableSource as error:
        return Upload(name, (), False, problem=f"{error.name} {error.reason}")
    if table.problems:
        return Upload(name, tuple(Checked(number, "", "wrong", text) for number, text in table.problems), False)
    rows = _compared(table.rows)
    try:
        take_faq_bytes(parts().library, data, name)
    except BadInput as error:
        return Upload(name, (), False, problem=str(error))
    return Upload(name, rows, True, release=_publish(f"faq {name}", by))


def _compared(rows: tuple[FaqRow, ...]) -> tuple[Checked, ...]:
    """Each row against what is in use now."""
    known = {row.question: row.answer for each in parts().library.current() for row in faq_rows(each).values()}

    def outcome(row: FaqRow) -> str:
        if row.question not in known:
            return "added"
        return "known" if known[row.question] == row.answer else "changed"

    return tuple(Checked(number, row.question, outcome(row)) for number, row in enumerate(rows, start=2))


def _publish(note: str, by: str = "") -> str:
    """Publish where there is something live; before the first release the library simply waits for it."""
    try:
        made = publish_knowledge(workshop(), by=by or sessions.person().name, note=note)
    except NotFound:
        return ""
    parts().live.refresh()
    return made.id


def _page(done: Upload | None = None, status: int = 200) -> BaseResponse:
    listing = parts().library.listing()
    page = render_template(
        "desk/knowledge.html", documents=listing, upload=done, shown_rows=SHOWN_ROWS, publication=_publication()
    )
    return make_response(page, status)


def _publication() -> Publication:
    """How many documents changed after the live knowledge was published."""
    try:
        live = parts().registry.current_id()
        at = datetime.fromisoformat(parts().registry.manifest(live).created_at) if live else None
    except (FirstlineError, ValueError):
        live, at = None, None
    changed = [each for each in parts().library.listing() if at is None or each.updated_at > at]
    return Publication(live or "", at, len(changed))
