"""The opening hours page: the week, the time zone, closed days and days with hours of their own, as customers are told.

Saving edits the company's `policy.yml` in place and puts the hours live as a release of their own
(`bot.releases.hours`). Who saves over a newer file is shown both, and nothing is written.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import zip_longest
from pathlib import Path
from zoneinfo import available_timezones

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from bot.channels.current import parts
from bot.console import sessions
from bot.console.workshop import workshop
from bot.errors import BadInput, BadRelease, Conflict, FirstlineError, NotFound, Refused
from bot.handoff.hours import DAYS
from bot.releases.hours import POLICY, live_hours, publish_hours
from bot.routing.hashes import short_hash
from bot.routing.hours_file import CLOSED, Problem, WrittenHours, problem_of, with_hours, written_hours
from bot.understanding.care.accepting import Change, write

blueprint = Blueprint("hours", __name__, url_prefix="/hours")

NAMES = dict(zip(DAYS, ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"), strict=True))
SUBJECT = "opening hours"
"""What the audit log calls them."""
SPARE_ROWS = 2
LONGEST_NAME, MOST_DATES = 80, 400
SAID = {
    "live": "Saved, and live.",
    "later": "Saved. A release is being built at the moment; these hours go live as soon as it is done.",
    "file": "Saved. Nothing is live yet, so they hold at once.",
}


@dataclass(frozen=True, slots=True)
class Stored:
    """The company's file as it is now."""

    path: Path
    text: str
    hours: WrittenHours

    @property
    def hash(self) -> str:
        return short_hash(self.text)


@dataclass(frozen=True, slots=True)
class Difference:
    """A part of the hours that two sides have otherwise."""

    label: str
    theirs: str
    ours: str


@dataclass(frozen=True, slots=True)
class Overtaken:
    """A save over a newer file: who changed it when, as far as the audit log knows, and what differs."""

    who: str
    at: datetime | None
    differences: tuple[Difference, ...]


@blueprint.get("/")
def show() -> BaseResponse:
    return _page(done=request.args.get("done", ""))


@blueprint.post("/save")
def save() -> BaseResponse:
    """Write the hours into `policy.yml`, and put them live."""
    wanted, problem = given_hours()
    try:
        with _alone():
            stored = stored_hours()
            draft = with_hours(stored.text, wanted, POLICY)
            if problem := problem or problem_of(draft, POLICY):
                return _page(wanted, problem=problem, status=400)
            if request.form.get("base") != stored.hash:
                return _page(wanted, overtaken=_overtaken(stored, wanted), status=409)
            if draft != stored.text:
                write([Change(stored.path, stored.text, draft)])
                _record(stored, wanted, draft)
    except (BadInput, Conflict, Refused) as error:
        return _page(wanted, error=error, status=error.status)
    try:
        return redirect(f"/desk/hours/?done={put_live()}", 303)
    except (BadInput, BadRelease, Conflict, Refused) as error:
        return _page(error=error, status=409)


def given_hours() -> tuple[WrittenHours, Problem | None]:
    """What the form holds, and what the form alone can get wrong: a date given twice, or too many."""
    form = request.form
    week = {
        day: f"{form.get(f'from-{day}', '')[:20]}-{form.get(f'to-{day}', '')[:20]}"
        if form.get(f"open-{day}") == "yes"
        else CLOSED
        for day in DAYS
    }
    names = [" ".join(name.split())[:LONGEST_NAME] for name in form.getlist("holiday-name")]
    spans = [
        f"{opens[:20]}-{closes[:20]}"
        for opens, closes in zip(form.getlist("special-from"), form.getlist("special-to"), strict=False)
    ]
    holidays, wrong = _dated("holidays", form.getlist("holiday-date"), names)
    special, also_wrong = _dated("special", form.getlist("special-date"), spans)
    return WrittenHours(form.get("timezone", "").strip()[:80], week, holidays, special), wrong or also_wrong


def stored_hours() -> Stored:
    """`BadInput` where the company's file is not there or no YAML."""
    path = (parts().settings.data / POLICY).resolve()
    try:
        text = path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f"{path} cannot be read: {error}; write it by hand, the demo's `data/policy.yml` shows how"
        ) from error
    return Stored(path, text, written_hours(text, POLICY))


def put_live() -> str:
    """Have the file's hours hold for customers: at once, or by the worker where something is being built."""
    by = sessions.person().name
    try:
        publish_hours(workshop(), by=by, wait=False)
    except NotFound:
        return "file"
    except Conflict as error:
        if error.code != "busy":
            raise
        _ask_worker(by)
        return "later"
    except OSError as error:
        raise Refused(
            f"the hours stand in {POLICY}, but the release with them could not be written ({error.strerror}); "
            "make room and save again"
        ) from error
    parts().live.refresh()
    return "live"


def differences(theirs: WrittenHours, ours: WrittenHours) -> tuple[Difference, ...]:
    """What two sides have otherwise, in the order of the page."""
    one, other = theirs.facts(), ours.facts()
    keys = dict.fromkeys([*one, *other])
    return tuple(
        Difference(label(key), _shown(key, one), _shown(key, other)) for key in keys if one.get(key) != other.get(key)
    )


def label(fact: str) -> str:
    """What the page calls a part of the hours."""
    section, _, day = fact.partition("/")
    return {"timezone": "Time zone", "holidays": f"{day}, closed", "special": f"{day}, other hours"}.get(
        section, NAMES.get(section, section)
    )


def in_order(dates: Mapping[str, str]) -> dict[str, str]:
    """Dates as a date field takes them, the first first; what is no date as it is written, at the end."""
    return dict(sorted((_iso(day), value) for day, value in dates.items()))


def _iso(day: str) -> str:
    with suppress(ValueError):
        return date.fromisoformat(day).isoformat()
    return day


def span_of(written: str) -> tuple[str, str]:
    """Hours as the two times of a form; nothing for a closed day."""
    opens, _, closes = written.partition("-")
    return ("", "") if written == CLOSED else (opens.strip(), closes.strip())


@contextmanager
def _alone() -> Iterator[None]:
    """Nobody else on this machine saves hours meanwhile."""
    with open(parts().settings.home / "policy.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _dated(section: str, dates: list[str], values: list[str]) -> tuple[dict[str, str], Problem | None]:
    found: dict[str, str] = {}
    problem = None
    for given, value in zip_longest(dates[:MOST_DATES], values[: len(dates)], fillvalue=""):
        day = given.strip()[:40]
        if day in found:
            problem = Problem(
                f"{day} stands there twice; one of the two was dropped, save if that is right", f"{section}/{day}"
            )
        elif day:
            found[day] = value
    if len(dates) > MOST_DATES:
        problem = Problem(f"{len(dates)} days are more than the page keeps; at most {MOST_DATES}", "")
    return found, problem


def _ask_worker(by: str) -> None:
    try:
        parts().jobs.enqueue("hours", {"by": by}, alone=True)
    except Conflict as error:  # one is asked for already, and takes the file as it is then
        if error.code != "busy":
            raise


def _record(stored: Stored, wanted: WrittenHours, draft: str) -> None:
    before, after = stored.hours.facts(), wanted.facts()
    changed = [key for key in dict.fromkeys([*before, *after]) if before.get(key) != after.get(key)]
    parts().desk.audit.record(
        sessions.acting(),
        "setting_changed",
        SUBJECT,
        {key: before[key] for key in changed if key in before},
        {"file": short_hash(draft), **{key: after[key] for key in changed if key in after}},
    )


def _overtaken(stored: Stored, wanted: WrittenHours) -> Overtaken:
    rows = parts().desk.audit.listing(what="setting_changed", limit=200)
    by = next((row for row in rows if row.subject == SUBJECT and row.after.get("file") == stored.hash), None)
    changed = differences(stored.hours, wanted)
    return Overtaken(by.who, by.at, changed) if by else Overtaken("", None, changed)


def _shown(key: str, facts: Mapping[str, str]) -> str:
    if key not in facts:
        return "not there"
    return facts[key] or "closed"


def _page(
    given: WrittenHours | None = None,
    *,
    problem: Problem | None = None,
    overtaken: Overtaken | None = None,
    error: FirstlineError | None = None,
    done: str = "",
    status: int = 200,
) -> BaseResponse:
    try:
        stored: Stored | None = stored_hours()
    except BadInput as unread:
        stored, error, status = None, error or unread, max(status, unread.status)
    if stored is not None and given is None and problem is None:
        problem = problem_of(stored.text, POLICY)
    hours = given or (stored.hours if stored else WrittenHours("UTC", dict.fromkeys(DAYS, CLOSED)))
    live = None
    with suppress(BadRelease, BadInput, NotFound):
        live = live_hours(workshop())
    page = render_template(
        "desk/hours.html",
        hours=replace(hours, holidays=in_order(hours.holidays), special=in_order(hours.special)),
        days=NAMES,
        zones=sorted(available_timezones()),
        span_of=span_of,
        label=label,
        base=request.form.get("base", "") if given and not overtaken else stored.hash if stored else "",
        readable=stored is not None,
        problem=problem,
        overtaken=overtaken,
        error=error,
        said=SAID.get(done, ""),
        behind=differences(live, stored.hours) if live and stored and not given else (),
        spare=SPARE_ROWS,
        longest=LONGEST_NAME,
        handoff=parts().handoff,
    )
    return make_response(page, status)
