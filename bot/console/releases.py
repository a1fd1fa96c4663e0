"""The releases page: what is live, what was measured before, retraining with its progress, going forward and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from bot.channels.current import parts
from bot.console import sessions
from bot.console.workshop import workshop
from bot.errors import Conflict
from bot.llm.connect import spending_of
from bot.releases.publish import promote as promote_release
from bot.releases.registry import Manifest

blueprint = Blueprint("releases", __name__, url_prefix="/releases")

SHOWN = 30
FIGURES = (
    ("Decided right", "accuracy", "share", True),
    ("Reached a human when they must", "must_escalate_recall", "share", True),
    ("Sent to a human needlessly", "false_escalation_rate", "share", False),
    ("Answered wrong", "answered_wrong_rate", "share", False),
    ("Calibration error", "ece", "number", False),
    ("Time to an answer (p50)", "answer_ms_p50", "ms", False),
)
"""Label, key of the report, unit, and whether more is better."""


OUTCOMES = {
    "corrected": "made into FAQ rows",
    "sent": "drafts sent by agents",
    "disliked": "thumbs down",
    "liked": "thumbs up",
    "reopened": "came back to a closed conversation",
    "asked": "asked for a human right after",
}
"""Kinds of outcomes (`bot.releases.outcomes`), as the page says them."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the gate's table; `trend` is better, worse or same for the challenger."""

    label: str
    champion: str
    challenger: str
    trend: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The gate's verdict on a release, ready to read; `promote` is None where nothing was measured."""

    promote: bool | None
    champion: str
    figures: tuple[Figure, ...]
    reasons: tuple[str, ...]
    changed: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A release in the list."""

    id: str
    made_at: datetime
    note: str
    live: bool
    verdict: Verdict
    learned: str = ""
    """What its gate learned from beside the labelled questions, as a sentence."""


@blueprint.get("/")
def show() -> str:
    registry = parts().registry
    live = registry.current_id()
    rows = [_row(manifest, live) for manifest in registry.list()[:SHOWN]]
    jobs = [job for job in parts().jobs.listing() if job.kind == "retrain"]
    return render_template(
        "desk/releases.html",
        rows=rows,
        live=next((row for row in rows if row.live), None),
        history=[{**each, "at": datetime.fromisoformat(each["at"])} for each in registry.history()[:SHOWN]],
        job=jobs[0] if jobs else None,
        model_use=model_use(),
    )


def model_use() -> str:
    """What the large model has used today, as a sentence; empty where there is none."""
    settings = parts().settings
    if not settings.llm_url:
        return ""
    today = spending_of(settings, parts().library.database, parts().clock).of_day()
    share = f"{today.tokens:,} of {settings.llm_daily_budget:,} tokens"
    return f"{settings.llm_model} was asked {today.calls} times today: {share}, at a cost of {today.micros / 1e6:.2f}."


@blueprint.post("/retrain")
def retrain() -> BaseResponse:
    """Ask the worker for a challenger; a second request while one runs changes nothing."""
    sessions.require_admin()
    try:
        parts().jobs.enqueue("retrain", {"by": sessions.person().name}, alone=True)
    except Conflict as error:
        if error.code != "busy":
            raise
    return redirect("/desk/releases/", 303)


@blueprint.post("/promote")
def promote() -> BaseResponse:
    """Make a release live; one that its gate refused needs the box that says so, and is recorded as forced."""
    sessions.require_admin()
    force = request.form.get("force") == "yes"
    promote_release(workshop(), request.form.get("id", ""), by=sessions.person().name, force=force)
    parts().live.refresh()
    return redirect("/desk/releases/", 303)


@blueprint.post("/roll-back")
def roll_back() -> BaseResponse:
    """Make the release before the live one live again."""
    sessions.require_admin()
    parts().registry.rollback(by=sessions.person().name)
    parts().live.refresh()
    return redirect("/desk/releases/", 303)


def _row(manifest: Manifest, live: str | None) -> Row:
    made_at = datetime.fromisoformat(manifest.created_at)
    found, learned = verdict(manifest.report), learned_from(manifest.report)
    return Row(manifest.id, made_at, manifest.note, manifest.id == live, found, learned)


def learned_from(report: Mapping[str, Any]) -> str:
    """How many outcomes of answers weighed in a release's gate, of how many of each kind; empty for none."""
    counted = {**report.get("router", {}).get("outcomes", {})}
    weighed = counted.pop("weighed", 0)
    if not counted:
        return ""
    each = ", ".join(f"{counted[kind]} {words}" for kind, words in OUTCOMES.items() if kind in counted)
    return f"Its gate learned from {weighed} of {sum(counted.values())} outcomes of answers: {each}."


def verdict(report: Mapping[str, Any]) -> Verdict:
    """The verdict in a release's report."""
    gate = report.get("gate")
    if not gate:
        return Verdict(None, "", (), (), ())
    before, after = (_flat(gate["figures"].get(side, {})) for side in ("champion", "challenger"))
    figures = tuple(_figure(*each, before, after) for each in FIGURES if each[1] in after)
    said = gate["verdict"]
    return Verdict(
        bool(said["promote"]), gate.get("champion", ""), figures, tuple(said["reasons"]), tuple(said["changed"])
    )


def _flat(figures: Mapping[str, Any]) -> dict[str, float]:
    flat = {**figures.get("routing", {}), **figures}
    return {key: float(value) for key, value in flat.items() if isinstance(value, int | float)}


def _figure(
    label: str, key: str, unit: str, more_is_better: bool, before: Mapping[str, float], after: Mapping[str, float]
) -> Figure:
    trend = "same"
    if key in before and _written(before[key], unit) != _written(after[key], unit):
        trend = "better" if (after[key] > before[key]) == more_is_better else "worse"
    champion = _written(before[key], unit) if key in before else "–"
    return Figure(label, champion, _written(after[key], unit), trend)


def _written(value: float, unit: str) -> str:
    return {"share": f"{value:.1%}", "number": f"{value:.3f}", "ms": f"{value:.0f} ms"}[unit]
