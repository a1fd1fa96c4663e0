"""The opening hours page in Chromium: edited by keyboard, told back, refused where somebody was quicker; clean, and
narrow enough in both themes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from bot.console.hours import SPARE_ROWS
from bot.routing.hours_file import written_hours
from tests.browser.conftest import Live, sign_in
from tests.browser.test_accessibility import STILL, check, small_targets
from tests.browser.test_around import SIDEWAYS

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]


def at_the_page(live: Live, visit: Visit, name: str = "Maud Wren", role: str = "admin", **options: object) -> Page:
    page = visit(f"{live.address}/desk/", **options)
    sign_in(page, live.site.add_person(name, role))
    page.goto(f"{live.address}/desk/hours/")
    return page


def test_hours_are_edited_by_keyboard_and_told_back(serve: Callable[..., Live], visit: Visit) -> None:
    live = serve(hours=None)
    page, other = at_the_page(live, visit), at_the_page(live, visit, "Olga Wren", "owner")
    page.locator("[name=open-sun]").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.type("1000AM")
    page.locator("[name=to-sun]").fill("16:00")
    page.locator("[data-more=holidays]").click()
    rows = page.locator("[name=holiday-date]")
    policy = live.site.parts.settings.data / "policy.yml"
    expect(rows).to_have_count(len(written_hours(policy.read_text("utf-8")).holidays) + SPARE_ROWS + 1)
    expect(rows.last).to_be_focused()
    rows.last.fill("2026-12-26")
    page.locator("[name=holiday-name]").last.fill("Boxing Day")
    page.locator("#hours button[type=submit]").click()
    expect(page.locator("#result")).to_contain_text("Saved")
    hours = written_hours(policy.read_text("utf-8"))
    assert (hours.week["sun"], hours.holidays["2026-12-26"]) == ("10:00-16:00", "Boxing Day")
    expect(page.locator("[name=holiday-date]").nth(sorted(hours.holidays).index("2026-12-26"))).to_have_value(
        "2026-12-26"
    )
    expect(page.locator("[name=from-sun]")).to_be_visible()
    page.locator("[name=open-sun]").uncheck()
    expect(page.locator("[name=from-sun]")).to_be_hidden()
    other.locator("[name=to-sat]").fill("18:00")
    other.locator("#hours button[type=submit]").click()
    expect(other.locator("#overtaken-title")).to_be_visible()
    expect(other.locator("main")).to_contain_text("Maud Wren saved other hours")
    expect(other.locator("[name=to-sat]")).to_have_value("18:00")
    other.locator("[name=from-mon]").fill("21:00")
    other.locator("#hours button[type=submit]").click()
    expect(other.locator("#problem")).to_contain_text("opening hours of mon end (20:00) before they begin (21:00)")
    expect(other.locator("[name=from-mon]")).to_have_attribute("aria-describedby", "problem")
    other.locator("[name=from-mon]").fill("09:00")
    other.locator("#hours button[type=submit]").click()
    expect(other.locator("#result")).to_contain_text("Saved")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_clean_and_narrow_enough(live: Live, visit: Visit, scheme: str) -> None:
    page = at_the_page(live, visit, color_scheme=scheme, **STILL)
    page.locator("[name=to-mon]").fill("07:00")
    page.locator("#hours button[type=submit]").click()
    expect(page.locator("#problem")).to_be_visible()
    reader = at_the_page(live, visit, "Vera Wren", "viewer", color_scheme=scheme, **STILL)
    for each in (page, reader):
        for width in (1280, 320):
            each.set_viewport_size({"width": width, "height": 800})
            check(each)
            assert each.evaluate(SIDEWAYS) == []
            assert small_targets(each) == []
