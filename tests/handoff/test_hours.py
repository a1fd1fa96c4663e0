"""Opening hours: weekends, holidays, time zones, and how the next opening is said."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.handoff.hours import Hours, spoken

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
