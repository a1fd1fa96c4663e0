"""What stands between the lines: the wish for a human, and how upset a customer is. Word lists, so English only;
the intents `talk_to_human` and `complaint` carry what words alone do not."""

from __future__ import annotations

import re
from collections.abc import Sequence

HUMAN_INTENT = "talk_to_human"
COMPLAINT_INTENT = "complaint"
SURE = 0.6
"""Confidence from which the intent alone means a wish for a human."""

_PERSON = (
    r"(?:human(?: being)?|(?:real|actual|live|living) (?:person|human|agent|someone|one)|person|agent|operator|"
    r"representative|rep|advis[eo]r|somebody|someone|supervisor|manager|colleague|member of (?:staff|your team))"
)
_REACH = r"(?:speak|talk|chat|connect|transfer|pass|put|switch|get|escalate|hand)"
_WISHES = (
    rf"\b{_REACH}(?: me)?(?: over| through| on)?(?: to| with)? (?:an? |the |your |any )?{_PERSON}\b",
    rf"\b(?:want|need|like|prefer|give me|get me|is there|can i have)(?: to have)? an? {_PERSON}\b",
    r"\b(?:human|real person|live agent|agent|operator|representative)[\s,]*(?:please|pls|plz|now)\b",
    r"\b(?:live chat|talk to (?:a )?people|real people)\b",
    r"^\W*(?:human|agent|operator|representative|real person|advisor)\W*$",
)
_WISH = re.compile("|".join(_WISHES), re.IGNORECASE)
_NOT_A_WISH = re.compile(
    r"\b(?:don'?t|do not|no need|not|without|rather than|instead of)\b(?: \w+){0,4} (?:to )?(?:an? |any )?"
    rf"(?:real |live )?{_PERSON}\b"
    r"|\b(?:am i|are you|is this|is it|who is)\b(?: \w+){0,4} (?:an? )?(?:real )?(?:human|person|agent|bot|robot)\b",
    re.IGNORECASE,
)
_NOT_OFFERED = re.compile(
    r"\b(?:letting|estate|travel|cleaning|shipping|customs) agents?\b|\b(?:get|put|give) someone\b", re.IGNORECASE
)

_SWEARING = re.compile(
    r"\b(?:f+u+c+k+\w*|f\*+\w*|wtf|sh[i1]t\w*|bullsh\w*|bollocks|bastards?|arseholes?|assholes?|crap|bloody (?:awful|"
    r"useless|hell|ridiculous|joke)|piss(?:ed)?(?: off)?|damn(?:ed)?)\b",
    re.IGNORECASE,
)
_ANGER = re.compile(
    r"\b(?:ridiculous|disgrace(?:ful)?|disgusting|appalling|unacceptable|outrageous|furious|livid|fuming|useless|"
    r"pathetic|incompetent|shambles|joke of a|worst (?:service|company|experience|shop)|fed up|sick of|"
    r"sick and tired|had enough|rip[- ]?off|scam(?:mers?)?|liars?|never (?:again|ordering|buying|shopping)|"
    r"waste of (?:time|money)|(?:third|fourth|fifth|tenth|\d+(?:th|rd|nd)) time (?:i|of|i'm|asking)|how many times|"
    r"still (?:nothing|no (?:reply|answer|refund|response))|nobody (?:answers|replies|cares|helps)|"
    r"trading standards|small claims)\b",
    re.IGNORECASE,
)
_CALM = re.compile(
    r"\b(?:not|isn'?t|wasn'?t|never been|no) (?:\w+ )?(?:angry|furious|upset|ridiculous|useless)\b", re.IGNORECASE
)
_SHOUTED_MARKS = re.compile(r"[!?]{3,}|!{2,}")
_WORD = re.compile(r"[^\W\d_]{2,}")
_ANGRY_FACES = re.compile("[😠😡🤬😤👿]|>:\\(")


def asks_for_human(text: str, ranking: Sequence[tuple[str, float]]) -> bool:
    """Whether the customer wants a human: by the words, or by the intent where it is sure.

    `ranking` is the prediction's, best first. "I don't need a human" and "are you a human?" are no such wish.
    """
    if _NOT_A_WISH.search(text):
        return False
    if _WISH.search(text) and not _NOT_OFFERED.search(text):
        return True
    return bool(ranking) and ranking[0][0] == HUMAN_INTENT and ranking[0][1] >= SURE


def frustration(text: str, ranking: Sequence[tuple[str, float]] = ()) -> float:
    """How upset the customer sounds, in [0, 1]: 0 calm, above 0.8 only when several signs agree."""
    signs = [
        0.55 * bool(_SWEARING.search(text)),
        0.45 * min(len(_ANGER.findall(text)), 3) if not _CALM.search(text) else 0.0,
        0.25 * bool(_SHOUTED_MARKS.search(text)),
        0.35 * _is_shouted(text),
        0.5 * bool(_ANGRY_FACES.search(text)),
        0.5 * dict(ranking).get(COMPLAINT_INTENT, 0.0),
    ]
    calm = 1.0
    for sign in signs:
        calm *= 1.0 - min(sign, 0.9)
    return round(1.0 - calm, 3)


def _is_shouted(text: str) -> bool:
    """Capitals throughout, in more than three words, so that `EK-200` or `WTF` alone is no shouting."""
    words = _WORD.findall(text)
    return len(words) > 3 and sum(word.isupper() for word in words) > 0.7 * len(words)
