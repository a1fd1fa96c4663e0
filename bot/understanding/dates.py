"""Dates in messages: ISO, written out, with slashes, and relative to a day that is passed in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta

Found = tuple[date, int, int]

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_COUNTED = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_NUMBERS = {word: number for number, word in enumerate(_COUNTED)} | {
    "a": 1,
    "an": 1,
    "couple of": 2,
    "a couple of": 2,
}

_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_MONTH = rf"(?P<month>{'|'.join(_MONTHS)}|{'|'.join(month[:3] for month in _MONTHS)}|sept)\b\.?"
_YEAR = r"(?:,?\s{1,2}(?P<year>\d{4}))?(?!\d)"
_COUNT = (
    rf"(?P<count>\d{{1,3}}|{'|'.join(sorted((word for word in _NUMBERS if word != 'zero'), key=len, reverse=True))})"
)
_UNIT = r"(?P<unit>day|week|fortnight|month|year)s?"
_WEEKDAY = rf"(?P<weekday>{'|'.join(_WEEKDAYS)})"

_UNIT_DAYS = {"day": 1, "week": 7, "fortnight": 14}


def find_dates(text: str, today: date, *, month_first: bool = False) -> Iterator[Found]:
    """Every date with its offsets; impossible ones (31 February) are passed over.

    A date without a year is the nearest one. `month_first` reads 3/4 as March 4. "last Friday" and "on Friday" lie
    before `today`, "next Friday" and "by Friday" after it.
    """
    for pattern, read in _READERS:
        for match in pattern.finditer(text):
            try:
                day = read(match, today, month_first)
            except (ValueError, OverflowError):
                continue
            yield day, match.start(), match.end()


def _iso(match: re.Match[str], today: date, month_first: bool) -> date:
    return date(int(match["year"]), int(match["month"]), int(match["day"]))


def _written(match: re.Match[str], today: date, month_first: bool) -> date:
    month = next(number for number, name in enumerate(_MONTHS, start=1) if name[:3] == match["month"][:3].lower())
    return _with_year(int(match["day"]), month, match["year"], today)


def _slashed(match: re.Match[str], today: date, month_first: bool) -> date:
    first, second = int(match["first"]), int(match["second"])
    day, month = (second, first) if month_first else (first, second)
    if month > 12 >= day:
        day, month = month, day
    year = match["year"]
    return _with_year(day, month, f"20{year}" if year and len(year) == 2 else year, today)


def _with_year(day: int, month: int, year: str | None, today: date) -> date:
    if year:
        return date(int(year), month, day)
    near = [date(today.year + shift, month, day) for shift in (-1, 0, 1) if (month, day) != (2, 29)]
    if not near:
        return date(today.year, month, day)
    return min(near, key=lambda each: abs((each - today).days))


def _named(match: re.Match[str], today: date, month_first: bool) -> date:
    word = match["named"].lower()
    days = {"yesterday": -1, "tomorrow": 1, "before yesterday": -2, "after tomorrow": 2}
    return today + timedelta(days=next((days[key] for key in sorted(days, key=len)[::-1] if key in word), 0))


def _ago(match: re.Match[str], today: date, month_first: bool) -> date:
    return _shifted(match, today, -1)


def _ahead(match: re.Match[str], today: date, month_first: bool) -> date:
    return _shifted(match, today, 1)


def _shifted(match: re.Match[str], today: date, sign: int) -> date:
    word = match["count"].lower()
    count = sign * (int(word) if word.isdigit() else _NUMBERS[word])
    unit = match["unit"].lower()
    if unit in _UNIT_DAYS:
        return today + timedelta(days=count * _UNIT_DAYS[unit])
    months = today.year * 12 + today.month - 1 + count * (12 if unit == "year" else 1)
    year, month = divmod(months, 12)
    last = (date(year + (month == 11), (month + 1) % 12 + 1, 1) - timedelta(days=1)).day
    return date(year, month + 1, min(today.day, last))


def _weekday(match: re.Match[str], today: date, month_first: bool) -> date:
    ahead = (_WEEKDAYS.index(match["weekday"].lower()) - today.weekday()) % 7
    if match["when"].lower() in ("last", "on", "since"):
        return today - timedelta(days=(7 - ahead) % 7 or 7)
    return today + timedelta(days=ahead or 7)


def _pattern(source: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w/-]){source}(?![\w/-])", re.IGNORECASE)


_READERS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], date, bool], date]], ...] = (
    (_pattern(r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})"), _iso),
    (_pattern(rf"{_DAY}\s{{1,2}}(?:of\s{{1,2}})?{_MONTH}{_YEAR}"), _written),
    (_pattern(rf"{_MONTH}\s{{1,2}}{_DAY}{_YEAR}"), _written),
    (_pattern(r"(?P<first>\d{1,2})[/.](?P<second>\d{1,2})(?:[/.](?P<year>\d{4}|\d{2}))"), _slashed),
    (_pattern(r"(?P<first>\d{1,2})/(?P<second>\d{1,2})(?P<year>)"), _slashed),
    (_pattern(r"(?P<named>today|yesterday|tomorrow|(?:the )?day (?:before yesterday|after tomorrow))"), _named),
    (_pattern(rf"{_COUNT}\s{{1,2}}{_UNIT}\s{{1,2}}ago"), _ago),
    (_pattern(rf"in\s{{1,2}}{_COUNT}\s{{1,2}}{_UNIT}"), _ahead),
    (_pattern(rf"(?P<when>last|on|since|next|this|by|until|before)\s{{1,2}}{_WEEKDAY}"), _weekday),
)
