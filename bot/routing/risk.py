"""What can be promised about wrong answers from labelled questions, exactly.

The threshold of answering is chosen by testing, not by looking: from the strictest on, each threshold is kept while a
binomial test says that its share of wrong answers is at most what the company allows, and the first failure ends it
(fixed-sequence testing as in Angelopoulos et al., "Learn then Test", 2021). With the chosen confidence the threshold
that is left keeps the promise for questions like the labelled ones. Intervals are those of Clopper and Pearson (1934).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_STEPS = 60


@dataclass(frozen=True, slots=True)
class Guarantee:
    """What holds for the answers from `threshold` on, of which the labelled questions had `answered`, `wrong` of them.

    `reached`: the promise holds; otherwise `threshold` is 1 and `needed` the number of labelled answers, none wrong,
    that could have shown it. `at_most` is the upper bound, with the confidence asked for, of the share of wrong ones.
    """

    most_wrong: float
    confidence: float
    reached: bool
    threshold: float
    rows: int
    answered: int
    wrong: int
    at_most: float
    needed: int

    def sentence(self) -> str:
        """What is guaranteed, as one says it."""
        promise = f"at most {self.most_wrong:.0%} of the answers wrong, with confidence {self.confidence:.0%}"
        if not self.reached:
            return (
                f"not reachable with {self.rows} labelled rows: {promise}; it takes {self.needed} answers without a "
                f"mistake at the top, and there the labelled rows have {self.wrong} wrong of {self.answered}"
            )
        return (
            f"{promise}: from {self.threshold:.2f} on, {self.wrong} of {self.answered} labelled answers were wrong, "
            f"so at most {self.at_most:.1%} are"
        )


def guarantee(calibration: Sequence[tuple[float, bool]], most_wrong: float, confidence: float) -> Guarantee:
    """The lowest threshold that keeps the promise. `calibration` holds (probability, right) of labelled questions that
    were not fitted on. The sequence begins where a promise can first be kept: at `needed` answers."""
    ordered = sorted(calibration, key=lambda each: -each[0])
    needed = fewest(most_wrong, confidence)
    best, wrong = 0, 0
    mistakes = [0]
    for place, (p, right) in enumerate(ordered, 1):
        wrong += not right
        mistakes.append(wrong)
        tied = place < len(ordered) and ordered[place][0] == p
        if place < needed or tied:
            continue
        if cumulative(wrong, place, most_wrong) > 1.0 - confidence:
            break
        best = place
    shown = best or min(needed, len(ordered))
    return Guarantee(
        most_wrong=most_wrong,
        confidence=confidence,
        reached=best > 0,
        threshold=ordered[best - 1][0] if best else 1.0,
        rows=len(ordered),
        answered=shown,
        wrong=mistakes[shown],
        at_most=upper(mistakes[shown], shown, confidence),
        needed=needed,
    )


def fewest(most_wrong: float, confidence: float) -> int:
    """Answers without a mistake from which the promise can be kept."""
    return math.ceil(math.log(1.0 - confidence) / math.log(1.0 - most_wrong))


def cumulative(k: int, n: int, p: float) -> float:
    """P(X <= k) of a binomial with n draws of probability p."""
    if p <= 0.0:
        return 1.0
    if p >= 1.0:
        return float(k >= n)
    logs = (
        math.lgamma(n + 1) - math.lgamma(j + 1) - math.lgamma(n - j + 1) + j * math.log(p) + (n - j) * math.log1p(-p)
        for j in range(k + 1)
    )
    return min(sum(math.exp(each) for each in logs), 1.0)


def upper(k: int, n: int, confidence: float) -> float:
    """One-sided upper bound of a share of which k of n were seen; 1 where nothing was."""
    if n == 0 or k >= n:
        return 1.0
    return _where(lambda p: cumulative(k, n, p) > 1.0 - confidence)


def interval(k: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Two-sided interval of a share of which k of n were seen; (0, 1) where nothing was."""
    side = 1.0 - (1.0 - confidence) / 2.0
    low = 1.0 - upper(n - k, n, side) if n and k else 0.0
    return low, upper(k, n, side)


def _where(above: Callable[[float], bool]) -> float:
    """The share in [0, 1] up to which `above` holds, by halving."""
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if above(middle) else (low, middle)
    return high
