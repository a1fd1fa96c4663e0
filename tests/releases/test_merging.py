"""A small change to a large release is served at once and merged later; a small release is built anew at once."""

from __future__ import annotations

import json

import pytest

from bot.releases import merging
from bot.releases.merging import may_wait, pending
from bot.releases.publish import Workshop, publish_knowledge
from bot.taking import publish
from retrieval.knowledge import VERSIONS, read_versions
from tests.conftest import Clock
from tests.keyword_release import document


def change(shop: Workshop, clock: Clock, *ids: str) -> None:
    clock.pass_(seconds=1)
    shop.library.put_all([document(id, f"All there is to know about {id}.") for id in ids], source="test")


def test_what_differs_is_counted(shop: Workshop, clock: Clock) -> None:
    assert pending(shop.registry, shop.library) == 0
    change(shop, clock, "delivery", "gifts")
    assert pending(shop.registry, shop.library) == 2
    shop.library.delete("kettle")
    assert pending(shop.registry, shop.library) == 3
    publish_knowledge(shop, by="test")
    assert pending(shop.registry, shop.library) == 0


def test_a_snapshot_of_before_is_counted_too(shop: Workshop, clock: Clock) -> None:
    folder = shop.registry.part(shop.registry.manifest(shop.registry.current_id() or "").parts["knowledge"])
    listed = read_versions(folder)
    (folder / VERSIONS).unlink()
    assert read_versions(folder) == listed == {"delivery": 1, "kettle": 1, "returns": 1}


def test_a_small_release_is_built_anew_at_once(shop: Workshop, clock: Clock) -> None:
    before = shop.registry.current_id()
    change(shop, clock, "gifts")
    assert publish(shop, by="test", note="x").id != before


def test_a_large_one_waits_until_much_has_changed(
    shop: Workshop, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging, "MERGED_AT_ONCE", 0)
    monkeypatch.setattr(merging, "CHANGES_AT_MOST", 2)
    before = shop.registry.current_id()
    change(shop, clock, "gifts", "delivery")
    assert may_wait(shop.registry, shop.library)
    assert publish(shop, by="test", note="x").id == shop.registry.current_id() == before
    change(shop, clock, "kettle")
    after = publish(shop, by="test", note="x")
    assert after.id == shop.registry.current_id() != before
    held = json.loads((shop.registry.part(after.parts["knowledge"]) / VERSIONS).read_text())
    assert held == {"delivery": 2, "gifts": 1, "kettle": 2, "returns": 1}
