"""Questions that were answered before: further keys to the sentences that answered them.

A customer's question is mostly nearer to another customer's than to the page that answers both (the gap that document
expansion closes too: Nogueira et al., "Document Expansion by Query Prediction", 2019; here the queries are people's).
A known question whose words no longer stand in a document leads nowhere, and one that nothing answers says so.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from retrieval.datasets import Question
from retrieval.documents import Passage
from retrieval.embedder import Embedder, Vectors
from retrieval.errors import BadSnapshot
from retrieval.places import Place, placed

NEAREST = 10
"""Known questions that one question is held against."""
ROWS, VECTORS = "known.jsonl", "known.npy"


@dataclass(frozen=True, slots=True)
class Near:
    """A known question near the one asked: its text, the cosine of the two, and the sentences that answer it; none
    where no document does, or where its words are gone (`answerable` tells them apart)."""

    text: str
    cosine: float
    answerable: bool
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class KnownQuestions:
    """`vectors`, unit and of shape (questions, dimension), belong to `questions`, as do `places`. Immutable."""

    questions: tuple[Question, ...]
    vectors: Vectors
    places: tuple[tuple[Place, ...], ...]

    @classmethod
    def of(cls, questions: Sequence[Question], embedder: Embedder) -> KnownQuestions:
        """The questions, embedded and not yet placed in any passages."""
        vectors = embedder.encode([question.text for question in questions])
        return cls(tuple(questions), vectors, ((),) * len(questions))

    @classmethod
    def load(cls, folder: Path) -> KnownQuestions | None:
        """What `save` wrote, None where it wrote nothing; `BadSnapshot` if it does not belong together."""
        if not (folder / ROWS).is_file():
            return None
        try:
            lines = (folder / ROWS).read_text("utf-8").splitlines()
            questions = tuple(_question(json.loads(line)) for line in lines)
            vectors = np.load(folder / VECTORS, allow_pickle=False).astype(np.float32)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise BadSnapshot(f"{folder / ROWS} cannot be read ({error}); train again") from error
        if vectors.ndim != 2 or len(vectors) != len(questions):
            raise BadSnapshot(f"{folder}: {len(questions)} known questions, vectors of {vectors.shape}; train again")
        return cls(questions, vectors, ((),) * len(questions))

    def save(self, folder: Path) -> None:
        """Write the questions and, in half precision, their vectors."""
        rows = [json.dumps(asdict(question), ensure_ascii=False) for question in self.questions]
        (folder / ROWS).write_text("".join(f"{row}\n" for row in rows), "utf-8")
        np.save(folder / VECTORS, self.vectors.astype(np.float16), allow_pickle=False)

    def among(self, passages: Sequence[Passage]) -> KnownQuestions:
        """These questions with the places of their answers in the passages."""
        return replace(self, places=tuple(placed(self.questions, passages)))

    def moved(self, gone: Collection[str], added: Sequence[Passage]) -> KnownQuestions:
        """These questions after documents, given by their ids, are `gone` and passages were `added`."""
        new = placed(self.questions, added)
        kept = (tuple(each for each in places if each.passage.document not in gone) for places in self.places)
        return replace(self, places=tuple((*old, *more) for old, more in zip(kept, new, strict=True)))

    def near(self, vector: Vectors, k: int = NEAREST) -> tuple[Near, ...]:
        """The k known questions nearest to a question's unit vector of shape (dimension,), nearest first."""
        cosines = self.vectors @ vector
        first = np.argpartition(-cosines, k)[:k] if len(cosines) > k else np.arange(len(cosines))
        order = first[np.argsort(-cosines[first], kind="stable")]
        return tuple(
            Near(self.questions[row].text, float(cosines[row]), self.questions[row].answerable, self.places[row])
            for row in order.tolist()
        )

    @property
    def lost(self) -> Iterator[Question]:
        """Those that have an answer whose words stand in none of the documents they name."""
        return (
            question
            for question, places in zip(self.questions, self.places, strict=True)
            if question.answerable and not places
        )


def _question(row: dict[str, Any]) -> Question:
    return Question(row["id"], row["text"], row["answerable"], tuple(row["answers"]), tuple(row["documents"]))
