"""Amounts of money in messages, written as people do: £12.50, 9,95 €, 1,299 GBP, 20 quid, 50p."""

from __future__ import annotations

import re
from collections.abc import Iterator

Found = tuple[str, int, int]

_SIGNS = {"£": "GBP", "€": "EUR", "$": "USD"}
_WORDS = {
    "gbp": "GBP",
    "eur": "EUR",
    "usd": "USD",
    "chf": "CHF",
    "nok": "NOK",
    "pound": "GBP",
    "pounds": "GBP",
    "quid": "GBP",
    "euro": "EUR",
    "euros": "EUR",
    "dollar": "USD",
    "dollars": "USD",
}
_FIGURE = r"(?P<figure>\d{1,3}(?:,\d{3}){1,3}(?:\.\d{1,2})?|\d{1,3}(?:\.\d{3}){1,3},\d{1,2}|\d{1,9}(?:[.,]\d{1,2})?)"
_BEFORE = re.compile(rf"(?<!\w)(?P<currency>[£€$]|gbp|eur|usd|chf|nok)\s?{_FIGURE}(?![\d%])", re.IGNORECASE)
_AFTER = re.compile(rf"(?<![\w.,£€$]){_FIGURE}\s?(?P<currency>[£€$]|(?:{'|'.join(_WORDS)})\b)", re.IGNORECASE)
_PENCE = re.compile(r"(?<![\w.,£])(?P<figure>\d{1,2})\s?(?:p|pence)\b", re.IGNORECASE)


def find_amounts(text: str) -> Iterator[Found]:
    """Every amount as `12.50 GBP` with its offsets."""
    for pattern in (_BEFORE, _AFTER):
        for match in pattern.finditer(text):
            currency = match["currency"].lower()
            yield f"{_number(match['figure']):.2f} {_SIGNS.get(currency) or _WORDS[currency]}", *match.span()
    for match in _PENCE.finditer(text):
        yield f"{int(match['figure']) / 100:.2f} GBP", *match.span()


def _number(figure: str) -> float:
    """A comma before one or two last digits is a decimal comma, any other separates thousands; so with points."""
    decimal = re.search(r"[.,](\d{1,2})$", figure)
    whole = figure[: decimal.start()] if decimal else figure
    return float(re.sub(r"[.,]", "", whole)) + (int(decimal[1]) / 10 ** len(decimal[1]) if decimal else 0.0)
