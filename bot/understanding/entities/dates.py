"""Dates in messages: ISO, written out, with slashes, ranges, and relative to a day that is passed in.

What is missing is read from the sentence: "on Friday" lies behind after "ordered" and ahead after "can you come".
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from bot.understanding.entities.tense import AHEAD, BEHIND, tense

Found = tuple[date, int, int]

PLAUSIBLE_DAYS = 250
"""A date without a year is the nearest one, unless the sentence says the other way and that is not further away."""

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_COUNTED = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_NUMBERS = {word: number for number, word in enumerate(_COUNTED)} | {
    "a": 1,
    "an": 1,
    "couple of": 2,
    "a couple of": 2,
}

_SPACE = r"[\s\u00a0\u202f]"
_GAP = rf"{_SPACE}{{1,2}}"
_DAY = r"(?P<day>\d{1,2})(?P<ordinal>st|nd|rd|th)?"
_MONTH = (
    r"(?P<month>january|february|march|april|may|june|july|august|september|october|november|december"
    rf"|sept|{'|'.join(_MONTHS)})\b(?:\.(?=\s\d))?"
)
_YEAR = rf"(?:,?{_GAP}(?P<year>\d{{4}})(?!\d))?"
_LONG_DAY = "|".join(_WEEKDAYS)
_SHORT_DAY = r"mon|tues?|weds?|thu(?:rs?)?|fri|sat|sun"
_NAMED_DAY = rf"(?:(?:{_LONG_DAY}|{_SHORT_DAY})\b\.?,?{_GAP}(?:the{_GAP})?)?"
_COUNT = (
    rf"(?P<count>\d{{1,3}}|{'|'.join(sorted((word for word in _NUMBERS if word != 'zero'), key=len, reverse=True))})"
)
_UNIT = r"(?P<unit>day|week|fortnight|month|year)s?"
_UP_TO = r"to|until|till|[-–—]"
_TO = rf"{_SPACE}{{0,2}}(?:{_UP_TO}|and){_SPACE}{{0,2}}"
_CUE = re.compile(r"(?:^|\W)(?:on|by|since|from|until|till|before|after|dated?|to|for|of)[:\s]{1,3}(?:the\s)?$", re.I)
_ENDS = re.compile(r"\s{0,2}(?:$|[^\w\s]|(?:and|at|but|or|to|because|please|pls|so|then|i|it|we|they)\b)", re.I)

_UNIT_DAYS = {"day": 1, "week": 7, "fortnight": 14}
_NAMED = {
    r"(?:the )?day before yesterday": -2,
    r"yest[eu]rday|last night": -1,
    r"today|tonight|this (?:morning|afternoon|evening)": 0,
    r"tomm?orr?ow": 1,
    r"(?:the )?day after tomm?orr?ow": 2,
}


@dataclass(frozen=True, slots=True)
class _Place:
    """One match in its sentence, read on the day `today`."""

    match: re.Match[str]
    today: date
    month_first: bool

    def __getitem__(self, name: str) -> str:
        return (self.match[name] or "").lower()

    @property
    def before(self) -> str:
        return self.match.string[max(0, self.match.start() - 80) : self.match.start()]

    @property
    def after(self) -> str:
        return self.match.string[self.match.end() : self.match.end() + 40]

    @property
    def tense(self) -> int:
        return tense(self.before, self.after)


class _NoDate(ValueError):
    """The words stand there, but mean no day."""


def find_dates(text: str, today: date, *, month_first: bool = False) -> Iterator[Found]:
    """Every date with its offsets; impossible ones (31 February) are passed over. They may overlap.

    A day without a year is the nearest one; `month_first` reads 3/4 as March 4 where both are possible. A weekday is
    the last or next one, never today, as the sentence says (`tense`); where it says nothing, the last. The surface
    leaves out prepositions but for "in two weeks", and parts of a day. Durations ("within 14 days"), times, whole
    weeks and whole months are no dates.
    """
    for pattern, read in _READERS:
        for match in pattern.finditer(text):
            try:
                day = read(_Place(match, today, month_first))
            except (ValueError, OverflowError):
                continue
            yield day, *(match.span("at") if "at" in pattern.groupindex else match.span())


def _iso(place: _Place) -> date:
    return date(int(place["year"]), int(place["month"]), int(place["day"]))


def _written(place: _Place) -> date:
    """`May 3` needs an ordinal, a year, a preposition or an end after it, lest "you may 3 times" be a day."""
    bare = not (place["ordinal"] or place["year"] or " of " in place.match[0])
    if bare and place["month"] in ("may", "march", "mar"):
        word = place.match["month"]
        if not (_CUE.search(place.before) or _ENDS.match(place.after) or (word[0].isupper() and _day_first(place))):
            raise _NoDate
    return _with_year(place, int(place["day"]), _MONTHS.index(place["month"][:3]) + 1)


def _day_first(place: _Place) -> bool:
    return place.match.start("day") < place.match.start("month")


def _range_start(place: _Place) -> date:
    """The 3 of "3 to 5 May": the day of the month that the second day names."""
    day, last = int(place["day"]), int(place["last"])
    joined_by_and = "and" in place["joint"]
    if day >= last or (
        joined_by_and and not (place["ordinal"] or re.search(r"between\s(?:the\s)?$", place.before, re.I))
    ):
        raise _NoDate
    end = _with_year(place, last, _MONTHS.index(place["month"][:3]) + 1)
    return end.replace(day=day)


def _range_end(place: _Place) -> date:
    """The 5 of "May 3 to 5"."""
    day, last = int(place["first"]), int(place["day"])
    if day >= last:
        raise _NoDate
    return _with_year(place, day, _MONTHS.index(place["month"][:3]) + 1).replace(day=last)


def _figures(place: _Place) -> date:
    """3/4/2026 or 3/4. Without a year a preposition must say that it is no fraction, or the day be above 12."""
    first, second = int(place["first"]), int(place["second"])
    day, month = (second, first) if place.month_first else (first, second)
    if month > 12 >= day:
        day, month = month, day
    certain = (
        place["year"] or _CUE.search(place.before) or (day > 12 and day == (second if place.month_first else first))
    )
    if not certain or (not place["year"] and (first, second) == (24, 7)):
        raise _NoDate
    return _with_year(place, day, month)


def _with_year(place: _Place, day: int, month: int) -> date:
    year, today = place["year"], place.today
    if year:
        return date(int(year if len(year) == 4 else f"20{year}"), month, day)
    if (month, day) == (2, 29):
        return date(today.year, 2, 29)
    near = [date(today.year + shift, month, day) for shift in (-1, 0, 1)]
    return _nearest(near, today, place.tense)


def _nearest(days: list[date], today: date, said: int) -> date:
    """The day nearest to `today` on the side that is said, if that is plausible."""
    sides = [each for each in days if (each - today).days * said >= 0 and abs((each - today).days) <= PLAUSIBLE_DAYS]
    return min(sides or days, key=lambda each: abs((each - today).days))


def _day_of_month(place: _Place) -> date:
    """`on the 9th`, with nothing after it that it could count."""
    if not (_CUE.search(place.before) and _ENDS.match(place.after)):
        raise _NoDate
    today, near = place.today, []
    for shift in (-1, 0, 1):
        year, month = divmod(today.year * 12 + today.month - 1 + shift, 12)
        if int(place["day"]) <= monthrange(year, month + 1)[1]:
            near.append(date(year, month + 1, int(place["day"])))
    if not near:
        raise _NoDate
    return _nearest(near, today, place.tense)


def _shifted(sign: int) -> Callable[[_Place], date]:
    def read(place: _Place) -> date:
        word, unit, today = place["count"], place["unit"], place.today
        count = sign * (int(word) if word.isdigit() else _NUMBERS[word])
        if unit in _UNIT_DAYS:
            return today + timedelta(days=count * _UNIT_DAYS[unit])
        year, month = divmod(today.year * 12 + today.month - 1 + count * (12 if unit == "year" else 1), 12)
        return date(year, month + 1, min(today.day, monthrange(year, month + 1)[1]))

    return read


def _named(days: int) -> Callable[[_Place], date]:
    return lambda place: place.today + timedelta(days=days)


def _weekday(place: _Place) -> date:
    number = next(number for number, name in enumerate(_WEEKDAYS) if name[:3] == place["weekday"][:3])
    ahead = (number - place.today.weekday()) % 7
    said = {"last": BEHIND, "next": AHEAD, "this": AHEAD, "coming": AHEAD}.get(place["which"].strip(), place.tense)
    return place.today + timedelta(days=(ahead or 7) if said == AHEAD else ahead - 7)


def _short_weekday(place: _Place) -> date:
    """`Sat` and `sun` are words too: they need "on" before them, or a capital and another day."""
    firm = place["which"] or re.search(r"\b(?:on|by|since|until|till|before|after)\s{1,2}$", place.before, re.I)
    other = re.search(r"(?:\b(?:or|and|to|between|from)|[-–/])\s{0,2}$", place.before, re.I)
    if not firm and not (other and place.match["weekday"][0].isupper()):
        raise _NoDate
    return _weekday(place)


def _pattern(source: str) -> re.Pattern[str]:
    """Any case, of ASCII letters alone: lower-cased, ı and ſ would be no key of any table here."""
    return re.compile(rf"(?<![\w/])(?a:{source})(?![\w/]|-\w)", re.IGNORECASE)


_WHICH = rf"(?P<which>(?:last|next|this|coming){_GAP})?"
_READERS: tuple[tuple[re.Pattern[str], Callable[[_Place], date]], ...] = (
    (re.compile(r"(?<![\w/-])(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})(?![\w/-])"), _iso),
    (re.compile(r"(?<![\w/-])(?P<at>(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2}))(?=T\d\d:)"), _iso),
    (_pattern(rf"(?<![.,]){_NAMED_DAY}{_DAY}{_GAP}(?:of{_GAP})?{_MONTH}{_YEAR}"), _written),
    (_pattern(rf"{_NAMED_DAY}{_MONTH}{_GAP}{_DAY}(?!\d){_YEAR}"), _written),
    (
        _pattern(
            rf"(?P<at>{_DAY})(?P<joint>{_TO})(?:the{_GAP})?(?P<last>\d{{1,2}})(?:st|nd|rd|th)?"
            rf"{_GAP}(?:of{_GAP})?{_MONTH}{_YEAR}"
        ),
        _range_start,
    ),
    (
        _pattern(
            rf"{_MONTH}{_GAP}(?P<first>\d{{1,2}})(?:st|nd|rd|th)?{_SPACE}{{0,2}}(?:{_UP_TO}){_SPACE}{{0,2}}"
            rf"(?P<at>{_DAY}){_YEAR}"
        ),
        _range_end,
    ),
    (
        _pattern(
            rf"(?<![\d.-]){_NAMED_DAY}(?P<first>\d{{1,2}})(?P<mark>[/.-])(?P<second>\d{{1,2}})(?P=mark)"
            r"(?P<year>\d{4}|\d{2})(?!\.?\d)"
        ),
        _figures,
    ),
    (_pattern(r"(?<![\d.-])(?P<first>\d{1,2})/(?P<second>\d{1,2})(?P<year>)"), _figures),
    (_pattern(rf"the{_GAP}(?P<day>\d{{1,2}})(?:st|nd|rd|th)"), _day_of_month),
    *((_pattern(f"(?:{source})".replace(" ", _GAP)), _named(days)) for source, days in _NAMED.items()),
    (_pattern(rf"{_COUNT}{_GAP}{_UNIT}{_GAP}ago"), _shifted(-1)),
    (_pattern(rf"in{_GAP}{_COUNT}{_GAP}{_UNIT}(?:['’]?{_GAP}time)?"), _shifted(1)),
    (_pattern(rf"{_COUNT}{_GAP}{_UNIT}{_GAP}(?:from{_GAP}(?:now|today)|today)"), _shifted(1)),
    (_pattern(rf"{_WHICH}(?P<weekday>{_LONG_DAY})"), _weekday),
    (_pattern(rf"{_WHICH}(?P<weekday>{_SHORT_DAY})"), _short_weekday),
)
