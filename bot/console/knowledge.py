"""The knowledge page: documents and FAQ rows by upload, live when the page comes back; what is in use; its health."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from flask import Blueprint, current_app, jsonify, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from bot.channels.current import parts
from bot.channels.pages import document_page
from bot.console import sessions
from bot.console.workshop import workshop
from bot.errors import BadInput, FirstlineError, NotFound, Refused
from bot.health import Health, examine, live_embedder
from bot.ingest import faq_rows, take_faq_bytes
from bot.ledger import Ledger
from bot.store.usage import usage_of
from bot.taking import Intake, Taken, approve, publish, take_upload
from retrieval.errors import UnreadableSource
from retrieval.passages import cut
from retrieval.sources.faq import FaqRow, read_faq

blueprint = Blueprint("knowledge", __name__, url_prefix="/knowledge")

SHOWN_ROWS = 200
SHOWN_FINDINGS = 50
"""Findings of one kind on the page; the command line lists all."""
FORMATS = ".md,.markdown,.html,.htm,.pdf,.docx,.xlsx,.txt,.csv,.tsv,.json,.yaml,.yml,.zip"


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of one row: `outcome` is added, changed, known, held or wrong; `number` as a spreadsheet counts."""

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
class Added:
    """What became of uploaded documents, source by source. `release` is what went live with them, empty before the
    first release; `problem` is what stood in the way of all of them."""

    sources: tuple[Taken, ...] = ()
    remarks: tuple[str, ...] = ()
    release: str = ""
    problem: str = ""

    def count(self, outcome: str) -> int:
        return sum(each.outcome == outcome for each in self.sources)


@dataclass(frozen=True, slots=True)
class Publication:
    """Whether what is in the library is what is live."""

    release: str
    at: datetime | None
    pending: int


@blueprint.get("/")
def show() -> BaseResponse:
    """The page."""
    return _page()


@blueprint.post("/check")
def check() -> BaseResponse:
    """The page after a look at everything in use, which takes a while."""
    sessions.require_admin()
    return _page(health=_health())


@blueprint.get("/documents/<path:id>")
def document(id: str) -> str:
    """A stored version of a document, whomever it is for."""
    version = request.args.get("version", "")
    wanted = int(version) if version.isascii() and version.isdigit() and len(version) < 10 else 0
    return document_page(parts().library.get(id, wanted or None))


@blueprint.post("/faq")
def upload() -> BaseResponse:
    """Take a FAQ file, all rows or none, and publish it; the page shows what became of every row."""
    given = request.files.get("file")
    if given is None or not given.filename:
        return _page(Upload("", (), False, problem="choose a file first: CSV, XLSX, JSON, YAML or Markdown"), 400)
    name = _name(given.filename)
    done = take(given.read(), name, by=sessions.person().name)
    return _page(done, 200 if done.imported else 400)


@blueprint.post("/documents")
def add_documents() -> BaseResponse:
    """Take documents, each for itself, and publish them together; with `publish=later` the caller does that.

    Answers JSON where that is asked for: {sources, remarks, release, problem}.
    """
    given = [file for file in request.files.getlist("files") if file.filename]
    taken = [take_upload(parts().library, _name(file.filename), file.read(), ledger=_ledger()) for file in given]
    done = _added(taken, publish_now=request.form.get("publish") != "later")
    status = 400 if done.problem or all(each.outcome == "failed" for each in done.sources) else 200
    if request.accept_mimetypes.best_match(("text/html", "application/json")) == "application/json":
        return make_response(jsonify(_added_json(done)), status)
    return _page(added=done, status=status)


@blueprint.post("/documents/approve")
def approve_held() -> BaseResponse:
    """Index the text of a document that was held because it reads like instructions to the bot; `read` are the ids of
    the texts that the page showed."""
    sessions.require_admin()
    id = request.form.get("id", "")
    approve(parts().library, _ledger(), id, request.form.getlist("read"))
    _publish(f"approve {id}")
    return redirect("/desk/knowledge/", 303)


@blueprint.post("/publish")
def publish_now() -> BaseResponse:
    """Publish the library as it is now."""
    publish(workshop(), by=sessions.person().name, note="from the desk")
    parts().live.refresh()
    return redirect("/desk/knowledge/", 303)


@blueprint.post("/documents/delete")
def delete() -> BaseResponse:
    """Take a document out of use: it cannot be quoted any more when this returns."""
    sessions.require_admin()
    id = request.form.get("id", "")
    parts().library.delete(id, by=sessions.acting())
    _ledger().forget(id)
    _publish(f"without {id}")
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
        held = {row.question: row for row in take_faq_bytes(parts().library, data, name, ledger=_ledger()).held}
    except BadInput as error:
        return Upload(name, (), False, problem=str(error))
    rows = tuple(
        replace(row, outcome="held", detail=f"reads like an instruction to the bot: “{held[row.question].phrase}”")
        if row.question in held
        else row
        for row in rows
    )
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
        made = publish(workshop(), by=by or sessions.person().name, note=note)
    except NotFound:
        return ""
    parts().live.refresh()
    return made.id


def _added(taken: list[Intake], *, publish_now: bool) -> Added:
    """The intakes as one, published if anything of them is in use."""
    sources = tuple(each for intake in taken for each in intake.sources)
    remarks = tuple(remark for intake in taken for remark in intake.remarks)
    if not sources:
        return Added(problem="choose one or more files first: Markdown, HTML, PDF, DOCX, XLSX, text, or a zip of them")
    if not publish_now or not any(each.document for each in sources):
        return Added(sources, remarks)
    names = ", ".join(each.name for each in sources)
    try:
        return Added(sources, remarks, _publish(f"documents {names[:120]}"))
    except Refused as error:
        return Added(sources, remarks, problem=str(error))


def _added_json(done: Added) -> dict[str, object]:
    sources = [
        {
            "name": each.name,
            "outcome": each.outcome,
            "document": each.document,
            "passages": each.passages,
            "reason": each.reason,
            "notes": list(each.notes),
            "held": [text.text for text in each.held],
        }
        for each in done.sources
    ]
    return {"sources": sources, "remarks": list(done.remarks), "release": done.release, "problem": done.problem}


def _name(filename: str | None) -> str:
    """The last part of what a browser calls a file."""
    return (filename or "").replace("\\", "/").rpartition("/")[2][-120:]


def _ledger() -> Ledger:
    return Ledger(parts().settings.home / "sources")


def _health() -> Health:
    shared = parts()
    usage = usage_of(shared.library.database)
    return examine(shared.library, _ledger(), usage, shared.clock().date(), embed=live_embedder(shared.registry))


def _passages() -> dict[str, int]:
    """How many passages every document in use has; counted once for each version."""
    generation = parts().library.generation()
    at, known = current_app.extensions.get("firstline.passages", ("", {}))
    if at != generation:
        known = {
            (each.id, each.version): known.get((each.id, each.version)) or len(cut(each))
            for each in parts().library.current()
        }
        current_app.extensions["firstline.passages"] = (generation, known)
    return {id: count for (id, _), count in known.items()}


def _page(
    done: Upload | None = None, status: int = 200, *, added: Added | None = None, health: Health | None = None
) -> BaseResponse:
    page = render_template(
        "desk/knowledge.html",
        documents=parts().library.listing(),
        passages=_passages(),
        upload=done,
        added=added,
        held=_ledger().waiting(),
        health=health,
        formats=FORMATS,
        largest=parts().settings.max_upload_bytes,
        shown_rows=SHOWN_ROWS,
        shown_findings=SHOWN_FINDINGS,
        publication=_publication(),
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
