"""Personal data left in rows: e-mail addresses, phone and card numbers, bank accounts, and order numbers.

Addresses and numbers that are set aside for documentation (RFC 2606 domains, Ofcom's and the North American plan's
numbers for drama) belong to nobody and are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from bot.understanding.care.corpus import Corpus, PlacedRow, alike
from bot.understanding.care.findings import Finding
from bot.understanding.entities.definitions import EntityDefinitions, Spelling
from bot.understanding.entities.finder import EntityFinder

_CARD = re.compile(r"(?<![\d.,])[2-6]\d{3}(?:[ -]?\d){9,15}(?![\d])")
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]){11,30}(?![A-Za-z0-9])")
_FEWEST_IBAN, _MOST_IBAN = 15, 34
_NOBODYS_DOMAIN = re.compile(r"(?:\.|@)(?:example|test|invalid|localhost|example\.(?:com|net|org))$")
_NOBODYS_PHONE = re.compile(
    r"\+44(?:7700900|1632960|2079460|11[3-8]4960|1[2-6]14960|1914980|2890180|2920180|8081570|9098790|3069990)\d{3}"
    r"|\+1[2-9]\d\d55501\d\d"
)
_ANY_DAY = date(2000, 1, 1)
_WORDS = {"email": "e-mail address", "phone": "phone number", "card": "card number", "iban": "bank account (IBAN)"}


def personal_data(corpus: Corpus, spelling: Spelling) -> list[Finding]:
    """A finding for each text with personal data, and one for all order numbers together."""
    finder = EntityFinder(EntityDefinitions(spelling=spelling))
    found: list[Finding] = []
    ordered: list[PlacedRow] = []
    for rows, text in alike(corpus):
        if not any(each.isdigit() or each == "@" for each in text):
            continue
        kinds = set(_kinds(text, finder))
        if "order_number" in kinds:
            ordered += rows
        named = sorted(_WORDS[kind] for kind in kinds & _WORDS.keys())
        if named:
            found.append(Finding("personal", "matters", " and ".join(named), rows, weight=len(named)))
    if ordered:
        says = f"{len(ordered)} rows have an order number; real ones lead to people"
        found.append(
            Finding(
                "order_numbers",
                "advice",
                says,
                tuple(ordered),
                subject="order numbers",
                figures={"rows": len(ordered)},
            )
        )
    return found


def kinds_in(text: str, spelling: Spelling) -> tuple[str, ...]:
    """What personal data is in one text, as one says it, order numbers among it; each kind once."""
    words = _WORDS | {"order_number": "order number"}
    found = dict.fromkeys(_kinds(text, EntityFinder(EntityDefinitions(spelling=spelling))))
    return tuple(words[kind] for kind in found if kind in words)


def is_card(digits: str) -> bool:
    """Whether 13 to 19 digits pass the check of ISO/IEC 7812-1 (Luhn's formula)."""
    if not 13 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    doubled = [int(each) * (2 if place % 2 else 1) for place, each in enumerate(reversed(digits))]
    return sum(each - 9 if each > 9 else each for each in doubled) % 10 == 0


def is_iban(text: str) -> bool:
    """Whether the check digits of an IBAN hold: ISO 7064, MOD 97-10, as ISO 13616 asks."""
    compact = text.replace(" ", "").upper()
    if not _FEWEST_IBAN <= len(compact) <= _MOST_IBAN:
        return False
    return int("".join(str(int(each, 36)) for each in compact[4:] + compact[:4])) % 97 == 1


def _kinds(text: str, finder: EntityFinder) -> Iterator[str]:
    rest = text
    for start, end in (*_ibans(text), *_cards(text)):
        rest = rest[:start] + " " * (end - start) + rest[end:]
    if any(_ibans(text)):
        yield "iban"
    if any(_cards(text)):
        yield "card"
    for entity in finder.find(rest, today=_ANY_DAY):
        nobodys = {"email": _NOBODYS_DOMAIN.search, "phone": _NOBODYS_PHONE.fullmatch}.get(entity.name)
        if nobodys is None or not nobodys(entity.value):
            yield entity.name


def _ibans(text: str) -> Iterator[tuple[int, int]]:
    """Spans; words that follow an account number may look like its end, so shorter readings are tried too."""
    for match in _IBAN.finditer(text):
        ends = [match.end(), *(space.start() + match.start() for space in re.finditer(" ", match[0]))]
        end = next((end for end in sorted(ends, reverse=True) if is_iban(text[match.start() : end])), None)
        if end is not None:
            yield match.start(), end


def _cards(text: str) -> Iterator[tuple[int, int]]:
    for match in _CARD.finditer(text):
        if is_card(re.sub(r"\D", "", match[0])):
            yield match.span()
