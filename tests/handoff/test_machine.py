"""The hand-off's state machine against its model, and that it notices a store that does not compare before it sets.

`MACHINE_RUNS=2000 pytest tests/handoff/test_machine.py` makes as many runs as wanted.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from bot.store.conversations import Conversations
from tests.handoff.machine import Machine

RUNS = int(os.environ.get("MACHINE_RUNS", "60"))
FAST = settings(
    max_examples=RUNS,
    stateful_step_count=30,
    deadline=None,
    derandomize=RUNS == 60,
    database=None,
    phases=[Phase.generate],
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
FINDS = settings(FAST, max_examples=120, derandomize=True)


class Trusting(Conversations):
    """A store that moves a conversation without comparing first."""

    def _require(self, *_: Any) -> None:
        return


class Forgetful(Conversations):
    """A store that compares owners and agents but not the token."""

    def _require(self, row: Any, expected: Any, by: str, token: int | None) -> None:
        super()._require(row, expected, by, None)


@pytest.mark.timeout(max(300, 4 * RUNS))
def test_the_store_does_what_the_model_says() -> None:
    run_state_machine_as_test(Machine, settings=FAST)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("broken", [Trusting, Forgetful])
def test_the_machine_notices_a_broken_store(broken: type[Conversations]) -> None:
    machine = type("Broken", (Machine,), {"store": broken})
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        run_state_machine_as_test(machine, settings=FINDS)  # type: ignore[no-untyped-call]
