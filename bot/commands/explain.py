"""`firstline explain`: why the live release understands a message as it does, and why it is routed so."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from typing import Annotated

import typer

from bot.commands.common import Bench, open_bench, out, table
from bot.errors import BadInput
from bot.messages import Decision, Entity, NearestRow, Understanding
from bot.releases.release import Release, load_release
from bot.routing import gate
from bot.routing.gate import Gate
from bot.routing.router import decide
from bot.routing.signals import Look
from bot.turns import checked_text
from bot.understanding.explaining import Explanation, Scope, explain
from bot.understanding.understand import Understander, read
from bot.understanding.utterances import clean, has_words, windows
from retrieval.documents import Answer

JSON = Annotated[bool, typer.Option("--json", help="Write JSON to stdout.")]
Rows = list[tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class GatePart:
    """One signal's share in the log-odds that the best quote is right: `contribution` = `weight` × `value`."""

    name: str
    value: float
    weight: float
    contribution: float


@dataclass(frozen=True, slots=True)
class Quote:
    """The best quote, or the `reason` why there is none. `p_right` is the gate's probability in [0, 1]."""

    text: str = ""
    document: str = ""
    version: int = 0
    reason: str = ""
    p_right: float = 0.0
    parts: tuple[GatePart, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """All that is told of a text; `explanation` is None where there is no word to understand. `gate` holds the
    thresholds that decided."""

    text: str
    release: str
    understood: Understanding
    explanation: Explanation | None
    quote: Quote
    decision: Decision
    gate: Gate


def register(app: typer.Typer) -> None:
    app.command("explain")(explain_text)


def explain_text(
    text: Annotated[str, typer.Argument(help="What a customer would write, as the first message.")],
    as_json: JSON = False,
) -> None:
    """Why the live release takes a text as it does: intent, runner-up, nearest rows, scope, decision."""
    message = checked_text(text)
    bench = open_bench()
    told = tell(_live(bench), message, bench.shop.today, bench.library.current_check())
    if as_json:
        out(asdict(told))
    else:
        show(told)


def tell(release: Release, text: str, today: date, is_current: Callable[[str, int], bool]) -> Told:
    """What the release makes of a conversation's first message, and why."""
    look = release.look(text, today=today, is_current=is_current)
    decision = decide(look.signals(text), release.policy, release.gate)
    explanation, quote = why(release.understander, text), _quote(look, text, release.gate)
    return Told(text, release.id, look.understanding, explanation, quote, decision, release.gate)


def why(understander: Understander, text: str) -> Explanation | None:
    """The explanation of that end of the text that was read; none where there is no word to understand."""
    plain = clean(text)
    if not has_words(plain):
        return None
    classifier = understander.classifier
    (chosen,) = read(classifier, [plain])
    explained = [explain(classifier.model, vector[None]) for vector in classifier.vectors(windows(plain))]
    return min(explained, key=lambda each: (each.intent != chosen.intent, abs(each.confidence - chosen.confidence)))


def show(told: Told) -> None:
    """All of it as a few tables for people."""
    table(f"Understood, by {told.release}", ("", "", ""), _understood(told))
    sys.stdout.write("\n")
    if told.explanation is not None:
        table("Nearest training rows", ("cosine", "intent", "text", ""), _nearest(told.explanation))
        sys.stdout.write("\n")
        scope = told.explanation.out_of_scope
        table("What moved the out-of-scope probability", ("log-odds", "part", "value", ""), _moved(scope))
        sys.stdout.write("\n")
    if told.quote.parts:
        parts: Rows = [(f"{each.contribution:+.2f}", each.name, f"{each.value:.2f}") for each in told.quote.parts]
        table("What moved the best quote's chance", ("log-odds", "part", "value"), parts)
        sys.stdout.write("\n")
    table("Decided", ("", ""), _decided(told))


def _understood(told: Told) -> Rows:
    said, explanation = told.understood, told.explanation
    rows: Rows = [("intent", said.intent, f"{said.confidence:.2f}")]
    if explanation is not None:
        behind = f"{explanation.runner_up_confidence:.2f}, {explanation.margin:.2f} behind"
        rows.append(("runner-up", explanation.runner_up, behind))
    rows.append(("out of scope", "", f"{said.out_of_scope:.2f}, taken for it from {told.gate.out_of_scope:.2f}"))
    rows += [("entity", f"{each.name} {each.value}", _place(each)) for each in said.entities]
    rows.append(("language", said.language, ""))
    rows.append(("asks for a human", "yes" if said.asks_for_human else "no", ""))
    rows.append(("frustration", "", f"{said.frustration:.2f}"))
    if said.concern is not None:
        held = f"{said.concern.probability:.2f}, taken for it from {told.gate.concern:.2f}"
        rows.append(("concern", f"{said.concern.kind}, like “{said.concern.nearest}”", held))
    return rows


def _place(entity: Entity) -> str:
    return f"characters {entity.start} to {entity.end}"


def _nearest(explanation: Explanation) -> Rows:
    rows: Rows = [(*_row(each), "") for each in explanation.nearest]
    if explanation.runner_up_row is not None:
        rows.append((*_row(explanation.runner_up_row), "the runner-up's nearest"))
    return rows


def _row(row: NearestRow) -> tuple[object, ...]:
    return f"{row.cosine:.2f}", row.intent, row.text


def _moved(scope: Scope) -> Rows:
    rows: Rows = [(f"{each.contribution:+.2f}", each.name, f"{each.value:.2f}", each.meaning) for each in scope.parts]
    return [*rows, (f"{scope.start:+.2f}", "start", "", "before anything is looked at")]


def _decided(told: Told) -> Rows:
    decision, quote = told.decision, told.quote
    rows: Rows = [("route", decision.route), ("rule", decision.rule), ("reason", decision.reason)]
    if not quote.text:
        return [*rows, ("no quote", quote.reason)]
    rows.append(("best quote", f"{' '.join(quote.text.split())} ({quote.document}, version {quote.version})"))
    return [*rows, ("probably right", f"{quote.p_right:.2f}, quoted from {told.gate.answer:.2f}")]


def _quote(look: Look, text: str, fitted: Gate) -> Quote:
    """The best quote, and what moved the probability that it is right."""
    if not isinstance(look.answer, Answer):
        return Quote(reason=look.answer.reason)
    signals, citation = look.signals(text), look.answer.citations[0]
    parts = [
        GatePart(name, value, weight, weight * value)
        for name, value, weight in zip(gate.FEATURES, gate.features(signals), fitted.weights, strict=True)
    ]
    return Quote(
        text=look.answer.text,
        document=citation.document,
        version=citation.version,
        p_right=fitted.p_right(signals),
        parts=tuple(sorted(parts, key=lambda part: -abs(part.contribution))),
    )


def _live(bench: Bench) -> Release:
    id = bench.registry.current_id()
    if id is None:
        raise BadInput("no release is live, so there is nothing to explain; `firstline train` makes the first")
    return load_release(bench.registry, id)
