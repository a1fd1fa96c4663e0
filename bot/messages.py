"""The records every part of Firstline speaks in: frozen, and built on nothing but the standard library.

Times are aware UTC datetimes. `confidence` is always a calibrated probability in [0, 1]; a `score` never is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from retrieval.audiences import Audience
from retrieval.documents import Citation

Participant = Literal["customer", "bot", "agent", "system"]
Route = Literal["flow", "answer", "clarify", "offer", "decline", "large_model", "human", "smalltalk"]
Offered = Literal["", "open", "passed", "refused"]
"""What became of the offer of a human: none; just made; made, and the customer went on to something else; refused."""
Owner = Literal["bot", "waiting", "agent", "closed"]

MAX_TEXT = 4_000
"""Longest customer message in characters; a longer one is a `TooLarge`, told to the customer."""
MAX_ATTACHMENTS = 5
"""Most files that one message carries."""
ANONYMOUS = "visitor-"
"""How the ids of the widget's customers begin who are not signed in."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file with a message: its random id, a name cleaned for display, its media type as its content says it, and its
    size in bytes. The bytes are in `bot.store.attachments`."""

    id: str
    name: str
    kind: str
    size: int


@dataclass(frozen=True, slots=True)
class IncomingMessage:
    """A verified message of a customer, as a channel hands it to `turns.accept`.

    `conversation` is the channel's own key of the conversation, `external_id` its unique id of the message
    (the idempotency key: the same id twice is one message). `payload` is what a tapped quick reply stands for.
    `attachments` are ids of files that were uploaded before; with one, the text may be empty.
    """

    channel: str
    conversation: str
    customer: str
    external_id: str
    text: str
    payload: str | None = None
    attributes: tuple[tuple[str, str], ...] = ()
    attachments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entity:
    """A piece of the text with a meaning: `text[start:end]`, normalised to `value` (order numbers upper case,
    e-mails lower case, phones E.164, dates ISO 8601, amounts `12.50 GBP`)."""

    name: str
    value: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class NearestRow:
    """A row of the company's training data that is close to a message; `cosine` in [-1, 1]."""

    text: str
    intent: str
    cosine: float


@dataclass(frozen=True, slots=True)
class Concern:
    """A matter for a person that a message may be: its kind, the calibrated probability in [0, 1] that it is one of
    the kinds at all, and the example of that kind that is nearest, with its cosine."""

    kind: str
    probability: float
    nearest: str = ""
    cosine: float = 0.0


@dataclass(frozen=True, slots=True)
class Understanding:
    """What the small model makes of one message.

    `confidence` belongs to `intent`; `ranking` holds the likeliest intents with their confidence, best first.
    `out_of_scope` is the calibrated probability that no known intent fits. `frustration` is in [0, 1].
    `language` is an ISO 639-1 code, "und" where the text is too short to tell. `nearest` says why: the closest
    training rows, best first. `concern` is the likeliest matter for a person, None where nothing was looked for.
    """

    intent: str
    confidence: float
    ranking: tuple[tuple[str, float], ...] = ()
    out_of_scope: float = 0.0
    entities: tuple[Entity, ...] = ()
    asks_for_human: bool = False
    frustration: float = 0.0
    language: str = "en"
    nearest: tuple[NearestRow, ...] = ()
    concern: Concern | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens to a message and why: a route, a sentence for people, and the rule or gate that decided."""

    route: Route
    reason: str
    rule: str


@dataclass(frozen=True, slots=True)
class QuickReply:
    """A button under a reply. `payload` comes back as the next message's payload."""

    title: str
    payload: str


@dataclass(frozen=True, slots=True)
class Reply:
    """One message of the bot (or of an agent) before it stands in the log."""

    text: str
    citations: tuple[Citation, ...] = ()
    quick_replies: tuple[QuickReply, ...] = ()


@dataclass(frozen=True, slots=True)
class DialogueState:
    """Where a multi-step flow stands: the active form, the slot it asks for, and the question last asked, so that
    it can be asked again after a question in the middle. All empty when no flow is active."""

    form: str = ""
    slot: str = ""
    prompt: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """The record of one answered message (invariant 6): what was understood and found, what decided, by which release.

    `found` are the ids of the passages that the search returned, best first; `took_ms` is wall time.
    `draft` is the answer the bot would have given where it handed over instead; one that is not for the public quotes a
    document for `draft_audience`, and is for the agent's eyes.
    `signals` is what the router saw beside text and understanding, as `bot.routing.record` writes it; with `policy` and
    `gate`, the hashes of what decided, the decision can be made again. `large_model` says what asking the large model
    came to, which check refused its answer among others; empty where it was not asked.
    """

    message_seq: int
    understanding: Understanding
    decision: Decision
    release: str
    found: tuple[str, ...] = ()
    answer_confidence: float = 0.0
    draft: str = ""
    draft_audience: Audience = "public"
    took_ms: float = 0.0
    signals: Mapping[str, Any] = field(default_factory=dict)
    policy: str = ""
    gate: str = ""
    large_model: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One row of the append-only conversation log, numbered per conversation from 1 by `seq`.

    `kind` is "text", "note" (agents only), or "event" (hand-off and system lines that everyone sees).
    `rating` is what the customer thought of a bot's message: "up", "down" or nothing. `turn` stands on answered
    customer messages, where it was asked for. `external_id` is the id a customer's message came under.
    """

    conversation: str
    seq: int
    participant: Participant
    kind: str
    text: str
    at: datetime
    author: str = ""
    payload: str | None = None
    citations: tuple[Citation, ...] = field(default=())
    quick_replies: tuple[QuickReply, ...] = field(default=())
    rating: str = ""
    turn: Turn | None = None
    external_id: str = ""
    attachments: tuple[Attachment, ...] = ()
