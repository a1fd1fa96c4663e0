"""What kind of answer a question asks for, and whether a sentence holds something of that kind. Pure.

The kinds are the coarse classes of Li & Roth, "Learning Question Classifiers" (2002), that words alone tell apart.
"""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal["number", "date", "duration", "person", "place", "reason"]

_ASKS: dict[Kind, re.Pattern[str]] = {
    "number": re.compile(
        r"\bhow (?:many|much|often|old|far|fast|tall|high|large|big|wide|deep|heavy)\b|\bset me back\b"
        r"|\b(?:what|which) (?:is |are |was |were )?(?:the )?(?:number|percent|percentage|proportion|share|amount"
        r"|fraction|age|price|cost|population|rate)\b"
        r"|\b(?:price|cost|charge|fee|discount|minimum|maximum|biggest|limit)s?\b",
        re.IGNORECASE,
    ),
    "date": re.compile(
        r"\bwhen\b(?! (?:i|you|we|my|your|it)\b)|\b(?:what|which) (?:year|date|day|month|century|decade|time)\b"
        r"|\bdeadline\b|\bby when\b|\blast date\b",
        re.IGNORECASE,
    ),
    "duration": re.compile(r"\bhow (?:long|soon|quickly)\b|\bduration\b", re.IGNORECASE),
    "person": re.compile(
        r"\bwho(?:se|m)?\b|\bwhat (?:is|was) the name\b|\bwhich (?:person|player|king|queen|author)\b", re.IGNORECASE
    ),
    "place": re.compile(
        r"\bwhere\b|\b(?:what|which) (?:city|country|state|place|location|town|region|area|continent)\b", re.IGNORECASE
    ),
    "reason": re.compile(r"\bwhy\b|\bhow come\b|\bwhat (?:caused|causes|(?:is|was) the reason)\b", re.IGNORECASE),
}
_COUNTED = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|fifty|hundred|thousand"
    r"|million|billion|half|quarter|third|dozen|several|free|nothing)\b",
    re.IGNORECASE,
)
_DATED = re.compile(
    r"\b(?:1\d{3}|20\d{2})s?\b|\b\d{1,2}:\d{2}\b|\b(?:january|february|march|april|may|june|july|august|september|october"
    r"|november|december|monday|tuesday|wednesday|thursday|friday|saturday|sunday|century|today|tomorrow|annually)\b",
    re.IGNORECASE,
)
_LASTING = re.compile(r"\b(?:second|minute|hour|day|week|month|year|decade|centur)\w*\b", re.IGNORECASE)
_GIVING_REASON = re.compile(
    r"\b(?:because|due to|since|so that|in order to|caused?|as a result|therefore|thus|owing to|reason)\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<!^)(?<![.!?] )\b[A-Z][\w'’-]+")
_AT_A_PLACE = re.compile(r"\b(?:in|at|near|from|to|on)\s+(?:the\s+)?[A-Z]")


def kinds_of(question: str) -> frozenset[Kind]:
    """The kinds of answer it may be asking for; none where its words do not say."""
    return frozenset(kind for kind, asks in _ASKS.items() if asks.search(question))


def holds_kind(sentence: str, kind: Kind, question: str) -> bool:
    """Whether the sentence holds something of the kind that the question does not say itself."""
    if kind == "person":
        asked = question.lower()
        return any(name.group().lower() not in asked for name in _NAME.finditer(sentence))
    if kind == "place":
        return bool(_AT_A_PLACE.search(sentence))
    if kind == "date":
        return bool(_DATED.search(sentence))
    if kind == "reason":
        return bool(_GIVING_REASON.search(sentence))
    said = {word.group().lower() for word in _COUNTED.finditer(question)}
    counted = any(word.group().lower() not in said for word in _COUNTED.finditer(sentence))
    return counted and (kind == "number" or bool(_LASTING.search(sentence)))


def share_held(sentence: str, kinds: frozenset[Kind], question: str) -> float:
    """Share of the kinds that the sentence holds, in [0, 1]; 0 where none is asked for."""
    return sum(holds_kind(sentence, kind, question) for kind in kinds) / len(kinds) if kinds else 0.0
