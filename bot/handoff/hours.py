"""When people are there: opening hours by weekday, closed days, days with hours of their own, and the next time the
desk opens. Pure: the clock is passed in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.errors import BadInput

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(r"(\d{2}):(\d{2})-(\d{2}):(\d{2})")
Span = tuple[time, time]
"""(opens, closes) in local time."""


@dataclass(frozen=True, slots=True)
class Hours:
    """`spans[weekday]` is None for a closed day (0 is Monday). `holidays` are closed, each with its name (or none);
    `special` days have hours that hold instead of their weekday's."""

    timezone: ZoneInfo
    spans: tuple[Span | None, ...]
    holidays: Mapping[date, str] = field(default_factory=dict)
    special: Mapping[date, Span] = field(default_factory=dict)

    @classmethod
    def parse(
        cls,
        timezone: str,
        week: Mapping[str, str],
        holidays: Mapping[str, str] | Iterable[str] = (),
        special: Mapping[str, str] | None = None,
    ) -> Hours:
        """From `{"mon": "08:00-20:00", …}`; a day that is missing is closed. Holidays are dates, or dates with names;
        `special` maps dates to hours. `BadInput` for anything else."""
        if unknown := set(week) - set(DAYS):
            raise BadInput(f"opening hours name the days {', '.join(DAYS)}; got {', '.join(sorted(unknown))}")
        if special is not None and not isinstance(special, Mapping):
            raise BadInput(f"special hours are dates with hours, such as 2026-12-24: 08:00-14:00; got {special!r}")
        if isinstance(holidays, str):
            raise BadInput(f"holidays are a list of dates, or dates with names; got {holidays!r}")
        named = holidays if isinstance(holidays, Mapping) else dict.fromkeys(holidays, "")
        free = {_date(day): str(name or "") for day, name in named.items()}
        other = {_date(day): _special(day, written) for day, written in (special or {}).items()}
        if both := sorted(free.keys() & other.keys()):
            raise BadInput(f"opening hours: {both[0]} is a holiday and has special hours as well; keep one of them")
        return cls(_zone(timezone), tuple(_span(day, week.get(day)) for day in DAYS), free, other)

    def is_open(self, now: datetime) -> bool:
        """Whether somebody is there at `now` (aware)."""
        span = self._on(now.astimezone(self.timezone).date())
        return span is not None and span[0] <= now < span[1]

    def next_open(self, now: datetime) -> datetime | None:
        """The next moment the desk opens, in local time; None if it never does within a month."""
        first = now.astimezone(self.timezone).date()
        spans = (self._on(first + timedelta(days=ahead)) for ahead in range(32))
        return next((span[0].astimezone(self.timezone) for span in spans if span and span[0] > now), None)

    def closes(self, now: datetime) -> datetime | None:
        """When the desk closes that is open at `now`, in local time; None where it is closed."""
        span = self._on(now.astimezone(self.timezone).date())
        return span[1].astimezone(self.timezone) if span and span[0] <= now < span[1] else None

    def after(self, now: datetime, opened: timedelta) -> datetime | None:
        """The moment (UTC) at which the desk has been open for `opened` since `now`; None if that is over a year on."""
        first = now.astimezone(self.timezone).date()
        left = opened
        for ahead in range(366):
            span = self._on(first + timedelta(days=ahead))
            begins = max(span[0], now) if span else now
            if span is None or span[1] <= begins:
                continue
            if left <= span[1] - begins:
                return begins + left
            left -= span[1] - begins
        return None

    def _on(self, day: date) -> tuple[datetime, datetime] | None:
        """When the desk opens and closes on a day, as moments in UTC: clocks may change in between."""
        span = None if day in self.holidays else self.special.get(day, self.spans[day.weekday()])
        if span is None:
            return None
        opens, closes = (datetime.combine(day, each, self.timezone).astimezone(UTC) for each in span)
        return opens, closes


def spoken(opens: datetime | None, now: datetime) -> str:
    """The opening time as one says it: "today at 08:00", "tomorrow at 09:00", "on Monday at 08:00"."""
    if opens is None:
        return "when we are back"
    days = (opens.date() - now.astimezone(opens.tzinfo).date()).days
    day = {0: "today", 1: "tomorrow"}.get(days, f"on {opens:%A}" if days < 7 else f"on {opens:%A %d %B}")
    return f"{day} at {opens:%H:%M}"


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadInput(f"opening hours: {error}; a time zone looks like Europe/London") from error


def _date(written: str) -> date:
    try:
        return date.fromisoformat(str(written))
    except ValueError as error:
        raise BadInput(f"opening hours: a day looks like 2026-12-25, got {str(written)[:40]!r}") from error


def _special(day: str, written: str) -> Span:
    span = _span(day, written)
    if span is None:
        raise BadInput(f"special hours of {day} look like 08:00-14:00; a day that is closed is a holiday")
    return span


def _span(day: str, written: str | None) -> Span | None:
    if not written or written == "closed":
        return None
    match = _SPAN.fullmatch(str(written))
    if not match:
        raise BadInput(f"opening hours of {day} look like 08:00-20:00 or closed; got {written!r}")
    try:
        opens, closes = time(int(match[1]), int(match[2])), time(int(match[3]), int(match[4]))
    except ValueError as error:
        raise BadInput(f"opening hours of {day} go from 00:00 to 23:59, got {written!r}") from error
    if opens >= closes:
        raise BadInput(f"opening hours of {day} end ({closes:%H:%M}) before they begin ({opens:%H:%M})")
    return opens, closes
