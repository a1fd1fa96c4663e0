"""Amounts of money in messages, written as people do: £12.50, 9,95 €, 1,299 GBP, 20 quid, twenty pounds, 50p."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

Found = tuple[str, int, int]

_SIGNS = {
    "£": "GBP",
    "€": "EUR",
    "$": "USD",
    "us$": "USD",
    "a$": "AUD",
    "c$": "CAD",
    "¥": "JPY",
    "₹": "INR",
    "₪": "ILS",
}
_CODES = (
    "gbp",
    "eur",
    "usd",
    "chf",
    "nok",
    "sek",
    "dkk",
    "pln",
    "czk",
    "huf",
    "jpy",
    "inr",
    "cad",
    "aud",
    "nzd",
    "ils",
    "zar",
)
_WORDS = {code: code.upper() for code in _CODES} | {
    "pound": "GBP",
    "pounds": "GBP",
    "quid": "GBP",
    "euro": "EUR",
    "euros": "EUR",
    "dollar": "USD",
    "dollars": "USD",
    "bucks": "USD",
    "franc": "CHF",
    "francs": "CHF",
    "zł": "PLN",
    "zloty": "PLN",
}
_UNITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_TEENS = ("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SPELLED = {word: value for value, word in enumerate((*_UNITS, *_TEENS))} | {
    word: 10 * (n + 2) for n, word in enumerate(_TENS)
}
_SCALES = {"hundred": 100, "thousand": 1000}
_MULTIPLES = {"k": Decimal(1000), "m": Decimal(1_000_000), "": Decimal(1)}

_FIGURE = (
    r"(?P<figure>\d{1,3}(?:,\d{3}){1,3}(?:\.\d{1,2})?|\d{1,3}(?:\.\d{3}){1,3}(?:,\d{1,2})?"
    r"|\d{1,3}(?:[ \u00a0\u2009\u202f]\d{3}){1,3}(?:[.,]\d{1,2})?|\d{1,12}(?:[.,]\d{1,2})?)"
)
_SIGN = r"(?:\b(?:us|a|c))?\$|[£€¥₹₪]"
_NAME = "|".join(sorted(_WORDS, key=len, reverse=True))
_NUMBER_WORD = "|".join(sorted((*_SPELLED, *_SCALES), key=len, reverse=True))
_SPACE = r"[\s\u00a0\u2009\u202f]"
_BEFORE = re.compile(
    rf"(?<!\w)(?a:(?P<currency>{_SIGN}|{'|'.join(_CODES)}){_SPACE}?{_FIGURE}(?P<scale>[km](?!\w))?)(?![.,]?\d|\s?%|\w)",
    re.IGNORECASE,
)
_AFTER = re.compile(
    rf"(?<![\w£€$-])(?<!\d[.,])(?<!\d )"
    rf"(?a:{_FIGURE}(?P<scale>k)?{_SPACE}?(?P<currency>[£€¥₹₪]|\$(?!\s?\d)|{_NAME}))(?!(?<=\w)\w)",
    re.IGNORECASE,
)
_SPELLED_OUT = re.compile(
    rf"(?<!\w)(?a:(?P<words>(?:an?\s(?=hundred|thousand)|(?:{_NUMBER_WORD})[\s-])"
    rf"(?:(?:and\s)?(?:{_NUMBER_WORD})[\s-]){{0,6}})(?P<currency>{_NAME}|pence))(?!\w)",
    re.IGNORECASE,
)
_PENCE = re.compile(r"(?<![\w.,£-])(?a:(?P<figure>\d{1,2})\s?(?:p|pence))(?!\w)", re.IGNORECASE)
_WEIGHT_BEFORE = re.compile(r"\bweigh\w{0,4}\b[^.!?]{0,25}$", re.IGNORECASE)
_WEIGHT_AFTER = re.compile(r"\s?(?:of\s(?!(?:my|your|the|that|this|discount|credit)\b)|heav|lighter|in\sweight)", re.I)


def find_amounts(text: str) -> Iterator[Found]:
    """Every amount as `12.50 GBP` with its offsets. Percentages are none, nor are pounds that are weighed."""
    for pattern in (_BEFORE, _AFTER):
        for match in pattern.finditer(text):
            value = decimal(match["figure"]) * _MULTIPLES[(match["scale"] or "").lower()]
            yield from _found(text, match, value, match["currency"].lower())
    for match in _SPELLED_OUT.finditer(text):
        value, currency = Decimal(_spelled(match["words"].lower())), match["currency"].lower()
        if currency == "pence":
            value, currency = value / 100, "gbp"
        yield from _found(text, match, value, currency)
    for match in _PENCE.finditer(text):
        yield from _found(text, match, Decimal(match["figure"]) / 100, "gbp")


def decimal(figure: str) -> Decimal:
    """A comma before one or two last digits is a decimal comma, any other separates thousands; so with points."""
    whole, _, cents = re.sub(r"[.,](?=\d{1,2}$)", "~", figure).partition("~")
    return Decimal(f"{re.sub(r'[^0-9]', '', whole) or '0'}.{cents or '0'}")


def _found(text: str, match: re.Match[str], value: Decimal, currency: str) -> Iterator[Found]:
    start, end = match.span()
    weighed = _WEIGHT_BEFORE.search(text[max(0, start - 40) : start]) or _WEIGHT_AFTER.match(text, end)
    if not (currency.startswith("pound") and weighed):
        yield f"{value:.2f} {_SIGNS.get(currency) or _WORDS[currency]}", start, end


def _spelled(words: str) -> int:
    """`two hundred and fifty` is 250."""
    total = part = 0
    for word in re.split(r"[\s-]+", words):
        if word == "thousand":
            total, part = total + (part or 1) * 1000, 0
        elif word == "hundred":
            part = (part or 1) * 100
        elif word in _SPELLED:
            part += _SPELLED[word]
    return total + part
