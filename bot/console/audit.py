"""The audit page: who did what, filtered, and whether the chain of rows holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import Blueprint, render_template, request

from bot.channels.current import parts
from bot.errors import BadInput
from bot.store.audit import WHATS, Chain

blueprint = Blueprint("audit", __name__, url_prefix="/audit")

SHOWN = 100


@blueprint.get("/")
def show() -> str:
    """A page of rows, the newest first; `check=yes` also follows the whole chain."""
    who, what = request.args.get("who", "")[:120].strip(), request.args.get("what", "")
    since, until = day(request.args.get("since", "")), day(request.args.get("until", ""))
    below = request.args.get("below", "")
    log = parts().desk.audit
    rows = log.listing(
        who=who,
        what=what if what in WHATS else "",
        since=since,
        until=until + timedelta(days=1) if until else None,
        below=int(below) if below.isascii() and below.isdigit() and len(below) < 16 else None,
        limit=SHOWN + 1,
    )
    chain: Chain | None = log.check() if request.args.get("check") == "yes" else None
    given = {"who": who, "what": what, "since": request.args.get("since", ""), "until": request.args.get("until", "")}
    return render_template(
        "desk/audit.html", rows=rows[:SHOWN], more=len(rows) > SHOWN, whats=WHATS, given=given, chain=chain
    )


def day(given: str) -> datetime | None:
    """The beginning of a day in UTC from `2026-11-18`, None for nothing; `BadInput` for anything else."""
    if not given:
        return None
    try:
        return datetime.strptime(given, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise BadInput(f"a day looks like 2026-11-18, got {given[:20]!r}") from error
