"""`firstline data …`: what is wrong with the training rows, before a training learns it, and mending it."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from bot.commands.common import Bench, now, open_bench, out, steps, table, talk
from bot.errors import BadInput, NotFound, Refused
from bot.releases.registry import write_json, write_text
from bot.setup import ensure_base_model
from bot.understanding.care.accepting import plan, write
from bot.understanding.care.checking import check as examine
from bot.understanding.care.checking import spelling_of
from bot.understanding.care.corpus import Corpus
from bot.understanding.care.encoder import base_encoder
from bot.understanding.care.findings import KINDS, Finding, Kind, Report
from bot.understanding.utterances import clean
from retrieval.embedder import Embedder

app = typer.Typer(help="Check the training rows, and mend them.", no_args_is_help=True)

SHOWN_OF_A_KIND = 8
_SHOWN_CHARACTERS = 90


@app.command()
def check(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files and folders: CSV, JSONL, Rasa NLU YAML; else the company's rows.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="File to write a page with all findings to.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="File to write to; - for stdout.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Without cross-validation: seconds, no model.")] = False,
) -> None:
    """Find duplicates, contradicted rows, intents that overlap, personal data; fail only if no training can start."""
    bench = open_bench()
    settings = bench.settings
    with steps() as progress:
        corpus = Corpus.read(paths or [settings.data / "nlu"])

        def load_encoder() -> Embedder:
            ensure_base_model(settings, progress)
            return base_encoder(bench.shop.base, settings.home / "care")

        report = examine(corpus, spelling_of(settings), None if quick else load_encoder, progress=progress)
    _keep(bench, report)
    if str(json_file) == "-":
        out(report.to_json())
    else:
        show(report)
    if json_file is not None and str(json_file) != "-":
        _written(json_file, json.dumps(report.to_json(), indent=1, ensure_ascii=False) + "\n")
    if html is not None:
        _written(html, _page(report, now()))
    if report.blocking:
        raise Refused(f"no training can start: {'; '.join(finding.says for finding in report.blocking)}")


@app.command()
def accept(
    finding_ids: Annotated[list[str], typer.Argument(help="Findings of the last check.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the change and write nothing.")] = False,
    report_file: Annotated[
        Path | None, typer.Option("--report", help="A file of `data check --json`; the last check otherwise.")
    ] = None,
) -> None:
    """Apply what findings suggest: move a row to another intent, or remove a copy; all of them, or none."""
    changes = plan(_report(open_bench(), report_file), finding_ids)
    for change in changes:
        sys.stdout.write(change.diff())
    count = len(set(finding_ids))
    counted = f"{count} {'finding' if count == 1 else 'findings'}"
    files = ", ".join(change.path.name for change in changes)
    if dry_run:
        talk(f"{counted} would change {files}; nothing was written")
        return
    write(changes)
    talk(f"{counted} applied to {files}; `firstline data check` looks again")


def show(report: Report) -> None:
    """Findings for people: a table for each kind with its worst ones, and what to do."""
    for kind in KINDS.values():
        found = report.of_kind(kind.key)
        if found:
            _show_kind(kind, found)
    agreed = "" if report.agreement is None else f"; cross-validation agrees with {report.agreement:.1%} of them"
    counted = f"{len(report.findings)} findings" if report.findings else "nothing found"
    talk(f"{counted} in {report.rows:,} rows of {report.intents} intents{agreed}")
    if any(finding.fix for finding in report.findings):
        talk("`firstline data accept ID` applies a suggestion, with `--dry-run` only shows it")


def _show_kind(kind: Kind, found: tuple[Finding, ...]) -> None:
    shown = found[:SHOWN_OF_A_KIND]
    title = f"{kind.title}: {len(found)}"
    if any(finding.rows for finding in shown):
        rows = [(each.id, _where(each), _text(each), each.says) for each in shown]
        table(title, ("id", "where", "text", "found"), list(rows))
    else:
        table(title, ("id", "found"), [(each.id, clean(each.says)) for each in shown])
    more = len(found) - len(shown)
    talk(f"→ {kind.advice}{f' {more} more: --html or --json lists them.' if more else ''}\n")


def _where(finding: Finding) -> str:
    more = len(finding.rows) - 2
    return ", ".join(row.place for row in finding.rows[:2]) + (f" +{more}" if more > 0 else "")


def _text(finding: Finding) -> str:
    texts = list(dict.fromkeys(clean(row.text) for row in finding.rows[:2]))
    return " | ".join(f"{text[:_SHOWN_CHARACTERS]}…" if len(text) > _SHOWN_CHARACTERS else text for text in texts)


def _page(report: Report, at: datetime) -> str:
    from bot.understanding.care.page import care_page

    return care_page(report, at=at)


def _keep(bench: Bench, report: Report) -> None:
    """The last report, so that accepting needs an id alone."""
    folder = bench.settings.home / "care"
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "findings.json", report.to_json())


def _report(bench: Bench, file: Path | None) -> Report:
    source = file or bench.settings.home / "care" / "findings.json"
    try:
        return Report.from_json(json.loads(source.read_bytes()), source)
    except FileNotFoundError as error:
        raise NotFound(f"{source} does not exist; `firstline data check` makes it") from error
    except (OSError, ValueError) as error:
        raise BadInput(f"{source} cannot be read as a report of `firstline data check`: {error}") from error


def _written(path: Path, content: str) -> None:
    try:
        write_text(path, content)
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}") from error
    talk(f"written to {path}")
