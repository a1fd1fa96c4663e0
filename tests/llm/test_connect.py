"""The large model as the settings have it: off by default, and nothing half set."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.errors import BadSettings
from bot.llm.connect import companys_hosts, spending_of, writer_of
from bot.settings import Settings
from bot.store.database import Database
from bot.store.spending import Limits
from tests.conftest import Clock


def test_there_is_none_by_default(lite: Database, clock: Clock) -> None:
    assert Settings().llm_url == ""
    assert writer_of(Settings(), lite, clock) is None


def test_an_address_without_a_model_is_told_at_the_start(lite: Database, clock: Clock) -> None:
    with pytest.raises(BadSettings, match="FIRSTLINE_LLM_MODEL is not"):
        writer_of(Settings(llm_url="http://127.0.0.1:1/v1"), lite, clock)


def test_with_both_there_is_one_while_the_budget_lasts(lite: Database, clock: Clock) -> None:
    settings = Settings(llm_url="http://127.0.0.1:1/v1", llm_model="small")
    writer = writer_of(settings, lite, clock)
    assert writer is not None
    assert writer.available("c1")
    none_left = writer_of(replace(settings, llm_daily_budget=100), lite, clock)
    assert none_left is not None
    assert not none_left.available("c1")


def test_budgets_are_those_of_the_settings(lite: Database, clock: Clock) -> None:
    settings = Settings(llm_daily_budget=7, llm_conversation_budget=3)
    assert spending_of(settings, lite, clock).limits == Limits(7, 3)


def test_the_companys_hosts_are_the_public_address_and_those_named() -> None:
    settings = Settings(public_url="https://help.wrenfield.example/x", llm_hosts="Wrenfield.example shop.example")
    assert companys_hosts(settings) == ("wrenfield.example", "shop.example", "help.wrenfield.example")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("LLM_URL", "localhost:8080", "looks like http://127.0.0.1:8080/v1"),
        ("LLM_URL", "https://me:secret@host/v1", "looks like http://127.0.0.1:8080/v1"),
        ("LLM_DAILY_BUDGET", "-1", "is from 0 to"),
        ("LLM_CONVERSATION_BUDGET", "lots", "takes int"),
        ("LLM_PRICE_IN", "nan", "is from 0 to"),
        ("LLM_HOSTS", "https://a.example", "looks like company.example"),
    ],
)
def test_an_impossible_value_is_told(name: str, value: str, said: str) -> None:
    with pytest.raises(BadSettings, match=f"FIRSTLINE_{name} {said}"):
        Settings.load({f"FIRSTLINE_{name}": value})
