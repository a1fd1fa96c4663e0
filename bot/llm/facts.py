"""What in a sentence can be wrong in one word: numbers with their units, links, addresses, names, limits. Pure.

Each function says what of a sentence does not stand in the text that it is said to rest on, so that the guard can name
it. They are strict: a sentence that is refused costs a plainer answer, one that is let through costs trust.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from retrieval.words import STOP_WORDS, content_words

_NUMBER = re.compile(r"(?P<sign>[£€$¥₹]\s?)?(?P<value>\d+(?:[.,:/]\d+)*)(?P<percent>\s?%)?")
_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_SPELLED_OUT = """
    one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
    nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million once twice double triple
    half first second third fourth fifth
"""
_SPELLED = frozenset(_SPELLED_OUT.split())
_EMAIL = re.compile(r"[^\s@<>()\[\],;]+\s?@\s?[^\s@<>()\[\],;]+")
_LINK = re.compile(
    r"\b(?:https?|ftps?|mailto|javascript|data|vbscript|tel|sms|file|wss?)\s?:\s?\S+|\bwww\s?\.\s?\S+"
    r"|(?<![\w@.])(?:[\w-]{1,63}\.){1,8}(?!\d)[^\W\d_]{2,24}(?![\w])(?:[:/?#]\S*)?"
    r"|//\S+|\b(?:\d{1,3}\.){3}\d{1,3}\b|\S+\s?[\[({]\s?(?:dot|at|\.)\s?[\])}]\s?\S+|\b\w+\s+dot\s+(?:com|net|org|io|co|example)\b",
    re.IGNORECASE,
)
_NEGATION = re.compile(
    r"\b(?:no|not|never|none|neither|nor|cannot|without|nothing|nobody|nowhere|unable|hardly|excluding|excludes?)\b"
    r"|n['’]t\b",
    re.IGNORECASE,
)
_BOUNDS = "up to from at least most within after before over under more less than until only by or between"
_BOUNDING = frozenset(_BOUNDS.split())
_MEASURES = "second minute hour day night week month year mm cm m km g kg ml l litre inch foot pound euro"
_UNITS = frozenset(_MEASURES.split())
_MEASURED = frozenset(content_words(_MEASURES))
_LIMITING = """
    before after more less most least over under above below until only always all any every within both must except
    unless if yes between per
"""
_LIMITS = frozenset(_LIMITING.split())
_PROMISES = frozenset(
    content_words("free charge refund guarantee discount compensation pay cost reimburse waive bonus gift")
)
"""Stems of what costs a company money where it is promised by mistake."""
_CONDITIONS = frozenset(("if", "unless", "except", "only", "provided", "until", "but", "however", "excluding"))
_MARKUP = re.compile(r"!?\[[^\]]*\]\(|<[a-z!/?][^>]{0,200}>?|`|\[\[|\{\{|&#?\w{1,8};|\\[ux][0-9a-f]{2}", re.IGNORECASE)


def markup(text: str) -> str:
    """Images, links, tags and code of a markup language; a customer is told sentences."""
    match = _MARKUP.search(text)
    return match[0] if match else ""


def unseen(text: str) -> str:
    """The first character that a reader does not see, or that turns the text around it."""
    for each in text:
        if unicodedata.category(each) in ("Cc", "Cf", "Co", "Cn", "Cs") or "\ufe00" <= each <= "\ufe0f":
            return f"U+{ord(each):04X}"
    return ""


def foreign_links(text: str, source: str, hosts: Collection[str]) -> list[str]:
    """Links and e-mail addresses that do not stand in the source, or lead to a host that is not the company's."""
    found = [(match[0], match[0].rpartition("@")[2]) for match in _EMAIL.finditer(text)]
    rest = _EMAIL.sub(" ", text)
    found += [(match[0], host_of(match[0])) for match in _LINK.finditer(rest)]
    squeezed = source.casefold()
    return [
        each
        for each, host in found
        if each.rstrip(".,;:!?)").casefold() not in squeezed or not _is_companys(host.rstrip(".,;:!?)"), hosts)
    ]


def host_of(link: str) -> str:
    """The host that a link names, in lower case; empty where none can be told."""
    try:
        parts = urlsplit(link if "//" in link else f"//{link}")
        return (parts.hostname or "").rstrip(".").lower()
    except ValueError:
        return ""


def _is_companys(host: str, hosts: Collection[str]) -> bool:
    host = host.lower()
    return bool(host) and any(host == each or host.endswith(f".{each}") for each in hosts)


def numbers(text: str) -> list[str]:
    """Numbers in order, with a currency sign before or a percent sign after, thousands not separated."""
    return [_plain(match) for match in _NUMBER.finditer(text)]


def _plain(match: re.Match[str]) -> str:
    value = re.sub(r",(?=\d{3}(?!\d))", "", match["value"])
    value = re.sub(r"(?<=\d)[.,]00?$", "", value)
    return f"{(match['sign'] or '').strip()}{value}{(match['percent'] or '').strip()}"


@dataclass(frozen=True, slots=True)
class _Number:
    """A number where it stands: the word right after it, the content words on its sides, and the words that bound it.
    `kind` is its currency, percent sign or unit of measure; those of one kind can be taken for each other."""

    value: str
    kind: str
    unit: str
    before: frozenset[str]
    after: frozenset[str]
    bound: tuple[str, ...]


def strange_numbers(text: str, support: str) -> list[str]:
    """Numbers, in figures or words, that the support does not say, or says otherwise or of something else.

    What a number is about is read from the words around it: the unit right after it has to follow it in the support
    too, the words before it that bound it ("up to", "at least", "within") have to be the same there, and of all numbers
    in the support it has to stand among the most of the same words.
    """
    known = list(_placed(support))
    strange = [problem for each in _placed(text) if (problem := _strange(each, known))]
    words = {word.lower() for word in _TOKEN.findall(support)}
    return strange + [word for word in dict.fromkeys(_TOKEN.findall(text.lower())) if word in _SPELLED - words]


def _strange(said: _Number, known: Sequence[_Number]) -> str:
    same = [each for each in known if each.value == said.value]
    if not same:
        return said.value
    exact = said.unit in _MEASURED
    if said.unit and all(said.unit != each.unit and (exact or said.unit not in each.after) for each in same):
        return f"{said.value} {said.unit}"
    if all(said.bound != each.bound for each in same):
        return f"{' '.join(said.bound)} {said.value}".strip()
    shared = max(_closeness(said, each) for each in same)
    rivals = [each for each in known if each.value != said.value and each.kind == said.kind]
    return said.value if any(_closeness(said, each) > shared for each in rivals) else ""


def _closeness(one: _Number, other: _Number) -> int:
    """How many words two numbers stand among; what comes before both says most of what they are."""
    across = len(one.before & other.after) + len(one.after & other.before)
    return 2 * len(one.before & other.before) + len(one.after & other.after) + across


def _placed(text: str) -> Iterator[_Number]:
    """The numbers in order; words count as near up to the next number on either side."""
    matches = list(_NUMBER.finditer(text))
    for place, match in enumerate(matches):
        first = matches[place - 1].end() if place else 0
        last = matches[place + 1].start() if place + 1 < len(matches) else len(text)
        sides = content_words(text[first : match.start()])[-4:], content_words(text[match.end() : last])[:3]
        before = [word.lower() for word in _TOKEN.findall(text[first : match.start()])][-4:]
        bounding = itertools.takewhile(
            lambda word: word in _BOUNDING, (each for each in reversed(before) if each != "the")
        )
        value = _plain(match)
        ranged = re.match(r"\s?(?:[-–—/]|to\b|or\b)\s?$", text[match.end() : last]) and place + 1 < len(matches)
        unit = _unit(text[matches[place + 1].end() if ranged else match.end() :])
        sign = value.strip("0123456789.,:/")
        kind = sign or (unit if unit in _MEASURED else "")
        yield _Number(value, kind, unit, frozenset(sides[0]), frozenset(sides[1]), tuple(bounding)[::-1])


def _unit(after: str) -> str:
    """What a number counts: a unit of time or measure among the next three words, else the very next word."""
    words = [match[0].lower() for match in itertools.islice(_TOKEN.finditer(after), 3)]
    unit = next((word for word in words if word in _UNITS or word.removesuffix("s") in _UNITS), "")
    close = re.match(r"[\s-]?([^\W\d_]+)", after)
    stems = content_words(unit or (close[1] if close else ""))
    return stems[0] if stems else ""


def strange_names(text: str, source: str) -> list[str]:
    """Words written like names, codes or weekdays that the source does not have: with a capital inside the sentence,
    in capitals, or of letters and figures together; and two names in a row that do not stand so in the source."""
    listed = [match[0].casefold() for match in _TOKEN.finditer(source)]
    known, rows = set(listed), set(itertools.pairwise(listed))
    found, last = [], (0, "")
    for place, match in enumerate(_TOKEN.finditer(text)):
        word = match[0]
        mixed = any(each.isdigit() for each in word) and any(each.isalpha() for each in word)
        shouted = len(word) > 1 and word.isupper()
        capital = shouted or (word[0].isupper() and place > 0 and word.casefold() not in STOP_WORDS)
        bare = re.sub(r"['’]s$", "", word.casefold())
        if (mixed or (capital and word != "I")) and word.casefold() not in known and bare not in known:
            found.append(word)
        elif capital and last[1] and text[last[0] : match.start()] == " " and (last[1], word.casefold()) not in rows:
            found.append(f"{last[1]} {word}")
        last = (match.end(), word.casefold() if word[0].isupper() and place > 0 else "")
    return found


def changed_limits(text: str, support: str) -> list[str]:
    """Words that turn, bound or promise, and stand on one side alone: negations, "only", "before", "unless", "free"."""
    said, known = _words(text), _words(support)
    changed = [f"+{word}" for word in sorted((said & _LIMITS) - known)]
    changed += [f"-{word}" for word in sorted((known & _CONDITIONS) - said)]
    changed += [f"+{stem}" for stem in sorted((set(content_words(text)) & _PROMISES) - set(content_words(support)))]
    negated, in_support = len(_NEGATION.findall(text)), len(_NEGATION.findall(support))
    if negated != in_support:
        changed.append(f"{negated} negations, {in_support} in the support")
    return changed


def _words(text: str) -> set[str]:
    return {word.lower() for word in _TOKEN.findall(text)}
