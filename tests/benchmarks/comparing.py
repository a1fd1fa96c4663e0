"""Running contenders on sets, one process after the other, and what came of it.

What cannot run is skipped with the reason, what fails is reported and the others go on.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.errors import BadInput
from bot.settings import Settings
from bot.setup import ensure_base_model
from tests.benchmarks import conditions, processes
from tests.benchmarks.contenders.job import Job
from tests.benchmarks.figures import Figures, figures_of
from tests.benchmarks.intent_sets import IntentSet, read_set
from tests.benchmarks.processes import ROOT, Contender, Failed

FIRST_SEED = 13
MUCH = 2_000
"""Training rows above which DIET takes the better part of an hour."""

Keep = Callable[["Comparison"], None]


@dataclass(frozen=True)
class Asked:
    """What to measure: names of sets, contenders, how many seeds from `FIRST_SEED` on, and where the sets lie.

    `with_diet` runs DIET on many rows too; `limit` keeps the first so many intents of each set, for trying things."""

    sets: Sequence[str]
    contenders: Sequence[Contender]
    seeds: int = 1
    datasets: Path = ROOT.parent / "shared" / "datasets"
    with_diet: bool = False
    limit: int | None = None

    @property
    def seed_range(self) -> range:
        return range(FIRST_SEED, FIRST_SEED + self.seeds)

    def read(self, name: str) -> IntentSet:
        """A set by name; `BadInput` if it is not there."""
        data = read_set(name, self.datasets)
        return data.limited(self.limit) if self.limit else data

    def too_long(self, contender: Contender, data: IntentSet) -> str:
        """Why a contender is left out unless it is asked for, or nothing."""
        if contender.name != "diet" or len(data.train) <= MUCH or self.with_diet:
            return ""
        return f"{len(data.train):,} rows take DIET about an hour; add --with-diet"


@dataclass
class Comparison:
    """What was measured so far. `sets` has for each set what `described` says and, under `contenders`, the figures of
    each table title's seeds; `skipped` are sentences."""

    conditions: dict[str, Any]
    seeds: Sequence[int]
    sets: dict[str, dict[str, Any]] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)

    def skip(self, reason: str) -> None:
        self.skipped.append(reason)
        say(f"left out: {reason}")

    def to_json(self) -> dict[str, Any]:
        """All figures, without the lists of which rows were right."""
        sets = {
            name: {**found, "contenders": {t: [plain(each) for each in f] for t, f in found["contenders"].items()}}
            for name, found in self.sets.items()
        }
        return {"conditions": self.conditions, "seeds": list(self.seeds), "sets": sets, "skipped": self.skipped}


def compare(asked: Asked, settings: Settings, work: Path, keep: Keep | None = None) -> Comparison:
    """Measure everything that was asked for, in the folder `work`; `keep` is called after each training."""
    comparison = Comparison(conditions.conditions(), asked.seed_range)
    for name in asked.sets:
        try:
            data = asked.read(name)
        except BadInput as error:
            comparison.skip(f"{name}: {error}")
            continue
        data.write(work / name / "rows")
        comparison.sets[name] = {**described(data), "contenders": {}}
        for contender in asked.contenders:
            reason = processes.missing(contender, settings) or asked.too_long(contender, data)
            if reason:
                comparison.skip(f"{contender.title} on {name}: {reason}")
                continue
            for seed in asked.seed_range:
                _add(comparison, contender, data, work, settings, seed)
                if keep is not None:
                    keep(comparison)
    comparison.conditions["load_1_min_at_end"] = conditions.conditions()["load_1_min"]
    return comparison


def _add(
    comparison: Comparison, contender: Contender, data: IntentSet, work: Path, settings: Settings, seed: int
) -> None:
    say(f"{data.name}: {contender.title}, seed {seed}, {len(data.train):,} rows …")
    started = time.perf_counter()
    try:
        found = measure(contender, data, work, settings, seed)
    except Failed as error:
        comparison.skip(f"{data.name}, seed {seed}: {error}")
        return
    for title, figures in found.items():
        comparison.sets[data.name]["contenders"].setdefault(title, []).append(figures)
    say(f"  accuracy {found[contender.title]['accuracy']:.2%} after {time.perf_counter() - started:.0f} s")


def measure(contender: Contender, data: IntentSet, work: Path, settings: Settings, seed: int) -> dict[str, Figures]:
    """Train once and answer with each model that came of it: figures by table title. The rows lie in `work`.

    `Failed` if a process does; an intent that cannot be added is told of in `extend_failed`, and the rest stays."""
    job = Job(str(work / data.name / "rows"), str(base(settings)), str(work / "encoder"), seed)
    processes.prepare(contender, job, work / f"{contender.name}-once", settings)
    folder = work / data.name / f"{contender.name}-{seed}"
    training = processes.train(contender, job, folder, settings)
    models = (("model", contender.title), *contender.variants)
    found = {
        title: {"seed": seed, **figures_of(processes.answer(contender, folder, settings, model), data)}
        for model, title in models
    }
    found[contender.title] |= training
    if contender.extends and data.strangers:
        try:
            found[contender.title] |= processes.extend(contender, folder, settings)
        except Failed as error:
            found[contender.title]["extend_failed"] = str(error)
    return found


def base(settings: Settings) -> Path:
    """The base encoder's folder, fetched if it is not there."""
    if settings.base_model:
        return Path(settings.base_model).resolve()
    ensure_base_model(settings, lambda what, done, total: None)
    return (settings.home / "base" / "all-MiniLM-L6-v2").resolve()


def described(data: IntentSet) -> dict[str, Any]:
    """Counts of a set's rows, and what was dropped."""
    known = set(data.intents)
    return {
        "train_rows": len(data.train),
        "oos_train_rows": sum(intent not in known for _, intent in data.train),
        "test_rows": len(data.test),
        "intents": len(known),
        "seen_rows": len(data.seen),
        "strangers": {group: len(texts) for group, texts in data.strangers.items()},
        "notes": list(data.notes),
    }


def plain(figures: Figures) -> Figures:
    """Without the list of which rows were right."""
    return {name: value for name, value in figures.items() if name != "right"}


def say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)
