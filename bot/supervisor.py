"""All processes under one roof: web, worker and dialogue engine, started in order and restarted when they die.

The engine may still be installing or training when the web process already answers questions; its flows hand over to
a human until it is there.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import structlog

log = structlog.get_logger()

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 30.0
STEADY_S = 60.0
STOP_S = 15.0
LEAN = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
"""For what serves: threads of a numerics library would fight the request threads, and an arena for each of these
keeps memory that nobody uses."""


@dataclass(frozen=True, slots=True)
class Program:
    """A process to keep alive; its output goes to `log_file`."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    log_file: Path | None = None
    folder: Path | None = None


class Supervisor:
    """Runs programs until `stop`. One that ends starts again after a wait that doubles while it keeps dying."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._starting = threading.Lock()

    def run(self, program: Program) -> None:
        """Start a program and keep it running."""
        thread = threading.Thread(target=self._keep, args=(program,), name=program.name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def stop(self) -> None:
        """End all programs: SIGTERM, and SIGKILL for those that have not ended after `STOP_S`."""
        with self._starting:
            self._stopping.set()
        for process in self._processes.values():
            _signal(process, signal.SIGTERM)
        deadline = time.monotonic() + STOP_S
        for process in self._processes.values():
            try:
                process.wait(max(deadline - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                _signal(process, signal.SIGKILL)
        for thread in self._threads:
            thread.join(timeout=2)

    def alive(self) -> dict[str, int]:
        """Process ids of the programs that run now."""
        with self._starting:
            return {name: process.pid for name, process in self._processes.items() if process.poll() is None}

    def _keep(self, program: Program) -> None:
        wait_s = FIRST_WAIT_S
        while not self._stopping.is_set():
            started = time.monotonic()
            status = self._once(program)
            if self._stopping.is_set():
                return
            if time.monotonic() - started > STEADY_S:
                wait_s = FIRST_WAIT_S
            self._tell(f"{program.name} ended with status {status}; starting it again in {wait_s:.0f} s")
            self._stopping.wait(wait_s)
            wait_s = min(wait_s * 2, LONGEST_WAIT_S)

    def _once(self, program: Program) -> int:
        output: IO[bytes] | None = None
        try:
            if program.log_file is not None:
                program.log_file.parent.mkdir(parents=True, exist_ok=True)
                output = open(program.log_file, "ab")  # noqa: SIM115  closed below, after the process
            with self._starting:  # nothing starts once `stop` has begun to end what runs
                if self._stopping.is_set():
                    return 0
                process = subprocess.Popen(
                    list(program.command),
                    env={**os.environ, **program.environment},
                    cwd=program.folder,
                    stdout=output,
                    stderr=output,
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,
                )
                self._processes[program.name] = process
            return process.wait()
        except OSError as error:
            self._tell(f"{program.name} does not start: {error}")
            return 127
        finally:
            if output is not None:
                output.close()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    if process.poll() is None:
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return


def web(logs: Path) -> Program:
    command = (sys.executable, "-m", "gunicorn", "--config", "python:bot.gunicorn")
    return Program("web", command, LEAN, logs / "web.log")


def worker(logs: Path) -> Program:
    return Program("worker", (sys.executable, "-m", "bot.worker"), LEAN, logs / "worker.log")
