"""Our own table: Firstline alone, every set, several seeds. Goes on where it was stopped.

Each finished training is a line in `<home>/benchmarks/intents.jsonl` under a key of the code it depends on, the base
encoder, the rows and the cores; what has the same key is not measured again, what has another is not shown.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bot.errors import BadInput
from bot.settings import Settings
from bot.understanding.measuring.metrics import paired_difference
from bot.understanding.weights import sha256
from tests.benchmarks import conditions, processes
from tests.benchmarks.comparing import Asked, base, described, measure, plain, say
from tests.benchmarks.comparison_table import memory
from tests.benchmarks.figures import spread
from tests.benchmarks.intent_sets import IntentSet
from tests.benchmarks.processes import FULL_TITLE, OURS, Failed
from tests.benchmarks.tables import markdown, write_text

RESULTS = Path(__file__).parent / "intents-results.md"

Record = dict[str, Any]

LEGEND = """
Mean ± standard deviation over the seeds. Accuracy, macro-F1 and FPR@95 in percent; int8 as served, fp32 is the same
training in full precision. *Unseen*: without the test rows that stand in the training file, in other case or
punctuation. ECE: 15 bins. Training: all cores, rehearsal and export included, CPU s over all threads. A new intent:
10 rows added to the trained model without training. Answers: one core; milliseconds for one text at a time, tokeniser
included; rows a second of the processor's time, all rows as one batch. Memory: a fresh process that loaded the model
and answered 20 texts, proportional (resident); peak: of the training process. MB are 10^6 bytes. Strangers: `near`
are intents of the same domain that were left out, `far` the out-of-scope rows of CLINC150, `own` those of the set
itself; FPR@95 is the share accepted where 95 % of the test rows are, recall the share found where 5 % of the test
rows are refused.
""".strip()


def measure_ours(
    asked: Asked, settings: Settings, table: Path, *, fresh: bool = False
) -> tuple[list[Record], list[str]]:
    """Measure what is not measured yet, or all of it anew if `fresh`, and write the table after each training.

    Returns the results that the table shows and sentences on what could not be measured."""
    results = settings.home / "benchmarks" / "intents.jsonl"
    known = {} if fresh else {(each["key"], each["seed"]): each for each in read_records(results)}
    records: list[Record] = []
    gaps: list[str] = []
    for name in asked.sets:
        try:
            data = asked.read(name)
        except BadInput as error:
            gaps.append(f"{name}: {error}")
            say(f"left out: {gaps[-1]}")
            continue
        key = key_of(data, base(settings))
        for seed in asked.seed_range:
            found = known.get((key, seed))
            say(f"{name}, seed {seed}: " + ("measured before" if found else f"{len(data.train):,} rows …"))
            try:
                records.append(found or _measured(data, seed, key, settings, results))
            except Failed as error:
                gaps.append(f"{name}, seed {seed}: {error}")
                say(f"left out: {gaps[-1]}")
            else:
                write_text(table, report(records, gaps))
    if records:
        write_text(table, report(records, gaps))
    return records, gaps


def read_records(path: Path) -> list[Record]:
    """What was measured before; a line that a crash left unfinished is passed over."""
    records = []
    for line in path.read_text("utf-8").splitlines() if path.exists() else []:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and {"key", "seed", "set"} <= record.keys():
            records.append(record)
    return records


def key_of(data: IntentSet, base_folder: Path) -> str:
    """Everything that a result depends on, but for the seed and the machine's load."""
    weights = [sha256(path) for path in sorted(base_folder.glob("*.safetensors"))]
    parts = [conditions.code_hash(), conditions.data_hash(data.files), *weights, *data.notes, data.name]
    return hashlib.sha256(repr((parts, len(processes.cores()))).encode()).hexdigest()


def _measured(data: IntentSet, seed: int, key: str, settings: Settings, results: Path) -> Record:
    started = time.perf_counter()
    at = conditions.conditions()
    with tempfile.TemporaryDirectory(prefix="firstline-bench-") as folder:
        data.write(Path(folder) / data.name / "rows")
        found = measure(OURS, data, Path(folder), settings, seed)
    served, full = found[OURS.title], found[FULL_TITLE]
    record = {
        "key": key,
        "set": data.name,
        "seed": seed,
        "rows": described(data),
        "served": plain(served),
        "full": plain(full),
        "int8_minus_fp32": paired_difference(full["right"], served["right"])[0],
        "conditions": at,
    }
    _append(results, record)
    say(f"  accuracy {served['accuracy']:.2%} after {time.perf_counter() - started:.0f} s")
    return record


def report(records: Sequence[Record], gaps: Sequence[str]) -> str:
    """The tables as Markdown."""
    first = records[0]["conditions"]
    loads = [each["conditions"]["load_1_min"] for each in records]
    moments = sorted(each["conditions"]["at"] for each in records)
    seeds = sorted({each["seed"] for each in records})
    commits = sorted({each["conditions"]["commit"] or "unknown" for each in records})
    names = list(dict.fromkeys(each["set"] for each in records))
    parts = [
        "# Firstline's intent model",
        f'Written by `make bench-intents ARGS="--ours-only --seeds {len(seeds)}"`, do not edit. '
        f"{conditions.in_words(first)}. Seeds {', '.join(map(str, seeds))}; measured from {moments[0]} to "
        f"{moments[-1]}, load {min(loads)} to {max(loads)}, commit {', '.join(commits)}.",
        _quality(names, records),
        _costs(names, records),
        _strangers(names, records),
    ]
    notes = [f"- {name}: {'; '.join(_of(name, records)[0]['rows']['notes'])}" for name in names]
    parts.append("Rows:\n\n" + "\n".join(note for note in notes if not note.endswith(": ")))
    failed = [
        f"{each['set']}: {each['served']['extend_failed']}" for each in records if "extend_failed" in each["served"]
    ]
    if gaps or failed:
        parts.append("Left out:\n\n" + "\n".join(f"- {gap}" for gap in (*gaps, *failed)))
    return "\n\n".join([*parts, LEGEND]) + "\n"


def _quality(names: Sequence[str], records: Sequence[Record]) -> str:
    header = [
        "set",
        "learned",
        "intents",
        "test",
        "seeds",
        "accuracy",
        "unseen",
        "macro-F1",
        "ECE",
        "fp32",
        "int8 - fp32",
    ]
    rows = []
    for name in names:
        runs = _of(name, records)
        served, about = [each["served"] for each in runs], runs[0]["rows"]
        row = [name, *(f"{about[each]:,}" for each in ("train_rows", "intents", "test_rows")), str(len(runs))]
        row += [
            spread([each[what] for each in served], ".2f", 100.0)
            for what in ("accuracy", "unseen_accuracy", "macro_f1")
        ]
        row.append(spread([each["ece"] for each in served], ".3f"))
        row.append(spread([each["full"]["accuracy"] for each in runs], ".2f", 100.0))
        rows.append([*row, spread([each["int8_minus_fp32"] for each in runs], "+.2f", 100.0)])
    return markdown(header, rows)


def _costs(names: Sequence[str], records: Sequence[Record]) -> str:
    columns: dict[str, tuple[str, str]] = {
        "training s": ("train_s", ".0f"),
        "CPU s": ("train_cpu_s", ".0f"),
        "new intent s": ("extend_s", ".2f"),
        "ms p50": ("ms_p50", ".2f"),
        "ms p95": ("ms_p95", ".2f"),
        "rows/s": ("rows_per_s", ",.0f"),
        "disk MB": ("disk_mb", ".1f"),
    }
    rows = []
    for name in names:
        served = [each["served"] for each in _of(name, records)]
        row = [name, *(spread([run[what] for run in served if what in run], said) for what, said in columns.values())]
        rows.append([*row, memory(served), spread([run["train_peak_mb"] for run in served], ",.0f")])
    return markdown(["set", *columns, "memory MB", "peak MB"], rows)


def _strangers(names: Sequence[str], records: Sequence[Record]) -> str:
    rows = []
    for name in names:
        runs = _of(name, records)
        for group, count in runs[0]["rows"]["strangers"].items():
            found = [each["served"]["oos"][group] for each in runs]
            row = [f"{name}, {group}", f"{count:,}", spread([each["auroc"] for each in found], ".4f")]
            rows.append(
                row + [spread([each[what] for each in found], ".1f", 100.0) for what in ("fpr95", "recall_at_5pct_frr")]
            )
    return markdown(["strangers", "rows", "AUROC", "FPR@95", "recall at 5 % refused"], rows)


def _of(name: str, records: Sequence[Record]) -> list[Record]:
    return [each for each in records if each["set"] == name]


def _append(path: Path, record: Record) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    torn = path.exists() and path.stat().st_size > 0 and not path.read_bytes().endswith(b"\n")
    with open(path, "a", encoding="utf-8") as file:
        file.write(("\n" if torn else "") + json.dumps(record, ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())
