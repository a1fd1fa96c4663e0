"""Every way a conversation changes hands, as one table: `bot → waiting → agent → bot | closed (→ reopened)`.

The store compares and sets with these rows (`bot.store.ownership`); what is not in the table cannot happen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bot.messages import Owner

Step = Literal[
    "request",
    "claim",
    "assign",
    "pass_on",
    "refer",
    "snooze",
    "lapse",
    "hand_back",
    "close",
    "reopen",
    "come_back",
]


@dataclass(frozen=True, slots=True)
class Rule:
    """From which owners a step leads where. With `holder`, only the agent who holds the conversation may take it."""

    expected: tuple[Owner, ...]
    to: Owner
    holder: bool = False


STEPS: Mapping[Step, Rule] = {
    "request": Rule(("bot", "closed"), "waiting"),
    "claim": Rule(("waiting", "bot", "closed"), "agent"),
    "assign": Rule(("waiting",), "agent"),
    "pass_on": Rule(("agent",), "agent", holder=True),
    "refer": Rule(("waiting", "agent"), "waiting", holder=True),
    "snooze": Rule(("waiting", "agent"), "waiting", holder=True),
    "lapse": Rule(("agent",), "waiting"),
    "hand_back": Rule(("agent",), "bot", holder=True),
    "close": Rule(("agent", "waiting"), "closed", holder=True),
    "reopen": Rule(("closed",), "bot"),
    "come_back": Rule(("closed",), "agent"),
}
"""`request` is the customer's or the bot's; `assign` and `pass_on` give a conversation to a colleague, `refer` to a
team; `lapse` takes it from an agent who is gone; `reopen` and `come_back` follow a customer's message after the end."""


def steps_from(owner: Owner) -> frozenset[Step]:
    """What may happen to a conversation that stands with `owner`."""
    return frozenset(step for step, rule in STEPS.items() if owner in rule.expected)
