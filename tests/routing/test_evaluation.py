"""Scenarios: what is wrong in a file is named by line, and the figures are those computed by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import BadInput
from bot.messages import Decision, Understanding
from bot.routing.evaluation import (
    Judged,
    Scenario,
    Seen,
    answers,
    coverage,
    fit_thresholds,
    holds,
    judge,
    read_scenarios,
    report,
)
from bot.routing.evaluation import cost as cost_of
from bot.routing.gate import Gate
from bot.routing.policy import parse_policy
from bot.routing.signals import Look
from retrieval.documents import Abstention, Answer, Citation
from tests.conftest import ROOT

GOOD = '{"id": "a", "text": "Where is it?", "expect": "flow", "intent": "order_status"}\n'
POLICY = parse_policy(
    {
        "flows": ["order_status", "refund_status"],
        "titles": {"order_status": "My order", "refund_status": "My refund"},
        "smalltalk": {"greet": "Hello."},
        "hours": {"timezone": "UTC", "mon": "08:00-20:00"},
    }
)


def test_a_scenario_file_is_read_with_its_blank_lines_left_out(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(GOOD + '\n{"text": "£5?", "expect": "answer", "documents": ["d1"], "quote": "£5"}\n', "utf-8")
    first, second = read_scenarios(path)
    assert not first.matter
    assert first == Scenario("a", "Where is it?", "flow", "order_status")
    assert second == Scenario("3", "£5?", "answer", "", ("d1",), "£5")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "Expecting property name"),
        ("nothing", "Expecting value"),
        ("[" * 100_000, "recursion"),
        ("[]", "a scenario is an object, got list"),
        ('"text"', "a scenario is an object, got str"),
        ("null", "a scenario is an object, got NoneType"),
        ('{"text": "x"}', "expect is one of answer, flow, clarify, human, smalltalk, decline, got None"),
        ('{"text": "x", "expect": "bot"}', "got 'bot'"),
        ('{"text": "x", "expect": ["answer"]}', r"got \['answer'\]"),
        ('{"expect": "answer"}', "text is a string, got None"),
        ('{"text": 5, "expect": "answer"}', "text is a string, got 5"),
        ('{"text": "x", "expect": "answer", "documents": "delivery"}', "documents is a list of ids, got 'delivery'"),
    ],
)
def test_a_wrong_line_is_named_with_its_file(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(GOOD + line + "\n", "utf-8")
    with pytest.raises(BadInput, match=rf"rows\.jsonl, line 2: .*{said}"):
        read_scenarios(path)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xff\xfe{"])
def test_a_file_without_scenarios_is_told_so(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"rows\.jsonl (has no scenarios|cannot be read)"):
        read_scenarios(path)


def test_a_missing_file_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"nowhere\.jsonl cannot be read"):
        read_scenarios(tmp_path / "nowhere.jsonl")


@pytest.mark.parametrize("name", ["questions.validation.jsonl", "questions.test.jsonl"])
def test_the_companys_own_rows_are_readable(name: str) -> None:
    assert len(read_scenarios(ROOT / "data" / "eval" / name)) >= 50


def decided(expect: str, route: str, *, good: bool = False, p: float = 0.0) -> Judged:
    decision = Decision(route, "because", "rule")  # type: ignore[arg-type]
    return Judged(Scenario("x", "x", expect), decision, expect == route, good, p)


def test_the_figures_of_ten_rows_by_hand() -> None:
    figures = report(
        [
            decided("answer", "answer", good=True, p=0.9),
            decided("answer", "answer", good=False, p=0.8),
            decided("answer", "human"),
            decided("answer", "clarify"),
            decided("flow", "flow"),
            decided("flow", "answer", good=False, p=0.7),
            decided("human", "human"),
            decided("human", "human"),
            decided("human", "flow"),
            decided("smalltalk", "smalltalk"),
        ]
    )
    assert figures.rows == 10
    assert figures.accuracy == pytest.approx(6 / 10)
    assert figures.must_escalate_recall == pytest.approx(2 / 3)
    assert figures.false_escalation_rate == pytest.approx(1 / 7)
    assert figures.answered_wrong_rate == pytest.approx(2 / 3)
    assert figures.coverage_at_5pct_wrong == pytest.approx(1 / 10)
    assert figures.per_route["answer"] == {"expected": 4.0, "recall": 0.5, "decided": 3.0, "precision": 2 / 3}
    assert figures.per_route["human"] == {"expected": 3.0, "recall": 2 / 3, "decided": 3.0, "precision": 2 / 3}
    assert figures.per_route["clarify"]["precision"] == 0.0


def test_an_offered_human_counts_on_both_sides() -> None:
    """An offer reaches who needs a person, and costs who needs none; what is fetched unasked is told apart."""
    figures = report(
        [decided("human", "offer"), decided("human", "human"), decided("answer", "offer"), decided("flow", "human")]
    )
    assert (figures.must_escalate_recall, figures.fetched_at_once) == (1.0, 0.5)
    assert (figures.false_escalation_rate, figures.fetched_needlessly, figures.offered_needlessly) == (1.0, 0.5, 0.5)


def test_no_rows_give_figures_of_nothing() -> None:
    assert (report([]).accuracy, report([]).coverage_at_5pct_wrong, report([]).per_route) == (0.0, 0.0, {})


@pytest.mark.parametrize(
    ("answered", "wrong", "share"),
    [
        ([(0.9, True)] * 19 + [(0.5, False)], 0.05, 20 / 20),
        ([(0.9, False)] + [(0.5, True)] * 19, 0.05, 20 / 20),
        ([(0.9, False)] + [(0.5, True)] * 18, 0.05, 0.0),
        ([(0.9, True), (0.8, False), (0.7, True)], 0.0, 1 / 3),
        ([(0.0, True), (0.9, True)], 0.05, 1 / 2),
        ([(0.9, False)], 1.0, 1.0),
    ],
)
def test_coverage_at_a_share_of_wrong_answers(answered: list[tuple[float, bool]], wrong: float, share: float) -> None:
    rows = [decided("answer", "answer", good=good, p=p) for p, good in answered]
    assert coverage(rows, wrong) == pytest.approx(share)


def look(intent: str = "ask_delivery", confidence: float = 0.9, answer: Answer | None = None) -> Look:
    understanding = Understanding(intent, confidence, ((intent, confidence),))
    return Look(understanding, (), answer or Abstention("nothing found"))


def quote(text: str, confidence: float = 0.9, document: str = "delivery") -> Answer:
    return Answer(text, (Citation(document, 1, "Heading", 0, len(text), text, ""),), confidence)


def test_the_right_flow_needs_the_right_intent() -> None:
    scenario = Scenario("x", "where is it", "flow", "order_status")
    assert judge(Seen(scenario, look("order_status")), POLICY, Gate()).right
    other = judge(Seen(scenario, look("refund_status")), POLICY, Gate())
    assert (other.decision.route, other.right) == ("flow", False)


@pytest.mark.parametrize(
    ("expect", "wanted", "documents", "given", "right"),
    [
        ("answer", "It costs £6.95", (), quote("Express delivery: it costs £6.95."), True),
        ("answer", "It costs £6.95", (), quote("Express delivery: it costs £5.95."), False),
        ("answer", "", ("delivery",), quote("Anything of that page."), True),
        ("answer", "", ("returns",), quote("Anything of that page."), False),
        ("human", "It costs £6.95", (), quote("It costs £6.95"), False),
        ("answer", "It costs £6.95", (), None, False),
    ],
)
def test_what_a_right_answer_is(
    expect: str, wanted: str, documents: tuple[str, ...], given: Answer | None, right: bool
) -> None:
    scenario = Scenario("x", "what does it cost", expect, "", documents, wanted)
    assert answers(Seen(scenario, look(answer=given))) is right


def test_all_figures_and_most_words_must_be_there() -> None:
    assert holds("Parcels come in 2–4 working days and cost £3.95.", "working days 2–4, cost £3.95")
    assert not holds("Parcels come in working days and cost £3.95.", "parcels come in 2–4 working days")


def test_fitted_thresholds_never_cost_more_than_those_they_began_with() -> None:
    right = [Seen(Scenario("r", "where is it", "flow", "order_status"), look("order_status", 0.35)) for _ in range(9)]
    wrong = [Seen(Scenario("w", "where is it", "human"), look("refund_status", 0.3)) for _ in range(9)]
    seen = [*right, *wrong]
    fitted = fit_thresholds(seen, POLICY, Gate())
    start = Gate().with_thresholds(answer=POLICY.costs.break_even)
    assert cost_of(seen, POLICY, fitted) <= cost_of(seen, POLICY, start)
    assert (fitted.answer, fitted.flow) == (POLICY.costs.break_even, 0.35)
    assert [judge(each, POLICY, fitted).decision.route for each in (right[0], wrong[0])] == ["flow", "human"]
