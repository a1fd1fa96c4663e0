"""What a contender is handed and what it gives back. Standard library only, Python 3.10: Rasa's environment reads it.

A contender is a module with two functions, each of which imports what its phase needs and nothing else:

learner()         -> learn(job, model) -> figures with `train_s`, `train_cpu_s`; writes the model's folder
answerer(model)   -> classify(texts) -> one `Answer` a text, from a fresh process that loaded `model` alone
preparer()        -> prepare(job), optional: what is the same for all data and done once
extender()        -> add(job, model, out) -> figures with `extend_s`, `extend_cpu_s`, optional: a new intent

`rows/` holds the data, written once and read by all contenders alike: `train.jsonl` with texts and intents, and a file
`ask.<group>.jsonl` of texts for the test rows and each group of rows out of scope.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

TEST = "test"
OUT_OF_SCOPE = "out_of_scope"


class Answer(NamedTuple):
    """`intent` is never out of scope; `confidence` in [0, 1]; `out_of_scope` is a score, larger is stranger."""

    intent: str
    confidence: float
    out_of_scope: float


@dataclass(frozen=True)
class Job:
    """One training: the folder of its rows, the base encoder's folder, the frozen encoder's export, and the seed."""

    rows: str
    base: str
    encoder: str
    seed: int

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)), "utf-8")

    @classmethod
    def load(cls, path: Path) -> Job:
        return cls(**json.loads(path.read_text("utf-8")))

    def training_rows(self) -> tuple[list[str], list[str]]:
        """Texts and their intents; rows out of scope have the intent `OUT_OF_SCOPE`."""
        pairs = read_lines(Path(self.rows) / "train.jsonl")
        return [text for text, _ in pairs], [intent for _, intent in pairs]


class Stopwatch:
    """Seconds that a `with` block took: by the wall clock, and of the processor over all threads."""

    def __enter__(self) -> Stopwatch:
        self._began = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended = time.perf_counter(), time.process_time()

    def figures(self, what: str) -> dict[str, float]:
        wall_s, cpu_s = (end - start for start, end in zip(self._began, self._ended, strict=True))
        return {f"{what}_s": wall_s, f"{what}_cpu_s": cpu_s}


def write_lines(path: Path, values: Iterable[object]) -> None:
    with open(path, "w", encoding="utf-8") as file:
        for value in values:
            file.write(json.dumps(value, ensure_ascii=False) + "\n")


def read_lines(path: Path, most: int | None = None) -> list:
    """The values of a JSON lines file, at most the first `most`."""
    values = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            if most is not None and len(values) == most:
                break
            values.append(json.loads(line))
    return values


def asked(rows: Path) -> Sequence[str]:
    """The groups of texts there are to classify, the test rows first."""
    groups = sorted(path.name[len("ask.") : -len(".jsonl")] for path in rows.glob("ask.*.jsonl"))
    return sorted(groups, key=lambda group: group != TEST)
