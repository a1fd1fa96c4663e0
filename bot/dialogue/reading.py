"""Reading what a customer wrote into a slot: order numbers, addresses, items. Pure; None where it does not hold."""

from __future__ import annotations

import re

from bot.dialogue.orders import Item, Order

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,180}\.[A-Za-z]{2,24}")
_NUMBER = re.compile(r"(?i)(?<![0-9])(?:WF[\s-]?)?(\d{6})(?![0-9])")
_WRITTEN_OUT = re.compile(r"(?i)\bWF[\s-]?\d{6}\b")
_UK_POSTCODE = re.compile(r"(?i)\b[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}\b")
_EIRCODE = re.compile(r"(?i)\b[A-Z]\d[\dW] ?[A-Z\d]{4}\b")
_REMEDIES = {"replac": "replacement", "another": "replacement", "new one": "replacement", "refund": "refund"}
_HURT = re.compile(
    r"(?i)\b(injur\w*|bleed\w*|burn(?:t|ed|s)? (?:me|my)|cut (?:me|my|myself)|shock|smok(?:e|ing)|spark(?:s|ed|ing)|"
    r"on fire|caught fire|hospital|(?:child|children|baby|toddler|son|daughter) (?:\w+ )?(?:hurt|cut|swallowed))\b"
)
_COUNTRIES = {
    "United Kingdom": ("united kingdom", "uk", "england", "scotland", "wales", "northern ireland", "great britain"),
    "Ireland": ("ireland", "eire"),
    "USA": ("usa", "united states", "america"),
    "Canada": ("canada",),
    "Australia": ("australia",),
    "Austria": ("austria",),
    "Belgium": ("belgium",),
    "Czechia": ("czechia", "czech republic"),
    "Denmark": ("denmark",),
    "Finland": ("finland",),
    "France": ("france",),
    "Germany": ("germany", "deutschland"),
    "Italy": ("italy",),
    "Luxembourg": ("luxembourg",),
    "Netherlands": ("netherlands", "holland"),
    "Norway": ("norway",),
    "Poland": ("poland",),
    "Portugal": ("portugal",),
    "Spain": ("spain",),
    "Sweden": ("sweden",),
    "Switzerland": ("switzerland",),
}
_LAST_WORDS = re.compile(r"[a-z]+(?: [a-z]+)*$")


def order_number(value: object) -> str | None:
    """`WF-204817`, also from `wf 204817` or `204817` in a sentence."""
    match = _NUMBER.search(str(value)) if value else None
    return f"WF-{match[1]}" if match else None


def email(value: object) -> str | None:
    """The first e-mail address, in lower case."""
    match = _EMAIL.search(str(value)) if value else None
    return match[0].lower().rstrip(".,") if match else None


def answers_something_else(value: object) -> bool:
    """Whether a free text is a correction ("sorry, it's WF-204310") that fell into the slot being asked for."""
    return _WRITTEN_OUT.search(str(value)) is not None or email(value) is not None


def address(text: str) -> str | None:
    """An address that a courier can use: 10 to 200 characters, three words or more, a digit."""
    line = " ".join(text.split())
    fits = 10 <= len(line) <= 200 and any(c.isdigit() for c in line) and len(line.split()) >= 3
    return line if fits else None


def country(text: str) -> str | None:
    """The country of an address: named at its end, or told by a UK or Irish postcode; None when it does not say."""
    end = _LAST_WORDS.search(text.lower().strip(" .,"))
    if end is not None:
        for name, spellings in _COUNTRIES.items():
            if any(end[0] == spelling or end[0].endswith(f" {spelling}") for spelling in spellings):
                return name
    if _UK_POSTCODE.search(text):
        return "United Kingdom"
    return "Ireland" if _EIRCODE.search(text) else None


def item(order: Order, said: str) -> Item | None:
    """The item of an order that is meant: by its name or a part of it, or by its place in the list, from 1."""
    words = said.lower().strip()
    if words.isdigit():
        place = int(words) if len(words) < 3 else 0
        return order.items[place - 1] if 1 <= place <= len(order.items) else None
    for each in order.items:
        if words in each.name.lower() or each.name.lower() in words:
            return each
    shared = [(len(_words(words) & _words(each.name.lower())), each) for each in order.items]
    most, best = max(shared, key=lambda pair: pair[0])
    return best if most else None


def remedy(text: str) -> str | None:
    """`replacement` or `refund`, whichever the customer names; None for neither or both."""
    named = {name for word, name in _REMEDIES.items() if word in text.lower()}
    return named.pop() if len(named) == 1 else None


def is_faulty(reason: object) -> bool:
    """Whether a reason for a return is a fault, which lifts most limits."""
    return re.search(r"(?i)fault|broke|defect|damag|doesn't work|not work|stopped working", str(reason)) is not None


def tells_of_harm(text: str) -> bool:
    """Whether a description of damage is about a person or a danger, which is never for the bot."""
    return _HURT.search(text) is not None


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]{3,}", text)) - {"the", "and", "set", "for"}
