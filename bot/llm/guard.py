"""The guard between the large model and a customer: lets through what the passages say, and nothing else. Pure.

The model is not trusted. It may have been told to misbehave by the message or by a passage, or simply be wrong; either
way the same questions are asked of what it wrote, in code. An answer of which one sentence fails one of them is not
given, and the check's name goes into the turn's record. What passes carries citations cut from the stored version, so
that it is held to what every quote is held to: its document must still be current when the reply is written.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

from bot.llm import facts
from bot.llm.dictation import dictation_in
from bot.llm.prompts import Prompt
from bot.llm.redaction import PLACEHOLDER
from bot.llm.reply import Abstains, Malformed, Said, read
from bot.llm.support import Encode, Support, Thresholds, support_of
from retrieval.documents import Passage
from retrieval.sources.instructions import instruction_in

SHINGLE = 6
"""So many words in a row of the instructions are not written by chance."""
_WORD = re.compile(r"[^\W_]+")
_ITSELF = re.compile(r"\b(?:I|i['’]m|i['’]ve|[Mm]yself)\b")


@dataclass(frozen=True, slots=True)
class Verified:
    """A sentence that may be said, and where it stands. `text` may hold placeholders of this call."""

    text: str
    support: Support


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing of it is said: the check that failed, and on what."""

    check: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.check} ({self.detail[:80]})" if self.detail else self.check


@dataclass(frozen=True, slots=True)
class Guard:
    """What holds for every answer. `hosts` are the company's, which links and addresses may name."""

    hosts: Collection[str] = ()
    thresholds: Thresholds = field(default_factory=Thresholds)

    def check(
        self, text: str, prompt: Prompt, encode: Encode, *, made: Callable[[str], bool] = lambda placeholder: False
    ) -> tuple[Verified, ...] | Refusal:
        """The sentences of the model's text, each with its support, or the first check that fails.

        `made` says whether a placeholder is one that this call put in.
        """
        if leak := leaked(text, prompt):
            return Refusal("leaks-instructions", leak)
        given = read(text)
        if isinstance(given, Malformed):
            return Refusal("malformed", given.problem)
        if isinstance(given, Abstains):
            return Refusal("abstains", given.reason)
        if leak := leaked(" ".join(said.text for said in given.sentences), prompt):
            return Refusal("leaks-instructions", leak)
        verified = []
        for said in given.sentences:
            one = self._sentence(said, prompt, encode, made)
            if isinstance(one, Refusal):
                return one
            verified.append(one)
        return tuple(verified)

    def _sentence(self, said: Said, prompt: Prompt, encode: Encode, made: Callable[[str], bool]) -> Verified | Refusal:
        if not said.passages:
            return Refusal("uncited", said.text)
        if unknown := [id for id in said.passages if id not in prompt.passages]:
            return Refusal("unknown-passage", ", ".join(unknown))
        cited = [prompt.passages[id] for id in said.passages]
        foreign = [each for each in PLACEHOLDER.findall(said.text) if not made(each)]
        if foreign:
            return Refusal("unknown-placeholder", ", ".join(foreign))
        text = PLACEHOLDER.sub(" ", said.text)
        for check, found in self._form(text, cited):
            if found:
                return Refusal(check, found)
        support = support_of(text, cited, encode)
        if support is None or not support.holds(self.thresholds):
            return Refusal("unsupported", said.text)
        for check, found in _meaning(text, support):
            if found:
                return Refusal(check, found)
        return Verified(said.text, support)

    def _form(self, text: str, cited: list[Passage]) -> Iterator[tuple[str, str]]:
        """Checks that need no support: name and what they found."""
        source = "\n".join(_full(passage) for passage in cited)
        yield "hidden-characters", facts.unseen(text)
        yield "markup", facts.markup(text)
        yield "speaks-of-itself", " ".join(_ITSELF.findall(text)[:1])
        yield "asks", text if text.rstrip(" \"'”’)").endswith("?") else ""
        yield "foreign-link", ", ".join(facts.foreign_links(text, source, self.hosts))
        yield "reads-like-instructions", instruction_in(text)
        yield "name-not-in-passage", ", ".join(facts.strange_names(text, source))
        strange = set(facts.numbers(text)) - set(facts.numbers(source))
        yield "number-not-in-passage", ", ".join(sorted(strange))


def _meaning(text: str, support: Support) -> Iterator[tuple[str, str]]:
    """Checks against the sentences that support it."""
    known = support.text
    headings = " ".join(place.heading for place in support.places)
    yield "support-dictates", " / ".join(filter(None, (dictation_in(place.passage.text) for place in support.places)))
    yield "number-of-something-else", ", ".join(facts.strange_numbers(text, known))
    yield "changes-the-meaning", ", ".join(facts.changed_limits(text, known))
    yield "name-not-in-support", ", ".join(facts.strange_names(text, f"{known} {headings}"))


def leaked(text: str, prompt: Prompt) -> str:
    """What of the instructions stands in a text: the canary in whatever spelling, or `SHINGLE` words in a row."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    squeezed = "".join(each for each in folded if each.isalnum())
    canary = prompt.canary.casefold()
    if canary in squeezed or canary[::-1] in squeezed:
        return "the canary"
    ours = _shingles(prompt.instructions)
    return next((" ".join(each) for each in _shingles(folded) if each in ours), "")


def _shingles(text: str) -> dict[tuple[str, ...], None]:
    words = _WORD.findall(text.casefold())
    return dict.fromkeys(tuple(words[place : place + SHINGLE]) for place in range(len(words) - SHINGLE + 1))


def _full(passage: Passage) -> str:
    return "\n".join((passage.title, *passage.heading, passage.text))
