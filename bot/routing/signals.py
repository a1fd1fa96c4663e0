"""All the router may look at, in one record: no clock, no store, no text search behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bot.messages import DialogueState, Offered, Understanding
from bot.routing.evidence import Evidence, evidence
from retrieval.documents import Abstention, Answer, Hit

if TYPE_CHECKING:
    from retrieval.retriever import Query


@dataclass(frozen=True, slots=True)
class Look:
    """What the models make of one message: its understanding, the passages found, and the quote or none.

    `query` is what was searched with, None where nothing was.
    """

    understanding: Understanding
    hits: tuple[Hit, ...]
    answer: Answer | Abstention
    query: Query | None = field(default=None, compare=False)

    def signals(self, text: str, **state: Any) -> Signals:
        """These findings with the conversation's state, as the router wants them."""
        quoted = isinstance(self.answer, Answer)
        withheld = self.answer if isinstance(self.answer, Abstention) and self.answer.cause else None
        return Signals(
            text=text,
            understanding=self.understanding,
            answer_confidence=self.answer.confidence if quoted else 0.0,
            cosine=max((hit.cosine or 0.0 for hit in self.hits), default=0.0),
            verbatim=isinstance(self.answer, Answer) and self.answer.verbatim,
            withheld=withheld,
            evidence=evidence(
                self.query.in_full if self.query else text,
                self.hits,
                self.answer,
                self.query.near if self.query else (),
            ),
            **state,
        )


@dataclass(frozen=True, slots=True)
class Signals:
    """One message's situation.

    `answer_confidence` is the reader's calibrated probability in [0, 1] that its best quote answers; `cosine` in
    [-1, 1] belongs to the best passage; `evidence` says how well what was found fits. `verbatim` marks a FAQ answer;
    `withheld` is set where an answer fits but the documents themselves speak against it. `clarified` and `failures`
    count questions back and unanswered messages in a row before this one; `offered` is what became of the offer of a
    human. `payload` is set when a quick reply was tapped. `agents_present` counts agents at the desk now, `files` those
    that came with the message.
    """

    text: str
    understanding: Understanding
    answer_confidence: float = 0.0
    cosine: float = 0.0
    verbatim: bool = False
    withheld: Abstention | None = None
    dialogue: DialogueState = field(default_factory=DialogueState)
    flows_available: bool = True
    large_model_available: bool = False
    payload: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    clarified: int = 0
    failures: int = 0
    waiting: bool = False
    in_hours: bool = True
    evidence: Evidence = field(default_factory=Evidence)
    offered: Offered = ""
    channel: str = ""
    agents_present: int = 0
    files: int = 0
