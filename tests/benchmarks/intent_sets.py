"""The public intent data sets as they are measured on: which rows are learned from, asked, and out of scope.

They lie in `../shared/datasets/`, or wherever `--datasets` says. Texts count as equal when they differ in case and
punctuation alone. What is dropped is counted and said; the official test rows always stay, and which of them stand in
the training file is kept, so that accuracy can be given without them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bot.errors import BadInput
from bot.understanding.examples.dataset import OUT_OF_SCOPE, IntentDataset
from tests.benchmarks.contenders import job

Pairs = tuple[tuple[str, str], ...]
"""Texts with their intents."""

STRANGERS_A_LIMITED_INTENT = 20


@dataclass(frozen=True)
class IntentSet:
    """`train` holds rows out of scope too, under `job.OUT_OF_SCOPE`; `strangers` are texts out of scope by group:
    `near` in domain, `far` of another, `own` the set's own. `seen` are positions of test rows that stand in `train`.
    `notes` say what was dropped, `files` what was read."""

    name: str
    train: Pairs
    test: Pairs
    strangers: dict[str, tuple[str, ...]]
    seen: frozenset[int]
    notes: tuple[str, ...]
    files: tuple[Path, ...]

    @property
    def intents(self) -> tuple[str, ...]:
        return tuple(sorted({intent for _, intent in self.train} - {job.OUT_OF_SCOPE}))

    def limited(self, intents: int) -> IntentSet:
        """The first so many intents alone, for trying things."""
        kept = {*self.intents[:intents], job.OUT_OF_SCOPE}
        test = [(row, pair) for row, pair in enumerate(self.test) if pair[1] in kept]
        return replace(
            self,
            train=tuple(pair for pair in self.train if pair[1] in kept),
            test=tuple(pair for _, pair in test),
            strangers={group: t[: STRANGERS_A_LIMITED_INTENT * intents] for group, t in self.strangers.items()},
            seen=frozenset(new for new, (old, _) in enumerate(test) if old in self.seen),
            notes=(*self.notes, f"limited to {intents} intents"),
        )

    def write(self, folder: Path) -> None:
        """The rows as contenders read them."""
        folder.mkdir(parents=True)
        job.write_lines(folder / "train.jsonl", self.train)
        for group, texts in {job.TEST: [text for text, _ in self.test], **self.strangers}.items():
            job.write_lines(folder / f"ask.{group}.jsonl", texts)


def read_set(name: str, folder: Path) -> IntentSet:
    """A set by name from the folder of data sets; `BadInput` if it is not known or its files are not there."""
    if name not in SETS:
        raise BadInput(f"no intent set is called {name!r}, there are {', '.join(SETS)}")
    return SETS[name](name, folder)


def normalised(text: str) -> str:
    """The text without case and punctuation."""
    return re.sub(r"[\W_]+", " ", text.lower()).strip()


def _banking77(train: str, *, lower: bool) -> Callable[[str, Path], IntentSet]:
    """BANKING77 (Casanueva et al., 2020) with its official test file; strangers are those of CLINC150."""

    def read(name: str, folder: Path) -> IntentSet:
        files = [folder / "banking77" / train, folder / "banking77" / "test.csv"]
        far = folder / "banking77_oos" / "ood-oos_test.jsonl"
        test, notes = _rows(files[1])
        if lower:
            test = [(text.lower(), intent) for text, intent in test]
            notes.append("test texts in lower case, as the training rows are")
        return _made(name, [files[0]], test, notes, {"far": far} if far.is_file() else {}, [files[1]])

    return read


def _clinc150(name: str, folder: Path) -> IntentSet:
    """CLINC150 (Larson et al., 2019) with its 100 training rows out of scope."""
    place = folder / "clinc150" / "fewshot"
    test, notes = _rows(place / "test.jsonl")
    train = [place / "train.jsonl", place / "oos_train.jsonl"]
    return _made(name, train, test, notes, {"own": place / "oos_test.jsonl"}, [place / "test.jsonl"])


def _banking77_oos(name: str, folder: Path) -> IntentSet:
    """50 intents of BANKING77, those of the other 27 as near strangers (Zhang et al., 2022); none is learned from."""
    place = folder / "banking77_oos"
    train = place / "train.jsonl"
    test, notes = _rows(place / "test.jsonl")
    known = {normalised(text) for text, _ in _rows(train)[0]}
    clean = [pair for pair in test if normalised(pair[0]) not in known]
    notes.append(f"test.jsonl: {len(test) - len(clean)} of {len(test)} rows dropped that stand in train.jsonl")
    strangers = {"near": place / "id-oos_test.jsonl", "far": place / "ood-oos_test.jsonl"}
    return _made(name, [train], clean, notes, strangers, [place / "test.jsonl"])


SETS: dict[str, Callable[[str, Path], IntentSet]] = {
    "banking77": _banking77("train.csv", lower=False),
    "banking77_8622": _banking77("fewshot/train.jsonl", lower=True),
    "banking77_10shot": _banking77("fewshot/train_10.jsonl", lower=True),
    "banking77_5shot": _banking77("fewshot/train_5.jsonl", lower=True),
    "clinc150": _clinc150,
    "banking77_oos": _banking77_oos,
}


def _made(
    name: str,
    train_files: Sequence[Path],
    test: Sequence[tuple[str, str]],
    notes: Sequence[str],
    stranger_files: dict[str, Path],
    other_files: Sequence[Path],
) -> IntentSet:
    said = list(notes)
    train: list[tuple[str, str]] = []
    for file in train_files:
        rows, problems = _rows(file)
        train += rows
        said += problems
    learned = {normalised(text) for text, _ in train}
    known = learned | {normalised(text) for text, _ in test}
    strangers = {}
    for group, file in stranger_files.items():
        rows, problems = _rows(file)
        fresh = [text for text, _ in rows if normalised(text) not in known]
        said += problems
        if len(fresh) < len(rows):
            dropped = len(rows) - len(fresh)
            said.append(f"{file.name}: {dropped} of {len(rows)} rows dropped that stand in the training or test rows")
        if fresh:
            strangers[group] = tuple(fresh)
    return IntentSet(
        name=name,
        train=tuple(train),
        test=tuple(test),
        strangers=strangers,
        seen=frozenset(row for row, (text, _) in enumerate(test) if normalised(text) in learned),
        notes=tuple(said),
        files=(*train_files, *other_files, *stranger_files.values()),
    )


def _rows(file: Path) -> tuple[list[tuple[str, str]], list[str]]:
    """Texts and intents of a file, and what was left out of it."""
    if not file.is_file():
        raise BadInput(f"{file} is missing; `--datasets FOLDER` names another place for the public data sets")
    read = IntentDataset.read(file)
    rows = [(row.text, job.OUT_OF_SCOPE if row.intent in OUT_OF_SCOPE else row.intent) for row in read.rows]
    return rows, [f"{file.name}: {len(read.problems)} unusable dropped"] if read.problems else []
