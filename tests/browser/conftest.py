"""A live server with the real application, and what a person does on its pages."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import FrameLocator, Page
from werkzeug.serving import make_server

from tests.browser.shop_site import PASSWORD, Site, make_site


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
