"""A comparison as Markdown: a table for each set, and how to read it."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from bot.understanding.measuring.metrics import paired_difference
from tests.benchmarks import conditions
from tests.benchmarks.comparing import Comparison
from tests.benchmarks.contenders.ours import NEW_ROWS
from tests.benchmarks.figures import Figures, spread
from tests.benchmarks.processes import FULL_TITLE, OURS
from tests.benchmarks.tables import markdown

LEGEND = """
Accuracy, macro-F1 and FPR@95 in percent. *Unseen*: without the test rows that stand in the training file, in other
case or punctuation. ECE: 15 bins. AUROC and FPR@95 (the share of strangers accepted where 95 % of the test rows are)
for each group of strangers. *Firstline ahead by*: its accuracy minus this one's in points on the same rows, first
seed, 95 % interval of the paired bootstrap. Training: all cores, rehearsal and export included, imports not, CPU s
over all threads; the frozen encoder's export is made once and not counted. Answers: one core; milliseconds for one
text at a time, tokeniser included, p50 and p95 of up to 500; rows a second of the processor's time, all rows as one
batch (Rasa has no batch). Memory: a fresh process that loaded the model and answered 20 texts, proportional
(resident); peak: of the training process. MB are 10^6 bytes.
""".strip()


def report(comparison: Comparison) -> str:
    """The comparison as Markdown."""
    parts = ["# Intents side by side", conditions.in_words(comparison.conditions) + "."]
    parts.append(f"Seeds {', '.join(map(str, comparison.seeds))}; mean ± standard deviation where there are several.")
    for name, found in comparison.sets.items():
        if not found["contenders"]:
            continue
        strangers = "".join(f", {count:,} {group} strangers" for group, count in found["strangers"].items())
        parts.append(
            f"## {name}\n\n{found['train_rows']:,} rows to learn from ({found['oos_train_rows']} of them out of "
            f"scope), {found['test_rows']:,} test rows of {found['intents']} intents{strangers}."
        )
        if found["notes"]:
            parts.append("Rows: " + "; ".join(found["notes"]) + ".")
        parts.append(_table(found))
        parts += _besides(found["contenders"])
    if comparison.skipped:
        parts.append("Left out:\n\n" + "\n".join(f"- {reason}" for reason in comparison.skipped))
    return "\n\n".join([*parts, LEGEND]) + "\n"


def _table(found: dict[str, Any]) -> str:
    groups = list(found["strangers"])
    ours = found["contenders"].get(OURS.title)
    header = ["contender", "accuracy", "unseen", "macro-F1", "ECE", "Firstline ahead by"]
    header += [f"{each} AUROC" for each in groups] + [f"{each} FPR@95" for each in groups]
    header += ["training s", "CPU s", "ms p50", "ms p95", "rows/s", "disk MB", "memory MB", "peak MB"]
    rows = []
    for title, runs in found["contenders"].items():
        row = [title]
        for name, said, factor in (
            ("accuracy", ".2f", 100.0),
            ("unseen_accuracy", ".2f", 100.0),
            ("macro_f1", ".2f", 100.0),
            ("ece", ".3f", 1.0),
        ):
            row.append(spread([each[name] for each in runs], said, factor))
        row.append(_ahead(ours, runs))
        row += [spread([each["oos"][group]["auroc"] for each in runs], ".4f") for group in groups]
        row += [spread([each["oos"][group]["fpr95"] for each in runs], ".1f", 100.0) for group in groups]
        row += [spread([each[what] for each in runs if what in each], ".1f") for what in ("train_s", "train_cpu_s")]
        row += [spread([each[name] for each in runs], ".2f") for name in ("ms_p50", "ms_p95")]
        row.append(spread([each["rows_per_s"] for each in runs], ",.0f"))
        row.append(spread([each["disk_mb"] for each in runs], ".1f"))
        row.append(memory(runs))
        row.append(spread([each["train_peak_mb"] for each in runs if "train_peak_mb" in each], ",.0f"))
        rows.append(row)
    return markdown(header, rows)


def _besides(contenders: dict[str, list[Figures]]) -> list[str]:
    """Sentences on what int8 costs and how long a new intent takes."""
    ours, full = contenders.get(OURS.title, []), contenders.get(FULL_TITLE, [])
    said = []
    if ours and full:
        said.append(f"int8 against full precision, first seed: {_ahead(ours, full)} points of accuracy.")
    if seconds := [each["extend_s"] for each in ours if "extend_s" in each]:
        said.append(f"A new intent of {NEW_ROWS} rows added to the trained model: {spread(seconds, '.2f')} s.")
    said += [each["extend_failed"] + "." for each in ours if "extend_failed" in each]
    return said


def _ahead(ours: Sequence[Figures] | None, runs: Sequence[Figures]) -> str:
    """Our accuracy minus theirs in points, with its interval, on the first seed that both were trained with."""
    for mine in ours or ():
        for theirs in runs if runs is not ours else ():
            if mine["seed"] == theirs["seed"]:
                difference, (low, high) = paired_difference(theirs["right"], mine["right"])
                return f"{100 * difference:+.2f} [{100 * low:.2f}, {100 * high:.2f}]"
    return "–"


def memory(runs: Sequence[Figures]) -> str:
    """Proportional and, in brackets, resident size."""
    sizes = [statistics.fmean(each[name] for each in runs) for name in ("proportional_mb", "resident_mb")]
    return f"{sizes[0]:,.0f} ({sizes[1]:,.0f})"
