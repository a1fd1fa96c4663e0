"""What a microphone makes of a wish: no marks, no capitals, numbers in words, hesitation."""

from __future__ import annotations

import re
from random import Random

from bot.understanding.measuring.robustness.keyboard import no_punctuation
from bot.understanding.measuring.robustness.words import table, tidy

_UP_TO_NINETEEN = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_ONES = _UP_TO_NINETEEN.split()
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_ORDINALS = table("one=first, two=second, three=third, five=fifth, eight=eighth, nine=ninth, twelve=twelfth")
_CURRENCIES = {"£": "pounds", "$": "dollars", "€": "euros"}
_LONGEST_READ_WHOLE = 3

_CODE = re.compile(r"\b(?=[A-Za-z-]*\d)(?:[A-Z]{1,4}-?)\d+\b|\b[A-Za-z]{2}-\d+\b")
_MONEY = re.compile(r"([£$€])\s?(\d+)(?:[.,](\d\d))?\b")
_CLOCK = re.compile(r"\b([01]?\d|2[0-3])[:.]([0-5]\d)\b")
_ORDINAL = re.compile(r"\b(\d{1,2})(?:st|nd|rd|th)\b", re.IGNORECASE)
_PERCENT = re.compile(r"(\d)\s?%")
_DIGITS = re.compile(r"\d+")


def spoken_numbers(text: str, random: Random) -> str:
    """Numbers in words: amounts and times as they are read out, long numbers and codes digit by digit.

    Source: the classes of number tokens in Sproat et al. (2001), Normalization of non-standard words."""
    text = _CODE.sub(lambda found: " ".join(found[0].replace("-", "")), text)
    text = _MONEY.sub(_amount, text)
    text = _CLOCK.sub(lambda found: f"{found[1]} {found[2]}" if found[2] != "00" else f"{found[1]} o'clock", text)
    text = _ORDINAL.sub(lambda found: _ordinal(int(found[1])), text)
    text = _PERCENT.sub(r"\1 percent", text)
    return tidy(_DIGITS.sub(lambda found: f" {_read_out(found[0])} ", text))


def _amount(found: re.Match[str]) -> str:
    unit = _CURRENCIES[found[1]]
    return f"{found[2]} {unit.removesuffix('s') if found[2] == '1' else unit} {found[3] or ''}"


def _read_out(digits: str) -> str:
    if not digits.isascii() or len(digits) > _LONGEST_READ_WHOLE or (len(digits) > 1 and digits[0] == "0"):
        return " ".join(_ONES[int(digit)] for digit in digits)
    return _cardinal(int(digits))


def _cardinal(number: int) -> str:
    if number < len(_ONES):
        return _ONES[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return _TENS[tens - 2] + (f" {_ONES[ones]}" if ones else "")
    hundreds, rest = divmod(number, 100)
    return f"{_ONES[hundreds]} hundred" + (f" and {_cardinal(rest)}" if rest else "")


def _ordinal(number: int) -> str:
    *before, last = _cardinal(number).split()
    regular = f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th"
    return " ".join([*before, _ORDINALS.get(last, regular)])


_FILLERS = ("um", "uh", "er", "like", "you know", "I mean", "so", "well")


def fillers(text: str, random: Random) -> str:
    """Hesitation: a filler at the start and in about one of six places after it, and the first word said twice.

    Source: um and uh in Clark & Fox Tree (2002); repeated starts in Shriberg (1994)."""
    words = text.split()
    if not words:
        return text
    spoken = [random.choice(_FILLERS[:3]), words[0]]
    for word in words:
        spoken += [random.choice(_FILLERS)] if random.random() < 1 / 6 else []
        spoken.append(word)
    return " ".join(spoken)


def dictated(text: str, random: Random) -> str:
    """A message spoken into a phone: hesitation, numbers in words, no capitals and no marks.

    Source: Clark & Fox Tree (2002), Sproat et al. (2001); recognisers that write neither marks nor capitals, Tilk &
    Alumäe (2016)."""
    return no_punctuation(spoken_numbers(fillers(text, random), random), random).lower()
