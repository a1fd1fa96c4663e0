"""A release whose models are tables and word overlap: real store, policy, router, gate and turns, no training.

It has what `bot.releases.release.Release` has as far as a turn sees it. Like a real one it holds an index that was
made once (`KeywordRelease.of(library)`) and goes stale when the library moves on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from bot.messages import Entity, Understanding
from bot.routing.gate import Gate
from bot.routing.policy import Policy, load_policy
from bot.routing.signals import Look
from bot.store.documents import Library
from bot.understanding.payload import understand_payload
from retrieval.audiences import Audience, may_see
from retrieval.citations import cite
from retrieval.documents import Abstention, Answer, Document, Hit, Passage
from retrieval.passages import cut
from retrieval.retriever import Query
from retrieval.sentences import sentences
from retrieval.sources.building import DocumentBuilder
from retrieval.words import content_words
from tests.llm.word_vectors import WordVectors

ROOT = Path(__file__).parent.parent

WORDS = {
    "talk_to_human": "human person agent",
    "stop_flow": "stop forget",
    "start_return": "return back",
    "order_status": "order parcel",
    "greet": "hello",
    "ask_delivery": "cost deliver delivery",
    "ask_product": "kettle",
}
"""Intents by the first word that is found, in this order."""

EXPRESS = "Express delivery costs £6.95 and comes the next working day if you order before 16:00."
GIFTS = "Gift cards come by e-mail <!channel> & never expire."
_ENTITY = re.compile(r"(?P<order_number>\bWF-\d{6}\b)|(?P<email>[\w.]+@[\w.]+\w)")


def document(id: str, *paragraphs: str, heading: str = "") -> Document:
    """A document of one heading and some paragraphs."""
    builder = DocumentBuilder()
    builder.heading(1, heading or id.title())
    for paragraph in paragraphs:
        builder.paragraph(paragraph)
    return builder.document(id)


def fill(library: Library) -> None:
    """Put two documents on the shelf."""
    library.put_all([document("delivery", EXPRESS), document("gifts", GIFTS)], source="help centre")


@dataclass(frozen=True, slots=True)
class KeywordRelease:
    documents: tuple[Document, ...]
    policy: Policy
    gate: Gate = Gate()
    id: str = "r-0000000001"

    @classmethod
    def of(cls, library: Library, *, policy: Path = ROOT / "data" / "policy.yml") -> KeywordRelease:
        """A release with an index of what the library holds now."""
        return cls(library.current(), load_policy(policy))

    @property
    def encoder(self) -> WordVectors:
        return WordVectors()

    @property
    def restricted(self) -> bool:
        return any(each.audience != "public" for each in self.documents)

    def look(
        self,
        text: str,
        *,
        today: date,
        payload: str | None = None,
        history: str = "",
        audience: Audience = "public",
        is_current: Callable[[str, int], bool] | None = None,
    ) -> Look:
        """The sentence that shares most content words with `text`, at least two, and a known intent."""
        understanding = understand(text)
        if payload is not None:
            understanding = understand_payload(payload, understanding)
        asked = text if len(content_words(text)) > 1 else f"{text} {history}"
        query = Query(text, np.zeros(0, np.float32), asked, {}, audience, history)
        return Look(understanding, *self._read(query, is_current), query)

    def answer_for(
        self, audience: Audience, look: Look, *, today: date, is_current: Callable[[str, int], bool] | None = None
    ) -> Answer | Abstention:
        assert look.query is not None
        return self._read(replace(look.query, audience=audience), is_current)[1]

    def _read(
        self, query: Query, is_current: Callable[[str, int], bool] | None
    ) -> tuple[tuple[Hit, ...], Answer | Abstention]:
        seen = [each for each in self.documents if may_see(query.audience, each.audience)]
        found = best(query.keywords, seen, is_current or (lambda id, version: True))
        if found is None:
            return (), Abstention("no sentence shares two words with the question")
        source, passage, start, end = found
        citation = cite(source, passage, start, end)
        return (Hit(passage, 1.0, 0.8, 9.0),), Answer(citation.quote, (citation,), 0.93)


def understand(text: str) -> Understanding:
    """The intent by `WORDS`; `out_of_scope` and as good as no confidence where none of them is said."""
    said = set(content_words(text)) | set(re.findall(r"[a-z]+", text.lower()))
    intent = next((name for name, words in WORDS.items() if said & set(words.split())), "")
    entities = tuple(
        Entity(match.lastgroup or "", match.group(), match.start(), match.end()) for match in _ENTITY.finditer(text)
    )
    if not intent:
        return Understanding("ask_product", 0.1, (("ask_product", 0.1),), 0.9, entities)
    asks = intent == "talk_to_human"
    return Understanding(intent, 0.95, ((intent, 0.95),), 0.05, entities, asks_for_human=asks)


def best(
    text: str, documents: Sequence[Document], is_current: Callable[[str, int], bool]
) -> tuple[Document, Passage, int, int] | None:
    """The best sentence of what may be quoted, with its passage and its offsets."""
    asked, most, found = set(content_words(text)), 1, None
    for source in documents:
        if not is_current(source.id, source.version):
            continue
        for passage in cut(source):
            for start, end in sentences(passage.text):
                shared = len(asked & set(content_words(passage.text[start:end])))
                if shared > most:
                    most, found = shared, (source, passage, passage.start + start, passage.start + end)
    return found


class BreakingRelease(KeywordRelease):
    """The same, but a message with this word breaks its models."""

    word = "overflow"

    def look(self, text: str, **rest: Any) -> Look:
        if self.word in text:
            raise ArithmeticError("the model met a number it cannot take")
        return KeywordRelease.look(self, text, **rest)
