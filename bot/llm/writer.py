"""One question to the large model, from passages to an answer with citations or the reason for none.

    may it be asked → personal data out → tokens reserved → the call → tokens settled → the guard → citations, data back

Nothing here decides that the model is asked; the router does. Nothing here raises for what a model or its endpoint may
do: every way it can go wrong is an `Unwritten` with its reason.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce

from bot.breaker import Breaker
from bot.llm.client import Completion, LargeModel, ModelUnavailable
from bot.llm.guard import Guard, Refusal, Verified
from bot.llm.personal import PersonalData
from bot.llm.prompts import MAX_TOKENS, Prompt, prompt_of, reads_like_an_order
from bot.llm.redaction import Redaction
from bot.llm.support import Encode
from bot.store.spending import Prices, Reservation, Spending, Use
from retrieval.audiences import Audience, narrower
from retrieval.citations import cite
from retrieval.documents import Citation, Document, Hit

ATTEMPTS = 2
"""A call tries twice at most, and both attempts may be charged: so much is reserved."""
LIKELY_TOKENS = 1_500
"""What one attempt usually takes. A budget that does not hold it is spent."""
_BYTES_A_TOKEN = 3.5


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with all that goes into the prompt. `question` and `before` are as the customer wrote them; `hits` are
    what the audience may see, best first. `encode` is the release's sentence encoder, `document_of` gives the stored
    version of a document by id and number."""

    conversation: str
    question: str
    hits: Sequence[Hit]
    encode: Encode
    document_of: Callable[[str, int], Document]
    before: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    purpose: str = "answer"


@dataclass(frozen=True, slots=True)
class Answered:
    """What may be said, with where it stands. `note` is for the turn's record."""

    text: str
    citations: tuple[Citation, ...]
    note: str

    @property
    def audience(self) -> Audience:
        """Whom it may be told: the narrowest audience of what it cites."""
        return reduce(narrower, (citation.audience for citation in self.citations), "public")


@dataclass(frozen=True, slots=True)
class Unwritten:
    """Nothing may be said: the outcome in one word (the check that failed, or why there was no call), and the same with
    its details for the turn's record."""

    outcome: str
    note: str


class Writer:
    """Asks one endpoint. Safe to share between threads; `model` names it in records."""

    def __init__(
        self,
        endpoint: LargeModel,
        spending: Spending,
        guard: Guard,
        personal: PersonalData,
        *,
        model: str,
        company: str,
        prices: Prices | None = None,
        breaker: Breaker | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._spending = spending
        self._guard = guard
        self._personal = personal
        self._model = model
        self._company = company
        self._prices = prices or Prices()
        self._breaker = breaker or Breaker()

    def available(self, conversation: str) -> bool:
        """Whether it is worth asking for this conversation now: the endpoint is not resting and both budgets hold a
        usual call."""
        return self._breaker.closed() and self._spending.left(conversation) >= ATTEMPTS * LIKELY_TOKENS

    def write(self, asked: Asked) -> Answered | Unwritten:
        """An answer that the guard let through, or why there is none."""
        if reads_like_an_order(asked.question):
            return Unwritten("order-in-question", "not asked: the message reads like instructions to the model")
        redaction = Redaction(self._personal, asked.attributes)
        passages = [hit.passage for hit in asked.hits]
        prompt = prompt_of(self._company, redaction.hide(asked.question), redaction.hide(asked.before), passages)
        if prompt is None:
            return Unwritten("no-passage", "not asked: no passage that may be shown to the model")
        try:
            completion = self._call(asked, prompt)
        except ModelUnavailable as error:
            return Unwritten(error.cause, f"{self._model}: {error}")
        judged = self._guard.check(completion.text, prompt, asked.encode, made=redaction.made)
        if isinstance(judged, Refusal):
            return Unwritten(judged.check, f"{self._model}: refused by {redaction.restore(str(judged))}")
        citations = citations_of(judged, asked.document_of)
        text = redaction.restore(" ".join(each.text for each in judged))
        sources = ", ".join(dict.fromkeys(citation.document for citation in citations))
        return Answered(text, citations, f"{self._model}: {len(judged)} sentences from {sources}")

    def _call(self, asked: Asked, prompt: Prompt) -> Completion:
        """One call with its tokens reserved before and settled after; `ModelUnavailable` without either where it may
        not be made."""
        most = prompt.most_tokens + MAX_TOKENS
        reservation = self._spending.reserve(asked.conversation, ATTEMPTS * most, asked.purpose)
        if reservation is None:
            raise ModelUnavailable("the budget of the day or of the conversation is spent", "budget")
        began = time.perf_counter()
        if not self._breaker.enter():
            self._settle(reservation, 0, 0, "resting", began)
            raise ModelUnavailable("the large model failed several times in a row and is left alone", "resting")
        try:
            completion = self._endpoint.complete(prompt.chat, MAX_TOKENS)
        except ModelUnavailable as error:
            self._breaker.failed()
            self._settle(reservation, error.lost * most, 0, error.cause, began)
            raise
        self._breaker.succeeded()
        read, written = _used(prompt, completion)
        self._settle(reservation, read + completion.lost * most, written, "written", began)
        return completion

    def _settle(self, reservation: Reservation, read: int, written: int, outcome: str, began: float) -> None:
        took_ms = (time.perf_counter() - began) * 1000
        micros = self._prices.micros(read, written)
        self._spending.settle(reservation, Use(read, written, micros, outcome, took_ms))


def citations_of(verified: Sequence[Verified], document_of: Callable[[str, int], Document]) -> tuple[Citation, ...]:
    """The supporting sentences as quotes of the stored versions, each once, in the order they are needed."""
    found: dict[tuple[str, int, int, int], Citation] = {}
    for each in verified:
        for place in each.support.places:
            passage = place.passage
            start, end = passage.start + place.start, passage.start + place.end
            document = document_of(passage.document, passage.version)
            key = passage.document, passage.version, start, end
            found.setdefault(key, cite(document, passage, start, end))
    return tuple(found.values())


def _used(prompt: Prompt, completion: Completion) -> tuple[int, int]:
    """Tokens read and written as the endpoint counts them, or estimated from the bytes where it does not."""
    read, written = completion.read_tokens, completion.written_tokens
    sent = sum(len(each["content"].encode()) for each in prompt.chat)
    return (
        round(sent / _BYTES_A_TOKEN) if read is None else read,
        round(len(completion.text.encode()) / _BYTES_A_TOKEN) if written is None else written,
    )
