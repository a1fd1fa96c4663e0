"""Whether a sentence speaks of a day behind or ahead, from the words around it."""

from __future__ import annotations

import re

BEHIND, UNSAID, AHEAD = -1, 0, 1

_SENTENCE_END = re.compile(r"[.!?;\n]\s")
_CUES = re.compile(
    r"\b(?:"
    r"(?P<behind>(?:supposed|meant|due)\s+to\s+\w+|(?:should|could|would|must)(?:'ve|\s+have)\s+\w+"
    r"|(?:did|has|have|had|was|were)(?:n['’]?t|\s+not)(?:\s+\w+)?|(?:has|have|had)\s+been|was|were|since|last"
    r"|bought|paid|came|sent|got|wrote|said|went|left|took|told|spoke|rang|(?!need\b)\w{2,20}ed)"
    r"|(?P<ahead>(?:be|get|been\s+able\s+to)\s+\w{2,20}ed|can|could|will|would|shall|should|need|needs|want|wants|please"
    r"|pls|deliver|come|arrive|collect|for|by|before|until|till|next|instead|nice|works?|free|moving|leave|leaving)"
    r")\b|(?P<soon>['’]ll\b)",
    re.IGNORECASE,
)


def tense(before: str, after: str) -> int:
    """`BEHIND`, `AHEAD` or `UNSAID`: the last telling word before the date in its sentence, else the first after it."""
    start = max((end.end() for end in _SENTENCE_END.finditer(before)), default=0)
    cues = list(_CUES.finditer(before, start))
    if cues:
        return _said(cues[-1])
    stop = _SENTENCE_END.search(after)
    first = _CUES.search(after, 0, stop.start() if stop else len(after))
    return _said(first) if first else UNSAID


def _said(cue: re.Match[str]) -> int:
    return BEHIND if cue["behind"] else AHEAD
