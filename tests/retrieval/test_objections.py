from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from retrieval import objections
from retrieval.citations import cite
from retrieval.documents import Abstention, Answer, Document, Hit, Passage
from retrieval.embedder import OnnxEmbedder
from retrieval.knowledge import Knowledge, build
from retrieval.objections import Opinion, disagreement
from retrieval.passages import cut
from retrieval.retriever import Query
from retrieval.sentences import Span, spans_of
from retrieval.sources.building import DocumentBuilder
from retrieval.statements import statements_of

ALIKE = np.array([1.0, 0.0], dtype=np.float32)
APART = np.array([0.0, 1.0], dtype=np.float32)


def page(id: str, text: str, heading: str = "Complaints") -> Document:
    builder = DocumentBuilder()
    builder.heading(1, heading)
    builder.paragraph(text)
    return builder.document(id)


def opinion(text: str, cosine: float = 0.7, vector: np.ndarray = ALIKE) -> Opinion:
    (passage,) = cut(page("a", text))
    (statement,) = statements_of(passage)
    return Opinion(statement, cosine, vector)


ANSWERED = "A person answers a complaint within 1 working day."


@pytest.mark.parametrize(
    ("one", "other", "differs"),
    [
        (ANSWERED, "We answer complaints by a person within 5 working days.", "1 / 5 day"),
        (
            "Express delivery costs £6.95 a parcel.",
            "For express delivery of a parcel we charge £7.95.",
            "£6.95 / £7.95",
        ),
        ("Orders leave by 16:00 from the warehouse.", "Orders leave the warehouse by 15:00.", "16:00 / 15:00"),
        (ANSWERED, "A person answers a complaint in 1 working day, by letter in 5 working days.", ""),
        (
            "Standard delivery to the islands costs £7.95, free from £90.",
            "Furniture delivery to the islands costs £79.",
            "",
        ),
        (ANSWERED, "A refund reaches your bank within 5 working days.", ""),
        (ANSWERED, "A person answers a complaint, with a phone call from £2.", ""),
    ],
)
def test_figures_of_one_kind_that_differ_altogether(one: str, other: str, differs: str) -> None:
    assert disagreement(opinion(one), opinion(other)) == differs


def test_sentences_further_apart_speak_of_different_things() -> None:
    other = "We answer complaints by a person within 5 working days."
    assert disagreement(opinion(ANSWERED), opinion(other, vector=APART)) == ""
    assert disagreement(opinion(ANSWERED), opinion(other, cosine=0.4)) == ""


def ask(tmp_path: Path, embedder: OnnxEmbedder, *documents: Document, today: date) -> Answer | Abstention:
    build(documents, embedder, tmp_path / "knowledge")
    knowledge = Knowledge.load(tmp_path / "knowledge", embedder)
    knowledge.reader.model = replace(knowledge.reader.model, threshold=0.0)
    return knowledge.answer("within how many working days does a person answer a complaint", today=today)


def test_the_abstention_shows_both_quotes(tmp_path: Path, embedder: OnnxEmbedder) -> None:
    other = "A person answers every complaint within 5 working days."
    answer = ask(tmp_path, embedder, page("contact", ANSWERED), page("terms", other), today=date(2026, 11, 21))
    assert isinstance(answer, Abstention)
    assert answer.cause == "disagreement"
    assert {citation.document for citation in answer.citations} == {"contact", "terms"}
    assert {citation.quote for citation in answer.citations} == {ANSWERED, other}
    assert ANSWERED in answer.reason
    assert other in answer.reason


def test_a_passage_is_cut_into_sentences_once(monkeypatch: pytest.MonkeyPatch) -> None:
    text = " ".join(f"A person answers complaint number {n} by letter within {n} days." for n in range(1, 6))
    (passage,) = cut(page("many", text))
    cuts: list[Passage] = []

    def counted(passage: Passage) -> tuple[Span, ...]:
        cuts.append(passage)
        return spans_of(passage)

    monkeypatch.setattr(objections, "spans_of", counted)
    rows = np.tile(ALIKE, (len(spans_of(passage)), 1))
    for _ in range(2):
        found = objections._of(Hit(passage, 1.0), rows, Query("complaint", ALIKE, "complaint", {}))
        assert [each.statement.text for each in found] == [passage.text[start:end] for start, end in spans_of(passage)]
    assert len(cuts) == 1


def test_documents_that_agree_are_quoted(tmp_path: Path, embedder: OnnxEmbedder) -> None:
    other = page("terms", "A person answers every complaint within 1 working day.")
    answer = ask(tmp_path, embedder, page("contact", ANSWERED), other, today=date(2026, 11, 21))
    assert isinstance(answer, Answer)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"valid_until": "2026-11-20"}, "was valid until 2026-11-20"),
        ({"review_by": "2026-11-20"}, "was to be reviewed by 2026-11-20"),
        ({"valid_until": "2026-11-21", "review_by": "2026-11-21"}, ""),
    ],
)
def test_a_page_that_has_lapsed_is_not_quoted(
    tmp_path: Path, embedder: OnnxEmbedder, limits: dict[str, str], said: str
) -> None:
    old = replace(page("contact", ANSWERED), **limits)  # type: ignore[arg-type]
    answer = ask(tmp_path, embedder, old, today=date(2026, 11, 21))
    if said:
        assert isinstance(answer, Abstention)
        assert (answer.cause, answer.reason) == ("out-of-date", f"“Complaints” {said}")
    else:
        assert isinstance(answer, Answer)


def test_a_citation_carries_whom_it_is_for() -> None:
    document = replace(page("a", ANSWERED), audience="agents")
    passage: Passage = cut(document)[0]
    assert cite(document, passage, passage.start, passage.end).audience == "agents"
