"""Passages that dictate what is to be said, in the languages that documents may be in. Pure.

`retrieval.sources.instructions` keeps the usual wordings out of the documents, but not out of FAQ tables, and not in
every language. Nothing that an answer rests on may stand in a passage that speaks to whoever writes the answer: what it
says after "say to the customer:" would be supported word by word. A help page that happens to sound like it is then
quoted instead of written from.
"""

from __future__ import annotations

import re
import unicodedata

from retrieval.sources.instructions import instruction_in

_DICTATES = re.compile(
    r"\b(?:(?:say|claim|announce|output|print|repeat|state(?!\s*:))(?:\s+that|\s*:|\s+['\"“‘]|\s+to\s+(?:the|every|all|any|each)\b)"
    r"|tell\s+(?:the|every|all|any|each|them|him|her|users?|customers?)\b"
    r"|(?:respond|reply|answer)\s+(?:with|that|only|as)\b|write\s+(?:that|the\s+word|['\"“‘])|pretend|imagine|suppose"
    r"|hypothetical\w*|role-?play|obey|disregard|override|from\s+now\s+on|in\s+a\s+world\s+where|we\s+might\s+state"
    r"|ignore\s+(?:the|all|any|every|what|this|that|previous|prior|your|actual)|(?:for|to)\s+the\s+(?:assistant|bot|model|ai)"
    r"|every\s+(?:answer|reply|response)|answer\s+to\s+(?:every|all|any|each)|the\s+correct\s+answer|decode|base64|rot13"
    r"|sag(?:en|t)?\s+(?:sie|bitte|ihnen|dem|den|allen|dass)|antworte\w*|schreiben?\s+sie|ignorier\w*|vergiss\w*"
    r"|stell\s+dir\s+vor|(?:dis|dites)\s+(?:que|aux?|à)|répond\w*|ignorez|oubli(?:e|ez)\b|imaginez"
    r"|(?:di|diga|dile)\s+(?:que|al?)\b|ignor[ae]\b|olvid[ae]\b|finge|responde?\b|dimentica\w*|rispond[ia]\b"
    r"|d[iì]['’ ]\s?(?:che|al)\b|zeg\s+(?:dat|tegen)|negeer\w*|vergeet|powiedz|zignoruj\w*|odpowiedz|säg\s+att|svara"
    r"|diga\s+ao|ignorar|söyle|yoksay)(?!\w)"
    r"|忽略|无视|無視|假装|告诉(?:客户|用户|顾客)|对(?:客户|用户|顾客)说|回答说|言って|と答え|무시|말하(?:세요|라)"
    r"|تجاهل|وقل|قل\s+لل|игнорир\w+|проигнор\w+|скажи|ответь|забудь|αγνοήσ\w+|πες\s|התעלם|אמור\s|अनदेखा|बोलो"
    r"|[\"'](?:role|system|content)[\"']\s*:",
    re.IGNORECASE,
)
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e01ef]")


def dictation_in(text: str) -> str:
    """The words of a passage that tell somebody what to say or to ignore; empty where none do. Characters that are not
    seen say that something is hidden."""
    if hidden := _UNSEEN.search(text.replace("\u00ad", "")):
        return f"U+{ord(hidden[0]):04X}"
    match = _DICTATES.search(unicodedata.normalize("NFKC", text))
    return match[0] if match else instruction_in(text)
