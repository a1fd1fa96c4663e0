"""One phase of one contender, in a process of its own: python -m tests.benchmarks.contenders NAME PHASE FOLDER.

prepare FOLDER            what is done once for all data
train FOLDER              reads `job.json`, writes `model/` and `training.json`
answer FOLDER MODEL       loads `MODEL/` alone, answers, and writes `MODEL.answers.json`
extend FOLDER             adds an intent to `model/`, writes `extended/` and `extended.json`

`--cores 0,1` binds the process to these before any library starts its threads. Standard library only, Python 3.10.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import time
from pathlib import Path

from tests.benchmarks.contenders import memory
from tests.benchmarks.contenders.job import TEST, Job, asked, read_lines

WARM_UP = 20
TIMED = 500


def prepare(contender, folder: Path) -> None:
    contender.preparer()(Job.load(folder / "job.json"))


def train(contender, folder: Path) -> None:
    learn = contender.learner()
    model = folder / "model"
    model.mkdir()
    figures = learn(Job.load(folder / "job.json"), model)
    _write(folder / "training.json", {**figures, "train_peak_mb": memory.peak_mb()})


def extend(contender, folder: Path) -> None:
    figures = contender.extender()(Job.load(folder / "job.json"), folder / "model", folder / "extended")
    _write(folder / "extended.json", {**figures, "extend_peak_mb": memory.peak_mb()})


def answer(contender, folder: Path, name: str) -> None:
    """Memory after a warm-up, then times of one text at a time, then all rows as one batch. The batch is counted in the
    processor's time, so that its rows a second and core do not depend on who else is at work."""
    rows = Path(Job.load(folder / "job.json").rows)
    model = folder / name
    started = time.perf_counter()
    classify = contender.answerer(model)
    load_s = time.perf_counter() - started
    for text in read_lines(rows / f"ask.{TEST}.jsonl", WARM_UP):
        classify([text])
    sizes = {"resident_mb": memory.resident_mb(), "proportional_mb": memory.proportional_mb()}
    times_ms = []
    for text in read_lines(rows / f"ask.{TEST}.jsonl", TIMED):
        started = time.perf_counter()
        classify([text])
        times_ms.append(1_000 * (time.perf_counter() - started))
    answers, count, took_s = {}, 0, 0.0
    for group in asked(rows):
        texts = read_lines(rows / f"ask.{group}.jsonl")
        started = time.process_time()
        answers[group] = classify(texts)
        took_s += time.process_time() - started
        count += len(texts)
    bytes_on_disk = sum(path.stat().st_size for path in model.rglob("*") if path.is_file())
    measured = {**sizes, "load_s": load_s, "rows_per_s": count / took_s, "disk_mb": bytes_on_disk / 1e6}
    _write(folder / f"{name}.answers.json", {"measured": measured, "times_ms": times_ms, "answers": answers})


def _write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value), "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.contenders")
    parser.add_argument("contender", choices=["ours", "frozen", "tfidf", "diet"])
    parser.add_argument("phase", choices=["prepare", "train", "answer", "extend"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("model", nargs="?", default="model")
    parser.add_argument("--cores", default="")
    options = parser.parse_args()
    if options.cores:
        os.sched_setaffinity(0, {int(core) for core in options.cores.split(",")})
    contender = importlib.import_module(f"tests.benchmarks.contenders.{options.contender}")
    if options.phase == "answer":
        answer(contender, options.folder, options.model)
    else:
        {"prepare": prepare, "train": train, "extend": extend}[options.phase](contender, options.folder)


if __name__ == "__main__":
    main()
