"""`firstline policy check|test|simulate`: what is wrong in a policy, what it decides, what it would have decided."""

from __future__ import annotations

import re
import sys
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from bot.commands.common import Bench, now, open_bench, out, table, talk
from bot.errors import BadInput, Refused
from bot.releases.release import Release, load_release
from bot.routing.cases import Tried, read_cases, try_cases
from bot.routing.gate import Gate
from bot.routing.policy import load_policy
from bot.routing.replay import Past, Replay, figures, replay
from bot.routing.signals import Signals
from bot.routing.thresholds import promise, under
from bot.store.recorded import recorded_turns

app = typer.Typer(help="Check, try and replay the company's policy.", no_args_is_help=True)

JSON = Annotated[bool, typer.Option("--json", help="Write JSON to stdout.")]
POLICY = Annotated[Path | None, typer.Option("--policy", help="The policy; the one in the data folder by default.")]
SHOWN = 20
_SPAN = re.compile(r"(\d{1,4})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@app.command()
def check(
    file: Annotated[Path | None, typer.Argument(help="The policy to check.")] = None, as_json: JSON = False
) -> None:
    """Read a policy; say where it is wrong, or what it holds and what it promises."""
    bench = open_bench()
    path = file or bench.settings.data / "policy.yml"
    policy = load_policy(path)
    live = _live(bench)
    kept = promise(under(live.gate, policy), policy) if live else None
    gate = under(live.gate, policy) if live else None
    told = {
        "file": str(path),
        "hash": policy.hash,
        "rules": [{"id": rule.id, "route": rule.route, "when": rule.condition.source} for rule in policy.rules],
        "reserved": [topic.id for topic in policy.reserved],
        "answers_from": gate.answer if gate else None,
        "offers_until": gate.human if gate else None,
        "promise": asdict(kept) if kept else None,
    }
    if as_json:
        out(told)
        return
    talk(f"{path} is in order: {len(policy.rules)} rules, {len(policy.reserved)} reserved topics")
    table("Rules", ("id", "route", "when"), [(rule.id, rule.route, rule.condition.source) for rule in policy.rules])
    if gate is not None:
        talk(f"answers from a probability of {gate.answer:.2f} of being right on")
    if kept is not None:
        talk(kept.sentence())


@app.command("test")
def try_out(
    file: Annotated[Path, typer.Argument(help="YAML: a list of cases, each a text or its signals with a route.")],
    policy: POLICY = None,
    as_json: JSON = False,
) -> None:
    """Try a policy on cases: each says where a message has to go, and by which rule."""
    bench = open_bench()
    cases = read_cases(file)
    loaded = load_policy(policy or bench.settings.data / "policy.yml")
    live = _live(bench) if any(case.signals is None for case in cases) else None
    try:
        tried = try_cases(cases, loaded, live.gate if live else Gate(), _looker(bench, live))
    except BadInput as error:
        raise BadInput(f"{file}, {error}") from error
    if as_json:
        out([_case(each) for each in tried])
    else:
        _show_cases(tried)
    wrong = [each for each in tried if not each.passed]
    for each in wrong:
        wanted = f"{each.case.route} {each.case.rule}".strip()
        talk(f"{file}, line {each.case.line}: {each.case.name}: expected {wanted}, got {_said(each)}")
    if wrong:
        raise Refused(f"{len(wrong)} of {len(tried)} cases went elsewhere")
    talk(f"all {len(tried)} cases went where they should")


@app.command()
def simulate(
    policy: Annotated[Path, typer.Option("--policy", help="The policy that would be.")],
    since: Annotated[str, typer.Option(help="How far back: 90m, 12h, 7d, 4w.")] = "7d",
    as_json: JSON = False,
) -> None:
    """Replay the turns on record under another policy: what would have gone where, and what it would have cost."""
    bench = open_bench()
    would_be, start = load_policy(policy), now() - span(since)
    live = _live(bench)
    if live is None:
        raise BadInput("no release is live, so no gate has been fitted; `firstline train` makes the first")
    past = [
        Past(each.conversation, each.text, each.payload, each.turn) for each in recorded_turns(bench.database, start)
    ]
    made = replay(past, (live.policy, live.gate), (would_be, under(live.gate, would_be)))
    if as_json:
        out(figures(made))
        return
    _show_replay(made)


def span(text: str) -> timedelta:
    """`7d` as a duration; `BadInput` for anything else."""
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        raise BadInput(f"--since is a number and a unit, such as 90m, 12h, 7d or 4w; got {text!r}")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _looker(bench: Bench, live: Release | None) -> _Looker | None:
    return None if live is None else _Looker(bench, live)


class _Looker:
    """Reads a text as the live release does."""

    def __init__(self, bench: Bench, live: Release) -> None:
        self._bench, self._live = bench, live

    def __call__(self, text: str) -> Signals:
        current = self._bench.library.current_check()
        return self._live.look(text, today=self._bench.shop.today, is_current=current).signals(text)


def _show_cases(tried: list[Tried]) -> None:
    rows: list[tuple[object, ...]] = [
        ("" if each.passed else "wrong", each.case.name, each.decision.route, each.decision.rule) for each in tried
    ]
    table("Cases", ("", "case", "route", "rule"), rows)


def _case(each: Tried) -> dict[str, object]:
    return {
        "case": each.case.name,
        "line": each.case.line,
        "passed": each.passed,
        "expected": {"route": each.case.route, "rule": each.case.rule},
        "got": asdict(each.decision),
    }


def _said(each: Tried) -> str:
    return f"{each.decision.route} {each.decision.rule}"


def _show_replay(made: Replay) -> None:
    told = figures(made)
    flows: list[tuple[object, ...]] = [(one, other, count) for one, other, count in made.flows]
    table("Flows between routes", ("was", "would be", "turns"), flows)
    sys.stdout.write("\n")
    table(
        "Expected cost",
        ("", ""),
        [
            ("as decided", f"{made.cost_before:.2f}"),
            ("under the other policy", f"{made.cost_after:.2f}"),
            ("difference", f"{made.cost_after - made.cost_before:+.2f}"),
        ],
    )
    changed = told["changed"]
    if changed:
        sys.stdout.write("\n")
        rows: list[tuple[object, ...]] = [
            (
                f"{each['from']['route']} ({each['from']['rule']})",
                f"{each['to']['route']} ({each['to']['rule']})",
                each["text"],
            )
            for each in changed[:SHOWN]
        ]
        table("Turns that would be decided otherwise", ("was", "would be", "message"), rows)
    more = f", {len(changed) - SHOWN} more are in --json" if len(changed) > SHOWN else ""
    talk(f"{told['turns']} turns replayed, {told['skipped']} without a record left out{more}")


def _live(bench: Bench) -> Release | None:
    id = bench.registry.current_id()
    return load_release(bench.registry, id) if id is not None else None
