"""How the learning rate goes up and down, for everything here that is trained."""

from __future__ import annotations


def rate(step: int, steps: int, warm_up: float) -> float:
    """Share of the full rate at `step` of `steps`: rising over the share `warm_up` of them, then falling to nothing."""
    rising = max(1, round(warm_up * steps))
    return (step + 1) / rising if step < rising else max(0.0, (steps - step) / max(1, steps - rising))
