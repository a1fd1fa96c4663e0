"""Verbs of knowledge: ingest, documents, faq."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Annotated

import typer

from bot.commands.common import Bench, open_bench, out, steps, table, talk, who
from bot.errors import BadInput
from bot.ingest import Intake, faq_rows, take_faq, take_paths
from bot.releases.publish import publish_knowledge
from bot.store.documents import Library

documents_app = typer.Typer(help="List, show and delete documents.", no_args_is_help=True)
faq_app = typer.Typer(help="Import and export FAQ rows.", no_args_is_help=True)
JSON = Annotated[bool, typer.Option("--json", help="Write JSON to stdout.")]


def register(app: typer.Typer) -> None:
    app.command()(ingest)
    app.add_typer(documents_app, name="documents")
    app.add_typer(faq_app, name="faq")


def ingest(
    sources: Annotated[list[str], typer.Argument(help="Files and folders.")],
    as_json: JSON = False,
) -> None:
    """Add or update documents (Markdown, HTML, PDF, DOCX, text); a bad file fails alone, with its reason."""
    bench = open_bench()
    with steps() as progress:
        intake = take_paths(bench.library, sources, progress=progress)
    _publish(bench, "ingest")
    _tell(intake, as_json)


@documents_app.command("list")
def list_documents(as_json: JSON = False) -> None:
    """What is in use, the last changed first."""
    rows = open_bench().library.listing()
    if as_json:
        out([{"id": row.id, "title": row.title, "version": row.version, "updated_at": row.updated_at} for row in rows])
        return
    table(
        f"{len(rows)} documents",
        ("id", "version", "updated", "title"),
        [(row.id, row.version, f"{row.updated_at:%Y-%m-%d %H:%M}", row.title) for row in rows],
    )


@documents_app.command("show")
def show(
    id: Annotated[str, typer.Argument(help="The document's id.")],
    version: Annotated[int | None, typer.Option(help="A version; the current one otherwise.")] = None,
) -> None:
    """The text of a stored version."""
    document = open_bench().library.get(id, version)
    talk(f"{document.id}, version {document.version}: {document.title}")
    sys.stdout.write(document.text + "\n")


@documents_app.command("delete")
def delete(id: Annotated[str, typer.Argument(help="The document's id.")]) -> None:
    """Take a document out of use; it cannot be quoted once this returns."""
    bench = open_bench()
    bench.library.delete(id)
    _publish(bench, f"delete {id}")
    talk(f"{id} is out of use")


@faq_app.command("import")
def import_faq(
    file: Annotated[Path, typer.Argument(help="CSV, XLSX, JSON, YAML or Markdown with question and answer columns.")],
    as_json: JSON = False,
) -> None:
    """Check every row, then add them all, or none and say which rows are wrong; quotable when this returns."""
    bench = open_bench()
    taken = take_faq(bench.library, file)
    release = _publish(bench, f"faq {file.name}")
    if as_json:
        out({"added": taken.added, "changed": taken.changed, "unchanged": taken.unchanged, "release": release})
        return
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
            writer.writerow(("question", "answer", "topic"))
            writer.writerows(tuple(_cell(value) for value in (row.question, row.answer, row.topic)) for row in rows)
    except OSError as error:
        raise BadInput(f"{file} cannot be written: {error.strerror}") from error
    return len(rows)


def _cell(value: str) -> str:
    return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else value


def _publish(bench: Bench, note: str) -> str:
    if bench.registry.current_id() is None:
        talk("nothing is live yet; `firstline train` makes the first release with these documents")
        return ""
    return publish_knowledge(bench.shop, by=who(), note=note).id


def _tell(intake: Intake, as_json: bool) -> None:
    if as_json:
        out({"documents": list(intake.documents), "failed": [list(each) for each in intake.failed]})
    else:
        talk(f"{len(intake.documents)} documents in use")
        for name, reason in intake.failed:
            talk(f"  left out: {name}: {reason}")
    if intake.failed and not intake.documents:
        raise BadInput("no document could be read")
