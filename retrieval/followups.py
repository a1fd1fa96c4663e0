"""Follow-ups: which questions lean on what was said before them, how far, and what exactly they lean on.

Pure. "And for sale items?" means nothing alone; "opening hours" is short too, yet means what it says. A question that
shows by its words that it goes on (`and …`, `that`, `it`) leans far; one that is merely short leans a little, which
helps where it is a fragment and does not drown it where it is a new topic.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from retrieval.words import content_words

GOES_ON = 0.5
"""Share of the history in a question whose words show that it goes on with what was said."""
IS_SHORT = 0.25
"""Share of the history in a question that is only short. Both were chosen on the validation rows of
`data/eval/followups.jsonl`, in the middle of a plateau (0.45–0.55, 0.25–0.35)."""
SHORT_QUESTION = 3
"""A question with fewer content words may be a fragment."""
LONGEST_FOLLOW_UP = 12
"""Words above which a question says by itself what it is about."""
REMEMBERED = 3
"""Questions before this one that a chain of follow-ups is traced back through."""

_OPENS = re.compile(
    r"(?i)\W*(?:and|but|or|also|so|then|plus|ok(?:ay)?(?:,| and| but| so)|what about|how about|what if|even|same|"
    r"except|only|not even)\b"
)
_POINTS_BACK = re.compile(
    r"(?i)\b(?:it|its|it's|they|them|their|those|these|that one|this one|the other one|ones?|same|instead|else"
    r"|otherwise|(?:is|does|do|was|will|would|can|about|for|after|before|by|with|than|on|to|of|from|long|much)"
    r" (?:that|this)"
    r"|that(?:'s|s)?\b[\s?!.]*$)\b"
)


def leaning(text: str) -> float:
    """How far a question leans on what was said before it: the history's share in the search, in [0, 1)."""
    if len(text.split()) > LONGEST_FOLLOW_UP:
        return 0.0
    if _OPENS.match(text) or _POINTS_BACK.search(text):
        return GOES_ON
    return IS_SHORT if len(content_words(text)) < SHORT_QUESTION else 0.0


def history_of(before: Sequence[str]) -> str:
    """What a question that follows these (oldest first) is read with; empty where there are none.

    The last question, and where that one went on with something itself, those before it back to the one that began.
    The heading of what was quoted for it was tried beside it and did not help: a wrong quote then pulls twice.
    """
    told: list[str] = []
    for question in reversed(before[-REMEMBERED:]):
        told.append(question)
        if leaning(question) < GOES_ON:
            break
    return "\n".join(reversed(told))
