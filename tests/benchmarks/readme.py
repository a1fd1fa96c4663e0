"""Writes the README's table of measurements: runs each command, and puts its figures between the marks.

make run                              (in another terminal, for sizes and answer times)
python -m tests.benchmarks.readme     (some minutes: it trains once for `evaluate intents`)
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BEGIN = "<!-- measurements: written by `python -m tests.benchmarks.readme`, do not edit -->"
END = "<!-- end of measurements -->"

Figures = dict[str, Any]


@dataclass(frozen=True)
class Measurement:
    """One row: what is measured, the command that measures it, and how its figures are said."""

    what: str
    command: tuple[str, ...]
    said: Callable[[Figures], str]


def percent(value: float) -> str:
    return f"{value:.1%}"


def routing(figures: Figures) -> str:
    return (
        f"{percent(figures['accuracy'])} of {figures['rows']} decisions right; "
        f"{percent(figures['must_escalate_recall'])} "
        f"of what must reach a human is fetched one or offered one ({percent(figures['fetched_at_once'])} fetched at "
        f"once), and so is {percent(figures['false_escalation_rate'])} of the rest "
        f"({percent(figures['fetched_needlessly'])} fetched); {percent(figures['answerable_answered'])} of the "
        f"answerable are answered; {percent(figures['answered_wrong_rate'])} of the answers given are wrong"
    )


def answers(figures: Figures) -> str:
    return (
        f"citations valid {percent(figures['citation_valid'])}; answerable or not: AUROC "
        f"{figures['answerable_auroc']:.3f}; {percent(figures['coverage_at_5pct_wrong'])} of all questions can be "
        f"answered with 5 % wrong; {figures['query_ms_p50']:.1f} ms (p50)"
    )


def intents(figures: Figures) -> str:
    return (
        f"{percent(figures['accuracy'])} of {figures['test_rows']} rows, ECE {figures['ece']:.3f}, out-of-scope AUROC "
        f"{figures['oos_auroc']:.3f}; trained on {figures['train_rows']:,} rows in {figures['train_s']:.0f} s; "
        f"{figures['predict_ms_p50']:.1f} ms a sentence (p50), {figures['model_bytes'] / 1e6:.0f} MB"
    )


def serving(figures: Figures) -> str:
    sizes = ", ".join(f"{role} {size:.0f} MB" for role, size in figures["resident_mb"].items())
    return (
        f"a document question {figures['answer_ms_p50']:.0f} ms p50, {figures['answer_ms_p95']:.0f} ms p95; {sizes}, "
        f"together {figures['resident_mb_total']} MB"
    )


FIRSTLINE = (".venv/bin/firstline",)
MEASUREMENTS = (
    Measurement(
        "Routing: the demo's 200 test questions, read by nothing that was fitted",
        (*FIRSTLINE, "evaluate", "routing", "--scenarios", "data/eval/questions.test.jsonl"),
        routing,
    ),
    Measurement(
        "Answers: the same questions, documents alone, without the FAQ",
        (*FIRSTLINE, "evaluate", "answers", "--corpus", "data/docs", "--questions", "data/eval/questions.test.jsonl"),
        answers,
    ),
    Measurement(
        "Intents: trained on `data/nlu` alone",
        (
            *(*FIRSTLINE, "evaluate", "intents", "--train", "data/nlu"),
            *("--test", "data/eval/intents.test.csv", "--oos", "data/eval/intents.oos.csv"),
        ),
        intents,
    ),
    Measurement("Serving, one client, through REST", ("make", "bench"), serving),
)


def figures_of(measurement: Measurement, folder: Path) -> Figures:
    """Run a measurement's command and read what it wrote."""
    file = folder / "figures.json"
    command = list(measurement.command)
    if command[0] == "make":
        command = [".venv/bin/python", "-m", "tests.benchmarks.serving"]
    subprocess.run([*command, "--json", str(file)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    figures: Figures = json.loads(file.read_text())
    return figures


def conditions() -> str:
    from tests.benchmarks.serving import conditions as here

    found = here()
    return f"{found['cores']} cores of {found['cpu']}, Python {found['python']}; one run, seed 13."


def main() -> int:
    rows = ["| what | figures | command |", "|---|---|---|"]
    with tempfile.TemporaryDirectory() as folder:
        for measurement in MEASUREMENTS:
            print(" ".join(measurement.command), file=sys.stderr)
            said = measurement.said(figures_of(measurement, Path(folder)))
            rows.append(f"| {measurement.what} | {said} | `{' '.join(measurement.command)}` |")
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    table = "\n".join((BEGIN, "", *rows, "", conditions(), "", END))
    readme.write_text(before + table + after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
