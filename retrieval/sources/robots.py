"""What a site's robots.txt allows (RFC 9309): read by the standard library, matched by the longest rule.

The library's own match takes the first rule and knows no wildcards, which would read pages that a site closed with
`Disallow: /*?sort=`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urlsplit
from urllib.robotparser import RobotFileParser

MAX_BYTES = 500 * 1024
MAX_DELAY_S = 30.0
"""Longest pause between two pages that a site is granted."""


@dataclass(frozen=True, slots=True)
class _Rule:
    """A path to match from its beginning: `parts` stand between its wildcards, `anchored` is one that ends in `$`."""

    parts: tuple[str, ...]
    anchored: bool
    length: int
    allowed: bool

    @classmethod
    def of(cls, pattern: str, *, allowed: bool) -> _Rule:
        anchored = pattern.endswith("$")
        return cls(tuple(pattern.removesuffix("$").split("*")), anchored, len(pattern), allowed)

    def fits(self, path: str) -> bool:
        """Each part is looked for once, at its first place: no pattern makes this slow."""
        first, *others = self.parts
        if not path.startswith(first):
            return False
        place = len(first)
        if self.anchored:
            last = others.pop() if others else ""
            end = len(path) - len(last)
            if not path.endswith(last) or (len(self.parts) == 1 and place != end):
                return False
        else:
            end = len(path)
        for part in others:
            found = path.find(part, place, end)
            if found < 0:
                return False
            place = found + len(part)
        return place <= end


class Robots:
    """The rules of one site for one agent. No text means that everything is allowed."""

    def __init__(self, text: str, agent: str) -> None:
        self._parser = RobotFileParser()
        self._parser.parse(text.splitlines())
        self._agent = agent
        rules: Any = self._parser
        entries = [each for each in rules.entries if each.applies_to(agent)]
        fitting = entries or ([rules.default_entry] if rules.default_entry else [])
        lines = [line for entry in fitting for line in entry.rulelines]
        self._rules = [_Rule.of(unquote(line.path), allowed=bool(line.allowance)) for line in lines]

    @classmethod
    def closed(cls, agent: str) -> Robots:
        """For a site whose rules cannot be read: nothing is allowed (RFC 9309, section 2.3.1.4)."""
        return cls("User-agent: *\nDisallow: /", agent)

    def allows(self, url: str) -> bool:
        """Whether a page may be read: the longest rule that fits it decides, and of two alike the one that allows."""
        parts = urlsplit(url)
        path = unquote(quote(parts.path or "/", safe="/%")) + (f"?{parts.query}" if parts.query else "")
        fitting = [(rule.length, rule.allowed) for rule in self._rules if rule.fits(path)]
        return max(fitting, default=(0, True))[1]

    def delay_s(self, least: float) -> float:
        """The pause between two pages: `least`, or what the site asks for, within reason."""
        asked = self._parser.crawl_delay(self._agent)
        return max(least, min(float(asked), MAX_DELAY_S)) if asked is not None else least
