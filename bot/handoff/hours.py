"""When people are there: opening hours by weekday, holidays, and the next time the desk opens. Pure: the clock is
passed in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.errors import BadInput

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(r"(\d{2}):(\d{2})-(\d{2}):(\d{2})")


@dataclass(frozen=True, slots=True)
class Hours:
    """`spans[weekday]` is (opens, closes) in local time, or None for a closed day (0 is Monday)."""

    timezone: ZoneInfo
    spans: tuple[tuple[time, time] | None, ...]
    holidays: frozenset[date] = frozenset()

    @classmethod
    def parse(cls, timezone: str, week: Mapping[str, str], holidays: Sequence[str] = ()) -> Hours:
        """From `{"mon": "08:00-20:00", …}`; a day that is missing is closed. `BadInput` for anything else."""
        if unknown := set(week) - set(DAYS):
            raise BadInput(f"opening hours name the days {', '.join(DAYS)}; got {', '.join(sorted(unknown))}")
        try:
            zone = ZoneInfo(timezone)
            free = frozenset(date.fromisoformat(str(day)) for day in holidays)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise BadInput(f"opening hours: {error}") from error
        return cls(zone, tuple(_span(day, week.get(day)) for day in DAYS), free)

    def is_open(self, now: datetime) -> bool:
        """Whether somebody is there at `now` (aware)."""
        span = self._on(now.astimezone(self.timezone).date())
        return span is not None and span[0] <= now < span[1]

    def next_open(self, now: datetime) -> datetime | None:
        """The next moment the desk opens, in local time; None if it never does within a month."""
        first = now.astimezone(self.timezone).date()
        spans = (self._on(first + timedelta(days=ahead)) for ahead in range(32))
        return next((span[0].astimezone(self.timezone) for span in spans if span and span[0] > now), None)

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
        span = None if day in self.holidays else self.spans[day.weekday()]
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


def _span(day: str, written: str | None) -> tuple[time, time] | None:
    if not written or written == "closed":
        return None
    match = _SPAN.fullmatch(written)
    if not match:
        raise BadInput(f"opening hours of {day} look like 08:00-20:00 or closed; got {written!r}")
    try:
        opens, closes = time(int(match[1]), int(match[2])), time(int(match[3]), int(match[4]))
    except ValueError as error:
        raise BadInput(f"opening hours of {day} go from 00:00 to 23:59, got {written!r}") from error
    if opens >= closes:
        raise BadInput(f"opening hours of {day} end ({closes:%H:%M}) before they begin ({opens:%H:%M})")
    return opens, closes
