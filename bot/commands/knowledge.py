"""Verbs of knowledge: ingest, documents, faq, knowledge."""

from __future__ import annotations

import csv
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from bot.commands.common import Bench, now, open_bench, out, plain, steps, table, talk, who
from bot.errors import BadInput, Refused
from bot.health import Health, Online, examine, live_embedder
from bot.ingest import faq_rows, take_faq
from bot.store.audit import Actor
from bot.store.documents import Library
from bot.store.usage import usage_of
from bot.taking import OUTCOMES, Intake, Options, Taken, approve, publish, take_sources
from retrieval.audiences import Audience
from retrieval.health import STALE_DAYS, Place
from retrieval.sources.fetching import Fetcher
from retrieval.sources.findings import shown
from retrieval.sources.sites import Limits

documents_app = typer.Typer(help="List, show and delete documents.", no_args_is_help=True)
knowledge_app = typer.Typer(help="Check what the documents say, and approve what was held.", no_args_is_help=True)
faq_app = typer.Typer(help="Import and export FAQ rows.", no_args_is_help=True)
USUAL = Limits()
SHOWN = 20
"""Findings of one kind that are listed for people."""
JSON = Annotated[bool, typer.Option("--json", help="Write JSON to stdout.")]


def register(app: typer.Typer) -> None:
    app.command()(ingest)
    app.add_typer(documents_app, name="documents")
    app.add_typer(faq_app, name="faq")
    app.add_typer(knowledge_app, name="knowledge")


def ingest(
    sources: Annotated[list[str], typer.Argument(help="Files, folders, zips, and addresses of sites or sitemaps.")],
    pages: Annotated[int, typer.Option(min=1, max=100_000, help="Most pages of a site.")] = USUAL.pages,
    depth: Annotated[int, typer.Option(min=0, max=50, help="Links from the start address to follow.")] = USUAL.depth,
    minutes: Annotated[float, typer.Option(min=0.1, max=1_440, help="Longest time for a site.")] = USUAL.seconds / 60,
    delay: Annotated[float, typer.Option(min=0, max=60, help="Seconds between two pages of a site.")] = USUAL.delay_s,
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="Also read sites on private and loopback addresses.")
    ] = False,
    approve_held: Annotated[
        bool, typer.Option("--approve", help="Index also what reads like instructions to the bot; read it first.")
    ] = False,
    audience: Annotated[
        Audience | None,
        typer.Option(help="Who may be told what these say; what a source states itself may only narrow it."),
    ] = None,
    as_json: JSON = False,
) -> None:
    """Add or update documents: Markdown, HTML, PDF, DOCX, XLSX, text, FAQ tables, zips, sites.

    Only what changed is taken in again. A bad source fails alone, with its reason; text that reads like instructions
    to the bot is held until you approve it.
    """
    bench = open_bench()
    limits = Limits(pages=pages, depth=depth, seconds=60 * minutes, delay_s=delay)
    options = Options(allow_private=allow_private, limits=limits, audience=audience)
    library = bench.library.meant_for(audience)
    with steps() as progress:
        intake = take_sources(library, sources, ledger=bench.ledger, options=options, progress=progress)
    if approve_held:
        intake = _approved(bench, intake)
    release = _publish(bench, "ingest")
    _tell(intake, release, as_json)


@knowledge_app.command("approve")
def approve_document(id: Annotated[str, typer.Argument(help="The document's id.")]) -> None:
    """Show the text of a document that was held because it reads like instructions to the bot; index it after a yes."""
    bench = open_bench()
    texts = bench.ledger.waiting_of(id).texts
    for text in texts:
        talk(f"held because of “{text.phrase}”:\n\n{text.text}\n")
    if not typer.confirm("May the bot quote all of this?", err=True):
        raise Refused(f"{id} was left as it was")
    approve(bench.library, bench.ledger, id, {text.id for text in texts})
    _publish(bench, f"approve {id}")
    talk(f"{id} is in use with all of its text")


@documents_app.command("list")
def list_documents(as_json: JSON = False) -> None:
    """What is in use, the last changed first."""
    rows = open_bench().library.listing()
    if as_json:
        names = ("id", "title", "version", "updated_at", "audience")
        out([{name: getattr(row, name) for name in names} for row in rows])
        return
    table(
        f"{len(rows)} documents",
        ("id", "version", "updated", "for", "title"),
        [(row.id, row.version, f"{row.updated_at:%Y-%m-%d %H:%M}", row.audience, row.title) for row in rows],
    )


@documents_app.command("show")
def show(
    id: Annotated[str, typer.Argument(help="The document's id.")],
    version: Annotated[int | None, typer.Option(help="A version; the current one otherwise.")] = None,
) -> None:
    """The text of a stored version."""
    document = open_bench().library.get(id, version)
    talk(f"{document.id}, version {document.version}: {document.title}")
    sys.stdout.write(plain(document.text) + "\n")


@documents_app.command("delete")
def delete(id: Annotated[str, typer.Argument(help="The document's id.")]) -> None:
    """Take a document out of use; it cannot be quoted once this returns."""
    bench = open_bench()
    bench.library.delete(id, by=Actor(who()))
    bench.ledger.forget(id)
    _publish(bench, f"delete {id}")
    talk(f"{id} is out of use")


@faq_app.command("import")
def import_faq(
    file: Annotated[Path, typer.Argument(help="CSV, XLSX, JSON, YAML or Markdown with question and answer columns.")],
    as_json: JSON = False,
) -> None:
    """Check every row, then add them all, or none and say which rows are wrong; quotable when this returns.

    A row that reads like instructions to the bot is held until you approve it, as `ingest` does.
    """
    bench = open_bench()
    taken = take_faq(bench.library, file, ledger=bench.ledger)
    release = _publish(bench, f"faq {file.name}")
    if as_json:
        counted = {"added": taken.added, "changed": taken.changed, "unchanged": taken.unchanged}
        out({**counted, "held": [asdict(row) for row in taken.held], "release": release})
        return
    for row in taken.held:
        talk(f"held: {shown(row.question)}: “{row.phrase}”; `firstline knowledge approve {row.document}` lets it in")
    talk(f"{taken.added} rows added, {taken.changed} changed, {taken.unchanged} known already; live as {release}")


@faq_app.command("export")
def export_faq(file: Annotated[Path, typer.Argument(help="CSV file to write.")]) -> None:
    """Write all FAQ rows as CSV, safe to open in a spreadsheet."""
    talk(f"{write_faq(open_bench().library, file)} rows written to {file}")


def write_faq(library: Library, file: Path) -> int:
    """Write all FAQ rows as CSV and return how many; no cell is a formula. `BadInput` if the file cannot be made."""
    rows = [row for document in library.current() for row in faq_rows(document).values()]
    try:
        with open(file, "w", newline="", encoding="utf-8") as target:
            writer = csv.writer(target)
            names = ["question", "answer", "topic"]
            names += ["audience"] if any(row.audience != "public" for row in rows) else []
            writer.writerow(names)
            cells = ([getattr(row, name) for name in names] for row in rows)
            writer.writerows(tuple(_cell(value) for value in each) for each in cells)
    except OSError as error:
        raise BadInput(f"{file} cannot be written: {error.strerror}") from error
    return len(rows)


def _cell(value: str) -> str:
    return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else value


def _publish(bench: Bench, note: str) -> str:
    if bench.registry.current_id() is None:
        talk("nothing is live yet; `firstline train` makes the first release with these documents")
        return ""
    return publish(bench.shop, by=who(), note=note).id


@knowledge_app.command("check")
def check(
    online_too: Annotated[
        bool, typer.Option("--online", help="Also ask links to other sites whether they work.")
    ] = False,
    stale_days: Annotated[
        int, typer.Option(min=1, max=36_500, help="Days without a change after which a document is stale.")
    ] = STALE_DAYS,
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="With --online, also private and loopback addresses.")
    ] = False,
    as_json: JSON = False,
) -> None:
    """Look for contradictions, duplicates, dead links, stale or unused documents, and questions without a page."""
    bench = open_bench()
    usage = usage_of(bench.database)
    with steps() as progress, Fetcher(allow_private=allow_private) as fetcher:
        progress("reading every passage", 0, 0)
        found = examine(
            bench.library,
            bench.ledger,
            usage,
            now().date(),
            days=stale_days,
            embed=live_embedder(bench.registry),
            online=Online(fetcher) if online_too else None,
        )
    if as_json:
        out({"findings": found.findings, **asdict(found)})
        return
    for line in health_report(found):
        sys.stdout.write(plain(line) + "\n")


def health_report(found: Health) -> list[str]:
    """What was found, in lines for people: each kind with how many there are, then each of them."""
    since = f" since {found.since:%Y-%m-%d}" if found.since else ""
    lines = [f"{found.documents} documents, {found.passages} passages, {found.turns} answered messages{since}"]
    for title, items in _sections(found):
        if items:
            lines += ["", f"{title} ({len(items)})", *(f"  {item}" for item in items[:SHOWN])]
            lines += [f"  … and {len(items) - SHOWN} more; --json has them all"] if len(items) > SHOWN else []
    lines += [] if len(lines) > 1 else ["nothing needs a look"]
    return [*lines, "", f"{found.not_asked} links to other sites were not asked"] if found.not_asked else lines


def _sections(found: Health) -> list[tuple[str, list[str]]]:
    return [
        ("Held for review", [f"{id}: {text}" for id, texts in found.held for text in texts]),
        ("Contradictions", [f"{each.differs}: {_at(each.one)}, {_at(each.other)}" for each in found.contradictions]),
        (
            "Said twice",
            [
                f"{', '.join(p.document for p in each.places)}: {shown(each.places[0].text)}"
                for each in found.duplicates
            ],
        ),
        ("Dead links", [f"{each.target} {each.reason}: in {', '.join(each.documents)}" for each in found.dead_links]),
        ("Nothing to quote", list(found.without_passages)),
        ("Could not be read", [f"{name}: {reason}" for name, reason in found.unread]),
        ("Questions without a page", [f"{each.times} × {shown(each.question)}" for each in found.unanswered]),
        ("Stale", [f"{each.document} {each.reason}" for each in found.stale]),
        ("Never quoted", list(found.never_quoted)),
    ]


def _at(place: Place) -> str:
    return f"{place.document}: {shown(place.text)}"


def _approved(bench: Bench, intake: Intake) -> Intake:
    """The intake with everything that was held taken in."""
    waiting = {each.source: each.document.id for each in bench.ledger.waiting()}
    sources = [
        approve(bench.library, bench.ledger, waiting[each.name], {text.id for text in each.held})
        if each.held and each.name in waiting
        else each
        for each in intake.sources
    ]
    return Intake(tuple(sources), intake.remarks)


def _tell(intake: Intake, release: str, as_json: bool) -> None:
    if as_json:
        out(
            {
                "documents": list(intake.documents),
                "failed": [list(each) for each in intake.failed],
                "sources": [_json(each) for each in intake.sources],
                "remarks": list(intake.remarks),
                "release": release,
            }
        )
    else:
        for line in report(intake):
            talk(line)
    if intake.failed and not intake.documents:
        raise BadInput("no document could be read")


def report(intake: Intake) -> list[str]:
    """What an ingest did, in lines for people: figures, then every source that needs a look."""
    lines = [", ".join(f"{intake.count(outcome)} {outcome}" for outcome in OUTCOMES)]
    for each in intake.sources:
        if each.outcome == "failed":
            lines.append(f"  failed: {each.name}: {each.reason}")
        lines += [f"  {each.name}: {note}" for note in each.notes]
        waits = each.document or each.name
        lines += [f"  held for review: {waits}: “{text.phrase}” in {shown(text.text)}" for text in each.held]
    if any(each.held for each in intake.sources):
        lines.append(
            "  held text is not indexed until `firstline knowledge approve ID`, or ingest --approve, lets it in"
        )
    return [*lines, *(f"  {remark}" for remark in intake.remarks)]


def _json(taken: Taken) -> dict[str, object]:
    return {
        "name": taken.name,
        "outcome": taken.outcome,
        "document": taken.document,
        "passages": taken.passages,
        "reason": taken.reason,
        "notes": list(taken.notes),
        "held": [{"phrase": text.phrase, "text": text.text} for text in taken.held],
    }
