"""Sizes and answer times of a running Firstline, with the conditions they were measured under.

make run      (in another terminal)
make bench    (or: python -m tests.benchmarks.serving --json FILE)
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import httpx2

from bot.settings import Settings

QUESTIONS = (
    "How much is express delivery?",
    "how many days do I have to send something back",
    "Is the bare skillet dishwasher safe?",
    "what happens if nobody is at home when the parcel comes",
    "How long does a gift card last?",
    "do you deliver to Norway and who pays the customs",
    "When do Nest points expire?",
    "how do I descale my kettle",
)
ROUNDS = 25


def measure(settings: Settings) -> dict[str, Any]:
    """Ask document questions through REST, one client, and read the processes' resident sizes."""
    url = f"http://{settings.host}:{settings.port}/webhooks/rest/webhook"
    headers = {"Authorization": f"Bearer {settings.rest_token}"} if settings.rest_token else {}
    took_ms: list[float] = []
    answered = 0
    with httpx2.Client(timeout=30, headers=headers) as client:
        for number in range(ROUNDS * len(QUESTIONS) + len(QUESTIONS)):
            body = {"sender": f"bench-{uuid.uuid4().hex}", "message": QUESTIONS[number % len(QUESTIONS)]}
            started = time.perf_counter()
            answer = client.post(url, json=body)
            answer.raise_for_status()
            if number >= len(QUESTIONS):
                took_ms.append((time.perf_counter() - started) * 1000)
                answered += answer.json()[0]["custom"]["route"] == "answer"
    took_ms.sort()
    sizes = resident_mb()
    return {
        "requests": len(took_ms),
        "answered": answered,
        "answer_ms_p50": round(statistics.median(took_ms), 1),
        "answer_ms_p95": round(took_ms[int(len(took_ms) * 0.95)], 1),
        "resident_mb": sizes,
        "resident_mb_total": round(sum(sizes.values())),
        "conditions": conditions(),
    }


def resident_mb() -> dict[str, float]:
    """Proportional set sizes of Firstline's processes, in MB, by role; shared pages are counted once."""
    roles = {"bot.gunicorn": "web", "bot.worker": "worker", "-m\0rasa": "rasa"}
    sizes: dict[str, float] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_text()
            rollup = (folder / "smaps_rollup").read_text()
        except OSError:
            continue
        for mark, role in roles.items():
            if mark in command:
                pss_kb = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
                sizes[role] = round(sizes.get(role, 0.0) + pss_kb / 1024, 1)
    return sizes


def conditions() -> dict[str, Any]:
    """The machine and its load, so that figures can be read for what they are."""
    cpu = next((line.split(":")[1].strip() for line in _cpuinfo() if line.startswith("model name")), platform.machine())
    return {
        "cpu": cpu,
        "cores": len(os.sched_getaffinity(0)),
        "load_1_min": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
    }


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    options = parser.parse_args()
    settings = Settings.load().with_secrets()
    try:
        figures = measure(settings)
    except httpx2.HTTPError as error:
        print(f"{settings.address} does not answer ({type(error).__name__}); start it with `make run`", file=sys.stderr)
        return 1
    print(json.dumps(figures, indent=2))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
