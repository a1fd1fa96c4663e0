"""The opening hours page: what it shows, what it writes and keeps, whom it lets, and saves that meet."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from bot.console.hours import differences, label
from bot.handoff.hours import DAYS
from bot.routing.hours_file import written_hours
from bot.routing.policy import load_policy
from tests.browser.shop_site import Site, make_site
from tests.console.test_desk import MAUD, csrf, signed_in

WEEK = dict.fromkeys(DAYS[:5], "08:00-20:00") | {"sat": "09:00-17:00"}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = make_site(tmp_path, hours=None)
    yield made
    made.close()


@pytest.fixture
def desk(site: Site) -> FlaskClient:
    site.add_person()
    return signed_in(site, MAUD)


def policy(site: Site) -> Path:
    return site.parts.settings.data / "policy.yml"


def page(desk: FlaskClient) -> str:
    return unescape(desk.get("/desk/hours/").text)


def base(desk: FlaskClient) -> str:
    found = re.search(r'name="base" value="([0-9a-f]{16})"', page(desk))
    assert found
    return found[1]


def fields(week: dict[str, str], **more: Any) -> dict[str, Any]:
    """The form as a browser sends it."""
    sent: dict[str, Any] = {"timezone": "Europe/London"}
    for day, written in week.items():
        opens, closes = written.split("-")
        sent |= {f"open-{day}": "yes", f"from-{day}": opens, f"to-{day}": closes}
    return sent | more


def save(desk: FlaskClient, form: dict[str, Any], *, since: str | None = None) -> Any:
    data = {"csrf": csrf(desk)["X-CSRF-Token"], "base": base(desk) if since is None else since, **form}
    return desk.post("/desk/hours/save", data=data)


HOLIDAYS = {
    "holiday-date": ["2026-12-25", "2027-01-01", "", "2026-12-28"],
    "holiday-name": ["Christmas  Day", "", "no date", "<b>Boxing</b>"],
}


def test_saving_edits_the_file_in_place_and_is_told_as_customers_are(site: Site, desk: FlaskClient) -> None:
    before = policy(site).read_text("utf-8")
    open_now = dict.fromkeys(DAYS, "00:00-23:59")
    assert save(desk, fields(open_now, **HOLIDAYS)).headers["Location"] == "/desk/hours/?done=file"
    shown = unescape(desk.get("/desk/hours/?done=file").text)
    assert "Nothing is live yet, so they hold at once" in shown
    assert "open until 23:59" in shown
    assert "They are all away from the desk for a moment" in shown
    assert 'value="<b>Boxing</b>"' in shown
    assert "<b>Boxing" not in desk.get("/desk/hours/").text
    after = policy(site).read_text("utf-8")
    assert [line for line in before.splitlines() if line.startswith("#")] == [
        line for line in after.splitlines() if line.startswith("#")
    ]
    assert written_hours(after).holidays == {
        "2026-12-25": "Christmas Day",
        "2026-12-28": "<b>Boxing</b>",
        "2027-01-01": "",
    }
    assert after.partition("costs:")[2] == before.partition("costs:")[2]
    assert save(desk, fields({})).status_code == 303
    assert "closed, opens when we are back" in page(desk)
    assert "Nobody is at the desk right now; we are back when we are back" in page(desk)
    assert not [each for each in policy(site).parent.iterdir() if "partial" in each.name]


def test_what_changed_stands_in_the_audit_log(site: Site, desk: FlaskClient) -> None:
    holidays = written_hours(policy(site).read_text("utf-8")).holidays
    kept = {"holiday-date": [*holidays], "holiday-name": [*holidays.values()]}
    assert save(desk, fields(WEEK | {"sat": "10:00-16:00"}, **kept)).status_code == 303
    assert save(desk, fields(WEEK | {"sat": "10:00-16:00"}, **kept)).status_code == 303
    (row,) = site.parts.desk.audit.listing(what="setting_changed")
    assert (row.who, row.subject, row.before) == ("Maud Wren", "opening hours", {"sat": "09:00-17:00"})
    assert row.after == {"sat": "10:00-16:00", "file": load_policy(policy(site)).hash}


@pytest.mark.parametrize(
    ("form", "says", "where"),
    [
        (
            fields(WEEK | {"tue": "20:00-08:00"}),
            "opening hours of tue end (08:00) before they begin (20:00)",
            "from-tue",
        ),
        (fields(WEEK | {"sun": "-"}), "opening hours of sun look like 08:00-20:00 or closed", "from-sun"),
        (fields(WEEK, timezone="Europe/Bristol"), "a time zone looks like Europe/London", "timezone"),
        (
            fields(WEEK, **HOLIDAYS | {"holiday-date": ["2026-13-25"] * 1}),
            "a day looks like 2026-12-25",
            "holiday-date",
        ),
        (
            fields(WEEK, **{"special-date": "2026-12-24", "special-from": "14:00", "special-to": "08:00"}),
            "opening hours of 2026-12-24 end (08:00) before they begin",
            "special-date",
        ),
        (
            fields(WEEK, **{"holiday-date": ["2026-12-24"] * 2, "holiday-name": ["a", "b"]}),
            "stands there twice",
            "holiday-date",
        ),
    ],
)
def test_a_mistake_is_shown_at_its_field_and_nothing_is_written(
    site: Site, desk: FlaskClient, form: dict[str, Any], says: str, where: str
) -> None:
    before = policy(site).read_bytes()
    answer = save(desk, form)
    assert answer.status_code == 400
    shown = unescape(answer.text)
    assert says in shown
    assert "stands there twice" in says or re.search(r"policy\.yml, line \d+: ", shown)
    assert re.search(rf'name="{where}"[^>]*aria-invalid="true" aria-describedby="problem"', shown)
    assert policy(site).read_bytes() == before
    assert site.parts.desk.audit.listing(what="setting_changed") == ()


def test_a_save_over_a_newer_file_shows_both_sides(site: Site, desk: FlaskClient) -> None:
    old = base(desk)
    assert save(desk, fields(WEEK | {"sat": "10:00-16:00"})).status_code == 303
    written = policy(site).read_bytes()
    refused = save(desk, fields(WEEK | {"sat": "11:00-12:00", "sun": "11:00-12:00"}), since=old)
    shown = unescape(refused.text)
    assert refused.status_code == 409
    assert policy(site).read_bytes() == written
    assert "Maud Wren saved other hours at" in shown
    assert re.search(r"Saturday</th><td>10:00-16:00</td><td>11:00-12:00<", shown)
    assert re.search(r"Sunday</th><td>closed</td><td>11:00-12:00<", shown)
    again = re.search(r'name="base" value="([0-9a-f]{16})"', shown)
    assert again
    assert save(desk, fields(WEEK | {"sat": "11:00-12:00"}), since=again[1]).status_code == 303
    assert written_hours(policy(site).read_text("utf-8")).week["sat"] == "11:00-12:00"
    old = base(desk)
    policy(site).write_text(policy(site).read_text("utf-8") + "# by hand\n", "utf-8")
    assert "The file was changed outside of the desk" in save(desk, fields(WEEK), since=old).text


def test_a_file_that_is_broken_is_told_and_left_alone(site: Site, desk: FlaskClient) -> None:
    policy(site).write_text("hours:\n  mon: [\n", "utf-8")
    shown = desk.get("/desk/hours/")
    assert (shown.status_code, "not readable as UTF-8 YAML" in unescape(shown.text)) == (400, True)
    assert "<form method" not in shown.text.partition("<main")[2]
    token = csrf(desk)["X-CSRF-Token"]
    assert desk.post("/desk/hours/save", data={"csrf": token, **fields(WEEK)}).status_code == 400
    policy(site).unlink()
    assert desk.get("/desk/hours/").status_code == 400
    assert desk.post("/desk/hours/save", data={"csrf": token, **fields(WEEK)}).status_code == 400


def test_dates_as_somebody_may_write_them_are_kept(site: Site, desk: FlaskClient) -> None:
    file = policy(site)
    file.write_text(re.sub(r"holidays: .*", "holidays: [20270101, 2026-12-25]", file.read_text("utf-8")), "utf-8")
    dates = re.findall(r'name="holiday-date" aria-label="Closed day" value="([^"]+)"', page(desk))
    assert dates == ["2026-12-25", "2027-01-01"]
    assert save(desk, fields(WEEK, **{"holiday-date": dates, "holiday-name": ["", ""]})).status_code == 303
    assert {str(day) for day in load_policy(file).hours.holidays} == set(dates)


def test_others_read_the_hours_and_change_nothing(site: Site, desk: FlaskClient) -> None:
    for role in ("viewer", "agent"):
        client = signed_in(site, site.add_person(f"{role.title()} Wren", role))
        shown = client.get("/desk/hours/").text
        assert "08:00-20:00" in shown
        assert "/desk/hours/save" not in shown
        assert save_as(client).status_code == 403
    assert policy(site).read_text("utf-8").count("08:00-20:00") == 5


def save_as(client: FlaskClient) -> Any:
    return client.post("/desk/hours/save", data={"csrf": csrf(client)["X-CSRF-Token"], **fields({})})


def test_saved_hours_are_a_release_or_wait_for_the_one_that_is_built(site: Site, desk: FlaskClient) -> None:
    """The release holds no models, which hours do not need; that a process takes such a release is shown in
    tests/releases/test_hours.py."""
    registry = site.parts.registry
    parts = {}
    for kind in ("encoder", "intents", "knowledge", "router"):
        folder = registry.staging(kind)
        (folder / "policy.yml").write_bytes(policy(site).read_bytes())
        parts[kind] = registry.add_part(kind, folder)
    first = registry.create(parts, note="first").id
    registry.promote(first, by="test")
    assert save(desk, fields(WEEK | {"sat": "10:00-16:00"})).headers["Location"] == "/desk/hours/?done=live"
    second = registry.current_id() or ""
    assert (registry.manifest(second).parent, registry.history()[0]["by"]) == (first, "Maud Wren")
    promoted = site.parts.desk.audit.listing(what="release_promoted")
    assert (promoted[0].subject, promoted[0].who) == (second, "Maud Wren")
    assert "What is live has other hours" not in page(desk)
    with registry.lock():
        assert save(desk, fields(WEEK)).headers["Location"] == "/desk/hours/?done=later"
        assert save(desk, fields(WEEK | {"sun": "10:00-16:00"})).headers["Location"] == "/desk/hours/?done=later"
    assert registry.current_id() == second
    (job,) = site.parts.jobs.listing()
    assert (job.kind, job.payload) == ("hours", {"by": "Maud Wren"})
    assert re.search(r"Saturday</th><td>10:00-16:00</td><td>09:00-17:00<", page(desk))
    assert save(desk, fields(WEEK | {"sun": "10:00-16:00"})).headers["Location"] == "/desk/hours/?done=live"
    assert "What is live has other hours" not in page(desk)
    assert registry.current_id() not in (first, second)


def test_hours_are_kept_where_the_live_release_is_damaged(site: Site, desk: FlaskClient) -> None:
    (site.parts.registry.folder / "current.json").write_text("{", "utf-8")
    assert desk.get("/desk/hours/").status_code == 200
    refused = save(desk, fields(WEEK | {"sat": "10:00-16:00"}))
    assert (refused.status_code, "is not a pointer" in refused.text) == (409, True)
    assert written_hours(policy(site).read_text("utf-8")).week["sat"] == "10:00-16:00"


def test_of_saves_at_one_moment_one_is_taken(site: Site, desk: FlaskClient) -> None:
    others = [desk, *(signed_in(site, site.add_person(f"{name} Wren", "admin")) for name in ("Ann", "Ben", "Cat"))]
    old = base(desk)
    tokens = [csrf(each)["X-CSRF-Token"] for each in others]
    statuses: list[int] = []

    def send(number: int) -> None:
        form = {"csrf": tokens[number], "base": old, **fields(WEEK | {"sat": f"1{number}:00-16:00"})}
        statuses.append(others[number].post("/desk/hours/save", data=form).status_code)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(len(others))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [303, 409, 409, 409]
    assert len(site.parts.desk.audit.listing(what="setting_changed")) == 1
    assert load_policy(policy(site)).hours


def test_labels_and_differences() -> None:
    one = written_hours("hours:\n  mon: 08:00-09:00\n  holidays: {2026-12-25: Christmas, 2026-12-26: }\n")
    other = written_hours("hours:\n  timezone: Asia/Tokyo\n  special: {2026-12-24: 08:00-09:00}\n")
    found = {each.label: (each.theirs, each.ours) for each in differences(one, other)}
    assert found == {
        "Time zone": ("UTC", "Asia/Tokyo"),
        "Monday": ("08:00-09:00", "closed"),
        "2026-12-25, closed": ("Christmas", "not there"),
        "2026-12-26, closed": ("closed", "not there"),
        "2026-12-24, other hours": ("not there", "08:00-09:00"),
    }
    assert label("elsewhere") == "elsewhere"
