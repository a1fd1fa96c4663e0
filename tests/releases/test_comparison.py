"""The gate before a release goes live: known values, and every reason for a no in one table."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from bot.messages import Decision
from bot.releases.comparison import Measured, calibration_error, compare, mcnemar, measure
from bot.releases.publish import Workshop
from bot.releases.release import load_release
from bot.routing.evaluation import Judged, Scenario, report


def judged(number: int, expect: str, right: bool, *, intent: str = "", p_right: float = 0.0) -> Judged:
    route = expect if right else "clarify" if expect != "clarify" else "human"
    scenario = Scenario(f"s{number}", f"message {number}", expect, intent)
    return Judged(scenario, Decision(route, "because", "a-rule"), right, right, p_right)  # type: ignore[arg-type]


def measured(rows: list[Judged], **more: Any) -> Measured:
    """Rows measured as `measure` does it, in groups by route and intent."""
    groups: dict[str, list[bool]] = {}
    for row in rows:
        for name in (f"route {row.scenario.expect}", f"intent {row.scenario.intent}"):
            if not name.endswith(" "):
                groups.setdefault(name, []).append(row.right)
    shares = {name: (len(rights), sum(rights) / len(rights)) for name, rights in groups.items()}
    made = Measured("r-test", report(rows), ece=0.02, answer_ms_p50=20.0, groups=shares, judged=tuple(rows))
    return replace(made, **more)


def rows(expect: str, right: int, wrong: int, *, intent: str = "", first: int = 0) -> list[Judged]:
    made = [judged(first + number, expect, True, intent=intent) for number in range(right)]
    return made + [judged(first + right + number, expect, False, intent=intent) for number in range(wrong)]


@pytest.mark.parametrize(
    ("lost", "won", "p"),
    [
        (0, 0, 1.0),
        (1, 0, 0.5),
        (0, 1, 1.0),
        (5, 0, 1 / 32),
        (8, 2, 56 / 1024),
        (9, 1, 11 / 1024),
        (12, 4, 2_517 / 65_536),
        (50, 50, 0.5397946),
    ],
)
def test_mcnemar_against_values_of_the_binomial_table(lost: int, won: int, p: float) -> None:
    assert mcnemar(lost, won) == pytest.approx(p, abs=1e-6)


STEADY = rows("answer", 90, 10)
BIG = rows("answer", 900, 100)


@pytest.mark.parametrize(
    ("champion", "challenger", "reason"),
    [
        (measured(STEADY), measured(STEADY), ""),
        (measured(STEADY), measured(rows("answer", 95, 5)), ""),
        (measured(STEADY), measured(rows("answer", 89, 11)), ""),
        (
            measured(BIG),
            measured(rows("answer", 895, 105)),
            r"accuracy falls from 90.0% to 89.5% \(5 rows lost, 0 won, p = 0.031\)",
        ),
        (measured(STEADY), measured(rows("answer", 87, 13)), r"accuracy falls from 90.0% to 87.0%"),
        (
            measured([*BIG, *rows("flow", 10, 0, intent="order_status")]),
            measured([*rows("answer", 910, 90), *rows("flow", 9, 1, intent="order_status")]),
            "intent order_status falls from 100.0% to 90.0% of 10 rows",
        ),
        (
            measured([*BIG, *rows("flow", 9, 0, intent="order_status")]),
            measured([*rows("answer", 910, 90), *rows("flow", 0, 9, intent="order_status")]),
            "",
        ),
        (
            measured([*BIG, *rows("human", 100, 0)]),
            measured([*rows("answer", 910, 90), *rows("human", 97, 3)]),
            "of the messages for a human, 97.0% reach one instead of 100.0%",
        ),
        (
            measured([*BIG, *rows("human", 100, 0)]),
            measured([*rows("answer", 910, 90), *rows("human", 98, 2)]),
            "",
        ),
        (measured(STEADY), measured(STEADY, ece=0.041), "calibration error rises from 0.020 to 0.041"),
        (measured(STEADY), measured(STEADY, ece=0.039), ""),
        (measured(STEADY), measured(STEADY, answer_ms_p50=31.0), "an answer takes 31 ms instead of 20 ms"),
        (measured(STEADY), measured(STEADY, answer_ms_p50=29.0), ""),
        (measured(STEADY, answer_ms_p50=2.0), measured(STEADY, answer_ms_p50=6.0), ""),
    ],
)
def test_each_reason_for_a_no(champion: Measured, challenger: Measured, reason: str) -> None:
    verdict = compare(champion, challenger)
    assert verdict.promote == (not reason), verdict.reasons
    if reason:
        assert len([each for each in verdict.reasons if re.search(reason, each)]) == 1, verdict.reasons


def test_several_reasons_are_all_told() -> None:
    verdict = compare(measured(STEADY), measured(rows("answer", 50, 50), ece=0.5, answer_ms_p50=99.0))
    assert len(verdict.reasons) == 4


def test_changed_rows_say_what_each_side_did_and_which_is_better() -> None:
    champion = [judged(1, "answer", True), judged(2, "human", False), judged(3, "flow", True)]
    challenger = [judged(1, "answer", False), judged(2, "human", True), judged(3, "flow", True)]
    worse, better = compare(measured(champion), measured(challenger)).changed
    assert (worse["id"], worse["expect"], worse["better"]) == ("s1", "answer", False)
    assert (worse["champion"], worse["challenger"]) == ("answer (a-rule)", "clarify (a-rule)")
    assert (better["id"], better["text"], better["better"]) == ("s2", "message 2", True)


def test_measurements_of_different_rows_are_not_held_against_each_other() -> None:
    with pytest.raises(ValueError, match="zip"):
        compare(measured(STEADY), measured(STEADY[:-1]))


def test_a_real_release_is_measured_on_every_row(shop: Workshop) -> None:
    release = load_release(shop.registry, shop.registry.current_id() or "")
    scenarios = (
        Scenario("1", "What does express delivery cost?", "answer", quote="Express delivery costs £6.95"),
        Scenario("2", "I want to talk to a human", "human"),
        Scenario("3", "hello there", "smalltalk", intent="greet"),
    )
    found = measure(release, scenarios, shop.today)
    assert (found.release, found.routing.rows, len(found.judged)) == (release.id, 3, 3)
    assert found.judged[0].answer_right
    assert found.judged[1].right
    assert set(found.groups) == {"route answer", "route human", "route smalltalk", "intent greet"}
    assert found.answer_ms_p50 > 0
    assert 0.0 <= found.ece <= 1.0
    assert compare(found, found).promote
    figures = found.figures()
    assert figures["routing"]["rows"] == 3
    assert "text" not in str(figures)


def test_calibration_error_by_hand() -> None:
    """Two rows at 0.95 of which one is right, two at 0.15 of which none is: (0.45 + 0.15) / 2."""
    table = [(0.95, True), (0.95, False), (0.15, False), (0.15, False), (0.0, False)]
    assert calibration_error([judged(1, "answer", right, p_right=p) for p, right in table]) == pytest.approx(0.3)
    assert calibration_error([]) == 0.0
