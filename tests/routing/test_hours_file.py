"""The opening hours of `policy.yml` edited in place: what changed is changed, every comment stays, all else is as it
was, and mistakes are told where they stand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import BadInput, Refused
from bot.handoff.hours import DAYS
from bot.routing.hours_file import Problem, WrittenHours, problem_of, with_hours, written_hours
from bot.routing.policy import read_policy
from tests.conftest import ROOT

DEMO = (ROOT / "data" / "policy.yml").read_text("utf-8")
COMMENTED = """# ours
hours:  # of the desk
  timezone: Europe/London  # where we sit
  mon: "08:00-20:00"   # early
  tue: '09:00-17:00'
  # Saturdays were tried
  sat: 09:00-12:00
  holidays:
    # the shop is shut
    - 2026-12-25  # Christmas
    - "2026-12-28"
    - 2027-01-01

flows: [a]  # one
"""
NAMED = """hours:
    mon: "08:00-20:00"
    holidays:
        "2026-12-25": Christmas Day  # as ever
        2026-12-28:   # no name yet
    special:
        2026-12-24: "08:00-14:00"
"""


def changed(text: str, **values: object) -> str:
    return with_hours(text, replace(written_hours(text), **values))  # type: ignore[arg-type]


def week(text: str, **days: str) -> dict[str, str]:
    return {**written_hours(text).week, **days}


def lines(one: str, other: str) -> tuple[list[str], list[str]]:
    """(gone, come): the lines of only one of two texts."""
    a, b = one.splitlines(), other.splitlines()
    return [each for each in a if each not in b], [each for each in b if each not in a]


def test_hours_are_read_as_they_are_written() -> None:
    hours = written_hours(COMMENTED)
    assert (hours.timezone, hours.week["tue"], hours.week["wed"]) == ("Europe/London", "09:00-17:00", "closed")
    assert hours.holidays == {"2026-12-25": "", "2026-12-28": "", "2027-01-01": ""}
    assert written_hours(NAMED).holidays == {"2026-12-25": "Christmas Day", "2026-12-28": ""}
    assert written_hours("flows: [a]\n") == WrittenHours("UTC", dict.fromkeys(DAYS, "closed"))


def test_nothing_changed_is_nothing_written() -> None:
    for text in (DEMO, COMMENTED, NAMED):
        assert with_hours(text, written_hours(text)) == text


def test_one_day_is_one_line() -> None:
    assert lines(COMMENTED, changed(COMMENTED, week=week(COMMENTED, mon="07:30-20:00"))) == (
        ['  mon: "08:00-20:00"   # early'],
        ['  mon: "07:30-20:00"   # early'],
    )
    assert lines(COMMENTED, changed(COMMENTED, week=week(COMMENTED, sat="closed", thu="10:00-11:00"))) == (
        ["  sat: 09:00-12:00"],
        ['  thu: "10:00-11:00"', "  sat: closed"],
    )
    assert lines(COMMENTED, changed(COMMENTED, timezone="Asia/Tokyo"))[1] == ["  timezone: Asia/Tokyo  # where we sit"]


def test_days_keep_their_order() -> None:
    text = changed(COMMENTED, week=week(COMMENTED, wed="10:00-11:00", thu="10:00-11:00", sun="10:00-11:00"))
    assert [line.split(":")[0].strip() for line in text.splitlines() if '"10:00' in line] == ["wed", "thu", "sun"]
    assert text.index("tue:") < text.index("wed:") < text.index("# Saturdays") < text.index("sun:")
    assert written_hours(text).week["sun"] == "10:00-11:00"


def test_holidays_come_and_go_line_by_line() -> None:
    kept = {"2026-12-24": "", "2026-12-25": "", "2026-12-30": "", "2027-01-01": ""}
    assert lines(COMMENTED, changed(COMMENTED, holidays=kept)) == (
        ['    - "2026-12-28"'],
        ['    - "2026-12-24"', '    - "2026-12-30"'],
    )


def test_holidays_get_names_and_keep_their_comments() -> None:
    named = changed(COMMENTED, holidays={"2026-12-25": "Christmas: closed", "2026-12-28": "", "2027-01-01": ""})
    assert '    "2026-12-25": "Christmas: closed"  # Christmas\n' in named
    assert "    # the shop is shut\n" in named
    flow = changed(DEMO, holidays={**written_hours(DEMO).holidays, "2026-12-25": "Christmas Day"})
    assert '  holidays:\n    "2026-12-25": "Christmas Day"\n    "2026-12-28": ""\n' in flow
    assert read_policy(flow, "x").hours.holidays.keys() == read_policy(DEMO, "x").hours.holidays.keys()
    assert lines(DEMO, flow)[0] == [line for line in DEMO.splitlines() if line.startswith("  holidays:")]


def test_named_holidays_and_special_hours() -> None:
    text = changed(NAMED, holidays={"2026-12-25": "Christmas", "2026-12-28": "Boxing Day"}, special={})
    assert '        "2026-12-25": Christmas  # as ever\n' in text
    assert '"2026-12-28": "Boxing Day"   # no name yet' in text
    assert text.endswith("    special:\n")
    again = changed(text, special={"2026-12-31": "08:00-13:00"})
    assert '    special:\n      "2026-12-31": "08:00-13:00"\n' in again
    assert read_policy(again, "x").hours.special


@pytest.mark.parametrize("text", ["", "flows: [a]", "hours:\nflows: [a]\n", 'hours: {mon: "08:00-09:00"}  # x\n'])
def test_hours_that_are_not_there_yet(text: str) -> None:
    done = changed(
        text, timezone="Europe/Paris", week=dict.fromkeys(DAYS, "08:00-20:00"), holidays={"2026-12-25": "Noël #1"}
    )
    assert written_hours(done).timezone == "Europe/Paris"
    assert read_policy(done, "x").hours.holidays
    assert ("# x" in done) == ("# x" in text)


def test_line_endings_stay_as_they_are() -> None:
    crlf = COMMENTED.replace("\n", "\r\n")
    done = changed(crlf, week=week(crlf, wed="10:00-11:00"), holidays={"2026-12-25": "a b", "2027-05-05": ""})
    assert "\n" not in done.replace("\r\n", "")
    assert done.replace("\r\n", "\n") == changed(
        COMMENTED, week=week(COMMENTED, wed="10:00-11:00"), holidays={"2026-12-25": "a b", "2027-05-05": ""}
    )


def test_comments_are_rather_kept_than_the_edit_made() -> None:
    inside = 'hours:\n  holidays: ["2026-12-25",  # Christmas\n    "2026-12-28"]\n'
    with pytest.raises(Refused, match="line 2 has comments inside"):
        changed(inside, holidays={})
    with pytest.raises(BadInput, match="not readable as UTF-8 YAML"):
        with_hours("hours: [", written_hours(""))


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([DEMO, COMMENTED, NAMED, "", "hours:\n- a\n"]),
    st.dictionaries(st.sampled_from(DAYS), st.sampled_from(["closed", "08:00-12:00", "yes", "a # b", 'x"y', "~"])),
    st.dictionaries(st.dates().map(str), st.text(max_size=12)),
    st.dictionaries(st.dates().map(str), st.sampled_from(["08:00-09:00", "", "null", "[", "'"])),
)
def test_whatever_is_written_is_read_back(
    text: str, days: dict[str, str], holidays: dict[str, str], special: dict[str, str]
) -> None:
    wanted = WrittenHours("Europe/London", {**written_hours(text).week, **days}, holidays, special)
    done = with_hours(text, wanted)
    assert written_hours(done) == wanted
    for comment in ("# ours", "# of the desk", "# where we sit", "# early", "# Saturdays were tried", "# one"):
        assert (comment in done) == (comment in text)


@pytest.mark.parametrize(
    ("values", "says", "fact"),
    [
        ({"week": {"tue": "20:00-08:00"}}, "line 5: opening hours of tue end (08:00) before", "tue"),
        ({"week": {"sun": "8-20"}}, "opening hours of sun look like", "sun"),
        ({"timezone": "Europe/Bristol"}, "line 3: opening hours: 'No time zone found", "timezone"),
        ({"holidays": {"2026-12-25": "", "25 December": ""}}, "a day looks like 2026-12-25", "holidays/25 December"),
        ({"special": {"2026-12-24": "8-20"}}, "opening hours of 2026-12-24 look like", "special/2026-12-24"),
        ({"special": {"2026-12-24": "closed"}}, "a day that is closed is a holiday", "special/2026-12-24"),
        (
            {"special": {"2026-12-25": "08:00-09:00"}},
            "2026-12-25 is a holiday and has special hours",
            "special/2026-12-25",
        ),
    ],
)
def test_a_mistake_is_told_by_the_reader_of_every_policy(values: dict[str, object], says: str, fact: str) -> None:
    if "week" in values:
        values = {"week": week(COMMENTED, **values["week"])}  # type: ignore[arg-type]
    found = problem_of(changed(COMMENTED, **values))
    assert found is not None
    assert says in found.says
    assert found.fact == fact


def test_a_mistake_elsewhere_belongs_to_no_field() -> None:
    assert problem_of(COMMENTED) is None
    assert problem_of("floes: [a]\n") == Problem(
        says=str(problem_of("floes: [a]\n").says),  # type: ignore[union-attr]
        fact="",
    )
