"""Contenders run as fresh processes, one at a time, on the same cores with the same threads, so that sizes are honest.

Training may use all the cores that are allowed, an answer is given on one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.dialogue import install
from bot.errors import FirstlineError
from bot.settings import Settings
from tests.benchmarks.contenders.job import Job

ROOT = Path(__file__).resolve().parents[2]
THREADS = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"),
    *("TF_INTRA_OP_PARALLELISM_THREADS", "TF_INTER_OP_PARALLELISM_THREADS"),
)
LEAN = {"OMP_WAIT_POLICY": "PASSIVE", "MALLOC_ARENA_MAX": "2", "TOKENIZERS_PARALLELISM": "false"}


class Failed(FirstlineError):
    """A contender's process ended badly; the message has its last lines. The others go on."""

    code = "contender_failed"


@dataclass(frozen=True)
class Contender:
    """`name` is its module, `title` what tables call it, `prepares` whether it has something to do once, `extends`
    whether it can add an intent; `variants` are further model folders of the same training, with their titles."""

    name: str
    title: str
    prepares: bool = False
    extends: bool = False
    variants: tuple[tuple[str, str], ...] = ()


FULL_TITLE = "Firstline, fp32 (not served)"
OURS = Contender("ours", "Firstline, as served (int8)", extends=True, variants=(("full", FULL_TITLE),))
CONTENDERS = (
    OURS,
    Contender("frozen", "frozen encoder int8 + LR, kNN", prepares=True),
    Contender("tfidf", "TF-IDF + linear SVM"),
    Contender("diet", "Rasa 3.6.21, DIET"),
)


def prepare(contender: Contender, job: Job, folder: Path, settings: Settings) -> None:
    """What a contender does once for all data; nothing if it was done into the job's encoder folder already."""
    if not contender.prepares or (Path(job.encoder) / "model.onnx").is_file():
        return
    folder.mkdir(parents=True, exist_ok=True)
    job.save(folder / "job.json")
    _run(contender, ["prepare", str(folder)], cores(), settings, folder)


def train(contender: Contender, job: Job, folder: Path, settings: Settings) -> dict[str, Any]:
    """Train into a new folder: `train_s` as the contender timed it, `train_peak_mb` of its process, and `wall_s`."""
    folder.mkdir(parents=True)
    job.save(folder / "job.json")
    started = time.perf_counter()
    _run(contender, ["train", str(folder)], cores(), settings, folder)
    wall_s = time.perf_counter() - started
    return {**json.loads((folder / "training.json").read_text("utf-8")), "wall_s": wall_s}


def answer(contender: Contender, folder: Path, settings: Settings, model: str = "model") -> dict[str, Any]:
    """What a fresh process that loads a trained folder answers and measures, on one core."""
    _run(contender, ["answer", str(folder), model], cores()[-1:], settings, folder)
    found: dict[str, Any] = json.loads((folder / f"{model}.answers.json").read_text("utf-8"))
    return found


def extend(contender: Contender, folder: Path, settings: Settings) -> dict[str, Any]:
    """Add an intent to a trained folder's model: `extend_s`, and `extend_peak_mb` of the process that did it."""
    _run(contender, ["extend", str(folder)], cores(), settings, folder)
    found: dict[str, Any] = json.loads((folder / "extended.json").read_text("utf-8"))
    return found


def cores() -> list[int]:
    """The cores this process may use."""
    return sorted(os.sched_getaffinity(0))


def missing(contender: Contender, settings: Settings) -> str:
    """Why a contender cannot take part here, or nothing."""
    if contender.name == "diet" and not install.is_installed(settings):
        return f"{settings.rasa_venv} is not installed; `.venv/bin/python -m bot.dialogue.install` does it (1.7 GB)"
    return ""


def _run(contender: Contender, words: list[str], on: list[int], settings: Settings, folder: Path) -> None:
    rasa = contender.name == "diet"
    python = [str(settings.rasa_venv.resolve() / "bin" / "python"), "-W", "ignore"] if rasa else [sys.executable]
    command = [*python, "-m", "tests.benchmarks.contenders", contender.name, *words]
    finished = subprocess.run(
        [*command, "--cores", ",".join(map(str, on))],
        cwd=ROOT,
        env=_environment(len(on), settings if rasa else None, folder),
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode:
        last = ((finished.stderr or finished.stdout).strip().splitlines() or ["it said nothing"])[-1]
        raise Failed(f"{contender.title} could not {words[0]} (status {finished.returncode}): {last}")


def _environment(threads: int, rasa: Settings | None, folder: Path) -> Mapping[str, str]:
    pinned = {name: str(threads) for name in THREADS} | LEAN
    if rasa is None:
        return {**os.environ, **pinned}
    caches = {"RASA_CACHE_DIRECTORY": str(folder / "cache"), "MPLCONFIGDIR": str(folder / "matplotlib")}
    return {**install.rasa_environment(rasa), **pinned, **caches}
