"""`firstline status` says what the large model has used, and that there is none where none is set."""

from __future__ import annotations

import json
from pathlib import Path

from bot.commands.common import now
from bot.store.database import Database
from bot.store.spending import Limits, Spending, Use
from tests.commands.conftest import Firstline


def test_without_an_endpoint_it_is_off(firstline: Firstline) -> None:
    assert json.loads(firstline("status", "--json").out)["large_model"] == "off"


def test_what_was_used_today_is_shown_with_its_cost(firstline: Firstline, tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path / 'home' / 'firstline.sqlite'}")
    spending = Spending(database, now, Limits(1_000, 1_000))
    reserved = spending.reserve("c1", 500, "answer")
    assert reserved is not None
    spending.settle(reserved, Use(300, 20, 1_250_000, "written"))
    database.close()
    given = {"FIRSTLINE_LLM_URL": "http://127.0.0.1:9/v1", "FIRSTLINE_LLM_MODEL": "small"}
    shown = json.loads(firstline("status", "--json", **given).out)["large_model"]
    assert (shown["model"], shown["calls_today"], shown["tokens_today"]) == ("small", 1, 320)
    assert (shown["tokens_a_day"], shown["cost_today"], shown["outcomes"]) == (1_000_000, 1.25, {"written": 1})


def test_an_address_without_a_model_is_told_by_the_doctor(firstline: Firstline) -> None:
    done = firstline("doctor", "--json", FIRSTLINE_LLM_URL="http://127.0.0.1:9/v1")
    (found,) = (each for each in json.loads(done.out) if each["check"] == "large model")
    assert (done.status, found["ok"], "FIRSTLINE_LLM_MODEL" in found["remedy"]) == (1, False, True)
