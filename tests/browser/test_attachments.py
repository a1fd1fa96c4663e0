"""Files in Chromium: a customer attaches a photograph, an agent sees it and sends a file back; by button, paste and
drop, with the keyboard, at 320 pixels, in both themes with axe."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.attachments.files import PDF, jpeg, png
from tests.browser.conftest import Live, ask
from tests.browser.shop_site import EXPRESS
from tests.browser.test_accessibility import STILL, check, small_targets
from tests.browser.test_around import SIDEWAYS
from tests.browser.test_desk import at_the_desk

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]
PHOTO = {"name": "parcel.jpg", "mimeType": "image/jpeg", "buffer": jpeg()}
LABEL = {"name": "return label.pdf", "mimeType": "application/pdf", "buffer": PDF}
GIVE = """([selector, event, name, bytes]) => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(bytes)], name, { type: "image/png" }));
    const options = { bubbles: true, cancelable: true };
    const made = event === "paste" ? new ClipboardEvent(event, { ...options, clipboardData: data })
        : new DragEvent(event, { ...options, dataTransfer: data });
    document.querySelector(selector).dispatchEvent(made);
}"""
"""Paste or drop a file on an element."""


def chat_of(live: Live, visit: Visit, **options: object) -> Page:
    chat = visit(f"{live.address}/widget/frame", **{"viewport": {"width": 380, "height": 640}, **options})
    chat.locator("#welcome").wait_for()
    return chat


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_photograph_goes_to_an_agent_and_a_label_comes_back(live: Live, visit: Visit, scheme: str) -> None:
    narrow = {"width": 320, "height": 640}
    chat = chat_of(live, visit, color_scheme=scheme, viewport=narrow, accept_downloads=True, **STILL)
    chat.locator("#attach-input").set_input_files([PHOTO])  # type: ignore[list-item]
    expect(chat.locator("#attached li")).to_contain_text("310 bytes")
    expect(chat.locator("#status")).to_have_text("parcel.jpg is attached.")
    check(chat)
    assert small_targets(chat) == []
    chat.locator("#text").fill("It came like this")
    chat.keyboard.press("Enter")
    expect(chat.locator("#attached")).to_be_hidden()
    own = chat.locator(".message.customer .file.picture img")
    expect(own).to_have_js_property("naturalWidth", 24)
    expect(chat.locator(".message.customer .bubble")).to_have_text("It came like this")
    ask(chat, "I want a human")
    chat.locator("#waiting").wait_for()
    check(chat)
    assert chat.evaluate(SIDEWAYS) == []

    desk = at_the_desk(live, visit, color_scheme=scheme, **STILL)
    desk.locator("#list a").click()
    expect(desk.locator(".message.customer img")).to_have_js_property("naturalWidth", 24)
    expect(desk.locator("#attach")).to_be_disabled()
    with desk.context.expect_page() as opened:
        desk.locator(".message.customer .file.picture").click()
    expect(opened.value.locator("img")).to_have_js_property("naturalWidth", 24)
    opened.value.close()
    desk.locator("#take").click()
    expect(desk.locator("#text")).to_be_focused()
    desk.locator("#attach-input").set_input_files([LABEL])  # type: ignore[list-item]
    expect(desk.locator("#attached li")).to_contain_text("return label.pdf")
    check(desk)
    assert small_targets(desk) == []
    desk.locator("#text").press("Control+Enter")
    expect(desk.locator(".message.agent .file")).to_contain_text("return label.pdf")
    check(desk)
    desk.set_viewport_size(narrow)
    assert desk.evaluate(SIDEWAYS) == []

    label = chat.locator(".message.agent .file")
    expect(label).to_have_attribute("aria-label", f"Save return label.pdf, {len(PDF)} bytes")
    with chat.expect_download() as saved:
        label.click()
    assert (saved.value.suggested_filename, Path(saved.value.path()).read_bytes()) == ("return label.pdf", PDF)
    check(chat)
    chat.reload()
    expect(chat.locator(".message.customer .file.picture img")).to_have_js_property("naturalWidth", 24)
    assert chat.evaluate(SIDEWAYS) == []


def test_files_are_pasted_dropped_and_removed_by_keyboard(live: Live, visit: Visit) -> None:
    chat = chat_of(live, visit)
    chat.on("filechooser", lambda _: None)  # so that the choosers are ours from the beginning, not from the first wait
    chat.evaluate(GIVE, ["#text", "paste", "pasted.png", list(png())])
    chat.evaluate(GIVE, ["#scroller", "drop", "dropped.png", list(png())])
    names = chat.locator("#attached .file-name")
    expect(names).to_have_text(["pasted.png", "dropped.png"])
    expect(chat.locator("#attached progress")).to_have_count(0)
    chat.get_by_role("button", name="Remove pasted.png").press("Enter")
    expect(names).to_have_text(["dropped.png"])
    expect(chat.locator("#attach")).to_be_focused()
    with chat.expect_file_chooser() as chosen:
        chat.keyboard.press("Enter")
    chosen.value.set_files([PHOTO])  # type: ignore[list-item]
    expect(names).to_have_text(["dropped.png", "parcel.jpg"])
    chat.locator("#send").press("Enter")
    expect(chat.locator(".message.customer img")).to_have_count(2)
    expect(chat.locator(".message.bot")).to_contain_text("I can't look into files myself, so a person will.")
    chat.locator("#waiting").wait_for()


def test_a_message_waits_for_its_files(live: Live, visit: Visit) -> None:
    chat = chat_of(live, visit)
    held: list[Route] = []
    chat.route("**/attachments/*?name=*", lambda route: held.append(route))
    chat.locator("#attach-input").set_input_files([PHOTO])  # type: ignore[list-item]
    expect(chat.get_by_role("progressbar", name="Uploading parcel.jpg")).to_be_visible()
    ask(chat, "What does express delivery cost?")
    expect(chat.locator("#status")).to_have_text("It goes out as soon as the files are uploaded.")
    expect(chat.locator("#text")).to_have_value("What does express delivery cost?")
    expect(chat.locator(".message")).to_have_count(0)
    held[0].continue_()
    expect(chat.locator(".message.customer .file.picture")).to_have_count(1)
    expect(chat.locator(".message.bot .bubble")).to_have_text(EXPRESS)
    expect(chat.locator("#text")).to_have_value("")


def test_what_is_refused_is_said_and_what_failed_is_tried_again(serve: Callable[..., Live], visit: Visit) -> None:
    live = serve(max_attachment_bytes=4_096)
    chat = chat_of(live, visit, **STILL)
    files = chat.locator("#attach-input")
    files.set_input_files([{"name": "long.txt", "mimeType": "text/plain", "buffer": b"x" * 5_000}])
    expect(chat.locator("#attach-error")).to_have_text("long.txt has 5 kB, at most 4 kB are taken. Send a smaller one.")
    files.set_input_files([{"name": "drawing.svg", "mimeType": "image/svg+xml", "buffer": b"<svg/>"}])
    expect(chat.locator("#attach-error")).to_contain_text("drawing.svg: this is no JPEG, PNG")
    expect(chat.locator("#attached .failed")).to_be_visible()
    check(chat)
    chat.get_by_role("button", name="Remove drawing.svg").click()
    expect(chat.locator("#attach-error")).to_be_empty()
    broken: list[str] = []

    def lose_the_first(route: Route) -> None:
        if broken:
            route.continue_()
        else:
            broken.append(route.request.url)
            route.abort()

    chat.route("**/attachments/*", lose_the_first)
    files.set_input_files([PHOTO])  # type: ignore[list-item]
    expect(chat.locator("#attach-error")).to_contain_text("It did not reach us")
    chat.get_by_role("button", name="Try again").click()
    expect(chat.locator("#attached .failed")).to_have_count(0)
    files.set_input_files([{**PHOTO, "name": f"{number}.jpg"} for number in range(5)])  # type: ignore[list-item]
    expect(chat.locator("#attach-error")).to_contain_text("A message takes 5 files")
    expect(chat.locator("#attached li")).to_have_count(5)
    chat.locator("#send").click()
    expect(chat.locator(".message.customer .file")).to_have_count(5)
    expect(chat.locator(".pending")).to_have_count(0)
    (conversation,) = live.site.parts.conversations.listing()
    first = live.site.parts.conversations.log(conversation.id)[0]
    assert [each.name for each in first.attachments] == ["parcel.jpg", "0.jpg", "1.jpg", "2.jpg", "3.jpg"]
