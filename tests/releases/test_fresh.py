"""A loaded release kept up with the library, before anything is published."""

from __future__ import annotations

import pytest

from bot.releases import fresh as module
from bot.releases.fresh import Fresh
from bot.releases.live import LiveRelease
from bot.releases.publish import Workshop, publish_knowledge
from bot.releases.release import Release, load_release
from retrieval.documents import Answer
from tests.conftest import Clock
from tests.keyword_release import document

QUESTION = "What does express delivery cost?"


@pytest.fixture
def base(shop: Workshop) -> Release:
    return load_release(shop.registry, shop.registry.current_id() or "")


@pytest.fixture
def live(shop: Workshop, clock: Clock) -> LiveRelease:
    """Serves without its thread, so that only what a test asks for happens."""
    serving = LiveRelease(shop.registry, clock, library=shop.library)
    serving.close()
    return serving


def cited(release: Release, shop: Workshop, question: str = QUESTION) -> set[tuple[str, int]]:
    """What a release quotes; nothing is asked of the library here."""
    answer = release.look(question, today=shop.today).answer
    return {(each.document, each.version) for each in answer.citations} if isinstance(answer, Answer) else set()


def put(shop: Workshop, id: str, text: str, clock: Clock) -> None:
    clock.pass_(seconds=1)
    shop.library.put(document(id, text), source="test")


def test_a_change_is_quoted_and_a_deletion_is_not_without_publishing(
    shop: Workshop, live: LiveRelease, clock: Clock
) -> None:
    published = shop.registry.current_id()
    assert cited(live.current(), shop) == {("delivery", 1)}
    put(shop, "delivery", "Express delivery costs £9.95 from now on.", clock)
    assert cited(live.current(), shop) == {("delivery", 2)}
    clock.pass_(seconds=1)
    shop.library.delete("delivery")
    assert ("delivery", 2) not in cited(live.current(), shop)
    assert shop.registry.current_id() == published == live.current().id


def test_a_release_that_was_brought_up_judges_by_the_same_moment(
    shop: Workshop, live: LiveRelease, clock: Clock
) -> None:
    release = live.current()
    put(shop, "delivery", "Express delivery costs £9.95 from now on.", clock)
    newer = shop.library.current_check()
    look = release.look(QUESTION, today=shop.today, is_current=newer)
    assert isinstance(look.answer, Answer)
    assert look.answer.citations[0].version == 1


def test_nothing_is_done_twice_and_nothing_without_a_change(
    shop: Workshop, base: Release, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept_up = Fresh(base, shop.library)
    assert kept_up.current().knowledge is base.knowledge
    put(shop, "gifts", "Gift cards are valid for 36 months.", clock)
    first = kept_up.current()
    assert kept_up.current() is first
    monkeypatch.setattr(module.Segment, "of", None)
    clock.pass_(seconds=1)
    shop.library.delete("kettle")
    assert "gifts" in kept_up.current().knowledge.versions


def test_many_changes_follow_in_the_background_those_of_known_documents_first(
    shop: Workshop, base: Release, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PASSAGES_AT_ONCE", 1)
    for number in range(5):
        put(shop, f"a{number}", f"Point {number} of the showroom opens on Monday.", clock)
    put(shop, "delivery", "Express delivery costs £9.95 from now on.", clock)
    kept_up = Fresh(base, shop.library)
    at_once = set(kept_up.current().knowledge.versions)
    assert "delivery" in at_once
    assert not {f"a{number}" for number in range(5)} <= at_once
    kept_up.catch_up()
    assert set(kept_up.current().knowledge.versions) >= {f"a{number}" for number in range(5)}


def test_what_exceeds_the_limit_waits_for_the_publication(
    shop: Workshop, base: Release, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PASSAGES_KEPT", 3)
    for number in range(6):
        put(shop, f"a{number}", f"Point {number} of the showroom opens on Monday.", clock)
    kept_up = Fresh(base, shop.library)
    kept_up.catch_up()
    assert sum(id.startswith("a") for id in kept_up.current().knowledge.versions) == 3
    publish_knowledge(shop, by="test")
    anew = load_release(shop.registry, shop.registry.current_id() or "")
    assert sum(id.startswith("a") for id in Fresh(anew, shop.library).current().knowledge.versions) == 6


def test_what_was_embedded_is_taken_over_by_the_next_release(
    shop: Workshop, base: Release, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(shop, "gifts", "Gift cards are valid for 36 months.", clock)
    before = Fresh(base, shop.library)
    before.current()
    monkeypatch.setattr(module.Segment, "of", None)
    assert "gifts" in Fresh(base, shop.library, before=before).current().knowledge.versions
