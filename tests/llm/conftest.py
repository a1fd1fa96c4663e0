"""A local model server, and a writer that asks it, over real HTTP and a real store."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.breaker import Breaker
from bot.llm.client import ChatEndpoint
from bot.llm.guard import Guard
from bot.llm.personal import PersonalData
from bot.llm.writer import Writer
from bot.store.database import Database
from bot.store.spending import Limits, Prices, Spending
from tests.conftest import Clock
from tests.far_side import FarSide, Scripted

HOSTS = ("wrenfield.example",)

MakeWriter = Callable[..., Writer]


def completion(text: str, read: int | None = 100, written: int | None = 20) -> Scripted:
    """A chat completion; without `usage` where `read` is None."""
    usage = {} if read is None else {"usage": {"prompt_tokens": read, "completion_tokens": written}}
    return Scripted(body=json.dumps({"choices": [{"message": {"content": text}}], **usage}).encode())


def sentence(text: str, *ids: str) -> str:
    """The JSON of a one-sentence answer."""
    return json.dumps({"sentences": [{"text": text, "passages": list(ids)}]})


@pytest.fixture
def model() -> Iterator[FarSide]:
    server = FarSide()
    yield server
    server.close()


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[Database]:
    """An empty SQLite database."""
    opened = Database.open(f"sqlite:///{tmp_path / 'firstline.sqlite'}")
    yield opened
    opened.close()


@pytest.fixture
def spending(lite: Database, clock: Clock) -> Spending:
    return Spending(lite, clock, Limits(1_000_000, 200_000))


@pytest.fixture
def make_writer(model: FarSide, spending: Spending) -> MakeWriter:
    """Makes a writer on the local server; `total_s` is its patience."""

    def make(total_s: float = 5.0, breaker: Breaker | None = None, spending: Spending = spending) -> Writer:
        return Writer(
            ChatEndpoint(f"{model.address}/v1", "small", "sk-secret", total_s=total_s, sleep=lambda seconds: None),
            spending,
            Guard(HOSTS),
            PersonalData(),
            model="small",
            company="Wrenfield",
            prices=Prices(2.0, 8.0),
            breaker=breaker,
        )

    return make
