"""Every error the retrieval package raises on purpose: who raises it, and what becomes of it.

RetrievalError                 the root; the message names both sides and the remedy
├── UnreadableSource           a file that could not be read (corrupt, hostile, wrong encoding, over a limit); it fails
│                              alone, with its name and the reason, and the rest of the folder is still read
├── BadSnapshot                a knowledge folder whose files are missing or do not belong together; never loaded
├── IndexUnreachable           an index outside of this process that cannot be asked: the turn goes to a human
└── BadModel                   a model folder that lacks a file or whose graph is not a sentence encoder; never loaded

Finding nothing and abstaining are values (an empty list, `Abstention`), never exceptions.
"""

from __future__ import annotations


class RetrievalError(Exception):
    """The root of the package's errors."""


class UnreadableSource(RetrievalError):
    """`name` is the source as the caller knows it, `reason` a sentence for people."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


class BadSnapshot(RetrievalError):
    """A knowledge folder that must not be served."""


class IndexUnreachable(RetrievalError):
    """The server that holds the vectors did not answer, or refused."""


class BadModel(RetrievalError):
    """A model folder that must not be served."""
