"""`firstline policy`: what is wrong in a policy, what it decides, and what it would have decided on record."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.commands.policy import span
from bot.errors import BadInput
from bot.messages import IncomingMessage, Turn, Understanding
from bot.routing.cases import KNOWN, read_cases
from bot.routing.gate import Gate
from bot.routing.policy import load_policy
from bot.routing.record import signals_to_json
from bot.routing.router import decide
from bot.routing.signals import Signals
from bot.settings import Settings
from bot.store.conversations import Conversations, Outcome
from bot.store.database import Database
from tests.commands.conftest import Firstline, firstline
from tests.conftest import ROOT

__all__ = ["firstline"]

CASE = "- text: hello\n  route: smalltalk\n  signals: {intent: greet}\n"


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """The demo's policy in the data folder of the command line under test."""
    folder = tmp_path / "data"
    folder.mkdir(exist_ok=True)
    return Path(shutil.copyfile(ROOT / "data" / "policy.yml", folder / "policy.yml"))


def test_a_policy_in_order_is_said_to_be(firstline: Firstline, policy: Path) -> None:
    ran = firstline("policy", "check")
    assert (ran.status, f"{policy} is in order: 2 rules" in ran.err) == (0, True)
    assert "kestrel-upset" in ran.out
    told = json.loads(firstline("policy", "check", str(policy), "--json").out)
    assert told["hash"] == load_policy(policy).hash
    assert [rule["id"] for rule in told["rules"]] == ["kestrel-upset", "bulk-orders"]


def test_a_mistake_is_named_with_its_line(firstline: Firstline, policy: Path) -> None:
    text = policy.read_text("utf-8").replace("attribute tier == kestrel and", "attribute tier == kestrel nand")
    policy.write_text(text, "utf-8")
    line = next(n for n, each in enumerate(text.splitlines(), 1) if "nand" in each)
    ran = firstline("policy", "check")
    assert ran.status == 1
    assert f"policy.yml, line {line}: rule kestrel-upset: `nand` stands after the end" in ran.err


@pytest.mark.parametrize("arguments", [("check", "nowhere.yml"), ("test", "nowhere.yml")])
def test_a_missing_file_is_named(firstline: Firstline, arguments: tuple[str, str]) -> None:
    ran = firstline("policy", *arguments)
    assert ran.status == 1
    assert "nowhere.yml" in ran.err


def test_the_demos_cases_hold(firstline: Firstline, policy: Path) -> None:
    ran = firstline("policy", "test", str(ROOT / "data" / "policy-cases.yml"))
    assert ran.status == 0, ran.err
    assert "all 18 cases went where they should" in ran.err


def test_a_case_that_goes_elsewhere_is_refused(firstline: Firstline, policy: Path, tmp_path: Path) -> None:
    cases = tmp_path / "cases.yml"
    cases.write_text(CASE + CASE.replace("smalltalk", "human"), "utf-8")
    ran = firstline("policy", "test", str(cases))
    assert ran.status == 1
    assert f"{cases}, line 4: hello: expected human, got smalltalk small-talk" in ran.err
    assert "1 of 2 cases went elsewhere" in ran.err
    told = json.loads(firstline("policy", "test", str(cases), "--json").out)
    assert [each["passed"] for each in told] == [True, False]


def test_a_text_without_signals_asks_a_release_that_has_to_be_there(
    firstline: Firstline, policy: Path, tmp_path: Path
) -> None:
    cases = tmp_path / "cases.yml"
    cases.write_text("- {text: hello, route: smalltalk}\n", "utf-8")
    ran = firstline("policy", "test", str(cases))
    assert ran.status == 1
    assert "line 1: hello has no signals and no release is live; state them" in ran.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: b\n", "a file of cases is a list"),
        ("- a\n", "line 1: a case is a mapping"),
        ("- {text: a, route: mars}\n", "line 1: a case needs a text and a route of flow, answer"),
        ("- {route: human}\n", "line 1: a case needs a text"),
        ("- {text: a, route: human, rue: x}\n", "line 1: unknown keys rue"),
        ("- {text: a, route: human, signals: x}\n", "line 1: signals is a mapping"),
        ("- {text: a, route: human, signals: {moon: 1}}\n", "line 1: unknown signals moon; known are intent"),
        ("- {text: a, route: human, signals: {failures: many}}\n", "line 1: failures is a number, got 'many'"),
        ("- {text: a, route: human, signals: {waiting: maybe}}\n", "line 1: waiting is yes or no, got 'maybe'"),
        ("- {text: a, route: human, signals: {concern: {kind: x}}}\n", "line 1: concern has a kind and a probability"),
        ("- {text: a, route: human, signals: {offered: twice}}\n", "line 1: offered is one of open, passed, refused"),
        ("- {text: a, route: human, signals: {entities: x}}\n", "line 1: entities is a list"),
        ("- {text: a, route: human, signals: {attributes: x}}\n", "line 1: attributes is a mapping"),
    ],
)
def test_mistakes_in_cases_are_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "cases.yml"
    path.write_text(text, "utf-8")
    with pytest.raises(BadInput) as caught:
        read_cases(path)
    assert said in str(caught.value)


def test_every_signal_of_a_case_is_taken() -> None:
    (case,) = [each for each in read_cases(ROOT / "data" / "policy-cases.yml") if "numb" in each.text]
    assert case.signals is not None
    assert case.signals.understanding.concern is not None
    assert {"intent", "offered", "concern", "agents_present"} <= set(KNOWN)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("90m", timedelta(minutes=90)),
        ("12h", timedelta(hours=12)),
        ("7d", timedelta(days=7)),
        ("2w", timedelta(weeks=2)),
    ],
)
def test_how_far_back(text: str, meant: timedelta) -> None:
    assert span(text) == meant


@pytest.mark.parametrize("text", ["", "7", "d7", "7 d", "-7d", "99999d", "7y"])
def test_how_far_back_is_a_number_and_a_unit(text: str) -> None:
    with pytest.raises(BadInput, match="such as 90m, 12h, 7d or 4w"):
        span(text)


def test_without_a_release_nothing_can_be_simulated(firstline: Firstline, policy: Path) -> None:
    ran = firstline("policy", "simulate", "--policy", str(policy))
    assert ran.status == 1
    assert "no release is live" in ran.err


def test_last_weeks_turns_under_another_policy(
    firstline: Firstline, policy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = load_policy(policy)
    settings = Settings(home=tmp_path / "home", data=policy.parent)
    record(
        Database.open(settings.store_url), loaded, ["how much?", "hundreds of mugs, a bulk order"], datetime.now(UTC)
    )
    monkeypatch.setattr("bot.commands.policy._live", lambda bench: Live(loaded))
    other = tmp_path / "other.yml"
    other.write_text(policy.read_text("utf-8").replace("bulk order, ", ""), "utf-8")
    told = json.loads(firstline("policy", "simulate", "--policy", str(other), "--json").out)
    assert (told["turns"], told["skipped"], told["moved"]) == (2, 0, 0)
    assert told["cost_difference"] == 0.0
    other.write_text(
        policy.read_text("utf-8").replace("wrong_answer: 6.0", "wrong_answer: 60.0").replace("hundreds of, ", "")
        .replace("bulk order, ", ""),
        "utf-8",
    )  # fmt: skip
    told = json.loads(firstline("policy", "simulate", "--policy", str(other), "--json").out)
    assert {(each["from"], each["to"]) for each in told["flows"]} == {("answer", "human"), ("offer", "human")}
    assert told["cost_difference"] < 0
    ran = firstline("policy", "simulate", "--policy", str(other), "--since", "1d")
    assert "Flows between routes" in ran.out
    assert "how much?" in ran.out
    assert "2 turns replayed, 0 without a record left out" in ran.err


class Live:
    """A release as far as a simulation asks one: its policy and its gate."""

    def __init__(self, policy: object) -> None:
        self.policy, self.gate = policy, Gate()


def record(database: Database, policy: object, texts: list[str], at: datetime) -> None:
    """Turns on record as `bot.turns` writes them."""
    conversations = Conversations(database, lambda: at)
    for number, text in enumerate(texts):
        receipt = conversations.accept(IncomingMessage("web", f"c{number}", "ada", f"m{number}", text))
        understanding = Understanding("ask_trade", 0.9, (("ask_trade", 0.9),))
        signals = Signals(text, understanding, answer_confidence=0.8 if "?" in text else 0.0)
        decision = decide(signals, policy, Gate())  # type: ignore[arg-type]
        turn = Turn(receipt.seq, understanding, decision, "r-1", signals=signals_to_json(signals))
        lease = conversations.lease(receipt.conversation, "test", 30.0)
        assert lease is not None
        conversations.commit_turn(lease, receipt.conversation, Outcome(turn, (), signals.dialogue))
    database.close()
