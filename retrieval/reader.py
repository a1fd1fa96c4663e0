"""Extractive reading: the one to three sentences of the best passages that answer, or an abstention with its reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from retrieval.citations import cite
from retrieval.confidence import ConfidenceModel
from retrieval.crossencoder import MANIFEST, CrossEncoder
from retrieval.documents import Abstention, Answer, Document, Hit
from retrieval.errors import BadModel
from retrieval.reading import READ, Reading, find
from retrieval.retriever import Query
from retrieval.sentence_vectors import SentenceVectors

DEFAULT_MODEL = ConfidenceModel(
    weights=(
        -6.73,
        4.45,
        2.0,
        -3.06,
        -2.4,
        3.82,
        1.23,
        1.49,
        0.81,
        -3.4,
        4.21,
        0.55,
        -0.71,
        0.41,
        1.14,
        -0.47,
        0.15,
        -0.97,
        -0.22,
        -0.47,
        -1.34,
        -1.95,
        0.92,
        1.16,
        -1.79,
        -0.28,
        -1.15,
        0.0,
        0.0,
        0.0,
        0.0,
    ),
    threshold=0.5,
)
"""Fitted by `python -m retrieval.training.choosing` on questions of SQuAD 2 and XQuAD, a shop's validation questions,
and questions about other things that the shop does not answer. `tuning.fit_reader` replaces it with a company's own."""

DocumentOf = Callable[[str, int], Document]


class Reader:
    """Chooses what to quote and says how sure it is."""

    def __init__(self, model: ConfidenceModel = DEFAULT_MODEL, crossencoder: CrossEncoder | None = None) -> None:
        self.model = model
        self.crossencoder = crossencoder

    @classmethod
    def load(cls, folder: Path) -> Reader:
        """The reader that a trained cross-encoder in `folder` makes, with the confidence that was fitted with it;
        without one (no `reader.json` there) the reader that compares vectors and words alone.

        `BadModel` if what is there is incomplete or altered.
        """
        if not (folder / MANIFEST).is_file():
            return cls()
        crossencoder = CrossEncoder.load(folder)
        try:
            return cls(ConfidenceModel.from_json(crossencoder.stated["confidence"]), crossencoder)
        except (KeyError, ValueError) as error:
            raise BadModel(f"{folder / MANIFEST} has no usable confidence: {error}; fit it again") from error

    def find(self, query: Query, hits: Sequence[Hit], vectors: SentenceVectors) -> Reading | None:
        """The best place to quote from, None if there is nothing to read."""
        return find(query, hits, vectors, self.crossencoder)

    def read(
        self, query: Query, hits: Sequence[Hit], vectors: SentenceVectors, document_of: DocumentOf
    ) -> Answer | Abstention:
        """Answer from the hits (best first), or abstain. Every quote is a slice of the stored document version."""
        reading = self.find(query, hits, vectors)
        if reading is None:
            return Abstention("nothing in the knowledge base is near this question")
        answer = self.draft(reading, document_of)
        if answer.confidence < self.model.threshold:
            reason = (
                f"the best passage answers with confidence {answer.confidence:.2f}, below {self.model.threshold:.2f}"
            )
            return Abstention(reason, answer.confidence, tuple(hits[:READ]))
        return answer

    def draft(self, reading: Reading, document_of: DocumentOf) -> Answer:
        """The reading as an answer with its confidence, whatever the threshold."""
        return answer_of(reading, document_of, self.model.confidence(reading.features))


def answer_of(reading: Reading, document_of: DocumentOf, confidence: float) -> Answer:
    """The quotes as an answer; `confidence` is carried over."""
    passage = reading.hit.passage
    document = document_of(passage.document, passage.version)
    citations = tuple(
        cite(document, passage, passage.start + start, passage.start + end) for start, end in reading.spans
    )
    text = "\n".join(citation.quote for citation in citations)
    return Answer(text, citations, confidence, verbatim=passage.kind == "faq")
