"""The desk in Chromium, against the real application."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from bot.messages import IncomingMessage
from bot.store.conversations import Conversation
from tests.browser.conftest import Live, ask, open_chat, sign_in

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]


def customer_asks(live: Live, text: str, *, name: str = "ada") -> Conversation:
    """A message of a customer, answered or handed over by the time this returns."""
    parts = live.site.parts
    receipt = parts.turns.accept(IncomingMessage("web", f"key-{name}", name, f"{name}:{text}"[:90], text))
    parts.turns.answer(receipt.conversation)
    return parts.conversations.get(receipt.conversation)


def at_the_desk(live: Live, visit: Visit, name: str = "Maud Wren", **options: object) -> Page:
    address = live.site.add_person(name)
    page = visit(f"{live.address}/desk/", **options)
    sign_in(page, address)
    page.locator("#list a, #list .empty").first.wait_for()
    return page


def test_a_conversation_is_taken_answered_and_handed_back_by_keyboard(live: Live, visit: Visit) -> None:
    waiting = customer_asks(live, "I want a human")
    page = at_the_desk(live, visit)
    row = page.locator(f"[data-id='{waiting.id}']")
    expect(row).to_contain_text("asks for a human")
    page.keyboard.press("j")
    expect(page.locator("#standing")).to_contain_text("Waiting: the customer asks for a human")
    page.keyboard.press("t")
    expect(page.locator("#text")).to_be_focused()
    page.keyboard.type("Good morning, Maud here.")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".message.agent")).to_contain_text("Good morning, Maud here.")
    customer_asks(live, "What does express delivery cost?")
    expect(page.locator(".message.customer")).to_have_count(2)
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    page.keyboard.type("Wants a refund too")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".message.note")).to_contain_text("Wants a refund too")
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    expect(page.locator("#standing")).to_have_text("The bot is answering")
    log = live.site.parts.conversations.log(waiting.id)
    assert [message.text for message in log if message.participant == "agent"] == ["Good morning, Maud here."]
    assert [message.seq for message in log if message.participant == "bot" and message.seq > 2] == []


def test_the_record_of_a_turn_shows_what_was_understood_and_held_back(live: Live, visit: Visit) -> None:
    customer_asks(live, "I was hurt, there was smoke from the express kettle")
    page = at_the_desk(live, visit)
    page.keyboard.press("j")
    record = page.locator(".record")
    expect(record.locator("summary")).to_contain_text("Why")
    expect(record.locator("summary")).to_contain_text("Handed over")
    expect(record.locator("dl")).to_be_hidden()
    record.locator("summary").click()
    expect(record.locator(".nearest li")).to_have_text("“is <b>this</b> a row?” ask_delivery cosine 0.87")
    expect(record.locator(".ranking")).to_contain_text("ahead of the runner-up by 85 points")
    expect(record).to_contain_text("reserved:safety")
    expect(record).to_contain_text("ask_delivery")
    expect(record.locator(".draft")).to_contain_text("Express delivery costs £6.95")
    record.locator(".draft button").click()
    expect(page.locator("#toast")).to_contain_text("Take the conversation over first")
    page.keyboard.press("t")
    expect(page.locator("#text")).to_be_focused()
    record.locator(".draft button").click()
    expect(page.locator("#text")).to_have_value(
        "Express delivery costs £6.95 and comes the next working day if you order before 16:00, Monday to Friday."
    )


def test_a_new_message_appears_without_a_reload(live: Live, visit: Visit) -> None:
    page = at_the_desk(live, visit)
    expect(page.locator("#list")).to_contain_text("Nobody is waiting")
    waiting = customer_asks(live, "I want a human")
    expect(page.locator(f"[data-id='{waiting.id}']")).to_be_visible()
    expect(page.locator("#present .face")).to_have_attribute("aria-label", "Maud Wren")


def test_two_agents_do_not_hold_one_conversation(live: Live, visit: Visit) -> None:
    waiting = customer_asks(live, "I want a human")
    page = at_the_desk(live, visit)
    page.keyboard.press("j")
    expect(page.locator("#take")).to_be_visible()
    live.site.parts.handoff.take(waiting.id, "Edie Wren")
    expect(page.locator("#standing")).to_contain_text("Edie Wren is answering")
    expect(page.locator("#take")).to_be_hidden()
    expect(page.locator("#text")).to_be_disabled()


def test_search_finds_what_was_said(live: Live, visit: Visit) -> None:
    customer_asks(live, "I want a human, about the casserole", name="ada")
    customer_asks(live, "I want a human, about the linen", name="bob")
    page = at_the_desk(live, visit)
    expect(page.locator("#list a")).to_have_count(2)
    page.keyboard.press("/")
    page.keyboard.type("casserole")
    expect(page.locator("#list a")).to_have_count(1)
    page.locator("#search").fill("nothing like it")
    expect(page.locator("#list")).to_contain_text("Nothing found")


def test_canned_replies_are_filled_in(live: Live, visit: Visit) -> None:
    waiting = customer_asks(live, "I want a human")
    live.site.parts.handoff.take(waiting.id, "Maud Wren")
    page = at_the_desk(live, visit)
    page.keyboard.press("j")
    page.locator("#canned").select_option(label="Greeting")
    expect(page.locator("#text")).to_have_value(re.compile(r"^Hello \{customer\}, this is Maud Wren at Wrenfield\."))
    expect(page.locator("#unfilled")).to_contain_text("{customer} is not known here")


def test_single_keys_can_be_switched_off(live: Live, visit: Visit) -> None:
    customer_asks(live, "I want a human")
    page = at_the_desk(live, visit)
    page.locator("#list a").wait_for()
    page.keyboard.press("?")
    page.locator("#single-keys").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.wait_for_timeout(200)
    expect(page.locator("#nothing")).to_be_visible()


def test_faq_rows_are_uploaded_with_a_result_for_each(live: Live, visit: Visit, tmp_path: Path) -> None:
    page = at_the_desk(live, visit)
    page.goto(f"{live.address}/desk/knowledge/")
    bad = tmp_path / "rows.csv"
    bad.write_text("question,answer\nDo you sell tea?,\nDo you sell hats?,No.\n", encoding="utf-8")
    page.locator("input[name=file]").set_input_files(bad)
    page.get_by_role("button", name="Check and publish").click()
    expect(page.locator("#result")).to_contain_text("rows.csv was not imported. 1 row needs a change")
    expect(page.locator("#result tbody tr")).to_contain_text("has no answer")
    bad.write_text("question,answer\nDo you sell tea?,Only mugs.\nDo you sell hats?,No.\n", encoding="utf-8")
    page.locator("input[name=file]").set_input_files(bad)
    page.get_by_role("button", name="Check and publish").click()
    expect(page.locator("#result")).to_contain_text("2 added, 0 changed, 0 known already")
    expect(page.locator("#documents")).to_contain_text("rows.csv")


def test_markup_of_a_customer_stays_text_at_the_desk(live: Live, visit: Visit) -> None:
    hostile = "human <img src=x onerror=\"document.title='broken'\"> [x](javascript:alert(1))"
    customer_asks(live, hostile, name="<b>ada</b>")
    page = at_the_desk(live, visit)
    page.keyboard.press("j")
    expect(page.locator(".message.customer .bubble")).to_have_text(hostile)
    expect(page.locator("#name")).to_have_text("<b>ada</b>")
    assert page.locator("#log img, #log a[href^=javascript]").count() == 0
    assert page.title() != "broken"


def test_widget_and_desk_speak_to_each_other(live: Live, visit: Visit, screenshots: Path) -> None:
    """The pictures of the README, taken from a real conversation."""
    shop = visit(live.address)
    chat = open_chat(shop)
    ask(chat, "What does express delivery cost?")
    expect(chat.locator(".message.bot")).to_have_count(1)
    ask(chat, "And can I return a pillow I opened?")
    expect(chat.locator(".message.bot")).to_have_count(2)
    shop.wait_for_timeout(300)
    shop.screenshot(path=screenshots / "widget.png")
    ask(chat, "I'd rather ask a human")
    chat.locator("#waiting").wait_for()
    customer_asks(live, "My casserole arrived cracked, can a human look at it?", name="Ruth Abrams")
    customer_asks(live, "There was smoke from the kettle", name="Lewis Grant")
    desk = at_the_desk(live, visit)
    desk.locator("#list a", has_text="Visitor").click()
    desk.locator(".record").nth(2).wait_for()
    desk.keyboard.press("t")
    expect(desk.locator("#text")).to_be_focused()
    desk.keyboard.type("Hello, Maud here. An opened pillow has to stay with you, unless it is faulty. Is it?")
    desk.keyboard.press("Control+Enter")
    expect(chat.locator(".message.agent")).to_contain_text("Maud here")
    ask(chat, "It is: the seam came open")
    expect(desk.locator(".message.customer")).to_have_count(4)
    desk.locator(".record summary").nth(2).click()
    desk.wait_for_timeout(300)
    desk.screenshot(path=screenshots / "desk.png")
    expect(chat.locator(".message.bot")).to_have_count(3)


def holds(live: Live, visit: Visit, text: str = "I want a human, what does express cost?") -> tuple[Page, Conversation]:
    """Maud at the desk, holding a conversation that she has open."""
    asked = customer_asks(live, text)
    page = at_the_desk(live, visit)
    page.keyboard.press("j")
    page.keyboard.press("t")
    expect(page.locator("#text")).to_be_focused()
    return page, asked


def test_the_draft_is_sent_with_one_key(live: Live, visit: Visit) -> None:
    page, asked = holds(live, visit)
    expect(page.locator("#draft-text")).to_contain_text("Express delivery costs £6.95")
    page.keyboard.press("Escape")
    page.keyboard.press("d")
    expect(page.locator(".message.agent")).to_contain_text("Express delivery costs £6.95")
    expect(page.locator("#draft")).to_be_hidden()
    page.keyboard.press("Escape")
    page.keyboard.press("d")
    expect(page.locator("#toast")).to_contain_text("no draft for the last message")
    said = [each for each in live.site.parts.conversations.log(asked.id) if each.participant == "agent"]
    assert len(said) == 1


def test_a_draft_for_customers_is_sent_to_a_signed_in_customer_only(live: Live, visit: Visit) -> None:
    from bot.store.tables import turns

    known, visitor = (customer_asks(live, f"A human, {name}, express?", name=name) for name in ("ada", "visitor-7"))
    live.site.parts.library.database.write(
        lambda connection: connection.execute(turns.update().values(draft_audience="customers"))
    )
    page = at_the_desk(live, visit)
    for id, may in ((known.id, True), (visitor.id, False)):
        page.goto(f"{live.address}/desk/conversations/{id}")
        page.locator(".record summary").click()
        page.keyboard.press("t")
        expect(page.locator("#text")).to_be_focused()
        expect(page.locator("#draft")).to_be_visible(visible=may)
        expect(page.get_by_role("button", name="Use as reply")).to_be_visible(visible=may)
        expect(page.locator(".internal")).to_be_visible(visible=not may)


def test_a_conversation_is_passed_on_by_keyboard(live: Live, visit: Visit) -> None:
    live.site.add_person("Edie Wren", "agent")
    page, asked = holds(live, visit)
    page.keyboard.press("Escape")
    page.keyboard.press("p")
    expect(page.locator("#pass-to")).to_be_focused()
    expect(page.locator("#pass-to")).to_contain_text("Edie Wren, away, holds 0 of 6")
    page.keyboard.press("Tab")
    page.keyboard.type("Wants it by Friday")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#standing")).to_contain_text("Edie Wren is answering")
    expect(page.locator(".message.note")).to_contain_text("Wants it by Friday")
    expect(page.locator("#text")).to_be_disabled()
    assert live.site.parts.conversations.get(asked.id).agent == "Edie Wren"


def test_a_conversation_goes_to_a_team_and_keeps_its_place(live: Live, visit: Visit) -> None:
    page, asked = holds(live, visit)
    page.locator("#pass-on").click()
    page.locator("#pass-to").select_option(label="Returns and refunds")
    page.locator("#pass-form button[type=submit]").click()
    expect(page.locator("#marks")).to_contain_text("Returns and refunds")
    expect(page.locator(f"[data-id='{asked.id}']")).to_contain_text("Due in")
    expect(page.locator("#take")).to_be_visible()


def test_a_snoozed_conversation_stands_under_later_and_comes_back(live: Live, visit: Visit) -> None:
    page, asked = holds(live, visit)
    page.keyboard.press("Escape")
    page.keyboard.press("z")
    page.locator("#snoozes button").first.wait_for()
    page.keyboard.press("2")
    expect(page.locator("#standing")).to_contain_text(re.compile("Put off until (today|tomorrow) at"))
    expect(page.locator("#list")).to_contain_text("Nobody is waiting")
    page.locator(".filters button[value=later]").click()
    expect(page.locator(f"[data-id='{asked.id}']")).to_contain_text(re.compile("Back (today|tomorrow) at"))
    customer_asks(live, "Still there?")
    expect(page.locator("#list")).to_contain_text("Nothing is put off")
    page.locator(".filters button[value=open]").click()
    expect(page.locator(f"[data-id='{asked.id}']")).to_be_visible()


def test_a_page_that_is_behind_says_so_and_keeps_what_was_written(live: Live, visit: Visit) -> None:
    page, asked = holds(live, visit)
    page.route("**/desk/api/events", lambda route: route.abort())
    page.reload()
    expect(page.locator("#standing")).to_contain_text("You are answering")
    live.site.parts.handoff.hand_back(asked.id, "Maud Wren")
    live.site.parts.handoff.take(asked.id, "Maud Wren")
    page.locator("#text").fill("From a page that is behind")
    page.route("**/desk/api/conversations/*?after=*", lambda route: route.abort())
    with page.expect_response("**/reply") as answered:
        page.locator("#send").click()
    assert answered.value.status == 409
    expect(page.locator("#toast")).not_to_be_empty()
    expect(page.locator("#text")).to_have_value("From a page that is behind")
    assert [each for each in live.site.parts.conversations.log(asked.id) if each.participant == "agent"] == []
