"""What a parser notices beside the text: notes for whoever ingests the source, and the links it holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

MAX_LINKS = 2_000
"""Links kept of one source."""
MAX_NOTES = 20
SHOWN = 90
"""Characters of a text that a note repeats."""


@dataclass(slots=True)
class Findings:
    """Filled while a source is parsed. `links` are those of its text, `around` those of the menus and footers beside
    it, as the source writes them and without repetition; `canonical` is the address an HTML page names as its own,
    empty where it names none."""

    notes: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    around: list[str] = field(default_factory=list)
    canonical: str = ""

    def note(self, text: str) -> None:
        """Keep a sentence for people; beyond MAX_NOTES they are dropped."""
        if len(self.notes) < MAX_NOTES and text not in self.notes:
            self.notes.append(text)

    def add_links(self, targets: Iterable[str], *, around: bool = False) -> None:
        """Keep the targets of links; what only moves within a page, or is no address, is left out."""
        kept = self.around if around else self.links
        known = {*self.links, *self.around}
        for target in targets:
            address = target.strip()
            if address and address not in known and not address.startswith("#") and len(kept) < MAX_LINKS:
                known.add(address)
                kept.append(address)


def shown(text: str) -> str:
    """The beginning of a text, for a note."""
    flat = " ".join(text.split())
    return f"“{flat[:SHOWN].rstrip()}…”" if len(flat) > SHOWN else f"“{flat}”"
