"""Around the conversation, in Chromium: canned replies and mentions by keyboard, FAQ rows in two clicks, scores,
copies, who is writing; every page with axe in both themes, and at 320 pixels."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from bot.store.audit import COMMAND_LINE
from tests.browser.conftest import Live, ask, sign_in
from tests.browser.test_accessibility import STILL, check, small_targets
from tests.browser.test_desk import at_the_desk, customer_asks

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]
PAGES = ("people", "canned", "channels", "tokens", "audit", "search/?q=kettle", "suggestions")
SIDEWAYS = """() => document.documentElement.scrollWidth <= document.documentElement.clientWidth ? [] :
    [...document.querySelectorAll("*")].filter((each) => each.getBoundingClientRect().right > innerWidth + 0.5)
        .map((each) => each.outerHTML.slice(0, 90))"""
"""What sticks out where a page scrolls sideways."""


def hold(live: Live, page: Page, text: str) -> str:
    """A conversation that the signed-in agent has taken; its id."""
    id = customer_asks(live, text).id
    page.locator(f"[data-id='{id}']").click()
    page.locator("#take").click()
    expect(page.locator("#text")).to_be_focused()
    return id


def test_a_canned_reply_is_inserted_by_keyboard_and_not_sent_unfilled(live: Live, visit: Visit) -> None:
    page = at_the_desk(live, visit)
    id = hold(live, page, "I want a human")
    page.keyboard.type("/ord")
    options = page.locator("#suggest li")
    expect(options).to_have_count(2)
    page.keyboard.press("ArrowDown")
    expect(page.locator("#text")).to_have_attribute("aria-activedescendant", "suggest-1")
    page.keyboard.press("ArrowUp")
    expect(options.first).to_have_attribute("aria-selected", "true")
    expect(options.first).to_contain_text("Order found")
    page.keyboard.press("Enter")
    expect(page.locator("#text")).to_have_value(re.compile(r"order \{order_number\}, \{customer\}"))
    expect(page.locator("#unfilled")).to_contain_text("{order_number} is not known here")
    page.keyboard.press("Control+Enter")
    page.locator("#send").click()
    assert not [each for each in live.site.parts.conversations.log(id) if each.participant == "agent"]
    page.keyboard.type("WF-200001")
    expect(page.locator("#unfilled")).to_contain_text("{customer}")
    page.locator("#text").fill("/")
    expect(options).to_have_count(7)
    page.keyboard.press("Escape")
    expect(page.locator("#suggest")).to_be_hidden()
    expect(page.locator("#text")).to_be_focused()
    page.locator("#text").fill("Either/or works.")
    expect(page.locator("#suggest")).to_be_hidden()
    page.keyboard.press("Control+Enter")
    expect(page.locator(".message.agent")).to_contain_text("Either/or works.")


def test_a_colleague_is_named_in_a_note_and_their_desk_shows_it(live: Live, visit: Visit) -> None:
    page = at_the_desk(live, visit)
    edie = at_the_desk(live, visit, "Edie Park")
    id = hold(live, page, "I want a human")
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    page.keyboard.type("Could you look, @ed")
    expect(page.locator("#suggest li")).to_have_text("Edie Park")
    page.keyboard.press("Tab")
    page.keyboard.type("please?")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".message.note")).to_contain_text("Could you look, @Edie Park please?")
    expect(edie.locator("#named a")).to_contain_text("Maud Wren named you")
    edie.locator("#named a").click()
    expect(edie.locator(".message.note")).to_be_visible()
    expect(edie.locator("#named a")).to_have_count(0)
    assert f"/desk/conversations/{id}" in edie.url


def test_a_reply_becomes_a_faq_row_in_two_clicks(live: Live, visit: Visit) -> None:
    page = at_the_desk(live, visit)
    hold(live, page, "I want a human. May dogs come into the shop?")
    page.keyboard.type("Dogs may come in, on a lead.")
    page.keyboard.press("Control+Enter")
    page.locator(".as-row").click()
    expect(page.locator("#question")).to_have_value("I want a human. May dogs come into the shop?")
    expect(page.locator("#answer")).to_have_value("Dogs may come in, on a lead.")
    page.locator("main button[type=submit]").click()
    page.locator("#log").wait_for()
    page.goto(f"{live.address}/desk/suggestions/")
    page.get_by_label("Question").fill("May dogs come into the shop?")
    page.get_by_role("button", name="Approve and publish").click()
    expect(page.locator("#approved-title")).to_be_visible()
    assert "on a lead" in live.site.parts.library.get("faq-from-replies").text


def test_the_customer_gives_a_score_once_and_keeps_a_copy(live: Live, visit: Visit) -> None:
    chat = visit(f"{live.address}/widget/frame", viewport={"width": 380, "height": 700})
    chat.locator("#welcome").wait_for()
    ask(chat, "I want a human")
    chat.locator("#waiting").wait_for()
    page = at_the_desk(live, visit)
    page.locator("#list a").click()
    page.locator("#take").click()
    expect(page.locator("#text")).to_be_focused()
    page.keyboard.type("Hello there")
    expect(chat.locator("#typing")).to_be_visible()
    expect(chat.locator("#status")).to_have_text("Maud Wren is writing")
    page.keyboard.press("Control+Enter")
    chat.locator(".message.agent").wait_for()
    expect(chat.locator("#typing")).to_be_hidden()
    chat.locator("#text").type("Thank")
    expect(page.locator("#writing")).to_be_visible()
    page.locator("#close").click()
    chat.locator("#thoughts").wait_for()
    with chat.expect_download() as saved:
        chat.locator("#keep-text").click()
    assert "Hello there" in saved.value.path().read_text("utf-8")
    chat.locator("#thoughts button[type=submit]").click()
    expect(chat.locator("#thoughts-error")).to_have_text("Choose a number from 1 to 5.")
    chat.keyboard.press("ArrowRight")
    chat.locator("[name=score][value='4']").check()
    chat.locator("#comment").fill("Kind, <b>and</b> quick")
    chat.locator("#thoughts button[type=submit]").click()
    expect(chat.locator("#thanked")).to_be_visible()
    chat.reload()
    chat.locator("#ended").wait_for()
    expect(chat.locator("#thoughts")).to_be_hidden()
    expect(page.locator("#around")).to_contain_text("Kind, <b>and</b> quick")
    expect(page.locator("#average")).to_have_text("★ 4.0 of 5 (1)")


def test_the_desk_knows_the_page_the_customer_is_on(live: Live, visit: Visit) -> None:
    shop = visit(f"{live.address}/?secret=1#top")
    shop.locator("#firstline button").click()
    chat = shop.frame_locator("iframe")
    chat.locator("#welcome").wait_for()
    ask(chat, "I want a human")
    chat.locator("#waiting").wait_for()
    page = at_the_desk(live, visit)
    page.locator("#list a").click()
    link = page.locator("#around a").first
    expect(link).to_have_attribute("href", f"{live.address}/")


def test_a_viewer_reads_and_is_offered_nothing_to_write(live: Live, visit: Visit) -> None:
    waiting = customer_asks(live, "I want a human")
    page = visit(f"{live.address}/desk/")
    sign_in(page, live.site.add_person("Vera Wren", "viewer"))
    page.locator("#list a").click()
    page.locator(".message.customer").wait_for()
    expect(page.locator("#answer")).to_be_hidden()
    expect(page.locator("#take")).to_be_hidden()
    expect(page.locator(".as-row")).to_have_count(0)
    page.keyboard.press("t")
    page.keyboard.press("n")
    page.locator("#around").wait_for()
    assert live.site.parts.conversations.get(waiting.id).owner == "waiting"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_clean_and_narrow_enough(live: Live, visit: Visit, scheme: str) -> None:
    parts = live.site.parts
    address = live.site.add_person()
    live.site.add_person("Edie Park-Longname of Somewhere", "agent")
    asked = customer_asks(live, "My kettle leaks and I want a human, please, because " + "it is long " * 20)
    parts.conversations.leave_email(asked.id, "ada@post.example")
    customer_asks(live, "My kettle leaks as well", name="ben")
    parts.conversations.leave_email(parts.conversations.find("web", "key-ben").id, "ada@post.example")  # type: ignore[union-attr]
    parts.desk.audit.record(COMMAND_LINE, "setting_changed", "hours", {"monday": "08:00-20:00"}, {"monday": "closed"})
    parts.desk.tokens.issue("night report", "read", by=COMMAND_LINE)
    parts.handoff.take(asked.id, "Maud Wren")
    said = parts.handoff.reply(asked.id, "Maud Wren", "Call me on 020 7183 8750 about it.")
    page = visit(f"{live.address}/desk/", color_scheme=scheme, **STILL)
    sign_in(page, address)
    review = f"suggestions/review?conversation={asked.id}&seq={said.seq}"
    page.goto(f"{live.address}/desk/{review}")
    page.locator("[name=keep]").check()
    page.locator("main button[type=submit]").click()
    page.locator("#log").wait_for()
    size = {"light": {"width": 1280, "height": 860}, "dark": {"width": 320, "height": 720}}[scheme]
    page.set_viewport_size(size)
    for path in (*PAGES, review, "audit/?check=yes"):
        page.goto(f"{live.address}/desk/{path}{'' if '?' in path else '/'}")
        check(page)
        page.set_viewport_size({"width": 320, "height": 720})
        page.wait_for_timeout(50)
        assert page.evaluate(SIDEWAYS) == [], path
        assert small_targets(page) == [], path
        page.set_viewport_size(size)
    page.set_viewport_size({"width": 1280, "height": 860})
    page.goto(f"{live.address}/desk/conversations/{asked.id}")
    page.locator("#around").wait_for()
    page.locator("#text").fill("/")
    page.locator("#suggest li").first.wait_for()
    check(page)
    assert small_targets(page) == []
    page.locator("#text").fill("")
    page.set_viewport_size({"width": 320, "height": 720})
    expect(page.locator("#facts")).to_be_hidden()
    page.locator("#details").click()
    expect(page.locator("#around")).to_be_visible()
    check(page)
    assert page.evaluate(SIDEWAYS) == []
    page.locator("#around a").first.focus()
    page.keyboard.press("Escape")
    expect(page.locator("#facts")).to_be_hidden()
    page.goto(f"{live.address}/desk/tokens/")
    page.locator("#name").fill("x")
    page.locator("main .fields button").click()
    page.locator("#secret").wait_for()
    check(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_end_of_a_chat_is_clean(live: Live, visit: Visit, scheme: str) -> None:
    chat = visit(f"{live.address}/widget/frame", color_scheme=scheme, viewport={"width": 320, "height": 640}, **STILL)
    chat.locator("#welcome").wait_for()
    ask(chat, "I want a human")
    chat.locator("#waiting").wait_for()
    (conversation,) = live.site.parts.conversations.listing()
    live.site.parts.handoff.take(conversation.id, "Edie")
    live.site.parts.handoff.close(conversation.id, "Edie")
    live.site.parts.wakeup.nudge()
    chat.locator("#thoughts").wait_for()
    check(chat)
    chat.locator("[name=score][value='5']").check()
    check(chat)
    assert [each for each in small_targets(chat) if "radio" not in each] == []
    assert chat.evaluate(SIDEWAYS) == []
