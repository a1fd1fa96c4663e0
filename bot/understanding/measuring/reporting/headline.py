"""The figures that come first, each with what it means to whoever runs a help desk."""

from __future__ import annotations

from dataclasses import dataclass

from bot.understanding.measuring.evaluation import Evaluation


@dataclass(frozen=True, slots=True)
class Headline:
    """A figure ready to be read: its value, how far it can be trusted, and what it says."""

    name: str
    value: str
    range: str
    meaning: str


def headlines(found: Evaluation) -> list[Headline]:
    """Those that were measured, the most asked for first."""
    report = found.report
    told = [
        _share(found, "accuracy", "Accuracy", f"of {report.test_rows:,} test rows get the right intent first."),
        _share(found, "macro_f1", "Macro F1", "is F1 averaged over intents, so that a rare one counts as much."),
        Headline(
            "Calibration error",
            f"{100 * report.ece:.1f} points",
            _spread(found, "ece"),
            "is how far the stated confidence lies from the accuracy, on average over rows.",
        ),
        Headline(
            "Sure enough",
            f"{report.coverage_at_5pct_wrong:.1%}",
            _spread(found, "coverage_at_5pct_wrong"),
            "of the rows can be acted on, the most confident first, with at most 5 % of them wrong.",
        ),
    ]
    if report.oos_auroc is not None:
        told += [
            _share(
                found,
                "oos_auroc",
                "Out-of-scope AUROC",
                "is how likely a row that no intent fits scores above one that has an intent; "
                f"{report.oos_rows:,} such rows.",
            ),
            _share(
                found,
                "oos_recall_at_threshold",
                "Strangers found",
                "of the rows that no intent fits are held out of scope at the model's own threshold.",
            ),
            _share(
                found,
                "in_scope_accuracy_at_threshold",
                "Known and right",
                "of the in-scope rows get the right intent and are not refused as out of scope.",
            ),
        ]
    told.append(
        Headline(
            "Speed",
            f"{report.predict_ms_p50:.1f} ms",
            f"p95 {report.predict_ms_p95:.1f} ms",
            f"a sentence, alone, on one thread; the model has {report.model_bytes / 1e6:.0f} MB and trained in "
            f"{report.train_s:.0f} s.",
        )
    )
    return told


def _share(found: Evaluation, name: str, shown: str, meaning: str) -> Headline:
    low, high = found.intervals[name]
    between = f"95 %: {100 * low:.1f} to {100 * high:.1f} %"
    spread = _spread(found, name)
    value = getattr(found.report, name)
    return Headline(shown, f"{value:.1%}", f"{between}; {spread}" if spread else between, meaning)


def _spread(found: Evaluation, name: str) -> str:
    return f"± {100 * found.spread[name]:.1f} over {len(found.seeds)} seeds" if name in found.spread else ""
