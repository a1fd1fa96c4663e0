"""Verbs of releases: train, retrain, releases list|show|promote|rollback|diff, and the worker's job."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bot.commands.common import Bench, open_bench, out, steps, table, talk, who
from bot.errors import BadInput, FirstlineError, Refused
from bot.releases.hours import publish_hours
from bot.releases.publish import Progress, promote, publish_knowledge
from bot.releases.retrain import Retrained, retrain
from bot.setup import ensure_base_model, first_documents
from bot.store.jobs import Job, Jobs
from bot.understanding.care.checking import one_line, spelling_of
from bot.understanding.examples.dataset import IntentDataset
from retrieval.errors import RetrievalError

releases_app = typer.Typer(help="What is live, what was, and going back.", no_args_is_help=True)
SEED = Annotated[int, typer.Option(help="Seed of the training.")]
FORCE = Annotated[bool, typer.Option("--force", help="Go live even if the gate refuses; recorded.")]
QUICK = Annotated[bool, typer.Option("--quick", help="Keep the live encoder, fit heads to new rows: seconds.")]
JSON = Annotated[bool, typer.Option("--json", help="Write JSON to stdout.")]


def register(app: typer.Typer) -> None:
    app.command("train")(train)
    app.command("retrain")(train)
    app.command("job", hidden=True)(job)
    app.add_typer(releases_app, name="releases")


def train(seed: SEED = 13, quick: QUICK = False, force: FORCE = False, as_json: JSON = False) -> None:
    """Build a challenger from the base encoder and all data, measure it against what is live, promote or refuse."""
    bench = open_bench()
    show_faults(bench)
    with steps() as progress:
        ensure_base_model(bench.settings, progress)
        first_documents(bench.library, bench.settings, progress)
        result = retrain(bench.shop, by=who(), seed=seed, quick=quick, force=force, progress=progress)
    if as_json:
        out(result.to_json())
    else:
        show_verdict(result)
    if not result.verdict.promote and not force:
        raise Refused("the challenger is not live; `--force` promotes it all the same")


def show_faults(bench: Bench) -> None:
    """Refuse rows that no model can come of before anything takes time, and say what is wrong with the others."""
    rows = bench.settings.data / "nlu"
    dataset = IntentDataset.read(rows)
    dataset.require_trainable()
    for problem in dataset.problems[:20]:
        talk(f"left out: {problem}")
    if len(dataset.problems) > 20:
        talk(f"left out: {len(dataset.problems) - 20} more rows")
    for doubt in dataset.doubts:
        talk(f"doubtful: {doubt}")
    if said := one_line([rows], spelling_of(bench.settings)):
        talk(said)


def show_verdict(result: Retrained) -> None:
    """The gate's verdict for people: figures of both sides, reasons, changed rows."""
    rows = [_figures(side, result.figures[side]) for side in ("champion", "challenger") if side in result.figures]
    if rows:
        table("On data/eval (test rows)", ("", "release", "accuracy", "must escalate", "wrong answers", "p50 ms"), rows)
    if result.verdict.promote:
        talk(f"{result.release} is live")
    for reason in result.verdict.reasons:
        talk(f"refused: {reason}")
    for row in result.verdict.changed[:20]:
        arrow = "better" if row["better"] else "worse"
        talk(f"  {arrow}: {row['id']} expects {row['expect']}: {row['champion']} → {row['challenger']}")


def _figures(side: str, measured: dict[str, Any]) -> tuple[object, ...]:
    routing = measured["routing"]
    return (
        side,
        measured["release"],
        f"{routing['accuracy']:.1%}",
        f"{routing['must_escalate_recall']:.1%}",
        f"{routing['answered_wrong_rate']:.1%}",
        f"{measured['answer_ms_p50']:.1f}",
    )


@releases_app.command("list")
def list_releases(as_json: JSON = False) -> None:
    """All releases, the newest first; * is live."""
    bench = open_bench()
    live = bench.registry.current_id()
    found = bench.registry.list()
    if as_json:
        out(
            [
                {"id": each.id, "created_at": each.created_at, "live": each.id == live, "note": each.note}
                for each in found
            ]
        )
        return
    table(
        "Releases",
        ("", "id", "made", "from", "why"),
        [("*" if each.id == live else "", each.id, each.created_at[:19], each.parent, each.note) for each in found],
    )


@releases_app.command("show")
def show(id: Annotated[str, typer.Argument(help="The release; the live one otherwise.")] = "") -> None:
    """A release's parts, files and figures, as JSON."""
    bench = open_bench()
    named = id or bench.registry.current_id()
    if named is None:
        raise BadInput("no release yet; `firstline train` makes the first")
    manifest = bench.registry.manifest(named)
    out({"id": manifest.id, "parts": manifest.parts, "note": manifest.note, "report": manifest.report})


@releases_app.command("promote")
def promote_release(id: Annotated[str, typer.Argument(help="The release.")], force: FORCE = False) -> None:
    """Make a release live; running processes swap within two seconds."""
    promote(open_bench().shop, id, by=who(), force=force)
    talk(f"{id} is live")


@releases_app.command("rollback")
def rollback() -> None:
    """Make the release before the live one live again."""
    talk(f"{open_bench().registry.rollback(by=who())} is live again")


@releases_app.command("diff")
def diff(one: str, other: str) -> None:
    """Which parts and files differ between two releases."""
    registry = open_bench().registry
    a, b = registry.manifest(one), registry.manifest(other)
    rows = [(kind, a.parts[kind], b.parts[kind]) for kind in a.parts if a.parts[kind] != b.parts[kind]]
    table("Parts that differ", ("part", one, other), list(rows))


def job(id: int) -> None:
    """Run one job of the queue; called by the worker."""
    bench = open_bench()
    jobs = Jobs(bench.database, bench.library.clock)
    work = jobs.get(id)
    try:
        state, message, result = _run(bench, jobs, work)
        jobs.finish(work, state, message, result)
    except (FirstlineError, RetrievalError) as error:
        jobs.finish(work, "refused", str(error))


def _run(bench: Bench, jobs: Jobs, work: Job) -> tuple[str, str, dict[str, Any]]:
    progress: Progress = lambda message, done, total: jobs.progress(work, done, total, message)  # noqa: E731
    by = str(work.payload.get("by", "worker"))
    if work.kind == "retrain":
        result = retrain(bench.shop, by=by, progress=progress, force=bool(work.payload.get("force")))
        state = "done" if result.verdict.promote else "refused"
        message = f"{result.release} is live" if result.verdict.promote else "; ".join(result.verdict.reasons)
        return state, message, result.to_json()
    if work.kind == "publish":
        return "done", "live", {"release": publish_knowledge(bench.shop, by=by, note="from the desk").id}
    if work.kind == "hours":
        return "done", "live", {"release": publish_hours(bench.shop, by=by).id}
    raise BadInput(f"no worker knows jobs of kind {work.kind!r}")
