"""What the reader learns from: questions with passages, as the product cuts and finds them.

SQuAD 2 (Rajpurkar et al., 2018) gives answerable questions with the place of their answer, and ones that look
answerable and are not. The company's own documents give the rest by rule: a heading asks for what stands under it, and
a FAQ question for its pair and for the document's sentences that say the same.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from retrieval.crossencoder import Pair, Span
from retrieval.documents import Document, Passage
from retrieval.embedder import Embedder
from retrieval.knowledge import Knowledge, build
from retrieval.reading import pair_of
from retrieval.sentences import spans_of
from retrieval.sources.building import DocumentBuilder
from retrieval.words import content_words

DEPTH = 10
"""Hits looked at for passages that look right and are not."""
SAID = 0.6
"""Share of a FAQ answer's content words that a document's sentence holds, with all its figures, to say the same."""
TYPING = 0.5
"""Share of the company's questions that are also learned as somebody in a hurry types them."""

_NUMBERING = re.compile(r"^\d{1,2}[.)]\s+")


@dataclass(frozen=True, slots=True)
class Example:
    """A pair and what is known of it: whether the passage answers, in which sentences (all where that is not known),
    and the answer's characters in the text where they are known."""

    pair: Pair
    answers: bool
    sentences: tuple[int, ...] = ()
    answer: Span | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of SQuAD: its paragraph's number, the answers' texts, and where the first (or, for an unanswerable
    question, a plausible wrong one) stands in the paragraph."""

    text: str
    paragraph: int
    answerable: bool
    answers: tuple[str, ...]
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class Squad:
    """Articles of a SQuAD file as documents, one a paragraph, and their questions."""

    documents: tuple[Document, ...]
    questions: tuple[Asked, ...]


def read_articles(path: Path) -> dict[str, list[dict[str, Any]]]:
    """The paragraphs of a SQuAD 1 or 2 file by article."""
    stored = json.loads(path.read_text("utf-8"))
    return {article["title"]: article["paragraphs"] for article in stored["data"]}


def split_titles(titles: Iterable[str], shares: Sequence[int], seed: int) -> list[list[str]]:
    """The titles ordered by their hashes with the seed, cut into parts of `shares` titles and the rest."""
    ordered = sorted(titles, key=lambda title: hashlib.sha256(f"{seed}:{title}".encode()).hexdigest())
    parts, first = [], 0
    for share in shares:
        parts.append(ordered[first : first + share])
        first += share
    return [*parts, ordered[first:]]


def squad(
    articles: dict[str, list[dict[str, Any]]], titles: Iterable[str], without: frozenset[str] = frozenset()
) -> Squad:
    """The given articles, less the paragraphs and questions whose text (`folded`) stands in `without`."""
    documents: list[Document] = []
    questions = []
    for title in titles:
        for paragraph in articles[title]:
            if folded(paragraph["context"]) in without:
                continue
            builder = DocumentBuilder()
            builder.paragraph(paragraph["context"])
            document = builder.document(f"{title}-{len(documents)}", title=title.replace("_", " "))
            kept = [entry for entry in paragraph["qas"] if folded(entry["question"]) not in without]
            questions += [_asked(entry, len(documents), document.text) for entry in kept]
            documents.append(document)
    return Squad(tuple(documents), tuple(questions))


def texts_of(articles: dict[str, list[dict[str, Any]]]) -> frozenset[str]:
    """Every paragraph and question, `folded`."""
    paragraphs = [paragraph for listed in articles.values() for paragraph in listed]
    asked = [entry["question"] for paragraph in paragraphs for entry in paragraph["qas"]]
    return frozenset(folded(text) for text in (*(paragraph["context"] for paragraph in paragraphs), *asked))


def folded(text: str) -> str:
    """Lower case, single spaces."""
    return " ".join(text.lower().split())


def _asked(entry: dict[str, Any], paragraph: int, text: str) -> Asked:
    answerable = bool(entry["answers"]) and not entry.get("is_impossible", False)
    places = entry["answers"] if answerable else entry.get("plausible_answers", [])
    answer, place = (str(places[0]["text"]), int(places[0]["answer_start"])) if places else ("", 0)
    # the parsers tidy white space, so an answer may stand a little before where the file says
    start = text.rfind(answer, 0, place + len(answer) + 1)
    answers = tuple(dict.fromkeys(str(each["text"]) for each in entry["answers"]))
    return Asked(entry["question"].strip(), paragraph, answerable, answers, start, len(answer))


def squad_examples(data: Squad, embedder: Embedder, *, seed: int, negatives: float = 0.5) -> list[Example]:
    """One example a question with the passage its answer (or a plausible wrong one) stands in; for a share of
    `negatives` of the answerable ones another with a passage that the search finds and that lacks the answer."""
    chance = random.Random(seed)
    examples = []
    with tempfile.TemporaryDirectory() as scratch:
        knowledge = _knowledge(data.documents, embedder, Path(scratch))
        of_document: dict[str, list[Passage]] = {}
        for passage in knowledge.retriever.passages:
            of_document.setdefault(passage.document, []).append(passage)
        for asked in data.questions:
            document = data.documents[asked.paragraph]
            own = next((each for each in of_document[document.id] if each.start <= asked.start < each.end), None)
            if own is None:
                continue
            examples.append(_squad_example(asked, own))
            if asked.answerable and chance.random() < negatives:
                near = _near_misses(knowledge, asked, document.id)
                if near:
                    examples.append(Example(pair_of(asked.text, chance.choice(near[:4])), False))
    return examples


def _squad_example(asked: Asked, passage: Passage) -> Example:
    pair = pair_of(asked.text, passage)
    if not asked.answerable:
        return Example(pair, False)
    start = asked.start - passage.start
    end = min(start + asked.length, len(passage.text))
    sentences = tuple(n for n, (first, last) in enumerate(pair.spans) if first <= start < last)
    return Example(pair, True, sentences, (start, end))


def _near_misses(knowledge: Knowledge, asked: Asked, own: str) -> list[Passage]:
    hits = knowledge.search(asked.text, DEPTH)
    words = [folded(answer) for answer in asked.answers]
    return [
        hit.passage
        for hit in hits
        if hit.passage.document != own and not any(word in folded(hit.passage.text) for word in words)
    ]


def company_examples(documents: Sequence[Document], embedder: Embedder, *, seed: int) -> list[Example]:
    """What a company's own documents and FAQ pairs teach, by rule: see `_heading_examples` and `_faq_examples`."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as scratch:
        knowledge = _knowledge(documents, embedder, Path(scratch))
        passages = knowledge.retriever.passages
        examples = [*_heading_examples(knowledge, passages, chance), *_faq_examples(knowledge, passages, chance)]
    hurried = [
        replace(each, pair=replace(each.pair, question=hurried_typing(each.pair.question, chance)))
        for each in examples
        if chance.random() < TYPING
    ]
    return [*examples, *hurried]


def _heading_examples(knowledge: Knowledge, passages: Sequence[Passage], chance: random.Random) -> Iterator[Example]:
    """A heading as a question: what stands under it answers, shown without that heading; near passages of other
    headings do not."""
    for passage in passages:
        if passage.kind == "faq" or not passage.heading or passage.heading[-1] == passage.title:
            continue
        name = _NUMBERING.sub("", passage.heading[-1])
        asked = f"{passage.title}: {name}" if chance.random() < 0.5 else name
        yield Example(pair_of(asked, replace(passage, heading=passage.heading[:-1])), True)
        others = [
            hit.passage
            for hit in knowledge.search(asked, DEPTH)
            if hit.passage.heading != passage.heading and name.lower() not in hit.passage.text.lower()
        ]
        for other in chance.sample(others[:5], min(2, len(others[:5]))):
            yield Example(pair_of(asked, other), False)


def _faq_examples(knowledge: Knowledge, passages: Sequence[Passage], chance: random.Random) -> Iterator[Example]:
    """A FAQ question: its pair answers, also shown without the question; so do sentences of documents that say the
    same; near passages with none of the answer's figures and few of its words do not."""
    for passage in passages:
        if passage.kind != "faq":
            continue
        asked = passage.heading[-1]
        pair = pair_of(asked, passage)
        yield Example(replace(pair, heading=" › ".join(passage.heading[:-1])), True)
        yield Example(pair, True)
        others = [hit.passage for hit in knowledge.search(asked, DEPTH) if hit.passage.id != passage.id]
        misses = []
        for other in others:
            saying = tuple(
                n for n, (start, end) in enumerate(spans_of(other)) if says(other.text[start:end], passage.text)
            )
            if saying:
                yield Example(pair_of(asked, other), True, saying)
            elif overlap(other.text, passage.text) < SAID / 2:
                misses.append(other)
        for other in chance.sample(misses[:5], min(2, len(misses[:5]))):
            yield Example(pair_of(asked, other), False)


def says(text: str, wanted: str) -> bool:
    """Whether `text` holds all figures of `wanted` and most of its content words."""
    figures = {word for word in content_words(wanted) if any(letter.isdigit() for letter in word)}
    return bool(figures) and figures <= set(content_words(text)) and overlap(text, wanted) >= SAID


def overlap(text: str, wanted: str) -> float:
    """Share of the content words of `wanted` in `text`."""
    words = set(content_words(wanted))
    return len(words & set(content_words(text))) / len(words) if words else 0.0


def hurried_typing(text: str, chance: random.Random) -> str:
    """The text in lower case without its question mark, some words dropped, some letters swapped."""
    words = text.lower().rstrip("?. ").split()
    kept = [word for word in words if len(words) < 4 or chance.random() > 0.12] or words
    return " ".join(_swapped(word, chance) if len(word) > 4 and chance.random() < 0.1 else word for word in kept)


def _swapped(word: str, chance: random.Random) -> str:
    place = chance.randrange(1, len(word) - 2)
    return word[:place] + word[place + 1] + word[place] + word[place + 2 :]


def _knowledge(documents: Sequence[Document], embedder: Embedder, folder: Path) -> Knowledge:
    build(documents, embedder, folder, sentence_limit=0)
    return Knowledge.load(folder, embedder)
