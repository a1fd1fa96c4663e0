"""How long the far side asks to be left alone: the header `Retry-After` in seconds (RFC 9110, section 10.2.3)."""

from __future__ import annotations

import re

LONGEST_S = 86_400.0
_SECONDS = re.compile(r"[0-9]{1,18}")


def seconds(header: str) -> float | None:
    """Seconds, at most a day; None for a date or anything else, where the own schedule holds."""
    return min(float(header), LONGEST_S) if _SECONDS.fullmatch(header.strip()) else None
