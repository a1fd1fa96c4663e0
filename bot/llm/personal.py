"""Personal data in what customers write, by its form: where it stands, and of which kind.

Structured kinds alone: what has a check digit, a fixed shape or a word before it that says what it is. A person's name
is found where the conversation's attributes know it or the sentence introduces it. Finding too much costs little here
(a placeholder goes out in its place and is put back), so doubtful numbers count as personal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv6Address

import phonenumbers

from bot.understanding.care.privacy import is_iban
from bot.understanding.entities.definitions import Spelling
from bot.understanding.entities.patterns import PATTERN_TIMEOUT_S, compiled

_SPACE = r"[ \u00a0\u2009\u202f]"
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+'’-]{1,64}@(?:\w[\w-]{0,62}\.){1,8}[^\W\d_]{2,24}(?![\w@])")
_URL_WITH_SECRET = re.compile(
    r"\b[a-z][a-z0-9+.-]{1,12}://(?:[^\s/@:]{1,80}:[^\s/@]{1,80}@[^\s<>\"']{1,300}"
    r"|[^\s<>\"']{1,300}?[?&#;](?:token|key|api_?key|access_?token|auth|password|passwd|pwd|secret|session|sid|code|sig"
    r"|signature)=[^\s<>\"']{1,300})",
    re.IGNORECASE,
)
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11,30}(?![A-Za-z0-9])")
_CARD = re.compile(rf"(?<![\w.,+-])\d(?:(?:{_SPACE}|[-.])?\d){{11,18}}(?![\w-])")
_IPV4 = re.compile(r"(?<![\w.-])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\w-]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:.])(?=[0-9a-fA-F:]*:[0-9a-fA-F:]*:)[0-9a-fA-F:]{2,39}(?:%\w+)?(?![\w:])")
_NATIONAL = re.compile(
    r"(?<![\w-])(?:\d{3}-\d{2}-\d{4}|(?!(?:BG|GB|KN|NK|NT|TN|ZZ))[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]"
    r"(?: ?\d{2}){3} ?[A-D])(?![\w-])",
    re.IGNORECASE,
)

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DATE = (
    r"(?:\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./ ]\d{1,2}[-./ ](?:\d{4}|\d{2})"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?{_SPACE}(?:of{_SPACE})?{_MONTH},?{_SPACE}\d{{2,4}}"
    rf"|{_MONTH}{_SPACE}\d{{1,2}}(?:st|nd|rd|th)?,?{_SPACE}\d{{4}})"
)
_BIRTH = re.compile(
    r"\b(?:born|birth(?:day|date)?|d\.?o\.?b\.?|geboren|geburtsdatum|geb\.|née?|naissance|nacid[oa]|nacimiento|nat[oa])\b"
    rf"[^\d\n]{{0,24}}?(?<!\d)(?P<at>{_DATE})(?!\d)",
    re.IGNORECASE,
)
_BIRTH_AFTER = re.compile(
    rf"(?<!\d)(?P<at>{_DATE})(?!\d)[^\d\n.!?]{{0,14}}\b(?:is|as|was)\b[^\d\n.!?]{{0,12}}"
    r"\b(?:birth|d\.?o\.?b|when i was born)",
    re.IGNORECASE,
)

_UK_POSTCODE = re.compile(
    r"(?<![\w-])(?:GIR ?0AA|(?:[A-PR-UWYZ](?:[A-HK-Y]?\d{1,2}|\d[A-HJKPSTUW]|[A-HK-Y]\d[ABEHMNPRV-Y]))"
    r" ?\d[ABD-HJLNP-UW-Z]{2})(?![\w-])",
    re.IGNORECASE,
)
_CUED_POSTCODE = re.compile(
    r"\b(?:zip(?:[ -]?code)?|post(?:al)?[ -]?codes?|plz|postleitzahl|code postal|c[oó]digo postal|cap)\b"
    r"(?:\s+(?:is|was|number|ist|est|es))?\s*[:=#]?\s*"
    r"(?P<at>(?=[A-Z \d-]{0,7}\d)[A-Z\d]{2,8}(?:[ -][A-Z\d]{2,4})?)(?![\w-])",
    re.IGNORECASE,
)
_US_STATE_ZIP = re.compile(r"\b[A-Z]{2}[ ,]{1,2}(?P<at>\d{5}(?:-\d{4})?)(?![\w-])")
_STREET_TYPE = (
    r"(?:street|str|st|road|rd|avenue|ave|av|lane|ln|drive|dr|close|court|ct|crescent|cres|gardens?|gdns|grove|hill|mews"
    r"|park|parade|place|pl|rise|row|square|sq|terrace|terr|view|walk|way|yard|boulevard|blvd|highway|hwy|circle|cir"
    r"|trail|loop|plaza|green|quay|wharf|vale)"
)
_NO_STREET = r"(?:more|days?|hours?|minutes?|weeks?|months?|years?|times|items?|of|in|on|at|to|the|and|or|is)"
_UNIT_OF_HOUSE = r"(?:flat|apt|apartment|unit|suite)\.?[ ]*\w{1,5}"
_STREET = re.compile(
    rf"(?<![\w£€$.,/-])(?:{_UNIT_OF_HOUSE},?[ ]+)?\d{{1,5}}[a-z]?(?:-\d{{1,4}})?[ ]+"
    rf"(?:(?!{_NO_STREET}\b)(?:[^\W\d][\w'’.-]*|\d{{1,3}}(?:st|nd|rd|th))[ ]+){{1,4}}?"
    rf"{_STREET_TYPE}\b\.?(?![ ]*(?:delivery|back|out|of\b|off\b|to\b))(?:,?\s+{_UNIT_OF_HOUSE}\b)?",
    re.IGNORECASE,
)
_TOWN = re.compile(
    r"(?:[,\s]{1,4}(?:[A-ZÀ-Ý][\w'’.-]*|\b(?:upon|on|le|la|de|am|an der)\b)){0,6}[,\s]{1,4}\d{4,6}(?![\w-])"
)
"""What may follow a street: a town, and its code."""
_OF = r"(?:(?:de|du|des|la|le|las|les|los|del|della|di|d'|l')[ ]*)*"
_ROMANCE = rf"(?i:rue|avenue|boulevard|place|chemin|all[ée]e|calle|avenida|plaza|via|viale|piazza|corso)[ ]+{_OF}"
_OWN_NAME = r"[A-ZÀ-Ý][\w'’-]+(?:[ ]+[A-ZÀ-Ý][\w'’-]+){0,2}"
_STREET_BEHIND = re.compile(
    r"(?<!\w)(?:[A-ZÄÖÜ][\wäöüß]{1,24}(?:straße|strasse|str\.|weg|platz|allee|gasse|damm|ufer)"
    r"|[A-ZÄÖÜ][\wäöüß]{1,24}[ ](?:Straße|Strasse|Str\.|Weg|Platz|Allee|Gasse|Damm|Ufer)"
    rf"|{_ROMANCE}{_OWN_NAME}),?[ ]+\d{{1,4}}[a-z]?(?!\w)"
    rf"|(?<!\w)\d{{1,4}}[a-z]?(?:[ ]?bis)?,?[ ]+{_ROMANCE}{_OWN_NAME}"
)
_PO_BOX = re.compile(r"\bP\.?\s?O\.?\s?Box\s+\d{1,6}\b|\bPostfach\s+\d{1,6}\b|\bPSC \d+, Box \d+\b", re.IGNORECASE)

_PHONE_CUE = re.compile(
    r"(?:\b(?:phone|telephone|tel|mobile|cell|fax|call|ring|text|whatsapp|reach|dial|handy|telefon|nummer|number is)\b"
    r"[^\d+(]{0,24})(?P<at>\+?\(?\d(?:[\s().\-–/x]{0,2}\d){6,17})(?!\w)",
    re.IGNORECASE,
)
_PHONE_SHAPE = re.compile(
    r"(?<![\w.,/£€$-])(?P<at>(?:\+|00)\d{1,3}(?:[\s().\-–/]{0,3}\d){6,13}(?:\s?x\d{1,6})?"
    r"|\(0?\d{2,5}\)[\s-]?\d{2,4}(?:[\s-]?\d{2,4}){1,3}(?:\s?x\d{1,6})?"
    r"|\d{3}[-.]\d{3}[-.]\d{4}(?:\s?x\d{1,6})?|0\d{1,4}(?:[\s/-]\d{2,4}){2,5}|0\d{3,4}[\s-]\d{5,7}|0\d{9,10})"
    r"(?!\w|[.,/-]\d)"
)
_PHONE_GROUPS = re.compile(
    r"(?<![\w.,/£€$-])(?<![£€$] )(?:\(\d{2,4}\)|\d{2,4})(?:[ .-]\d{2,7}){1,4}(?:x\d{1,6})?"
    r"(?![\w%]|[.,/-]\d|\s?(?:[£€$x×*]|(?:mm|cm|km|kg|ml|px|[mg]b|lm|kw)\b))"
)
_FEWEST_DIGITS = 7
_IS_DATE = re.compile(_DATE, re.IGNORECASE)
_NAMED = re.compile(
    r"\b(?:(?i:my(?: full)? name is|my name['’]s|name\s?:|i am called|i['’]m called|the name['’]s|ich hei(?:ß|ss)e"
    r"|je m['’]appelle|me llamo|mi chiamo)[ ]+)"
    r"(?P<at>[A-ZÀ-Ý][\w'’-]+(?:[ ]+(?:(?:van|von|de|der|den|da|di|la|le|el|bin)[ ]+)*[A-ZÀ-Ý][\w'’-]+){0,3})"
)
_SHORTEST_NAME = 2


@dataclass(frozen=True, slots=True)
class Personal:
    """A piece of personal data: `text[start:end]`. `kind` is upper case, as its placeholder has it."""

    kind: str
    start: int
    end: int


class PersonalData:
    """Finds personal data, order numbers as the company writes them among it. Safe to share between threads."""

    def __init__(self, spelling: Spelling | None = None) -> None:
        spelling = spelling or Spelling()
        self._region = spelling.phone_region
        self._order = compiled(
            rf"(?<![\w£€$.,-])(?:{spelling.order_pattern})(?![\w-]|[.,]\d)", "the order number's pattern"
        )

    def find(self, text: str, attributes: Mapping[str, str] | None = None) -> tuple[Personal, ...]:
        """Every piece in the order they stand; none overlap. Of two that do, the kind that is surer of its form stays:
        the order in which they are looked for. `attributes` are the conversation's: its customer's name and e-mail."""
        kept: list[Personal] = []
        for each in self._all(text, attributes or {}):
            if each.end > each.start and all(each.end <= other.start or each.start >= other.end for other in kept):
                kept.append(each)
        return tuple(sorted(kept, key=lambda each: each.start))

    def _all(self, text: str, attributes: Mapping[str, str]) -> Iterator[Personal]:
        yield from _spans("URL", _URL_WITH_SECRET, text)
        yield from _spans("EMAIL", _EMAIL, text)
        yield from _ibans(text)
        yield from _cards(text)
        yield from _spans("IP", _IPV4, text)
        yield from _ipv6(text)
        yield from _spans("ID", _NATIONAL, text)
        for pattern in (_BIRTH, _BIRTH_AFTER):
            yield from _spans("BIRTH", pattern, text)
        for pattern in (_STREET, _STREET_BEHIND, _PO_BOX):
            yield from _addresses(pattern, text)
        for pattern in (_UK_POSTCODE, _CUED_POSTCODE, _US_STATE_ZIP):
            yield from _spans("POSTCODE", pattern, text)
        phones = [
            Personal("PHONE", *match.span("at")) for each in (_PHONE_SHAPE, _PHONE_CUE) for match in each.finditer(text)
        ]
        phones += [
            Personal("PHONE", each.start, each.end) for each in phonenumbers.PhoneNumberMatcher(text, self._region)
        ]
        yield from sorted([*phones, *_grouped_phones(text)], key=lambda each: each.start - each.end)
        with suppress(TimeoutError):
            for match in self._order.finditer(text, timeout=PATTERN_TIMEOUT_S):
                yield Personal("ORDER", match.start(), match.end())
        yield from _names(text, attributes)


def _spans(kind: str, pattern: re.Pattern[str], text: str) -> Iterator[Personal]:
    group = "at" if "at" in pattern.groupindex else 0
    for match in pattern.finditer(text):
        yield Personal(kind, *match.span(group))


def _addresses(pattern: re.Pattern[str], text: str) -> Iterator[Personal]:
    for match in pattern.finditer(text):
        town = _TOWN.match(text, match.end())
        yield Personal("ADDRESS", match.start(), town.end() if town else match.end())


def _grouped_phones(text: str) -> Iterator[Personal]:
    for match in _PHONE_GROUPS.finditer(text):
        digits = sum(each.isdigit() for each in match[0])
        if digits >= _FEWEST_DIGITS and not _IS_DATE.fullmatch(match[0]):
            yield Personal("PHONE", *match.span())


def _ibans(text: str) -> Iterator[Personal]:
    """Words that follow an account number may look like its end, so shorter readings are tried too. One whose check
    digits do not hold is still one where it is written without a word between."""
    for match in _IBAN.finditer(text):
        gaps = [gap.start() + match.start() for gap in re.finditer("[ -]", match[0])]
        ends = [match.end(), *reversed(gaps)]
        checked = (end for end in ends if is_iban(text[match.start() : end].replace("-", "")))
        first = gaps[0] if gaps else match.end()
        plain = text[match.start() : first]
        end = next(checked, first if len(plain) >= 15 and sum(each.isdigit() for each in plain) >= 10 else 0)
        if end:
            yield Personal("IBAN", match.start(), end)


def _cards(text: str) -> Iterator[Personal]:
    """12 to 19 digits whose check digit holds, by Luhn's formula (ISO/IEC 7812-1)."""
    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        if _luhn(digits):
            yield Personal("CARD", *match.span())


def _luhn(digits: str) -> bool:
    if len(set(digits)) == 1:
        return False
    doubled = [int(each) * (2 if place % 2 else 1) for place, each in enumerate(reversed(digits))]
    return sum(each - 9 if each > 9 else each for each in doubled) % 10 == 0


def _ipv6(text: str) -> Iterator[Personal]:
    for match in _IPV6.finditer(text):
        with suppress(ValueError):
            if not IPv6Address(match[0]).is_unspecified:
                yield Personal("IP", *match.span())


def _names(text: str, attributes: Mapping[str, str]) -> Iterator[Personal]:
    yield from _spans("NAME", _NAMED, text)
    for known in _known_names(attributes):
        whole = re.compile(rf"(?<!\w){re.escape(known)}(?!\w)", re.IGNORECASE)
        yield from _spans("NAME", whole, text)
        for part in known.split():
            if len(part) > _SHORTEST_NAME:
                # a name may be a word ("Mark", "Rose"), which is then written small
                yield from _spans(
                    "NAME", re.compile(rf"(?<!\w)(?:{re.escape(part.title())}|{re.escape(part.upper())})(?!\w)"), text
                )


def _known_names(attributes: Mapping[str, str]) -> Iterable[str]:
    for key, value in attributes.items():
        if "name" in key.lower() and len(value.strip()) > _SHORTEST_NAME:
            yield " ".join(value.split())
