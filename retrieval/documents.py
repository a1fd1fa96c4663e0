"""What knowledge is made of: documents with versions, passages cut from them, citations that quote them.

Offsets are always characters (not bytes) into `Document.text`, half open: `document.text[start:end]`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from retrieval.audiences import Audience

BlockKind = Literal["paragraph", "list", "table", "faq"]
Cause = Literal["", "disagreement", "out-of-date"]


@dataclass(frozen=True, slots=True)
class Block:
    """One structural piece of a document's text: a paragraph, a list, a table, or one FAQ pair.

    `heading` is the path of headings above it, outermost first. For `faq`, the last heading is the question
    and the text is the answer.
    """

    kind: BlockKind
    heading: tuple[str, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed source: plain text plus the blocks that structure it. `version` counts up from 1 in the store.

    `audience` is who may be told what it says. `review_by` and `valid_until` are the last days (ISO 8601, empty where
    the source states none) on which it counts as reviewed and as true.
    """

    id: str
    title: str
    text: str
    blocks: tuple[Block, ...]
    version: int = 1
    url: str = ""
    media_type: str = "text/plain"
    audience: Audience = "public"
    review_by: str = ""
    valid_until: str = ""

    def lapsed(self, today: date) -> str:
        """Why the document should not be quoted on this day, as the end of a sentence; empty where it may be."""
        if self.valid_until and date.fromisoformat(self.valid_until) < today:
            return f"was valid until {self.valid_until}"
        if self.review_by and date.fromisoformat(self.review_by) < today:
            return f"was to be reviewed by {self.review_by}"
        return ""

    @property
    def content_hash(self) -> str:
        """SHA-256 (hex) of what a reader can see: title and text. Equal hashes need no new version."""
        return hashlib.sha256(f"{self.title}\0{self.text}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Passage:
    """The citable piece of one document version; `text == document.text[start:end]`."""

    document: str
    version: int
    title: str
    heading: tuple[str, ...]
    start: int
    end: int
    text: str
    kind: BlockKind = "paragraph"

    @property
    def id(self) -> str:
        """Stable name of the passage: document, version and offsets."""
        return f"{self.document}@{self.version}:{self.start}-{self.end}"

    @property
    def question(self) -> str | None:
        """The question of a FAQ pair, else None."""
        return self.heading[-1] if self.kind == "faq" and self.heading else None


@dataclass(frozen=True, slots=True)
class Citation:
    """A quote and where it stands: `quote == stored_version.text[start:end]`, always. `audience` is the document's."""

    document: str
    version: int
    heading: str
    start: int
    end: int
    quote: str
    url: str
    audience: Audience = "public"


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage a search found. `score` is the fused score (no unit, comparable within one search);
    `cosine` in [-1, 1] and `bm25` >= 0 are the parts, None where that search did not return the passage."""

    passage: Passage
    score: float
    cosine: float | None = None
    bm25: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Quoted sentences that answer, or nothing.

    `confidence` is the calibrated probability in [0, 1] that the answer is right. `text` is what the customer
    reads; every sentence of it stands in one of the citations. `verbatim` marks a FAQ answer given whole.
    """

    text: str
    citations: tuple[Citation, ...]
    confidence: float
    verbatim: bool = False


@dataclass(frozen=True, slots=True)
class Abstention:
    """Why nothing is quoted. `confidence` is that of the best answer that was held back, in [0, 1].

    `cause` names a reason that lies in the documents and not in the question; `citations` then show it.
    """

    reason: str
    confidence: float = 0.0
    hits: tuple[Hit, ...] = field(default=())
    cause: Cause = ""
    citations: tuple[Citation, ...] = field(default=())
