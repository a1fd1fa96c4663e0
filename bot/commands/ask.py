"""`firstline ask`: what a customer would be answered from the documents, with its sources and, asked for, why."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import Annotated

import typer

from bot.commands.common import Bench, open_bench, out, table, talk
from bot.errors import BadInput
from bot.messages import Decision
from bot.releases.release import Release, load_release
from bot.routing import gate
from bot.routing.router import decide
from bot.routing.signals import Signals
from bot.store.documents import Library
from bot.turns import checked_text
from retrieval import confidence
from retrieval.audiences import Audience
from retrieval.documents import Abstention, Answer, Citation, Hit
from retrieval.followups import history_of, leaning
from retrieval.reading import Reading, share
from retrieval.retriever import Query
from retrieval.sentences import spans_of
from retrieval.words import content_words

Rows = list[tuple[object, ...]]

KNOWN_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Found:
    """A passage of the search. `score` is the fused one; a part is None where that search did not return it."""

    passage: str
    score: float
    cosine: float | None
    bm25: float | None
    begins: str


@dataclass(frozen=True, slots=True)
class KnownQuestion:
    """A question that was answered before: its cosine to the one asked, and the passages that answer it; none where
    nothing does."""

    text: str
    cosine: float
    answered_in: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of the passage that was chosen: its cosine to the question, the share of the question's words that
    stand in it, each counted by how telling it is, and whether it is quoted."""

    text: str
    cosine: float
    share: float
    quoted: bool


@dataclass(frozen=True, slots=True)
class Part:
    """One signal's share in the log-odds: `contribution` = `weight` × `value`."""

    name: str
    value: float
    weight: float
    contribution: float


@dataclass(frozen=True, slots=True)
class Why:
    """How the answer came about: what was found, which known questions are near, which sentences of the best passage
    are quoted, what moved the reader's confidence and then the gate's probability that the quote is right."""

    read_with: str
    leaning: float
    found: tuple[Found, ...]
    known: tuple[KnownQuestion, ...]
    sentences: tuple[Sentence, ...]
    reader: tuple[Part, ...]
    gate: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and what came of it. `draft` is the best quote whether it is given or not; it is given where `p_right`
    reaches `threshold`, both in [0, 1], and no rule before that decides otherwise."""

    text: str
    release: str
    decision: Decision
    answer: str
    draft: str
    withheld: str
    citations: tuple[Citation, ...]
    confidence: float
    p_right: float
    threshold: float
    why: Why | None = None


def register(app: typer.Typer) -> None:
    app.command()(ask)


def ask(
    question: Annotated[str, typer.Argument(help="What a customer would ask.")],
    before: Annotated[
        list[str] | None, typer.Option(help="A question asked before; repeat it for several, the oldest first.")
    ] = None,
    audience: Annotated[Audience, typer.Option(help="On whose behalf the documents are searched.")] = "public",
    explained: Annotated[
        bool, typer.Option("--why", help="Show candidates, sentences, and what moved the confidence.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON to stdout.")] = False,
) -> None:
    """What a customer would be answered from the documents, with the sources; --why says how it came about."""
    text = checked_text(question)
    bench = open_bench()
    history = history_of([checked_text(each) for each in before or ()])
    asked = answer_to(_live(bench), bench.library, text, history, audience, bench.shop.today, explained=explained)
    if as_json:
        out(asdict(asked))
    else:
        show(asked)


def answer_to(
    release: Release,
    library: Library,
    text: str,
    history: str,
    audience: Audience,
    today: date,
    *,
    explained: bool = False,
) -> Asked:
    """What the release makes of a question as a conversation's only message but those in `history`."""
    is_current = library.current_check()
    look = release.look(text, today=today, history=history, audience=audience, is_current=is_current)
    hits = tuple(hit for hit in look.hits if is_current(hit.passage.document, hit.passage.version))
    signals = look.signals(text)
    decision, answer = decide(signals, release.policy, release.gate), look.answer
    query = release.knowledge.query(text, history, audience)
    reading = release.knowledge.reader.find(query, hits, release.knowledge.sentences)
    return Asked(
        text=text,
        release=release.id,
        decision=decision,
        answer=answer.text if isinstance(answer, Answer) and decision.route == "answer" else "",
        draft=answer.text if isinstance(answer, Answer) else "",
        withheld=answer.reason if isinstance(answer, Abstention) else "",
        citations=answer.citations,
        confidence=answer.confidence,
        p_right=release.gate.p_right(signals),
        threshold=release.gate.answer,
        why=_why(release, query, hits, reading, signals, history) if explained else None,
    )


def show(asked: Asked) -> None:
    """The answer on stdout, the decision beside it; with `why`, the tables below."""
    if asked.answer:
        table("", ("answer",), [(line,) for line in asked.answer.split("\n")])
    else:
        talk(f"not answered: {asked.decision.route}, {asked.decision.reason} ({asked.decision.rule})")
    sources: Rows = [(f"{each.document}, version {each.version}", each.heading, each.url) for each in asked.citations]
    if sources and (asked.answer or asked.why):
        table("Sources", ("document", "heading", "address"), sources)
    if asked.why:
        _show_why(asked, asked.why)


def _show_why(asked: Asked, why: Why) -> None:
    if why.leaning:
        table("Read as a follow-up", ("share", "of"), [(f"{why.leaning:.2f}", why.read_with.replace("\n", " / "))])
    found: Rows = [
        (f"{each.score:.3f}", _number(each.cosine), _number(each.bm25), each.passage, each.begins) for each in why.found
    ]
    table("Candidates", ("fused", "cosine", "BM25", "passage", "begins"), found)
    if why.known:
        known: Rows = [
            (f"{each.cosine:.2f}", each.text, ", ".join(each.answered_in) or "nothing") for each in why.known
        ]
        table("Known questions", ("cosine", "question", "answered in"), known)
    read: Rows = [
        ("quoted" if each.quoted else "", f"{each.cosine:.2f}", f"{each.share:.2f}", each.text)
        for each in why.sentences
    ]
    table("Sentences of the passage chosen", ("", "cosine", "words", "sentence"), read)
    for title, parts in (("Confidence of the reader", why.reader), ("Gate", why.gate)):
        table(
            title, ("log-odds", "part", "value"), [(f"{p.contribution:+.2f}", p.name, f"{p.value:.2f}") for p in parts]
        )
    outcome: Rows = [
        ("route", asked.decision.route),
        ("rule", asked.decision.rule),
        ("reason", asked.decision.reason),
        ("reader's confidence", f"{asked.confidence:.2f}"),
        ("probably right", f"{asked.p_right:.2f}, answered from {asked.threshold:.2f}"),
    ]
    if not asked.answer:
        outcome.append(("would have said", asked.draft or f"nothing: {asked.withheld}"))
    table("Decided", ("", ""), outcome)


def _why(
    release: Release, query: Query, hits: tuple[Hit, ...], reading: Reading | None, signals: Signals, history: str
) -> Why:
    model = release.knowledge.reader.model
    reader = _parts(confidence.FEATURES, reading.features.tolist(), model.weights) if reading else ()
    return Why(
        read_with=history,
        leaning=leaning(query.text) if history else 0.0,
        found=tuple(
            Found(each.passage.id, each.score, each.cosine, each.bm25, " ".join(each.passage.text[:80].split()))
            for each in hits
        ),
        known=tuple(
            KnownQuestion(each.text, each.cosine, tuple(dict.fromkeys(place.passage.id for place in each.places)))
            for each in query.near[:KNOWN_SHOWN]
        ),
        sentences=_sentences(release, query, reading) if reading else (),
        reader=reader,
        gate=_parts(gate.FEATURES, gate.features(signals), release.gate.weights) if signals.answer_confidence else (),
    )


def _sentences(release: Release, query: Query, reading: Reading) -> tuple[Sentence, ...]:
    passage = reading.hit.passage
    (vectors,) = release.knowledge.sentences.of([passage])
    return tuple(
        Sentence(
            text=passage.text[start:end],
            cosine=float(vector @ query.vector),
            share=share(query.weights, content_words(passage.text[start:end])),
            quoted=any(first <= start < last for first, last in reading.spans),
        )
        for (start, end), vector in zip(spans_of(passage), vectors, strict=True)
    )


def _parts(
    names: tuple[str, ...], values: list[float] | tuple[float, ...], weights: tuple[float, ...]
) -> tuple[Part, ...]:
    parts = [
        Part(name, value, weight, value * weight) for name, value, weight in zip(names, values, weights, strict=True)
    ]
    return tuple(sorted(parts, key=lambda part: -abs(part.contribution)))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _live(bench: Bench) -> Release:
    id = bench.registry.current_id()
    if id is None:
        raise BadInput("no release is live, so nothing can be answered; `firstline train` makes the first")
    return load_release(bench.registry, id)
