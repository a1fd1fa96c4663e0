"""What a flow comes to: a sentence with its buttons, and what a check makes of the slots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Slots = Mapping[str, Any]
"""Rasa's slots by name; None where nothing is filled."""


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence with its buttons (title, payload), and the reason if a human has to take over."""

    text: str
    buttons: tuple[tuple[str, str], ...] = ()
    handover: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """Slots to set after a check (None: ask again), what to say about it, and whether the flow ends here.

    `ended` is `TOLD` when everything is said, otherwise the reason for a human; empty while the flow goes on.
    """

    slots: Slots = field(default_factory=dict)
    said: Said | None = None
    ended: str = ""


TOLD = "told"
"""A flow that ended with everything said."""
