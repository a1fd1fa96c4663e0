"""A release in memory: everything that answers a message, loaded and checked together."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from bot.errors import BadRelease, FirstlineError
from bot.messages import MAX_TEXT
from bot.routing.gate import Gate
from bot.routing.policy import Policy, load_policy
from bot.routing.signals import Look
from bot.understanding.concerns import ConcernHead
from bot.understanding.payload import understand_payload
from bot.understanding.understand import Understander
from retrieval.audiences import Audience
from retrieval.documents import Abstention, Answer
from retrieval.embedder import OnnxEmbedder
from retrieval.errors import RetrievalError
from retrieval.fusion import Fusion
from retrieval.index import IndexStore
from retrieval.knowledge import IsCurrent, Knowledge
from retrieval.known import KnownQuestions
from retrieval.reader import Reader

if TYPE_CHECKING:
    from bot.releases.registry import Manifest, Registry

SMOKE = ("Where is my order?", "How long does delivery take?", "🤷", "x" * 500)
"""Every release must survive these before it serves."""
READER, KNOWN = "reader", "known"
"""Folders of the reader and of the known questions, in the encoder's part and in the company's folder."""


@dataclass(frozen=True, slots=True)
class Release:
    """What a process answers with. Parts that two releases share are loaded once.

    `is_current`, where it is set, says what the library had in use when the release was last brought up to it
    (`bot.releases.fresh`), and is asked instead of any that is passed: index and verdict are then of one moment, and
    what changes after it is caught when the reply is written.
    """

    id: str
    manifest: Manifest
    encoder: OnnxEmbedder
    understander: Understander
    knowledge: Knowledge
    policy: Policy
    gate: Gate
    is_current: IsCurrent | None = None
    concerns: ConcernHead | None = None

    @property
    def restricted(self) -> bool:
        """Whether any document is not for the public."""
        return self.knowledge.restricted

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
        """Understand a message and search the passages: all that the router needs from the models.

        `history` is what was asked before (`retrieval.followups`), `audience` on whose behalf is searched.
        """
        understanding = self.understander.understand(text, today=today)
        if payload is not None:
            understanding = understand_payload(payload, understanding)
        elif self.concerns is not None:
            concern = self.concerns.of(text[:MAX_TEXT], self.understander.classifier)
            understanding = replace(understanding, concern=concern)
        query = self.knowledge.query(text, history, audience)
        hits = tuple(self.knowledge.search(query))
        answer = self.knowledge.answer(query, hits=hits, is_current=self.is_current or is_current, today=today)
        return Look(understanding, hits, answer, query)

    def answer_for(
        self, audience: Audience, look: Look, *, today: date, is_current: Callable[[str, int], bool] | None = None
    ) -> Answer | Abstention:
        """What a look would have quoted for another audience; read again only where that one finds something else."""
        if look.query is None:
            return look.answer
        query = replace(look.query, audience=audience)
        hits = tuple(self.knowledge.search(query))
        if hits == look.hits:
            return look.answer
        return self.knowledge.answer(query, hits=hits, is_current=self.is_current or is_current, today=today)


def load_release(registry: Registry, id: str, *, reuse: Release | None = None) -> Release:
    """Load a release after checking every file's hash; `BadRelease` if anything is off.

    Parts that `reuse` has loaded already are taken from it.
    """
    manifest = registry.manifest(id)
    registry.verify(manifest)
    part = {kind: registry.part(name) for kind, name in manifest.parts.items()}
    same = {kind: reuse is not None and reuse.manifest.parts[kind] == name for kind, name in manifest.parts.items()}
    try:
        encoder = reuse.encoder if reuse and same["encoder"] else OnnxEmbedder.load(part["encoder"])
        understander = reuse.understander if reuse and same["intents"] else Understander.load(part["intents"])
        kept = reuse and same["encoder"] and same["knowledge"] and same["router"]
        read = reuse.knowledge.reader if reuse and same["encoder"] else load_reader(part["encoder"])
        knowledge = (
            reuse.knowledge
            if reuse and kept
            else load_knowledge(
                part["knowledge"],
                part["router"],
                encoder,
                read,
                store=registry.indexes,
                known=KnownQuestions.load(part["encoder"] / KNOWN),
            )
        )
        policy = load_policy(part["router"] / "policy.yml")
        gate = Gate.from_json(json.loads((part["router"] / "gate.json").read_text()))
        concerns = ConcernHead.load(part["router"], understander.classifier.fingerprint)
    except (FirstlineError, RetrievalError, OSError, ValueError, KeyError, TypeError) as error:
        raise BadRelease(f"release {id} does not load: {error}") from error
    return Release(id, manifest, encoder, understander, knowledge, policy, gate, concerns=concerns)


def load_reader(encoder: Path) -> Reader:
    """The reader of an encoder's part. It holds nothing back: the gate decides."""
    reader = Reader.load(encoder / READER)
    return Reader(replace(reader.model, threshold=0.0), reader.crossencoder)


def load_knowledge(
    folder: Path,
    router: Path,
    encoder: OnnxEmbedder,
    reader: Reader,
    *,
    store: IndexStore | None = None,
    known: KnownQuestions | None = None,
) -> Knowledge:
    """The knowledge with the router's choice of fusion."""
    fusion = Fusion(**json.loads((router / "fusion.json").read_text()))
    return Knowledge.load(folder, encoder, fusion=fusion, reader=reader, store=store, known=known)


def smoke(release: Release, today: date) -> None:
    """Answer the smoke questions; `BadRelease` when one of them raises."""
    for text in SMOKE:
        try:
            release.look(text, today=today)
        except Exception as error:
            raise BadRelease(f"release {release.id} fails on a smoke question: {error}") from error
