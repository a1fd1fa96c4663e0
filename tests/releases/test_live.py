"""The release that is served: swapped while it answers, kept when the next one is damaged."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.errors import NotFound
from bot.releases import live as module
from bot.releases.live import LiveRelease
from bot.releases.publish import Workshop, publish_knowledge
from bot.releases.registry import Registry
from retrieval.documents import Answer
from retrieval.sources.building import DocumentBuilder
from tests.conftest import Clock


def add_document(shop: Workshop, text: str = "Gift cards are valid for 36 months.") -> str:
    builder = DocumentBuilder()
    builder.heading(1, "Gift cards")
    builder.paragraph(text)
    shop.library.put(builder.document("gift-cards"), source="test")
    return publish_knowledge(shop, by="test").id


def wait_for(condition: Callable[[], bool], within_s: float) -> float:
    """Seconds until the condition held; fails when it did not in time."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < within_s, f"not within {within_s} s"
        time.sleep(0.01)
    return time.monotonic() - began


@pytest.fixture
def live(shop: Workshop, clock: Clock) -> Iterator[LiveRelease]:
    serving = LiveRelease(shop.registry, clock)
    yield serving
    serving.close()


def test_before_the_first_release_nothing_answers_and_the_remedy_is_told(registry: Registry, clock: Clock) -> None:
    serving = LiveRelease(registry, clock)
    try:
        assert not serving.ready()
        with pytest.raises(NotFound, match="firstline train"):
            serving.current()
    finally:
        serving.close()


def test_a_swap_takes_under_two_seconds_and_fails_no_answer(shop: Workshop, live: LiveRelease) -> None:
    stop, failures, served = threading.Event(), [], set()

    def ask() -> None:
        while not stop.is_set():
            try:
                release = live.current()
                look = release.look("What does express delivery cost?", today=shop.today)
                assert isinstance(look.answer, Answer)
                served.add(release.id)
            except Exception as error:
                failures.append(repr(error))

    old = live.current().id
    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    new = add_document(shop)
    took_s = wait_for(lambda: live.current().id == new, 10)
    wait_for(lambda: new in served, 5)
    shop.registry.rollback(by="test")
    back_s = wait_for(lambda: live.current().id == old, 10)
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert served == {old, new}
    assert max(took_s, back_s) < 2.0


def test_unchanged_parts_are_not_loaded_again(shop: Workshop, live: LiveRelease) -> None:
    before = live.current()
    add_document(shop)
    live.refresh()
    after = live.current()
    assert after.id != before.id
    assert after.encoder is before.encoder
    assert after.understander is before.understander
    assert after.knowledge is not before.knowledge


def damage(shop: Workshop, kind: str, change: Callable[[Path], None]) -> None:
    """Damage a part of the release that the pointer names, behind the registry's back."""
    manifest = shop.registry.manifest(shop.registry.current_id() or "")
    change(shop.registry.part(manifest.parts[kind]))


def flip_last_byte(folder: Path) -> None:
    file = folder / "vectors.npy"
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


@pytest.mark.parametrize(
    "change",
    [
        flip_last_byte,
        lambda folder: (folder / "passages.jsonl").unlink(),
        lambda folder: (folder / "extra.npy").write_bytes(b"x"),
        shutil.rmtree,
    ],
)
def test_a_damaged_release_is_left_aside_and_the_old_one_answers(
    shop: Workshop, live: LiveRelease, change: Callable[[Path], None]
) -> None:
    old = live.current().id
    pointer = (shop.registry.folder / "current.json").read_bytes()
    live.close()
    new = add_document(shop)
    damage(shop, "knowledge", change)
    live.refresh()
    assert live.current().id == old != new
    assert isinstance(live.current().look("express delivery", today=shop.today).answer, Answer)
    (shop.registry.folder / "current.json").write_bytes(pointer)
    live.refresh()
    assert live.ready()


def test_a_repaired_release_is_taken_up_after_a_while(
    shop: Workshop, live: LiveRelease, monkeypatch: pytest.MonkeyPatch
) -> None:
    live.close()
    new = add_document(shop)
    damage(shop, "knowledge", flip_last_byte)
    live.refresh()
    damage(shop, "knowledge", flip_last_byte)
    live.refresh()
    assert live.current().id != new
    later = time.monotonic() + module.RETRY_S + 1
    monkeypatch.setattr(module.time, "monotonic", lambda: later)
    live.refresh()
    assert live.current().id == new


@pytest.mark.parametrize("written", [b"", b"{", b"[]", b'{"id": "r-0000000000", "before": []}'])
def test_a_damaged_pointer_stops_neither_serving_nor_starting(
    shop: Workshop, live: LiveRelease, clock: Clock, written: bytes
) -> None:
    (shop.registry.folder / "current.json").write_bytes(written)
    live.refresh()
    assert live.ready()
    starting = LiveRelease(shop.registry, clock)
    try:
        assert not starting.ready()
        (manifest,) = shop.registry.list()
        shop.registry.promote(manifest.id, by="test")
        wait_for(starting.ready, 5)
    finally:
        starting.close()
