"""Known questions lead to the sentences that answer them, in whatever version those stand now, and to nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from retrieval.datasets import Question
from retrieval.documents import Answer, Document
from retrieval.errors import BadSnapshot
from retrieval.knowledge import Knowledge, build
from retrieval.known import ROWS, VECTORS, KnownQuestions
from retrieval.passages import cut
from retrieval.places import placed
from retrieval.segments import Layers, Segment
from tests.retrieval.test_knowledge import WILLING, WordEmbedder, words

__all__ = ["words"]

TOMORROW = Question("k1", "will it be here tomorrow", True, ("next working day",), ("delivery",))
CODE = Question("k2", "what do they scan", True, ("Show the QR code",), ("returns",))
VOUCHER = Question("k3", "does my voucher run out", True, ("36 months",), ("faq",))
DRONE = Question("k4", "do you fly parcels in by drone", False)
GONE = Question("k5", "is there a telephone number", True, ("ring us",), ("returns",))
KNOWN = (TOMORROW, CODE, VOUCHER, DRONE, GONE)


def loaded(shop: Sequence[Document], words: WordEmbedder, folder: Path, known: Sequence[Question] = KNOWN) -> Knowledge:
    build(shop, words, folder)
    return Knowledge.load(folder, words, reader=WILLING, known=KnownQuestions.of(known, words))


@pytest.fixture
def knowledge(shop: list[Document], words: WordEmbedder, tmp_path: Path) -> Knowledge:
    return loaded(shop, words, tmp_path / "one")


def test_the_words_of_an_answer_are_found_in_the_sentences_of_its_documents(shop: list[Document]) -> None:
    passages = [passage for document in shop for passage in cut(document)]
    found = placed(KNOWN, passages)
    texts = [[shop_text(shop, place.passage.document)[slice(*place.range)] for place in places] for places in found]
    assert texts[0] == ["It comes the next working day if you order before 16:00."]
    assert [text.split(". ")[-1] for text in texts[1]] == ["Show the QR code at the shop."]
    assert texts[2:] == [["A gift card is valid for 36 months."], [], []]


def shop_text(shop: Sequence[Document], id: str) -> str:
    return next(document.text for document in shop if document.id == id)


def test_words_that_run_over_a_full_stop_belong_to_the_sentence_with_most_of_them(shop: list[Document]) -> None:
    asked = replace(TOMORROW, answers=("£6.95. It comes the next working day",))
    [[place]] = placed([asked], [passage for document in shop for passage in cut(document)])
    assert place.sentence == 1


def test_a_question_in_words_that_no_document_has_is_answered_where_it_was_answered_before(
    knowledge: Knowledge, shop: list[Document], words: WordEmbedder, tmp_path: Path
) -> None:
    asked = "will it be here tomorrow?"
    answer = knowledge.answer(asked)
    assert isinstance(answer, Answer)
    assert "next working day" in answer.text
    assert knowledge.search(asked, 1)[0].cosine == pytest.approx(1.0)
    assert not any(hit.cosine == 1.0 for hit in loaded(shop, words, tmp_path / "two", ()).search(asked, 10))


def test_what_nothing_answers_leads_nowhere_and_says_so(knowledge: Knowledge) -> None:
    nearest = knowledge.query("do you fly parcels in by drone").near[0]
    assert (nearest.text, nearest.answerable, nearest.places) == (DRONE.text, False, ())
    assert nearest.cosine == pytest.approx(1.0)


def test_an_answer_whose_words_are_gone_is_reported(knowledge: Knowledge) -> None:
    assert knowledge.retriever.known is not None
    assert list(knowledge.retriever.known.lost) == [GONE]


def test_after_a_change_only_the_new_version_is_found_by_an_old_question(knowledge: Knowledge) -> None:
    old = knowledge.document("delivery", 1)
    new = replace(old, version=2, text=old.text.replace("order before 16:00", "order before 12:30"))
    layered = over(knowledge, {"delivery": 2}, new)
    found = [hit.passage for hit in layered.search("will it be here tomorrow", 50)]
    assert {passage.version for passage in found if passage.document == "delivery"} == {2}
    answer = layered.answer("will it be here tomorrow")
    assert isinstance(answer, Answer)
    assert "12:30" in answer.text
    assert [citation.version for citation in answer.citations] == [2]


def test_a_deleted_document_is_not_brought_back_by_a_question_it_answered(knowledge: Knowledge) -> None:
    layered = over(knowledge, {"delivery": 0})
    assert all(hit.passage.document != "delivery" for hit in layered.search("will it be here tomorrow", 50))


def over(knowledge: Knowledge, changed: dict[str, int], *documents: Document) -> Knowledge:
    layers = Layers(knowledge)
    segments = [Segment.of(each, knowledge.retriever.embedder) for each in documents]
    current = {**knowledge.versions, **changed}
    return layers.over(layers.superseded(current), Segment.joined(segments, knowledge.manifest.dimension))


def test_who_may_not_see_a_document_is_not_led_there(shop: list[Document], words: WordEmbedder, tmp_path: Path) -> None:
    hidden = [replace(each, audience="agents") if each.id == "delivery" else each for each in shop]
    knowledge = loaded(hidden, words, tmp_path / "hidden")
    seen = {
        viewer: {hit.passage.document for hit in knowledge.search(knowledge.query(TOMORROW.text, "", viewer), 50)}
        for viewer in ("public", "agents")
    }
    assert "delivery" not in seen["public"]
    assert "delivery" in seen["agents"]


def test_what_is_saved_is_what_is_loaded(words: WordEmbedder, tmp_path: Path) -> None:
    made = KnownQuestions.of(KNOWN, words)
    made.save(tmp_path)
    loaded = KnownQuestions.load(tmp_path)
    assert loaded is not None
    assert loaded.questions == KNOWN
    assert np.allclose(loaded.vectors, made.vectors, atol=1e-3)
    assert KnownQuestions.load(tmp_path / "nowhere") is None


@pytest.mark.parametrize("damage", ["rows", "vectors", "json"])
def test_files_that_do_not_belong_together_are_refused(words: WordEmbedder, tmp_path: Path, damage: str) -> None:
    KnownQuestions.of(KNOWN, words).save(tmp_path)
    if damage == "vectors":
        (tmp_path / VECTORS).write_bytes(b"no array")
    else:
        lines = (tmp_path / ROWS).read_text("utf-8").splitlines()
        (tmp_path / ROWS).write_text("\n".join(lines[1:]) if damage == "rows" else "{}\n" * len(lines), "utf-8")
    with pytest.raises(BadSnapshot, match="train again"):
        KnownQuestions.load(tmp_path)
