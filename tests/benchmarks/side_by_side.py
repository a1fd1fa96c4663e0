"""Firstline's intent model beside a frozen encoder, TF-IDF with a linear SVM, and Rasa's DIET: same rows, one run.

make bench-intents ARGS="--quick"          10-shot BANKING77 for all four; about a quarter of an hour
make bench-intents                         BANKING77, CLINC150, banking77_oos in full without DIET; more than an hour
make bench-intents ARGS="--with-diet"      DIET on full rows too; it alone takes about an hour a set
make bench-intents ARGS="--ours-only --seeds 3"   our own table, which goes on where it was stopped

Each contender trains in a process of its own and answers in another that loaded nothing but its model.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bot.errors import FirstlineError
from bot.releases.registry import write_json
from bot.settings import Settings
from tests.benchmarks.comparing import Asked, Comparison, base, compare, say
from tests.benchmarks.comparison_table import report
from tests.benchmarks.intent_sets import SETS
from tests.benchmarks.processes import CONTENDERS, OURS, ROOT
from tests.benchmarks.published import RESULTS, measure_ours
from tests.benchmarks.published import report as published_report
from tests.benchmarks.tables import write_text

FULL_SETS = ("banking77", "clinc150", "banking77_oos")
QUICK_SETS = ("banking77_10shot",)


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="make bench-intents", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [each.name for each in CONTENDERS]
    made.add_argument("--quick", action="store_true", help="10-shot BANKING77, DIET included")
    made.add_argument("--only", type=_list_of(names), help=f"some of {','.join(names)}")
    made.add_argument("--sets", type=_list_of(list(SETS)), help=f"some of {','.join(SETS)}")
    made.add_argument("--seeds", type=_count, default=1, metavar="N", help="trainings of each, from seed 13 on")
    made.add_argument(
        "--with-diet",
        action="store_true",
        help="DIET on more than 2,000 rows too, about an hour a set, as if named in --only",
    )
    made.add_argument("--datasets", type=Path, default=ROOT.parent / "shared" / "datasets", metavar="FOLDER")
    made.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    made.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there too")
    made.add_argument("--ours-only", action="store_true", help="our own published table instead")
    made.add_argument("--fresh", action="store_true", help="with --ours-only: measure again what is already measured")
    made.add_argument("--limit", type=_count, help=argparse.SUPPRESS)
    return made


def _list_of(allowed: Sequence[str]) -> Any:
    def listed(value: str) -> list[str]:
        found = [each.strip() for each in value.split(",") if each.strip()]
        unknown = [each for each in found if each not in allowed]
        if unknown or not found:
            raise argparse.ArgumentTypeError(f"got {value!r}, expected some of {','.join(allowed)}")
        return found

    return listed


def _count(value: str) -> int:
    if not value.isdigit() or int(value) < 1:
        raise argparse.ArgumentTypeError(f"got {value!r}, expected a number from 1 on")
    return int(value)


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    try:
        settings = Settings.load()
        base(settings)
        return _ours(options, settings) if options.ours_only else _side_by_side(options, settings)
    except FirstlineError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("stopped; --ours-only goes on from here, and --json has what was finished")
        return 130


def _side_by_side(options: argparse.Namespace, settings: Settings) -> int:
    asked = Asked(
        sets=options.sets or (QUICK_SETS if options.quick else FULL_SETS),
        contenders=[each for each in CONTENDERS if not options.only or each.name in options.only],
        seeds=options.seeds,
        datasets=options.datasets,
        with_diet=options.with_diet or bool(options.only),
        limit=options.limit,
    )

    def keep(comparison: Comparison) -> None:
        if options.json:
            write_json(options.json, comparison.to_json())

    with tempfile.TemporaryDirectory(prefix="firstline-bench-") as folder:
        comparison = compare(asked, settings, Path(folder), keep)
    keep(comparison)
    text = report(comparison)
    print(text)
    if options.markdown:
        write_text(options.markdown, text)
    return 0 if any(found["contenders"] for found in comparison.sets.values()) else 1


def _ours(options: argparse.Namespace, settings: Settings) -> int:
    sets = options.sets or list(SETS)
    asked = Asked(sets, [OURS], seeds=options.seeds, datasets=options.datasets, limit=options.limit)
    records, gaps = measure_ours(asked, settings, options.markdown or RESULTS, fresh=options.fresh)
    if options.json:
        write_json(options.json, records)
    print(published_report(records, gaps) if records else "nothing could be measured")
    return 1 if gaps else 0


if __name__ == "__main__":
    sys.exit(main())
