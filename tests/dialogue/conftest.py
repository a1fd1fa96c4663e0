"""A real Rasa server with a real action endpoint, once for all tests that need one."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from flask import Flask
from werkzeug.serving import make_server

from bot.channels import rasa
from bot.dialogue import install
from bot.dialogue.client import RasaEngine
from bot.dialogue.orders import OrderBook
from bot.settings import Settings
from tests.conftest import ROOT

TODAY = date(2026, 11, 18)


@pytest.fixture
def orders(tmp_path: Path) -> Iterator[OrderBook]:
    book = OrderBook.open(tmp_path / "shop.sqlite", ROOT / "data" / "shop" / "orders.json", TODAY)
    yield book
    book.close()


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@dataclass(frozen=True)
class Running:
    """A Rasa server that runs for the tests: its engine, settings and orders."""

    engine: RasaEngine
    settings: Settings
    orders: OrderBook


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    settings = Settings(rasa_venv=ROOT / ".venv-rasa")
    if not install.is_installed(settings):
        pytest.skip(".venv-rasa is not installed (python -m bot.dialogue.install, or make run)")
    home = tmp_path_factory.mktemp("rasa")
    settings = replace(settings, home=home, port=free_port(), rasa_port=free_port(), rasa_token="t" * 32)
    book = OrderBook.open(home / "shop.sqlite", ROOT / "data" / "shop" / "orders.json", TODAY)
    with doors(settings, book), server(settings):
        yield Running(RasaEngine(settings.rasa_url, settings.rasa_token), settings, book)
    book.close()


class doors:  # noqa: N801  a context manager named like a function
    """The web process's two doors for Rasa, on a port of their own."""

    def __init__(self, settings: Settings, book: OrderBook) -> None:
        app = Flask("doors")
        app.register_blueprint(rasa.blueprint)
        clock = lambda: SimpleNamespace(date=lambda: TODAY)  # noqa: E731
        app.extensions["firstline"] = SimpleNamespace(settings=settings, orders=book, clock=clock)
        self._server = make_server("127.0.0.1", settings.port, app, threaded=True)

    def __enter__(self) -> None:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __exit__(self, *_: Any) -> None:
        self._server.shutdown()
        self._server.server_close()


class server:  # noqa: N801
    """A Rasa server process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __enter__(self) -> None:
        command = install.rasa_command(self._settings)
        environment = {**os.environ, **install.rasa_environment(self._settings)}
        self._log = open(self._settings.home / "rasa.log", "wb")
        self._process = subprocess.Popen(
            command, cwd=install.PROJECT, env=environment, stdout=self._log, stderr=subprocess.STDOUT
        )
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            try:
                if httpx2.get(f"{self._settings.rasa_url}/webhooks/firstline/", timeout=1).status_code == 200:
                    return
            except httpx2.HTTPError:
                time.sleep(0.3)
        self.__exit__()
        raise AssertionError((self._settings.home / "rasa.log").read_text()[-3_000:])

    def __exit__(self, *_: Any) -> None:
        self._process.terminate()
        self._process.wait(20)
        self._log.close()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as made:
        yield made
