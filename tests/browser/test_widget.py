"""The widget in Chromium, against the real application."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Live, ask, open_chat
from tests.browser.shop_site import EXPRESS, NEVER

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]


def test_an_answer_comes_with_a_source_that_opens_at_the_quote(live: Live, visit: Visit) -> None:
    page = visit(live.address)
    chat = open_chat(page)
    ask(chat, "What does express delivery cost?")
    expect(chat.locator(".message.bot .bubble")).to_have_text(EXPRESS)
    chat.locator(".source").hover()
    expect(chat.locator(".preview")).to_be_visible()
    expect(chat.locator(".preview")).to_contain_text(EXPRESS)
    with page.context.expect_page() as opened:
        chat.locator(".source").click()
    document = opened.value
    quote = document.locator("#quote")
    expect(quote).to_have_text(EXPRESS)
    expect(quote).to_be_in_viewport()


def test_a_reload_resumes_the_conversation(live: Live, visit: Visit) -> None:
    page = visit(live.address)
    chat = open_chat(page)
    ask(chat, "What does express delivery cost?")
    chat.locator(".message.bot").wait_for()
    page.reload()
    chat = open_chat(page)
    expect(chat.locator(".message")).to_have_count(2)
    ask(chat, "How long does standard take?")
    expect(chat.locator(".message.bot")).to_have_count(2)
    assert [each.last_seq for each in live.site.parts.conversations.listing()] == [4]


def test_messages_written_offline_are_sent_once_and_in_order(live: Live, visit: Visit) -> None:
    page = visit(live.address)
    chat = open_chat(page)
    ask(chat, "What does express delivery cost?")
    chat.locator(".message.bot").wait_for()
    page.context.set_offline(True)
    for text in ("first", "second", "third"):
        ask(chat, text)
    expect(chat.locator("#offline")).to_be_visible()
    expect(chat.locator(".message.pending")).to_have_count(3)
    page.context.set_offline(False)
    expect(chat.locator(".message.pending")).to_have_count(0, timeout=15_000)
    expect(chat.locator("#offline")).to_be_hidden()
    (conversation,) = live.site.parts.conversations.listing()
    log = live.site.parts.conversations.log(conversation.id)
    said = [message.text for message in log if message.participant == "customer"]
    assert said == ["What does express delivery cost?", "first", "second", "third"]


def test_an_answer_lost_on_the_way_is_not_said_twice(live: Live, visit: Visit) -> None:
    page = visit(live.address)
    chat = open_chat(page)
    lost: list[str] = []

    def lose_the_first(route: Route) -> None:
        if route.request.method == "POST" and not lost:
            lost.append(route.request.url)
            route.fetch()
            route.abort()
        else:
            route.continue_()

    page.route("**/messages", lose_the_first)
    ask(chat, "What does express delivery cost?")
    expect(chat.locator(".message.bot")).to_have_count(1, timeout=15_000)
    expect(chat.locator(".message.customer:not(.pending)")).to_have_count(1)
    assert lost
    (conversation,) = live.site.parts.conversations.listing()
    assert conversation.last_seq == 2


def test_a_message_on_its_way_during_a_reload_stands_there_once(live: Live, visit: Visit) -> None:
    page = visit(live.address)
    chat = open_chat(page)
    stored: list[int] = []

    def store_but_never_tell(route: Route) -> None:
        if route.request.method != "POST":
            route.continue_()
        elif not stored:
            stored.append(route.fetch().status)

    page.route("**/messages", store_but_never_tell)
    ask(chat, "zzz")
    while not stored:
        page.wait_for_timeout(20)
    assert stored == [202]
    with page.expect_request(lambda request: request.method == "POST" and request.url.endswith("/messages")):
        page.reload()
        chat = open_chat(page)
    expect(chat.locator(".message.customer")).to_have_count(1)
    (conversation,) = live.site.parts.conversations.listing()
    assert live.site.parts.conversations.log(conversation.id)[0].text == "zzz"


def test_without_streams_the_widget_polls(serve: Callable[..., Live], visit: Visit) -> None:
    live = serve(max_streams=1)
    slot = live.site.app.extensions["firstline.streams"].take()
    page = visit(live.address)
    chat = open_chat(page)
    ask(chat, "What does express delivery cost?")
    expect(chat.locator(".message.bot")).to_have_count(1, timeout=20_000)
    slot()


def test_the_whole_journey_works_by_keyboard(live: Live, visit: Visit) -> None:
    page = visit(live.address)
    launcher = page.locator("#firstline button")
    launcher.focus()
    page.keyboard.press("Enter")
    chat = page.frame_locator("iframe")
    expect(chat.locator("#text")).to_be_focused()
    page.keyboard.type("What does express delivery cost?")
    page.keyboard.press("Enter")
    chat.locator(".source").wait_for()
    for _ in range(12):
        page.keyboard.press("Shift+Tab")
        if chat.locator(".source").evaluate("node => node === document.activeElement"):
            break
    expect(chat.locator(".source")).to_be_focused()
    expect(chat.locator(".preview")).to_be_visible()
    page.keyboard.press("Escape")
    expect(chat.locator(".preview")).to_be_hidden()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(chat.locator(".rating [aria-label=Helpful]")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Escape")
    expect(launcher).to_be_focused()
    expect(launcher).to_have_attribute("aria-expanded", "false")
    (conversation,) = live.site.parts.conversations.listing()
    assert live.site.parts.conversations.log(conversation.id)[1].rating == "up"


def test_markup_in_messages_stays_text(live: Live, visit: Visit) -> None:
    page = visit(live.address)
    chat = open_chat(page)
    hostile = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script> pillow"
    ask(chat, hostile)
    expect(chat.locator(".message.customer .bubble")).to_have_text(hostile)
    page.reload()
    chat = open_chat(page)
    expect(chat.locator(".message.customer .bubble")).to_have_text(hostile)
    assert chat.locator(".message img, .message script").count() == 0
    assert page.title() != "broken"


def test_an_agent_takes_over_and_the_bot_is_silent(live: Live, visit: Visit) -> None:
    page = visit(live.address)
    chat = open_chat(page)
    ask(chat, "What does express delivery cost?")
    chat.locator(".message.bot").wait_for()
    chat.locator("#human").click()
    expect(chat.locator("#waiting")).to_contain_text("You are next in line.")
    (conversation,) = live.site.parts.conversations.listing()
    handoff = live.site.parts.handoff
    handoff.take(conversation.id, "Edie")
    expect(chat.locator("#name")).to_have_text("Edie")
    ask(chat, "What does express delivery cost, again?")
    expect(chat.locator(".message.customer:not(.pending)")).to_have_count(2)
    handoff.reply(conversation.id, "Edie", "Six pounds ninety-five.")
    expect(chat.locator(".message.agent")).to_contain_text("Six pounds ninety-five.")
    expect(chat.locator(".message.bot")).to_have_count(1)
    handoff.close(conversation.id, "Edie")
    expect(chat.locator("#ended")).to_be_visible()
    chat.locator("#again").click()
    expect(chat.locator("#welcome")).to_be_visible()


def test_a_reply_shows_on_the_closed_launcher(live: Live, visit: Visit) -> None:
    page = visit(live.address)
    chat = open_chat(page)
    chat.locator("#human").click()
    chat.locator("#waiting").wait_for()
    page.keyboard.press("Escape")
    (conversation,) = live.site.parts.conversations.listing()
    live.site.parts.handoff.take(conversation.id, "Edie")
    live.site.parts.handoff.reply(conversation.id, "Edie", "Hello.")
    launcher = page.locator("#firstline button")
    expect(page.locator("#firstline .badge")).to_have_text("2")
    expect(launcher).to_have_attribute("aria-label", "Chat with Wrenfield, 2 new messages")
    launcher.click()
    expect(page.locator("#firstline .badge")).to_have_text("")


def test_out_of_hours_an_address_can_be_left(serve: Callable[..., Live], visit: Visit) -> None:
    live = serve(hours=NEVER)
    page = visit(live.address)
    chat = open_chat(page)
    chat.locator("#human").click()
    chat.locator("#address").fill("nonsense")
    chat.locator("#email button").click()
    expect(chat.locator("#email-error")).to_have_text("That does not look like an e-mail address.")
    chat.locator("#address").fill("ada@example.org")
    chat.locator("#email button").click()
    expect(chat.locator("#email-done")).to_be_visible()
    (conversation,) = live.site.parts.conversations.listing()
    assert conversation.email == "ada@example.org"


def test_a_server_that_fails_is_told_and_can_be_tried_again(live: Live, visit: Visit) -> None:
    page = visit(live.address)
    chat = open_chat(page)
    ask(chat, "What does express delivery cost?")
    chat.locator(".message.bot").wait_for()
    page.route("**/messages?after=0", lambda route: route.fulfill(status=500, body="{}"))
    page.reload()
    page.locator("#firstline button").click()
    expect(chat.locator("#trouble")).to_contain_text("could not be loaded")
    page.unroute("**/messages?after=0")
    chat.locator("#retry").click()
    expect(chat.locator(".message")).to_have_count(2)


def test_other_origins_and_windows_are_not_listened_to(live: Live, visit: Visit) -> None:
    page = visit(live.address)
    chat = open_chat(page)
    page.evaluate("window.postMessage({type: 'firstline:close'}, '*')")
    page.evaluate("window.postMessage({type: 'firstline:unread', count: 7}, '*')")
    chat.locator("body").evaluate("() => window.postMessage({type: 'firstline:opened', text: 'forged'}, '*')")
    page.wait_for_timeout(300)
    expect(page.locator("#firstline button")).to_have_attribute("aria-expanded", "true")
    expect(page.locator("#firstline .badge")).to_have_text("")
    expect(chat.locator("#text")).to_have_value("")


def test_two_tabs_share_one_stream(live: Live, visit: Visit) -> None:
    first = visit(live.address)
    chat = open_chat(first)
    ask(chat, "What does express delivery cost?")
    chat.locator(".message.bot").wait_for()
    second = first.context.new_page()
    streams: list[str] = []
    second.on("request", lambda request: streams.append(request.url) if "/events" in request.url else None)
    second.goto(live.address)
    other = open_chat(second)
    expect(other.locator(".message")).to_have_count(2)
    ask(other, "How long does standard take?")
    expect(other.locator(".message.bot")).to_have_count(2)
    expect(chat.locator(".message.bot")).to_have_count(2)
    expect(chat.locator(".message.customer")).to_have_count(2)
    assert streams == []
    first.close()
    ask(other, "And an opened pillow?")
    expect(other.locator(".message.bot")).to_have_count(3)
    assert len(streams) == 1


def test_quick_replies_are_tapped_once(live: Live, visit: Visit) -> None:
    page = visit(live.address)
    chat = open_chat(page)
    ask(chat, "zzz")
    choice = chat.locator(".choices button").last
    choice.wait_for()
    title = choice.inner_text()
    choice.click()
    expect(chat.locator(".message.customer").last).to_contain_text(title)
    expect(chat.locator(".choices button:enabled")).to_have_count(0)


@pytest.mark.parametrize("width", [320, 400])
def test_nothing_scrolls_sideways_on_a_phone(live: Live, visit: Visit, width: int) -> None:
    page = visit(live.address, viewport={"width": width, "height": 640}, has_touch=True)
    sideways = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(sideways) <= 0
    chat = open_chat(page)
    ask(chat, "What does express delivery cost? " + "x" * 60)
    chat.locator(".message.bot").wait_for()
    assert chat.locator("html").evaluate("node => node.scrollWidth - node.clientWidth") <= 0
    box = page.locator("iframe").bounding_box()
    assert box is not None
    assert (box["width"], box["height"]) == (width, 640)
    page.goto(f"{live.address}/documents/delivery?version=1&start=0&end=20")
    assert page.evaluate(sideways) <= 0


def test_nothing_is_asked_of_another_host(live: Live, visit: Visit) -> None:
    page = visit("about:blank")
    asked: list[str] = []
    page.context.on("request", lambda request: asked.append(request.url))
    page.goto(live.address)
    chat = open_chat(page)
    ask(chat, "What does express delivery cost?")
    chat.locator(".message.bot").wait_for()
    assert asked
    assert [url for url in asked if not url.startswith((live.address, "data:"))] == []


def test_a_customer_who_is_put_off_is_told_until_when(live: Live, visit: Visit) -> None:
    page = visit(live.address)
    chat = open_chat(page)
    chat.locator("#human").click()
    expect(chat.locator("#waiting")).to_contain_text("You are next in line.")
    (conversation,) = live.site.parts.conversations.listing()
    live.site.parts.handoff.snooze(conversation.id, "Edie", live.site.parts.clock() + timedelta(days=1))
    expect(chat.locator("#waiting")).to_contain_text("We come back to you tomorrow at")
    expect(chat.locator(".event").last).to_contain_text("Edie will come back to this tomorrow at")
    ask(chat, "zzz")
    expect(chat.locator("#waiting")).to_contain_text("You are next in line.")
