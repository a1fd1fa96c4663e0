"""Knowledge health: what in the documents needs a person's eye. Pure functions of documents and of what was recorded.

Nothing here changes anything or fetches anything; whether an address answers is asked through a function given.
"""

from __future__ import annotations

import posixpath
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import unquote, urljoin, urlsplit

import numpy as np

from retrieval.documents import Document, Passage
from retrieval.embedder import Vectors
from retrieval.passages import cut
from retrieval.similarity import alike, jaccard
from retrieval.sources.registry import default_id
from retrieval.sources.sites import normal
from retrieval.statements import Statement, contradiction, statements_of
from retrieval.words import content_words

NEAR = 0.8
"""Jaccard similarity of the word triples of two passages from which they say the same."""
LEAST_WORDS = 8
"""Words of a passage below which saying the same twice is nothing to report."""
SAME_QUESTION = 0.65
"""Cosine from which two questions are one."""
SAME_WORDS = 0.5
"""Jaccard similarity from which they are, where there are no vectors."""
STALE_DAYS = 365

Answers = Callable[[str], str]
"""Says why an address does not answer; empty where it does."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: offsets into the document's text, as a citation has them."""

    document: str
    version: int
    title: str
    heading: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Passages that say the same; `similarity` is the least of them to the first, 1.0 for the same words."""

    similarity: float
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two sentences about the same that commit to something else; `differs` shows both sides."""

    differs: str
    one: Place
    other: Place


@dataclass(frozen=True, slots=True)
class DeadLink:
    """A link that leads nowhere, and the documents it stands in."""

    target: str
    reason: str
    documents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Questions that found no answer and are one: the commonest wording, how often, and others."""

    question: str
    times: int
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stale:
    """A document that nobody has looked at for long, and why that is said."""

    document: str
    title: str
    reason: str


@dataclass(frozen=True, slots=True)
class Source:
    """What a source held when it was last read: its `name` or address, the document it became, its links."""

    name: str
    document: str
    links: tuple[str, ...]


def duplicates(passages: Sequence[Passage]) -> tuple[Duplicate, ...]:
    """Passages that say the same as an earlier one, the largest groups first."""
    listed = [content_words(passage.text) for passage in passages]
    numbers = [number for number, words in enumerate(listed) if len(words) >= LEAST_WORDS]
    shingles = [_triples(listed[number]) for number in numbers]
    groups: dict[int, dict[int, float]] = {}
    leader: dict[int, int] = {}
    for first, second, similarity in sorted(alike(shingles, NEAR)):
        head = leader.get(first, first)
        if second not in leader and second not in groups:
            leader[second] = head
            groups.setdefault(head, {})[second] = similarity
    found = [
        Duplicate(round(min(members.values()), 3), tuple(_place(passages[numbers[each]]) for each in (head, *members)))
        for head, members in groups.items()
    ]
    return tuple(sorted(found, key=lambda each: -len(each.places)))


def contradictions(passages: Iterable[Passage], *, limit: int = 200) -> tuple[Contradiction, ...]:
    """Sentences of different passages that are about the same and differ in a figure, a date or a condition."""
    told: dict[object, Statement] = {}
    for passage in passages:
        for statement in statements_of(passage):
            if statement.figures or statement.conditions:
                told.setdefault((statement.words, statement.figures, statement.conditions), statement)
            else:
                told.setdefault((statement.words, (), frozenset()), statement)
    statements = list(told.values())
    found = []
    for first, second, similarity in alike([each.words for each in statements], 0.6):
        one, other = statements[first], statements[second]
        differs = contradiction(one, other) if one.passage.id != other.passage.id else ""
        if differs:
            found.append((-similarity, first, second, Contradiction(differs, _sentence(one), _sentence(other))))
    return tuple(each[3] for each in sorted(found, key=lambda each: each[:3])[:limit])


def dead_links(
    sources: Iterable[Source], documents: Sequence[Document], *, answers: Answers | None = None
) -> tuple[DeadLink, ...]:
    """Links inside that point to no document, and with `answers` those to elsewhere that do not answer.

    Inside is what lies on the host of a page that was read, or beside a file.
    """
    listed = list(sources)
    ids = {document.id for document in documents}
    pages = {normal(each.name) for each in listed if _is_address(each.name) and each.document in ids}
    pages |= {normal(document.url) for document in documents if _is_address(document.url)}
    hosts = {urlsplit(page).hostname for page in pages}
    inside: defaultdict[str, set[str]] = defaultdict(set)
    outside: defaultdict[str, set[str]] = defaultdict(set)
    for source in listed:
        for link in source.links:
            target = _target(source.name, link)
            if _is_address(target) and urlsplit(target).hostname not in hosts:
                outside[target].add(source.document)
            elif target and target not in pages and not (_file_ids(target) & ids):
                inside[target].add(source.document)
    found = [DeadLink(target, "points to no document", tuple(sorted(by))) for target, by in sorted(inside.items())]
    for target, by in sorted(outside.items()) if answers else ():
        reason = answers(target) if answers else ""
        if reason:
            found.append(DeadLink(target, reason, tuple(sorted(by))))
    return tuple(found)


def without_passages(documents: Iterable[Document]) -> tuple[str, ...]:
    """Ids of documents that nothing can be quoted from."""
    return tuple(document.id for document in documents if not cut(document))


def never_quoted(documents: Iterable[Document], quoted: Collection[str]) -> tuple[str, ...]:
    """Ids of documents that stand in no citation."""
    return tuple(document.id for document in documents if document.id not in quoted)


def unanswered(questions: Sequence[str], vectors: Vectors | None = None) -> tuple[Unanswered, ...]:
    """Questions without an answer, grouped, the most frequent group first.

    `vectors` are unit vectors of shape (questions, dimension); without them words are compared. Each question joins
    the first group whose leader is near enough; leaders are the commonest wordings.
    """
    counted = Counter(" ".join(question.split()) for question in questions)
    first = {" ".join(question.split()): number for number, question in reversed(list(enumerate(questions)))}
    wordings = [question for question, _ in counted.most_common()]
    leading = _Words(wordings) if vectors is None else _Vectors(vectors[[first[each] for each in wordings]])
    groups: list[list[str]] = []
    for number, question in enumerate(wordings):
        home = leading.home(number)
        if home is None:
            groups.append([question])
        else:
            groups[home].append(question)
    found = [Unanswered(all_[0], sum(counted[each] for each in all_), tuple(all_[1:6])) for all_ in groups]
    return tuple(sorted(found, key=lambda each: -each.times))


def stale(
    documents: Iterable[Document], changed: Mapping[str, datetime], today: date, *, days: int = STALE_DAYS
) -> tuple[Stale, ...]:
    """Documents past their own dates, or not changed for more than `days`, the oldest first."""
    found = []
    for document in documents:
        age = (today - changed[document.id].date()).days if document.id in changed else 0
        reason = document.lapsed(today) or (f"did not change for {age} days" if age > days else "")
        if reason:
            found.append((-age, Stale(document.id, document.title, reason)))
    return tuple(each for _, each in sorted(found, key=lambda pair: (pair[0], pair[1].document)))


class _Words:
    """Leaders of groups of questions, compared by words."""

    def __init__(self, questions: Sequence[str]) -> None:
        self._words = [content_words(question) for question in questions]
        self._leaders: list[int] = []

    def home(self, number: int) -> int | None:
        """The first group that a question belongs to; without one it leads the next, and None is returned."""
        for group, leader in enumerate(self._leaders):
            if jaccard(self._words[leader], self._words[number]) >= SAME_WORDS:
                return group
        self._leaders.append(number)
        return None


class _Vectors:
    """The same by unit vectors of shape (questions, dimension): one matrix product a question."""

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = vectors
        self._leaders = np.empty_like(vectors)
        self._count = 0

    def home(self, number: int) -> int | None:
        near = np.flatnonzero(self._leaders[: self._count] @ self._vectors[number] >= SAME_QUESTION)
        if near.size:
            return int(near[0])
        self._leaders[self._count] = self._vectors[number]
        self._count += 1
        return None


def _triples(words: Sequence[str]) -> frozenset[str]:
    return frozenset(" ".join(words[place : place + 3]) for place in range(len(words) - 2))


def _place(passage: Passage, start: int = 0, end: int | None = None) -> Place:
    stop = len(passage.text) if end is None else end
    heading = " › ".join(passage.heading)
    text = passage.text[start:stop]
    document = passage.document
    return Place(document, passage.version, passage.title, heading, passage.start + start, passage.start + stop, text)


def _sentence(statement: Statement) -> Place:
    return _place(statement.passage, statement.start, statement.end)


def _is_address(name: str) -> bool:
    return name.startswith(("http://", "https://"))


def _target(base: str, link: str) -> str:
    """Where a link leads: an address, or a path beside the file it stands in; empty for what is neither."""
    try:
        parts = urlsplit(link)
        if parts.scheme in ("http", "https"):
            return normal(link)
        if parts.scheme or link.startswith("//") or not (parts.path or parts.query):
            return normal(urljoin(base, link)) if link.startswith("//") and _is_address(base) else ""
        if _is_address(base):
            return normal(urljoin(base, link))
    except ValueError:
        return ""
    path = unquote(parts.path)
    return (
        path.lstrip("/") if path.startswith("/") else posixpath.normpath(posixpath.join(posixpath.dirname(base), path))
    )


def _file_ids(path: str) -> set[str]:
    """The ids that a file at this path may have."""
    if _is_address(path):
        return set()
    trimmed = path.rstrip("/")
    return {
        default_id(trimmed),
        default_id(f"{trimmed}.md"),
        default_id(f"{trimmed}/index.md"),
        default_id(posixpath.basename(trimmed)),
    }
