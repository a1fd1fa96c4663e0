"""Opening hours: weekends, holidays, time zones, and how the next opening is said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.errors import BadInput
from bot.handoff.hours import DAYS, Hours, spoken

HOURS = Hours.parse("Europe/London", {"mon": "08:00-20:00", "tue": "08:00-20:00", "sat": "09:00-17:00"}, ["2026-11-24"])


@pytest.mark.parametrize(
    ("moment", "is_open", "said"),
    [
        ("2026-11-23T07:59", False, "today at 08:00"),
        ("2026-11-23T08:00", True, "on Saturday at 09:00"),
        ("2026-11-23T20:00", False, "on Saturday at 09:00"),
        ("2026-11-22T12:00", False, "tomorrow at 08:00"),
        ("2026-07-06T07:30", True, "tomorrow at 08:00"),
    ],
)
def test_open_and_next_open(moment: str, is_open: bool, said: str) -> None:
    now = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert HOURS.is_open(now) is is_open
    assert spoken(HOURS.next_open(now), now) == said


def test_a_desk_that_never_opens_says_so() -> None:
    never = Hours.parse("UTC", {})
    now = datetime(2026, 11, 23, tzinfo=UTC)
    assert never.next_open(now) is None
    assert spoken(None, now) == "when we are back"


def at(moment: str) -> datetime:
    return datetime.fromisoformat(moment).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "minutes", "due"),
    [
        ("2026-11-23T08:00", 60, "2026-11-23T09:00"),
        ("2026-11-23T19:30", 60, "2026-11-28T09:30"),  # the rest of Monday, Tuesday a holiday, then Saturday
        ("2026-11-22T12:00", 30, "2026-11-23T08:30"),
        ("2026-11-23T19:30", 30, "2026-11-23T20:00"),
        ("2026-11-28T16:00", 13 * 60 + 30, "2026-12-01T08:30"),  # an hour of Saturday, all of Monday, then Tuesday
    ],
)
def test_time_at_the_desk_runs_in_opening_hours_only(now: str, minutes: int, due: str) -> None:
    assert HOURS.after(at(now), timedelta(minutes=minutes)) == at(due)


ROUND_THE_CLOCK = dict.fromkeys(DAYS, "00:00-23:59")


@pytest.mark.parametrize(
    ("zone", "week", "now", "is_open", "opens", "in_two_hours"),
    [
        # Clocks go forward in London on 29 March 2026 and back on 25 October; in New York on 8 March and 1 November.
        ("Europe/London", {"sun": "08:00-20:00"}, "2026-03-29T06:59", False, "2026-03-29T07:00", "2026-03-29T09:00"),
        ("Europe/London", {"sun": "08:00-20:00"}, "2026-03-29T19:30", False, "2026-04-05T07:00", "2026-04-05T09:00"),
        ("Europe/London", {"sun": "08:00-20:00"}, "2026-10-25T19:30", True, "2026-11-01T08:00", "2026-11-01T09:30"),
        ("Europe/London", {"sun": "00:30-06:00"}, "2026-03-29T00:45", True, "2026-04-04T23:30", "2026-03-29T02:45"),
        ("Europe/London", {"sun": "00:30-06:00"}, "2026-10-25T00:45", True, "2026-11-01T00:30", "2026-10-25T02:45"),
        ("America/New_York", {"sun": "01:00-03:30"}, "2026-11-01T05:30", True, "2026-11-08T06:00", "2026-11-01T07:30"),
        ("America/New_York", {"sun": "02:30-04:00"}, "2026-03-08T07:40", True, "2026-03-15T06:30", "2026-03-22T06:40"),
        ("Asia/Kathmandu", {"sun": "09:00-10:00"}, "2026-11-22T03:15", True, "2026-11-29T03:15", "2026-11-29T04:15"),
        ("Asia/Tokyo", {"mon": "09:00-18:00"}, "2026-11-22T23:59", False, "2026-11-23T00:00", "2026-11-23T02:00"),
    ],
)
def test_clocks_that_change_and_zones_far_away(
    zone: str, week: dict[str, str], now: str, is_open: bool, opens: str, in_two_hours: str
) -> None:
    hours = Hours.parse(zone, week)
    assert hours.is_open(at(now)) is is_open
    assert hours.next_open(at(now)) == at(opens)
    assert hours.after(at(now), timedelta(hours=2)) == at(in_two_hours)


def test_a_holiday_is_a_day_of_the_desks_own_calendar() -> None:
    hours = Hours.parse("Pacific/Auckland", ROUND_THE_CLOCK, ["2026-12-25"])
    assert hours.is_open(at("2026-12-24T10:58"))
    assert not hours.is_open(at("2026-12-24T11:00"))
    assert not hours.is_open(at("2026-12-25T10:59"))
    assert hours.is_open(at("2026-12-25T11:00"))
    assert spoken(hours.next_open(at("2026-12-24T12:00")), at("2026-12-24T12:00")) == "tomorrow at 00:00"


def test_hours_that_no_clock_shows_are_empty_and_do_no_harm() -> None:
    """From 01:30, which London skips on 29 March, to 02:10, which is 01:10 UTC: the span ends before it begins."""
    hours = Hours.parse("Europe/London", {"sun": "01:30-02:10"})
    assert not hours.is_open(at("2026-03-29T01:15"))
    assert hours.after(at("2026-03-28T12:00"), timedelta(minutes=40)) == at("2026-04-05T01:10")


@pytest.mark.parametrize("written", ["25:00-26:00", "08:00-24:00", "08:60-09:00", "20:00-08:00", "8-20", "open"])
def test_hours_that_make_no_sense_are_refused(written: str) -> None:
    with pytest.raises(BadInput, match="opening hours of mon"):
        Hours.parse("UTC", {"mon": written})


def test_a_desk_that_never_opens_has_no_deadline() -> None:
    assert Hours.parse("UTC", {}).after(at("2026-11-23T08:00"), timedelta(minutes=5)) is None


def test_days_with_hours_of_their_own_and_named_holidays() -> None:
    hours = Hours.parse(
        "Europe/London", {"thu": "08:00-20:00"}, {"2026-12-25": "Christmas Day"}, {"2026-12-24": "09:00-13:00"}
    )
    assert [hours.is_open(at(f"2026-12-24T{clock}")) for clock in ("08:30", "09:00", "12:59", "13:00")] == [
        False,
        True,
        True,
        False,
    ]
    assert hours.closes(at("2026-12-24T10:00")) == at("2026-12-24T13:00")
    assert hours.closes(at("2026-12-24T14:00")) is None
    assert not hours.is_open(at("2026-12-25T10:00"))
    assert hours.next_open(at("2026-12-24T14:00")) == at("2026-12-31T08:00")
    assert set(hours.holidays.values()) == {"Christmas Day"}


def test_a_closed_day_with_hours_is_refused() -> None:
    with pytest.raises(BadInput, match="2026-12-25 is a holiday and has special hours as well"):
        Hours.parse("UTC", {}, ["2026-12-25"], {"2026-12-25": "09:00-13:00"})
    with pytest.raises(BadInput, match="a day that is closed is a holiday"):
        Hours.parse("UTC", {}, special={"2026-12-25": "closed"})
    with pytest.raises(BadInput, match="holidays are a list of dates"):
        Hours.parse("UTC", {}, "2026-12-25")
