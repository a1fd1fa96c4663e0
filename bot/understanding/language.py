"""Which language a message is in, from its script and its small words; "und" where too little tells."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

UNDETERMINED = "und"

_SCRIPTS = {
    "ARABIC": "ar",
    "HEBREW": "he",
    "CYRILLIC": "ru",
    "GREEK": "el",
    "HANGUL": "ko",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "CJK": "zh",
    "THAI": "th",
    "DEVANAGARI": "hi",
}
_SMALL_WORDS = {
    "en": "the a an is are was i you my your it to of and in on for not have has do does can how what where when why "
    "this that with from be will would me please order they we",
    "de": "der die das ein eine ist sind war ich sie mein meine es zu und im auf für nicht habe hat kann wie was wo "
    "wann warum dieser mit von wird bitte bestellung wir den dem noch",
    "fr": "le la les un une est sont je vous mon ma mes il de du des et en dans pour pas ai avez peux comment quoi où "
    "quand pourquoi ce cette avec que qui commande nous",
    "es": "el la los las un una es son yo usted mi mis lo de del y en para no he ha puedo cómo qué dónde cuándo por "
    "este esta con que pedido está",
    "it": "il la gli un una è sono io mio mia lo di del della e in per non ho ha posso come cosa dove quando perché "
    "questo con che ordine",
    "nl": "de het een is zijn was ik u mijn te en in op voor niet heb heeft kan hoe wat waar wanneer waarom deze met "
    "van wordt bestelling wij",
    "pt": "o a os as um uma é são eu você meu minha de do da e em para não tenho posso como que onde quando por este "
    "com pedido está",
    "pl": "jest są ja mój moja to do i w na dla nie mam ma czy jak co gdzie kiedy dlaczego ten z od proszę zamówienie "
    "się",
}
_VOCABULARY = {language: frozenset(words.split()) for language, words in _SMALL_WORDS.items()}
_WORD = re.compile(r"[^\W\d_]+")
_FEWEST_WORDS = 2
_LOOKED_AT = 400


def language(text: str) -> str:
    """ISO 639-1 code, or "und": fewer than two telling words, or two languages that are equally likely."""
    text = text[:_LOOKED_AT].casefold()
    letters = [character for character in text if character.isalpha()]
    scripts = Counter(_script(letter) for letter in letters)
    foreign = {code: count for code, count in scripts.items() if code}
    if foreign and 2 * sum(foreign.values()) >= len(letters):
        # Japanese is written with Chinese characters too; a few kana tell
        return "ja" if foreign.get("ja") else max(foreign, key=lambda code: foreign[code])
    return _by_small_words(_WORD.findall(text))


def _script(letter: str) -> str:
    if letter < "\u0370":
        return ""
    return _SCRIPTS.get(unicodedata.name(letter, "").split(" ")[0].split("-")[0], "")


def _by_small_words(words: list[str]) -> str:
    seen = {code: sum(word in known for word in words) for code, known in _VOCABULARY.items()}
    (best, most), (_, second) = Counter(seen).most_common(2)
    return best if most >= _FEWEST_WORDS and most > second else UNDETERMINED
