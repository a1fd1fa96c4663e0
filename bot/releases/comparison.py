"""The gate before a release goes live: challenger against champion on the same rows, with the reasons for a no.

Accuracy is compared by McNemar's exact test on the rows where the two disagree (Q. McNemar, 1947): a challenger is
refused when it is worse and chance is an unlikely excuse (one-sided p < 0.05), or worse by more than two points
whatever the test says. No route or intent may fall by more than five points, must-escalate recall by more than two,
calibration by more than two, and an answer may not take more than half as long again.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from math import comb
from typing import Any

from bot.releases.release import Release
from bot.routing.evaluation import Judged, RoutingReport, Scenario, judge, look_at, report

WORSE_P = 0.05
WORSE_POINTS = 0.02
INTENT_POINTS = 0.05
ESCALATE_POINTS = 0.02
CALIBRATION_POINTS = 0.02
EXACTLY = 1e-9
"""A fall by exactly the allowance is allowed, also where floats make 1.0 - 0.98 a little more than 0.02."""
SLOWER = 1.5
SMALL_GROUP = 10
"""Groups with fewer rows are shown, but do not refuse a release: one row would be ten points."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A release on the evaluation rows. `ece` is the expected calibration error of answering, in [0, 1]."""

    release: str
    routing: RoutingReport
    ece: float
    answer_ms_p50: float
    groups: Mapping[str, tuple[int, float]]
    judged: tuple[Judged, ...]

    def figures(self) -> dict[str, Any]:
        """What is stored with a release: the figures without the rows."""
        return {
            "release": self.release,
            "routing": asdict(self.routing),
            "ece": self.ece,
            "answer_ms_p50": self.answer_ms_p50,
            "groups": {name: {"rows": rows, "accuracy": accuracy} for name, (rows, accuracy) in self.groups.items()},
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the challenger may go live; `reasons` when not, and `changed`: rows whose decision differs."""

    promote: bool
    reasons: tuple[str, ...] = ()
    changed: tuple[Mapping[str, Any], ...] = field(default=())


def measure(release: Release, scenarios: Sequence[Scenario], today: date) -> Measured:
    """Decide every scenario with a release."""
    took: list[float] = []

    def look(text: str) -> Any:
        started = time.perf_counter()
        seen = release.look(text, today=today)
        took.append((time.perf_counter() - started) * 1000)
        return seen

    seen = look_at(scenarios, look)
    judged = tuple(judge(each, release.policy, release.gate) for each in seen)
    return Measured(
        release=release.id,
        routing=report(judged),
        ece=calibration_error(judged),
        answer_ms_p50=sorted(took)[len(took) // 2],
        groups=_groups(judged),
        judged=judged,
    )


def compare(champion: Measured, challenger: Measured) -> Verdict:
    """Hold two measurements of the same scenarios against each other."""
    reasons = [
        reason
        for reason in (
            _accuracy(champion, challenger),
            *_fallen_groups(champion, challenger),
            _fallen(champion.routing.must_escalate_recall, challenger.routing.must_escalate_recall),
            _worse_calibrated(champion.ece, challenger.ece),
            _slower(champion.answer_ms_p50, challenger.answer_ms_p50),
        )
        if reason
    ]
    return Verdict(not reasons, tuple(reasons), _changed(champion, challenger))


def mcnemar(lost: int, won: int) -> float:
    """One-sided exact p-value that a challenger as good as the champion loses at least `lost` of `lost + won` rows."""
    n = lost + won
    return sum(comb(n, k) for k in range(lost, n + 1)) / 2**n if n else 1.0


def _accuracy(champion: Measured, challenger: Measured) -> str:
    pairs = list(zip(champion.judged, challenger.judged, strict=True))
    lost = sum(a.right and not b.right for a, b in pairs)
    won = sum(b.right and not a.right for a, b in pairs)
    before, after = champion.routing.accuracy, challenger.routing.accuracy
    p = mcnemar(lost, won)
    if after < before and (p < WORSE_P or before - after > WORSE_POINTS + EXACTLY):
        return f"accuracy falls from {before:.1%} to {after:.1%} ({lost} rows lost, {won} won, p = {p:.3f})"
    return ""


def _fallen_groups(champion: Measured, challenger: Measured) -> list[str]:
    fallen = []
    for name, (rows, before) in champion.groups.items():
        after = challenger.groups[name][1]
        if rows >= SMALL_GROUP and before - after > INTENT_POINTS + EXACTLY:
            fallen.append(f"{name} falls from {before:.1%} to {after:.1%} of {rows} rows")
    return fallen


def _fallen(before: float, after: float) -> str:
    if before - after > ESCALATE_POINTS + EXACTLY:
        return f"of the messages for a human, {after:.1%} reach one instead of {before:.1%}"
    return ""


def _worse_calibrated(before: float, after: float) -> str:
    if after - before > CALIBRATION_POINTS + EXACTLY:
        return f"calibration error rises from {before:.3f} to {after:.3f}"
    return ""


def _slower(before: float, after: float) -> str:
    if after > before * SLOWER and after - before > 5:
        return f"an answer takes {after:.0f} ms instead of {before:.0f} ms"
    return ""


def _groups(judged: Sequence[Judged]) -> dict[str, tuple[int, float]]:
    groups: dict[str, list[bool]] = defaultdict(list)
    for each in judged:
        groups[f"route {each.scenario.expect}"].append(each.right)
        if each.scenario.intent:
            groups[f"intent {each.scenario.intent}"].append(each.right)
    return {name: (len(rights), sum(rights) / len(rights)) for name, rights in sorted(groups.items())}


def _changed(champion: Measured, challenger: Measured) -> tuple[Mapping[str, Any], ...]:
    changed = []
    for a, b in zip(champion.judged, challenger.judged, strict=True):
        if a.right != b.right:
            changed.append(
                {
                    "id": a.scenario.id,
                    "text": a.scenario.text,
                    "expect": a.scenario.expect,
                    "champion": f"{a.decision.route} ({a.decision.rule})",
                    "challenger": f"{b.decision.route} ({b.decision.rule})",
                    "better": b.right,
                }
            )
    return tuple(changed)


def calibration_error(judged: Sequence[Judged], bins: int = 10) -> float:
    """Expected calibration error of `p_right` over the rows with a quote, in [0, 1]."""
    answered = [each for each in judged if each.p_right > 0]
    error = 0.0
    for number in range(bins):
        low, high = number / bins, (number + 1) / bins
        inside = [each for each in answered if low < each.p_right <= high]
        if inside:
            confidence = sum(each.p_right for each in inside) / len(inside)
            right = sum(each.answer_right for each in inside) / len(inside)
            error += abs(confidence - right) * len(inside) / len(answered)
    return error
