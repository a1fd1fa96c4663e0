"""Personal data out of what is sent to the large model, and back into what it wrote.

The same value has the same placeholder in every text of one call, so that the model can tell two order numbers apart
and an order number that is named twice is one. What the map holds never leaves the process.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.llm.personal import PersonalData

PLACEHOLDER = re.compile(r"\[(?:URL|EMAIL|IBAN|CARD|IP|ID|BIRTH|ADDRESS|POSTCODE|ORDER|PHONE|NAME)_\d{1,3}\]")


@dataclass(slots=True)
class Redaction:
    """The placeholders of one call. `finder` says what is personal, `attributes` what is known of the customer."""

    finder: PersonalData
    attributes: Mapping[str, str] = field(default_factory=dict)
    _values: dict[str, str] = field(default_factory=dict)
    _known: dict[tuple[str, str], str] = field(default_factory=dict)

    def hide(self, text: str) -> str:
        """The text with a placeholder such as `[EMAIL_1]` for each piece of personal data. What already looks like a
        placeholder is taken for one of the customer's own and replaced too, so that it cannot stand for another's."""
        pieces, position = [], 0
        for start, end, kind in self._found(text):
            pieces += [text[position:start], self._placeholder(kind, text[start:end])]
            position = end
        return "".join([*pieces, text[position:]])

    def restore(self, text: str) -> str:
        """The text with the values put back; a placeholder that this call did not make stays as it is."""
        return PLACEHOLDER.sub(lambda match: self._values.get(match[0], match[0]), text)

    def made(self, placeholder: str) -> bool:
        """Whether this call put that placeholder somewhere."""
        return placeholder in self._values

    def _found(self, text: str) -> list[tuple[int, int, str]]:
        own = [(match.start(), match.end(), "NAME") for match in PLACEHOLDER.finditer(text)]
        found = [(each.start, each.end, each.kind) for each in self.finder.find(text, self.attributes)]
        apart = [each for each in found if all(each[1] <= start or each[0] >= end for start, end, _ in own)]
        return sorted([*own, *apart])

    def _placeholder(self, kind: str, value: str) -> str:
        key = kind, " ".join(value.split()).casefold()
        if key not in self._known:
            number = 1 + sum(known == kind for known, _ in self._known)
            self._known[key] = f"[{kind}_{number}]"
            self._values[self._known[key]] = value
        return self._known[key]
