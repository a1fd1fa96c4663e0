"""A live server with the real application, and Chromium; skipped with the reason where there is no Chromium."""

from __future__ import annotations

import logging
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page, sync_playwright
from werkzeug.serving import make_server

from tests.browser.shop_site import PASSWORD, Site, make_site

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]


@dataclass(frozen=True, slots=True)
class Live:
    """A site and where it listens."""

    site: Site
    address: str


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Live]]:
    """Start the application on a free port; `serve(hours=NEVER)` starts it with nobody at the desk."""
    started: list[tuple[Site, object]] = []
    logging.getLogger("werkzeug").setLevel(logging.ERROR)

    def start(**options: object) -> Live:
        site = make_site(tmp_path / f"home{len(started)}", **options)  # type: ignore[arg-type]
        server = make_server("127.0.0.1", 0, site.app, threaded=True)
        server.daemon_threads = True  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        started.append((site, server))
        return Live(site, f"http://127.0.0.1:{server.server_port}")

    yield start
    for site, server in started:
        site.parts.wakeup.closing.set()
        server.shutdown()  # type: ignore[attr-defined]
        server.server_close()  # type: ignore[attr-defined]
        site.close()


@pytest.fixture
def live(serve: Callable[..., Live]) -> Live:
    return serve()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not shutil.which(CHROMIUM):
        pytest.skip(f"no Chromium at {CHROMIUM} (apt-get install chromium)")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Page]]:
    """A page in a context of its own; a script error or a refused resource on it fails the test."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def open_page(address: str, **options: object) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 860}, **options})  # type: ignore[arg-type]
        context.set_default_timeout(8_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


def open_chat(page: Page) -> FrameLocator:
    """Open the widget on a page of the shop."""
    page.locator("#firstline button").click()
    chat = page.frame_locator("iframe")
    chat.locator("#welcome:not([hidden]), .message").first.wait_for()
    return chat


def ask(chat: FrameLocator | Page, text: str) -> None:
    chat.locator("#text").fill(text)
    chat.locator("#text").press("Enter")


def sign_in(page: Page, address: str) -> None:
    page.fill("#email", address)
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.locator("#queue").wait_for()


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the README's pictures go: `SCREENSHOTS`, else a temporary folder."""
    named = os.environ.get("SCREENSHOTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
