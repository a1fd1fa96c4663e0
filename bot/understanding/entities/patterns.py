"""A company's own regular expressions: checked when they are read, and never able to hold up a message."""

from __future__ import annotations

import regex

from bot.errors import BadInput

PATTERN_TIMEOUT_S = 0.05
"""What one pattern may take on one message; one that takes longer finds nothing."""

MAX_PATTERN = 300


def compiled(pattern: str, what: str) -> regex.Pattern[str]:
    """The pattern, any case; `BadInput` names `what` if it is not a regular expression or too long."""
    if len(pattern) > MAX_PATTERN:
        raise BadInput(f"{what}: a pattern of {len(pattern)} characters, at most {MAX_PATTERN} are accepted")
    try:
        return regex.compile(pattern, regex.IGNORECASE)
    except (regex.error, OverflowError, RecursionError) as error:
        raise BadInput(f"{what}: {pattern!r} is not a regular expression: {error}") from error
