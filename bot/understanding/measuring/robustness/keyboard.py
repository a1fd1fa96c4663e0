"""What keyboards and haste do to a text: slips, misspellings, missing marks, capitals, short spellings."""

from __future__ import annotations

import re
from random import Random

from bot.understanding.measuring.robustness.words import WORD, each_word, exchanged, like, table, tidy

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_SHORTEST_SLIP = 4
_SHORTEST_MISSPELT = 5
_VOWELS = "aeiou"


def _beside() -> dict[str, str]:
    """The keys that touch each key: left, right, and the two in each row above and below."""
    near: dict[str, str] = {}
    for number, row in enumerate(_ROWS):
        for place, key in enumerate(row):
            above = _ROWS[number - 1][place : place + 2] if number else ""
            below = _ROWS[number + 1][max(place - 1, 0) : place + 1] if number + 1 < len(_ROWS) else ""
            near[key] = row[max(place - 1, 0) : place] + row[place + 1 : place + 2] + above + below
    return near


_BESIDE = _beside()


def few_typos(text: str, random: Random) -> str:
    """A slip of the finger in about one of seven longer words, in one at least: a letter left out, doubled, swapped
    with the next, or hit on the key beside it, rarely the first letter.

    Source: the four kinds of single errors of Damerau (1964); first letters after Pollock & Zamora (1984)."""
    return _slipped(text, random, 0.15)


def many_typos(text: str, random: Random) -> str:
    """The same slips in two of five longer words, as on a phone held in one hand.

    Source: Damerau (1964); the density of thumb typing after Palin et al. (2019)."""
    return _slipped(text, random, 0.4)


def _slipped(text: str, random: Random, share: float) -> str:
    places = [found.start() for found in WORD.finditer(text) if _slips(found[0])]
    if not places:
        return text
    chosen = {place for place in places if random.random() < share} or {random.choice(places)}
    return WORD.sub(lambda found: _slip(found[0], random) if found.start() in chosen else found[0], text)


def _slips(word: str) -> bool:
    return len(word) >= _SHORTEST_SLIP and word.isascii() and word.isalpha()


def _slip(word: str, random: Random) -> str:
    place = random.randrange(1, len(word) - 1)
    before, letter, after = word[:place], word[place], word[place + 1 :]
    kind = random.randrange(4)
    if kind == 0:
        return before + after
    if kind == 1:
        return before + letter + letter + after
    if kind == 2 and letter != after[0]:
        return before + after[0] + letter + after[1:]
    return before + like(letter, random.choice(_BESIDE[letter.lower()])) + after


_SOUNDS = (
    (re.compile(r"(?<=[^c])ie(?=[a-z])"), "ei"),
    (re.compile(r"(?<=c)ei"), "ie"),
    (re.compile(r"([bcdfglmnprt])\1(?=[a-z])"), r"\1"),
    (re.compile(r"ance\b"), "ence"),
    (re.compile(r"ence\b"), "ance"),
    (re.compile(r"ible\b"), "able"),
    (re.compile(r"able\b"), "ible"),
    (re.compile(r"ely\b"), "ley"),
    (re.compile(r"ary\b"), "ery"),
    (re.compile(r"ph"), "f"),
    (re.compile(r"(?<=[a-z])wh|^wh(?=[ei])"), "w"),
    (re.compile(r"(?<=[^aeious])([aeiou])nt\b"), "int"),
)


def misspelled(text: str, random: Random) -> str:
    """Longer words as they sound: a double letter written once, ie and ei confused, endings that sound alike.

    Source: the error classes of poor spellers in Mitton (1987) and of phonetic errors in Kukich (1992)."""
    return each_word(text, _as_it_sounds)


def _as_it_sounds(word: str) -> str:
    if len(word) < _SHORTEST_MISSPELT:
        return word
    for sound, spelling in _SOUNDS:
        heard = sound.sub(spelling, word.lower(), count=1)
        if heard != word.lower():
            return like(word, heard)
    return word


def joined_words(text: str, random: Random) -> str:
    """One space in six is missing, one at least.

    Source: errors over word boundaries, about 15 % of all in Kukich (1992)."""
    words = text.split()
    if len(words) < 2:
        return text
    joints = {place for place in range(1, len(words)) if random.random() < 1 / 6} or {random.randrange(1, len(words))}
    return "".join(("" if place in joints or not place else " ") + word for place, word in enumerate(words))


_MARKS = re.compile(r"[.,;:?!\"“”()…]+(?=\s|$)|(?<=\s)[\"“(]+|^[\"“(]+|\s[-–—]+(?=\s)")


def no_punctuation(text: str, random: Random) -> str:
    """Without any mark between words; apostrophes, hyphens and decimal points inside words stay.

    Source: punctuation left out in text messages, Thurlow & Brown (2003)."""
    return tidy(_MARKS.sub(" ", text))


def no_apostrophes(text: str, random: Random) -> str:
    """dont, cant, im, wheres.

    Source: the commonest respelling of text messages in Thurlow & Brown (2003)."""
    return re.sub(r"(?<=\w)['’](?=\w)", "", text)


def lower_case(text: str, random: Random) -> str:
    """no capital anywhere.

    Source: capitals left out in text messages, Crystal (2008), Txtng."""
    return text.lower()


def capitals(text: str, random: Random) -> str:
    """EVERYTHING IN CAPITALS.

    Source: capitals for emphasis and anger, Crystal (2006), Language and the Internet."""
    return text.upper()


_SHORT = table(
    """
    you=u, your=ur, you're=ur, are=r, please=pls, thanks=thx, thank you=ty, to=2, for=4, be=b, before=b4, with=w/,
    without=w/o, because=bc, and=n, what=wat, why=y, see=c, people=ppl, though=tho, through=thru, message=msg,
    number=no, account=acct, transaction=txn, transfer=xfer, payment=pymt, delivery=dlvry, address=addr, order=ordr,
    about=abt, tomorrow=tmrw, today=2day, weeks=wks, week=wk, days=dys, minutes=mins, don't know=dunno, want
    to=wanna, going to=gonna, got to=gotta, something=smth, quickly=quick, right now=rn, as soon as possible=asap
    """
)


def texting(text: str, random: Random) -> str:
    """Short spellings of everyday words: u, ur, pls, 2, 4, b4, acct.

    Source: letter homophones, clippings and number homophones in Thurlow & Brown (2003) and Crystal (2008)."""
    return exchanged(text, _SHORT)


def drawn_out(text: str, random: Random) -> str:
    """One word of the message is drawn out and the marks at the end are repeated: pleeease!!!

    Source: lengthened words carry feeling, Brody & Diakopoulos (2011)."""
    places = [found for found in WORD.finditer(text) if len(found[0]) >= _SHORTEST_SLIP and found[0].isalpha()]
    stretched = text
    if places:
        found = random.choice(places)
        last = max((place for place, letter in enumerate(found[0].lower()) if letter in _VOWELS), default=-1)
        stretched = text[: found.start()] + _drawn(found[0], last) + text[found.end() :]
    return stretched.rstrip(".!?") + ("??!!" if stretched.endswith("?") else "!!!")


def _drawn(word: str, place: int) -> str:
    return word[:place] + word[place] * 3 + word[place:] if place >= 0 else word
