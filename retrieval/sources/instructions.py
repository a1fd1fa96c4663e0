"""Text that reads as if it spoke to the bot instead of the customer ("ignore previous instructions …").

Nothing that the bot quotes is obeyed by it, but such a text has no business in an answer, and a large model that reads
passages might follow it (Greshake et al., 2023, "Not what you've signed up for"). So it is kept out of the index until
a person has read it. The patterns find the usual wordings; they are a sieve, not a proof.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, replace

from retrieval.documents import Block, Document

_WHICH = (
    r"(?:\W+(?:all|any|every|each|of|the|your|my|our|their|previous|previously|prior|above|earlier|preceding|foregoing|"
    r"past|other|these|those|given|system|safety|initial|original|existing|stated|and|or))*"
)
_WHAT = r"(?:instructions?|prompts?|rules?|guidelines?|directives?|constraints?|training)"
_PATTERNS = (
    # to drop what it was told
    rf"\b(?:ignore|disregard|forget|override|bypass){_WHICH}\W+{_WHAT}\b",
    r"\b(?:ignore|disregard|forget)\W+(?:everything|anything|all)\W+(?:\w+\W+){0,3}(?:above|before|previous|prior|said|told)\b",
    r"\b(?:ignoriere?|vergiss)\b(?:\W+\w+){0,5}?\W+(?:anweisungen?|regeln|vorgaben)\b",
    r"\b(?:ignore[zr]?|oublie[zr]?)\W+(?:toutes?\W+)?(?:les|vos|tes|ces)\b(?:\W+\w+){0,3}?\W+(?:instructions|consignes|règles)\b",
    r"\b(?:ignora|olvida)\b(?:\W+\w+){0,5}?\W+(?:instrucciones|reglas|istruzioni)\b",
    # to become something else
    r"\byou\W+are\W+(?:now|no\W+longer)\W+(?:\w+\W+){0,4}(?:assistant|bot|chatbot|model|ai|llm|agent|dan|mode)\b",
    r"\b(?:act|behave|respond|answer)\W+as\W+(?:if\W+you\W+(?:are|were)\W+)?(?:an?\W+|the\W+)?(?:\w+\W+){0,2}(?:ai|llm|dan|chatbot|language\W+model)\b",
    r"\b(?:developer|jailbreak|dan|god)\W+mode\b|\bjailbreak\b",
    # addressed to a machine
    r"\b(?:if\W+you\W+are|attention|dear|hey|hello|note\W+(?:to|for)|message\W+(?:to|for)|instructions?\W+(?:to|for))\W+"
    r"(?:an?\W+|the\W+|any\W+|all\W+|every\W+)?(?:ai|a\.i\.|llms?|large\W+language\W+models?|language\W+models?|chat\W?bots?|bots?|"
    r"ai\W+(?:assistants?|agents?|models?))\b",
    r"\b(?:ai|llm|language\W+model|chat\W?bot)s?\W+(?:\w+\W+){0,2}(?:reading|processing|parsing|indexing|summari[sz]ing)\W+this\b",
    r"\bsystem\W+prompt\b|\bprompt\W+injection\b|\bnew\W+(?:system\W+)?instructions?\s*:",
    r"<\|\s*\w+\s*\|>|\[/?INST\]|<</?SYS>>|^[^\S\n]*(?:system|assistant|developer)\s*:\s|###\s*(?:system|instruction)",
    # to give something away, or to keep it from the customer
    r"\b(?:reveal|print|repeat|output|show|leak|disclose)\W+(?:me\W+)?(?:your|the)\W+(?:\w+\W+){0,2}(?:prompt|instructions|secrets?|api\W+keys?|credentials|system\W+message)\b",
    r"\b(?:do\W+not|don.?t|never)\W+(?:tell|mention|reveal|inform|show|warn|alert)\b(?:\W+\w+){0,4}?\W+(?:the\W+)?(?:user|customer|human|reader)s?\b",
    r"\b(?:tell|assure|convince|instruct)\W+(?:the|every|all|any|each)\W+(?:users?|customers?|visitors?)\b",
)
_INSTRUCTION = re.compile("|".join(f"(?:{each})" for each in _PATTERNS), re.IGNORECASE | re.MULTILINE)
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff\U000e0000-\U000e01ef]")


@dataclass(frozen=True, slots=True)
class Held:
    """A piece of text that waits for a person, and the words in it that look like an instruction."""

    text: str
    phrase: str

    @property
    def id(self) -> str:
        """Names the text whatever document it stands in."""
        return text_id(self.text)


def text_id(text: str) -> str:
    """SHA-256 (first 16 hex digits) of a text with its spaces evened out."""
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()[:16]


def instruction_in(text: str) -> str:
    """The words of a text that read like an instruction to the bot; empty where none do."""
    match = _INSTRUCTION.search(_UNSEEN.sub("", unicodedata.normalize("NFKC", text)))
    return " ".join(match[0].split()) if match else ""


def without_instructions(document: Document, approved: Collection[str] = ()) -> tuple[Document, tuple[Held, ...]]:
    """The document without the pieces that read like instructions, and these pieces; `approved` are the ids of texts
    that a person has read and let through. Offsets of the blocks that stay fit the new text; a FAQ question that waits
    takes its answer along."""
    held: dict[str, Held] = {}

    def waits(text: str) -> bool:
        phrase = instruction_in(text)
        if phrase and text_id(text) not in approved:
            held.setdefault(text_id(text), Held(text, phrase))
            return True
        return False

    pieces: list[str] = []
    blocks: list[Block] = []
    length = 0
    for text, block in _pieces(document):
        asked = block.heading[-1] if block is not None and block.kind == "faq" and block.heading else ""
        if waits(text) or waits(asked):
            continue
        start = length + (2 if pieces else 0)
        pieces.append(text)
        length = start + len(text)
        if block is not None:
            path = tuple(heading for heading in block.heading if not waits(heading))
            blocks.append(replace(block, heading=path, start=start, end=length))
    title = document.id if waits(document.title) else document.title
    if not held:
        return document, ()
    return replace(document, title=title, text="\n\n".join(pieces), blocks=tuple(blocks)), tuple(held.values())


def _pieces(document: Document) -> list[tuple[str, Block | None]]:
    """The text in order: blocks, and the headings between them."""
    found: list[tuple[str, Block | None]] = []
    position = 0
    for block in document.blocks:
        found.extend((text, None) for text in document.text[position : block.start].split("\n\n") if text.strip())
        found.append((document.text[block.start : block.end], block))
        position = block.end
    found.extend((text, None) for text in document.text[position:].split("\n\n") if text.strip())
    return found
