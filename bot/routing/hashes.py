"""Short names for what decided a turn: the policy and the gate."""

from __future__ import annotations

import hashlib

CHARACTERS = 16


def short_hash(text: str) -> str:
    """The first CHARACTERS of the SHA-256 (hex) of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:CHARACTERS]
