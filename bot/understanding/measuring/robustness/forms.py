"""The same wish shorter or longer: as a search, with a greeting, with a story around it."""

from __future__ import annotations

from random import Random

from bot.understanding.measuring.robustness.keyboard import no_punctuation
from bot.understanding.measuring.robustness.words import without

_SMALL = """
a an the this that these those there here i i'm i've i'd i'll me my mine myself you you're you've your yours
he she it it's its we we're we've our ours they they're their them is are am was were be been being do does
did done doing have has had having can could will would shall should may might must to of in on at for from
by with about as into and or but so if then than what what's which who whom how when where where's why please
just also some any very really hi hello hey thanks thank need want get got let know tell help
"""
_FUNCTION_WORDS = frozenset(_SMALL.split())


def keywords(text: str, random: Random) -> str:
    """Content words alone, as typed into a search box; words of negation stay. Fewer than two words left: as it was.

    Source: queries without function words, Jansen, Spink & Saracevic (2000); Bendersky & Croft (2009)."""
    left = without(no_punctuation(text, random).lower().replace("’", "'"), _FUNCTION_WORDS)
    return left if len(left.split()) > 1 else text


_OPENINGS = ("Hello,", "Hi there,", "Good morning,", "Dear Sir or Madam,", "Hi team, hope you are well.")
_CLOSINGS = (
    "Thank you in advance, Sam",
    "Thanks, and have a nice day!",
    "Kind regards, Mrs J. Owens",
    "Many thanks for your time. Best, Alex",
    "Looking forward to hearing from you.",
)


def with_greeting(text: str, random: Random) -> str:
    """A greeting before it and thanks after it.

    Source: greetings and closings of e-mails, Waldvogel (2007)."""
    return f"{random.choice(_OPENINGS)} {_sentence(text)} {random.choice(_CLOSINGS)}"


_STORIES = (
    "I have been a customer of yours for about six years now, my sister told me about you back then and she was right, "
    "I have recommended you to half of our street since.",
    "Sorry to write so late, I only got home from work an hour ago, the kids had to be put to bed first and then the "
    "dog wanted to go out, so it has been one of those days.",
    "I looked around on your website first, but reading on a small screen is not for me, and at lunch time I never "
    "manage to call anybody, so now I am trying it this way.",
    "My husband usually looks after these things but he is away until the weekend and I am not very good with "
    "computers, so please bear with me if I use the wrong words.",
)
"""None of them wants anything, or says that anything is wrong."""


def story_before(text: str, random: Random) -> str:
    """A story that has nothing to do with it, then the wish.

    Source: orientation before the complicating action in Labov & Waletzky (1967); background moves before the
    request in Swales (1990)."""
    return f"{random.choice(_STORIES)} {_sentence(text)}"


def story_after(text: str, random: Random) -> str:
    """The wish first, then a story that has nothing to do with it.

    Source: as `story_before`, the moves in the other order."""
    return f"{_sentence(text)} {random.choice(_STORIES)}"


def long_email(text: str, random: Random) -> str:
    """Greeting, a story, the wish in the middle, another story, thanks: longer than the encoder reads at once.

    Source: the moves of Swales (1990) and the frame of Waldvogel (2007) together."""
    before, after = random.sample(_STORIES, 2)
    return f"{random.choice(_OPENINGS)} {before} {_sentence(text)} {after} {random.choice(_CLOSINGS)}"


def _sentence(text: str) -> str:
    """The text with a mark at its end, so that what follows begins a sentence."""
    return text if text.rstrip()[-1:] in {".", "?", "!"} else f"{text.rstrip()}."
