"""axe-core (WCAG 2.2 A and AA and its best practices) on every page and state, in light and in dark."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Live, ask, sign_in
from tests.browser.shop_site import NEVER
from tests.browser.test_desk import customer_asks

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("scheme", ["light", "dark"])]
Visit = Callable[..., Page]
STILL = {"reduced_motion": "reduce"}


def check(page: Page) -> None:
    """Fail with what axe found, by rule and element."""
    page.wait_for_timeout(150)
    found = Axe().run(page).response["violations"]
    assert [(each["id"], node["target"], node["failureSummary"]) for each in found for node in each["nodes"]] == []


def small_targets(page: Page) -> list[str]:
    """What can be pressed and is smaller than 24 by 24 pixels, links inside of sentences aside."""
    return list(
        page.evaluate(
            """() => [...document.querySelectorAll("button, a, input, select, textarea, summary")]
                .filter((node) => node.checkVisibility() && !node.closest(".visually-hidden, .file, .skip"))
                .filter((node) => !(node.matches("a") && node.closest("p, td, .bubble, li > :not(a)")))
                .filter((node) => !node.matches("[type=checkbox]"))
                .filter((node) => {
                    const { width, height } = node.getBoundingClientRect();
                    return width > 0 && Math.min(width, height) < 23.5;
                })
                .map((node) => node.outerHTML.slice(0, 120))"""
        )
    )


@pytest.mark.parametrize("colour", ["#1f5c4d", "#ffd400", "#7a7a7a", "#ffffff", "#000000", "#d0006f"])
def test_the_chat_in_every_state(serve: Callable[..., Live], visit: Visit, scheme: str, colour: str) -> None:
    live = serve(brand_colour=colour)
    page = visit(f"{live.address}/widget/frame", color_scheme=scheme, viewport={"width": 380, "height": 640}, **STILL)
    page.locator("#welcome").wait_for()
    check(page)
    ask(page, "What does express delivery cost?")
    page.locator(".source").focus()
    expect(page.locator(".preview")).to_be_visible()
    check(page)
    ask(page, "zzz")
    page.locator(".choices").wait_for()
    check(page)
    page.context.set_offline(True)
    ask(page, "Are you there?")
    expect(page.locator("#offline")).to_be_visible()
    page.wait_for_timeout(900)
    check(page)
    page.context.set_offline(False)
    expect(page.locator(".pending")).to_have_count(0, timeout=15_000)
    page.locator("#waiting").wait_for()
    check(page)
    assert small_targets(page) == []
    (conversation,) = live.site.parts.conversations.listing()
    live.site.parts.handoff.take(conversation.id, "Edie")
    live.site.parts.handoff.reply(conversation.id, "Edie", "Hello, see https://wrenfield.example and **this**.")
    page.locator(".message.agent").wait_for()
    check(page)
    live.site.parts.handoff.close(conversation.id, "Edie")
    page.locator("#ended").wait_for()
    check(page)


def test_the_chat_out_of_hours_and_in_trouble(serve: Callable[..., Live], visit: Visit, scheme: str) -> None:
    live = serve(hours=NEVER)
    page = visit(f"{live.address}/widget/frame", color_scheme=scheme, viewport={"width": 380, "height": 640}, **STILL)
    page.locator("#human").click()
    page.locator("#email").wait_for()
    page.locator("#email button").click()
    check(page)
    page.route("**/messages?after=0", lambda route: route.fulfill(status=500, body="{}"))
    page.reload()
    page.locator("#trouble").wait_for()
    check(page)


def test_shop_and_documents(live: Live, visit: Visit, scheme: str) -> None:
    page = visit(live.address, color_scheme=scheme, **STILL)
    check(page)
    assert small_targets(page) == []
    page.goto(f"{live.address}/documents/delivery?version=1&start=70&end=200#quote")
    check(page)
    page.goto(f"{live.address}/documents/nothing")
    check(page)


def test_the_desk(live: Live, visit: Visit, scheme: str) -> None:
    address = live.site.add_person()
    page = visit(f"{live.address}/desk/", color_scheme=scheme, **STILL)
    check(page)
    sign_in(page, address)
    page.locator("#list .empty").wait_for()
    check(page)
    customer_asks(live, "I was hurt, there was smoke from the express kettle")
    page.locator("#list a").wait_for()
    page.keyboard.press("j")
    page.locator(".record summary").click()
    check(page)
    page.keyboard.press("t")
    expect(page.locator("#text")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    page.keyboard.type("A note")
    page.keyboard.press("Control+Enter")
    page.locator(".message.note").wait_for()
    check(page)
    assert small_targets(page) == []
    page.keyboard.press("Escape")
    for key, dialog in (("p", "#pass"), ("z", "#snooze-dialog"), ("?", "#help")):
        page.keyboard.press(key)
        page.locator(f"{dialog}[open]").wait_for()
        check(page)
        assert small_targets(page) == []
        page.keyboard.press("Escape")
    for name in ("knowledge", "releases", "people"):
        page.goto(f"{live.address}/desk/{name}/")
        check(page)
        assert small_targets(page) == []


@pytest.mark.parametrize("width", [320, 1280])
def test_the_desk_does_not_scroll_sideways(live: Live, visit: Visit, scheme: str, width: int) -> None:
    address = live.site.add_person()
    customer_asks(live, "I want a human")
    page = visit(f"{live.address}/desk/", color_scheme=scheme, viewport={"width": width, "height": 720}, **STILL)
    sign_in(page, address)
    page.locator("#list a").click()
    page.locator(".record summary").click()
    sideways = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(sideways) <= 0
    page.locator("#take").click()
    for button, dialog in (("#pass-on", "#pass"), ("#snooze", "#snooze-dialog")):
        page.locator(button).click()
        assert page.locator(f"{dialog}[open]").evaluate("node => node.scrollWidth - node.clientWidth") <= 0
        assert page.evaluate(sideways) <= 0
        page.keyboard.press("Escape")
    for name in ("knowledge", "releases", "people"):
        page.goto(f"{live.address}/desk/{name}/")
        assert page.evaluate(sideways) <= 0
