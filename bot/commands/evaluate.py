"""`firstline evaluate …`: measure intents, retrieval, answers or routing on files; figures as JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.commands.common import Bench, now, open_bench, out, steps, table, talk
from bot.errors import BadInput
from bot.releases.comparison import calibration_error, measure
from bot.releases.registry import write_json, write_text
from bot.releases.release import READER, Release, load_release
from bot.routing.evaluation import Judged, Scenario, read_scenarios, report
from bot.routing.thresholds import promise
from bot.setup import ensure_base_model
from retrieval.embedder import OnnxEmbedder
from retrieval.reader import Reader

if TYPE_CHECKING:
    from bot.understanding.measuring.robustness.slices import Slice

app = typer.Typer(help="Measure intents, retrieval, answers or routing.", no_args_is_help=True)

OUT = Annotated[Path | None, typer.Option("--json", help="File to write the figures to; - for stdout.")]
HTML = Annotated[Path | None, typer.Option(help="File to write a readable report to, one page by itself.")]
SEED = Annotated[int, typer.Option(help="Seed of the training.")]


@app.command()
def intents(
    train: Annotated[list[Path], typer.Option(help="Training rows: CSV, JSONL or Rasa NLU YAML; may be repeated.")],
    test: Annotated[Path, typer.Option(help="Test rows.")],
    oos: Annotated[Path | None, typer.Option(help="Rows that no intent fits.")] = None,
    json_file: OUT = None,
    html: HTML = None,
    seed: SEED = 13,
    seeds: Annotated[int, typer.Option(min=1, help="Trainings, from --seed on; figures are their means.")] = 1,
    slices: Annotated[
        bool, typer.Option(help="Measure also the rows written otherwise: typos, dialects, length.")
    ] = True,
) -> None:
    """Train on the given rows alone, and report accuracy, calibration, out-of-scope detection and speed."""
    from bot.understanding.measuring.evaluation import evaluate_intents
    from bot.understanding.measuring.reporting.page import intents_page

    for path in (json_file, html):
        _check_place(path)
    bench = open_bench()
    with steps() as progress:
        ensure_base_model(bench.settings, progress)
        found = evaluate_intents(
            train, test, oos, base=bench.shop.base, seed=seed, seeds=seeds, slices=slices, progress=progress
        )
    if html is not None:
        write_text(html, intents_page(found, at=now()))
        talk(f"report written to {html}")
    if str(json_file) == "-":
        _finish("Intents", found.to_json(), json_file)
    else:
        _finish("Intents", {name: value for name, value in found.figures().items() if value is not None}, None)
        _show_slices(found.slices)
    if json_file is not None and str(json_file) != "-":
        write_json(json_file, found.to_json())
        talk(f"figures written to {json_file}")
    for sentence in (*found.notes, *(each.sentence() for each in found.weak_slices)):
        talk(sentence)


@app.command()
def retrieval(
    corpus: Annotated[Path, typer.Option(help="JSONL (id, title?, text; gzip allowed) or a folder of documents.")],
    queries: Annotated[Path, typer.Option(help="JSONL with id and text.")],
    qrels: Annotated[Path, typer.Option(help="TSV with the header query_id doc_id rel.")],
    json_file: OUT = None,
    html: HTML = None,
) -> None:
    """Recall, MRR and nDCG of the search, with index and query times."""
    from bot.understanding.measuring.reporting.knowledge import retrieval_page
    from retrieval.evaluation import evaluate_retrieval

    for path in (json_file, html):
        _check_place(path)
    with steps() as progress:
        encoder = _encoder(open_bench(), progress)
        measured = evaluate_retrieval(
            corpus, queries, qrels, encoder, progress=lambda done, total: progress("indexing", done, total)
        )
    if html is not None:
        write_text(html, retrieval_page(measured, at=now()))
        talk(f"report written to {html}")
    _finish("Retrieval", asdict(measured.report), json_file)


@app.command()
def answers(
    corpus: Annotated[Path, typer.Option(help="JSONL (id, title?, text; gzip allowed) or a folder of documents.")],
    questions: Annotated[Path, typer.Option(help="Questions with answers, answerable or not.")],
    json_file: OUT = None,
    html: HTML = None,
) -> None:
    """F1 of the quotes, validity of citations, abstaining, and query times."""
    from bot.understanding.measuring.reporting.knowledge import answers_page
    from retrieval.evaluation import evaluate_answers

    for path in (json_file, html):
        _check_place(path)
    bench = open_bench()
    with steps() as progress:
        encoder = _encoder(bench, progress)
        measured = evaluate_answers(
            corpus,
            questions,
            encoder,
            reader=_reader(bench),
            progress=lambda done, total: progress("indexing", done, total),
        )
    if html is not None:
        write_text(html, answers_page(measured, at=now()))
        talk(f"report written to {html}")
    _finish("Answers", asdict(measured.report), json_file)


@app.command()
def routing(
    scenarios: Annotated[Path, typer.Option(help="JSONL: id, text, expect, intent?, documents?, quote?, why?.")],
    json_file: OUT = None,
    folds: Annotated[
        int, typer.Option(min=0, max=20, help="Fit the gate anew without each part of the rows in turn; 0: as it is.")
    ] = 0,
) -> None:
    """Decisions of the live release against what was expected of each message.

    Rows that the gate was fitted on flatter it: measure those with --folds.
    """
    bench = open_bench()
    release, rows = _live(bench), read_scenarios(scenarios)
    if folds:
        judged, figures = _cross_validated(bench, release, rows, folds)
    else:
        measured = measure(release, rows, bench.shop.today)
        judged = measured.judged
        figures = {**asdict(measured.routing), "ece": measured.ece, "answer_ms_p50": measured.answer_ms_p50}
    kept = promise(release.gate, release.policy)
    _finish("Routing", figures | {"promise": asdict(kept) if kept else None, "release": release.id}, json_file)
    for each in [each for each in judged if not each.right][:10]:
        talk(f"  {each.scenario.id}: expected {each.scenario.expect}, got {each.decision.route}")
    if kept is not None:
        talk(kept.sentence())


def _cross_validated(
    bench: Bench, release: Release, rows: tuple[Scenario, ...], folds: int
) -> tuple[tuple[Judged, ...], dict[str, Any]]:
    """The rows judged by gates that had not seen them, fitted on the others and on the company's training rows."""
    from bot.releases.routers import cross_judged

    path = bench.shop.training
    known = {row.id for row in rows}
    also = tuple(row for row in read_scenarios(path) if row.id not in known) if path.exists() else ()
    judged = cross_judged(release, rows, also, today=bench.shop.today, folds=folds)
    return judged, {**asdict(report(judged)), "ece": calibration_error(judged), "folds": folds}


def _live(bench: Bench) -> Release:
    id = bench.registry.current_id()
    if id is None:
        raise BadInput("no release is live; `firstline train` makes the first")
    return load_release(bench.registry, id)


def _encoder(bench: Bench, progress: Any) -> OnnxEmbedder:
    """The base encoder, exported: a release's own may be tuned on the company's questions, and the files that are
    measured here are about something else."""
    from bot.releases.encoders import base_encoder

    ensure_base_model(bench.settings, progress)
    return base_encoder(bench.shop)


def _reader(bench: Bench) -> Reader:
    """The reader that belongs to `_encoder`."""
    id = bench.registry.current_id()
    if id is not None:
        return Reader.load(bench.registry.part(bench.registry.manifest(id).parts["encoder"]) / READER)
    return Reader.load(bench.settings.data / READER)


def _check_place(path: Path | None) -> None:
    """`BadInput` before the work, not after it, if a file cannot be written there."""
    if path is None or str(path) == "-":
        return
    if path.is_dir() or not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise BadInput(f"{path} cannot be written; expected the name of a file in a folder that is there and writable")


def _show_slices(slices: Sequence[Slice]) -> None:
    rows: list[tuple[object, ...]] = [
        (
            each.name,
            each.rows,
            f"{each.accuracy:.1%}",
            f"{100 * each.difference:+.1f}",
            f"{100 * each.low:+.1f} to {100 * each.high:+.1f}",
            "weak" if each.weak else "",
        )
        for each in slices
    ]
    if rows:
        table("Slices", ("slice", "rows", "accuracy", "points", "95 %", ""), rows)


def _finish(title: str, figures: dict[str, Any], json_file: Path | None) -> None:
    if json_file is not None and str(json_file) != "-":
        write_json(json_file, figures)
        talk(f"figures written to {json_file}")
    if str(json_file) == "-":
        out(figures)
    else:
        table(title, ("", ""), [(name, _shown(value)) for name, value in figures.items()])


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
