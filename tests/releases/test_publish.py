"""Publishing knowledge without training: quotable at once, gone at once, and nothing embedded twice."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from bot.errors import BadInput, NotFound, Refused
from bot.ingest import take_faq_bytes
from bot.releases.publish import Workshop, build_knowledge, promote, publish_knowledge
from bot.releases.registry import Registry, write_json
from bot.releases.release import load_release, smoke
from retrieval.documents import Answer
from retrieval.embedder import OnnxEmbedder, Vectors

FAQ = "question,answer,topic\nHow long is a gift card valid?,A gift card is valid for 36 months.,Gift cards\n"
FAQ += "Do you wrap presents?,We wrap presents for £4.50.,Presents\n"


def quotes(shop: Workshop, question: str) -> str:
    """What the live release quotes for a question, restricted to what the library allows."""
    release = load_release(shop.registry, shop.registry.current_id() or "")
    answer = release.look(question, today=shop.today, is_current=shop.library.current_check()).answer
    return answer.text if isinstance(answer, Answer) else ""


class Counting:
    """The tiny encoder, and what it was given."""

    def __init__(self, encoder: OnnxEmbedder) -> None:
        self._encoder = encoder
        self.dimension, self.fingerprint = encoder.dimension, encoder.fingerprint
        self.texts: list[str] = []

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.texts += texts
        return self._encoder.encode(texts)


def test_the_first_release_loads_and_answers_its_smoke_questions(shop: Workshop) -> None:
    release = load_release(shop.registry, shop.registry.current_id() or "")
    smoke(release, shop.today)
    assert "Express delivery costs £6.95" in quotes(shop, "What does express delivery cost?")


def test_an_imported_row_is_quotable_and_a_deleted_document_is_not(shop: Workshop) -> None:
    assert "36 months" not in quotes(shop, "How long is a gift card valid?")
    take_faq_bytes(shop.library, FAQ.encode(), "faq.csv")
    publish_knowledge(shop, by="Maud", note="faq faq.csv")
    assert quotes(shop, "How long is a gift card valid?") == "A gift card is valid for 36 months."
    assert shop.registry.history()[0]["by"] == "Maud"
    shop.library.delete("faq")
    assert "36 months" not in quotes(shop, "How long is a gift card valid?")
    publish_knowledge(shop, by="Maud")
    assert "36 months" not in quotes(shop, "How long is a gift card valid?")


def test_only_what_changed_is_embedded(shop: Workshop) -> None:
    parts = shop.registry.manifest(shop.registry.current_id() or "").parts
    encoder = Counting(OnnxEmbedder.load(shop.registry.part(parts["encoder"])))
    build_knowledge(shop, encoder, reuse=shop.registry.part(parts["knowledge"]))  # type: ignore[arg-type]
    assert encoder.texts == []
    take_faq_bytes(shop.library, FAQ.encode(), "faq.csv")
    build_knowledge(shop, encoder, reuse=shop.registry.part(parts["knowledge"]))  # type: ignore[arg-type]
    assert encoder.texts
    assert all("gift card" in text.lower() or "wrap" in text.lower() for text in encoder.texts)


def test_the_other_parts_stay_as_they_are(shop: Workshop) -> None:
    before = shop.registry.manifest(shop.registry.current_id() or "")
    take_faq_bytes(shop.library, FAQ.encode(), "faq.csv")
    after = publish_knowledge(shop, by="test")
    assert after.parent == before.id
    assert {kind for kind in after.parts if after.parts[kind] != before.parts[kind]} == {"knowledge"}


def test_publishing_without_a_change_is_the_same_release(shop: Workshop) -> None:
    take_faq_bytes(shop.library, FAQ.encode(), "faq.csv")
    first = publish_knowledge(shop, by="test")
    history = shop.registry.history()
    assert publish_knowledge(shop, by="test").id == first.id
    assert shop.registry.history() == history


def test_an_empty_library_is_not_published(shop: Workshop) -> None:
    live = shop.registry.current_id()
    for shelved in shop.library.listing():
        shop.library.delete(shelved.id)
    with pytest.raises(BadInput, match="library is empty"):
        publish_knowledge(shop, by="test")
    assert shop.registry.current_id() == live


def test_before_the_first_release_there_is_nothing_to_add_to(shop: Workshop) -> None:
    bare = Workshop(shop.settings, Registry(shop.settings.home / "elsewhere", lambda: None), shop.library, shop.today)
    with pytest.raises(NotFound, match="firstline train"):
        publish_knowledge(bare, by="test")


def test_a_refused_release_goes_live_by_force_only_and_that_is_recorded(shop: Workshop) -> None:
    first = shop.registry.current_id() or ""
    take_faq_bytes(shop.library, FAQ.encode(), "faq.csv")
    refused = publish_knowledge(shop, by="test").id
    shop.registry.rollback(by="test")
    path = shop.registry.folder / refused / "manifest.json"
    verdict = {"promote": False, "reasons": ["accuracy falls", "an answer takes 90 ms instead of 20 ms"]}
    write_json(path, json.loads(path.read_bytes()) | {"report": {"gate": {"verdict": verdict}}})
    with pytest.raises(Refused, match="accuracy falls; an answer takes 90 ms instead of 20 ms") as caught:
        promote(shop, refused, by="Maud")
    assert "--force" in str(caught.value)
    assert shop.registry.current_id() == first
    promote(shop, refused, by="Maud", force=True)
    assert (shop.registry.current_id(), shop.registry.history()[0]["forced"]) == (refused, True)
    promote(shop, first, by="Maud", force=True)
    assert shop.registry.history()[0]["forced"] is False
