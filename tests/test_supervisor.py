"""The supervisor with real child processes: what dies comes back, and stopping leaves nothing behind."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from bot import supervisor as module
from bot.supervisor import Program, Supervisor

SLEEP = "import time; time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def supervisor(told: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Supervisor]:
    monkeypatch.setattr(module, "FIRST_WAIT_S", 0.1)
    made = Supervisor(told.append)
    yield made
    made.stop()


def program(code: str, name: str = "web", **more: object) -> Program:
    return Program(name, (sys.executable, "-c", code), **more)  # type: ignore[arg-type]


def until(found: Callable[[], object], within_s: float = 10.0) -> None:
    deadline = time.monotonic() + within_s
    while not found():
        assert time.monotonic() < deadline, f"not within {within_s} s"
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"
    except (ProcessLookupError, FileNotFoundError):
        return True


def test_what_is_killed_comes_back(supervisor: Supervisor, told: list[str]) -> None:
    supervisor.run(program(SLEEP))
    until(lambda: "web" in supervisor.alive())
    before = supervisor.alive()["web"]
    os.kill(before, signal.SIGKILL)
    until(lambda: supervisor.alive().get("web", before) != before)
    assert any("web ended with status -9; starting it again" in line for line in told)


def test_what_keeps_dying_is_tried_ever_more_slowly(supervisor: Supervisor, tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    supervisor.run(
        program(f"import time; open({str(starts)!r}, 'a').write(f'{{time.time()}}\\n'); raise SystemExit(3)")
    )
    until(lambda: starts.exists() and len(starts.read_text().splitlines()) >= 4)
    times = [float(line) for line in starts.read_text().splitlines()]
    first, second, third = (later - earlier for earlier, later in pairwise(times[:4]))
    assert 0.1 <= first < third
    assert second >= 0.2
    assert third >= 0.4


def test_one_that_dies_does_not_disturb_the_others(supervisor: Supervisor) -> None:
    supervisor.run(program(SLEEP, "worker"))
    supervisor.run(program("raise SystemExit(1)"))
    until(lambda: "worker" in supervisor.alive())
    steady = supervisor.alive()["worker"]
    time.sleep(0.5)
    assert supervisor.alive()["worker"] == steady


def test_stopping_ends_everything_with_its_children(supervisor: Supervisor, told: list[str], tmp_path: Path) -> None:
    log = tmp_path / "logs" / "web.log"
    supervisor.run(program(PARENT, log_file=log))
    supervisor.run(program(SLEEP, "worker"))
    until(lambda: log.exists() and log.read_text().strip() and "worker" in supervisor.alive())
    pids = [*supervisor.alive().values(), int(log.read_text())]
    began = time.monotonic()
    supervisor.stop()
    assert time.monotonic() - began < 5
    until(lambda: all(is_gone(pid) for pid in pids))
    assert supervisor.alive() == {}
    assert told == []


def test_what_ignores_the_polite_signal_is_killed(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STOP_S", 0.5)
    log = tmp_path / "web.log"
    supervisor.run(program(STUBBORN, log_file=log))
    until(lambda: log.exists() and "up" in log.read_text())
    pid = supervisor.alive()["web"]
    supervisor.stop()
    until(lambda: is_gone(pid))


def test_nothing_starts_once_stopping_began(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.stop()
    supervisor.run(program(f"open({str(tmp_path / 'ran')!r}, 'w')"))
    time.sleep(0.3)
    assert list(tmp_path.iterdir()) == []


def test_stopping_while_programs_die_leaves_none(told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_WAIT_S", 0.0)
    for _ in range(5):
        made = Supervisor(told.append)
        for number in range(4):
            made.run(program("raise SystemExit(1)", f"p{number}"))
        time.sleep(0.1)
        made.stop()
        time.sleep(0.05)
        assert made.alive() == {}


def test_output_is_kept_across_restarts_and_the_environment_is_given(supervisor: Supervisor, tmp_path: Path) -> None:
    log = tmp_path / "logs" / "web.log"
    code = "import os; print(os.environ['COLOUR'], os.getcwd(), flush=True)"
    supervisor.run(program(code, log_file=log, environment={"COLOUR": "teal"}, folder=tmp_path))
    until(lambda: log.exists() and len(log.read_text().splitlines()) >= 2)
    assert set(log.read_text().splitlines()) == {f"teal {tmp_path}"}


@pytest.mark.parametrize(
    "broken", [Program("web", ("/no/such/program",)), Program("web", ("true",), log_file=Path("/proc/nowhere/web.log"))]
)
def test_what_cannot_start_is_told_and_tried_again(supervisor: Supervisor, told: list[str], broken: Program) -> None:
    supervisor.run(broken)
    until(lambda: sum("web does not start" in line for line in told) >= 2)
    assert "web ended with status 127; starting it again in 0 s" in told
