"""Nothing old is quoted after the call that changed it returned, and there is an answer at every moment in between;
whatever is killed. And the harness would notice if it were otherwise.

`FIRSTLINE_LONG_FAULTS=600` makes the first test last that many seconds, with a kill a second.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bot.releases.publish import Workshop, build_knowledge
from bot.releases.registry import Registry
from bot.settings import Settings
from bot.store.database import Database
from bot.store.documents import Library
from retrieval.fusion import Fusion
from tests.faults.freshness import LEAST_CHANGES, torment
from tests.faults.quoting import UNGUARDED, UNREFRESHED, Words, fruit, now, plum
from tests.keyword_release import ROOT, document

LONG_S = float(os.environ.get("FIRSTLINE_LONG_FAULTS", "0"))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a live release of four documents, real but for its models, which stand in `quoting`."""
    settings = Settings(home=tmp_path / "home", data=tmp_path)
    settings.home.mkdir()
    database = Database.open(settings.store_url)
    library = Library(database, now)
    others = (
        document("returns", "You can return unused items within 60 days."),
        document("kettle", "Descale the kettle every two months with citric acid."),
    )
    library.put_all([fruit(1), plum(), *others], source="test")
    registry = Registry(settings.home / "releases", now)
    shop = Workshop(settings, registry, library, now().date())
    parts = {"knowledge": build_knowledge(shop, Words())}  # type: ignore[arg-type]
    for kind, files in (
        ("encoder", {"words.txt": b"tests.faults.quoting.Words"}),
        ("intents", {"table.txt": b"tests.faults.quoting.Table"}),
        ("router", {"policy.yml": (ROOT / "data" / "policy.yml").read_bytes()}),
    ):
        folder = registry.staging(kind)
        for name, content in files.items():
            (folder / name).write_bytes(content)
        if kind == "router":
            (folder / "fusion.json").write_text(json.dumps(Fusion().to_json()))
        parts[kind] = registry.add_part(kind, folder)
    registry.promote(registry.create(parts, note="first").id, by="test")
    database.close()
    return settings.home


def test_no_old_text_is_quoted_and_no_question_goes_without_an_answer(home: Path) -> None:
    told = torment(home, seconds=LONG_S or 6, kills=int(LONG_S) or 8, seed=20_261_121)
    print(f"{told.changes} changes, {told.quotes} quotes, {told.kills} kills")
    assert told.wrong == []
    assert told.died == 0
    assert told.changes >= LEAST_CHANGES
    assert told.quotes >= LEAST_CHANGES


def test_the_harness_notices_a_build_that_does_not_check_what_it_writes(home: Path) -> None:
    told = torment(home, seconds=4, kills=1, seed=7, options=(UNGUARDED,))
    assert any("was in use" in each for each in told.wrong)


def test_the_harness_notices_a_build_that_waits_for_the_next_release(home: Path) -> None:
    told = torment(home, seconds=3, kills=1, seed=7, options=(UNREFRESHED,))
    assert any("has no answer" in each for each in told.wrong)
    assert not any("was in use" in each for each in told.wrong)
