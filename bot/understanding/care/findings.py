"""What a check reports: findings with a stable id, the rows they concern, what to do, and a fix where there is one."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from bot.errors import BadInput
from bot.messages import Entity
from bot.understanding.care.corpus import PlacedRow

Severity = Literal["blocks", "matters", "advice"]
"""`blocks`: nothing can be trained; `matters`: the model learns something wrong or private; `advice`: worth a look."""

SEVERITIES: tuple[Severity, ...] = ("blocks", "matters", "advice")
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of finding: its key, a title, what it costs to leave it, and what to do."""

    key: str
    title: str
    advice: str


KINDS = {
    kind.key: kind
    for kind in (
        Kind("unreadable", "Nothing to train on", "Mend these first: a training would stop here."),
        Kind("conflict", "Same text under two intents", "Decide for one intent and remove the other row."),
        Kind(
            "personal", "Personal data", "Replace it with something made up: what is learned from cannot be unlearned."
        ),
        Kind("unusable", "Left out", "Mend or remove these; no training sees them."),
        Kind("labels", "Names of intents", "Rename the intent wherever it is written, or make the two names one."),
        Kind("few_rows", "Intents with few rows", "Collect more rows in customers' own words."),
        Kind("contradicted", "Rows that the others contradict", "Read each; accept the suggestion where it is right."),
        Kind("overlap", "Intents that overlap", "Merge the two, or write rows that tell them apart."),
        Kind(
            "duplicate", "Duplicates", "Accept to keep one of them; copies teach nothing and flatter every measurement."
        ),
        Kind("near_duplicate", "Near duplicates", "Accept to merge them into the first row, where they say the same."),
        Kind("language", "Another language or script", "Move them to data of that language, or translate them."),
        Kind("length", "Long rows", "Shorten them to what the customer wants."),
        Kind("order_numbers", "Order numbers", "Make sure that they are made up."),
    )
}
"""Every kind, in the order they are shown."""


@dataclass(frozen=True, slots=True)
class Fix:
    """What accepting does: `action` is "move" (to `intent`) or "remove", for the finding's rows at `targets`."""

    action: Literal["move", "remove"]
    targets: tuple[int, ...]
    intent: str = ""

    def in_words(self, rows: Sequence[PlacedRow]) -> str:
        places = ", ".join(rows[target].place for target in self.targets)
        return f"move {places} to {self.intent}" if self.action == "move" else f"remove {places}"


@dataclass(frozen=True, slots=True)
class Finding:
    """`subject` names what has no row: a file, an intent, a pair. `figures` are measured: cosines, probabilities,
    shares, counts; `weight` orders findings of a kind, the worst first."""

    kind: str
    severity: Severity
    says: str
    rows: tuple[PlacedRow, ...] = ()
    subject: str = ""
    fix: Fix | None = None
    figures: Mapping[str, float] = field(default_factory=dict)
    weight: float = 0.0

    @property
    def id(self) -> str:
        """Derived from the content: the same for the same texts, intents and suggestion, wherever they stand."""
        rows = sorted((row.path.name, row.intent, row.text) for row in self.rows)
        fix = [self.fix.action, self.fix.intent] if self.fix else []
        targets = sorted(self.rows[target].text for target in self.fix.targets) if self.fix else []
        known = [self.kind, self.subject, [] if self.subject else rows, fix, targets]
        digest = hashlib.sha256(json.dumps(known, ensure_ascii=False).encode()).hexdigest()
        return f"{self.kind.replace('_', '-')}-{digest[:10]}"

    def to_json(self) -> dict[str, Any]:
        fix = None
        if self.fix is not None:
            fix = {"action": self.fix.action, "targets": list(self.fix.targets), "intent": self.fix.intent}
        return {
            "id": self.id,
            "kind": self.kind,
            "severity": self.severity,
            "says": self.says,
            "do": self.fix.in_words(self.rows) if self.fix else KINDS[self.kind].advice,
            "subject": self.subject,
            "rows": [_row_to_json(row) for row in self.rows],
            "fix": fix,
            "figures": {name: round(value, 4) for name, value in self.figures.items()},
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Finding:
        """`KeyError`, `TypeError` or `ValueError` if it was not written by `to_json`."""
        fix = stored["fix"]
        return cls(
            kind=KINDS[stored["kind"]].key,
            severity=stored["severity"],
            says=stored["says"],
            rows=tuple(_row_from_json(row) for row in stored["rows"]),
            subject=stored["subject"],
            fix=Fix(fix["action"], tuple(int(each) for each in fix["targets"]), fix["intent"]) if fix else None,
            figures=stored["figures"],
        )


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found. `agreement` is the share of rows that cross-validation takes for the intent they have, None
    where there was none."""

    paths: tuple[Path, ...]
    rows: int
    intents: int
    agreement: float | None
    findings: tuple[Finding, ...]

    @property
    def counts(self) -> Counter[str]:
        """Findings of each kind."""
        return Counter(finding.kind for finding in self.findings)

    def of_kind(self, kind: str) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.kind == kind)

    @property
    def blocking(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity == "blocks")

    def to_json(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "paths": [str(path) for path in self.paths],
            "rows": self.rows,
            "intents": self.intents,
            "agreement": self.agreement,
            "counts": {kind: self.counts[kind] for kind in KINDS if self.counts[kind]},
            "findings": [finding.to_json() for finding in self.findings],
        }

    @classmethod
    def from_json(cls, stored: Any, source: Path) -> Report:
        """A report as `to_json` wrote it; `BadInput` names `source` if it is none."""
        try:
            if stored["format"] != FORMAT:
                raise ValueError(f"format {stored['format']!r}, expected {FORMAT}")
            return cls(
                paths=tuple(Path(path) for path in stored["paths"]),
                rows=int(stored["rows"]),
                intents=int(stored["intents"]),
                agreement=stored["agreement"],
                findings=tuple(Finding.from_json(each) for each in stored["findings"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadInput(
                f"{source} is not a report of `firstline data check` ({type(error).__name__}: {error}); "
                "run the check again with --json"
            ) from error


def ordered(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """By kind as in `KINDS`, within a kind by severity, then the heaviest first."""
    kinds = list(KINDS)
    return tuple(
        sorted(findings, key=lambda each: (kinds.index(each.kind), SEVERITIES.index(each.severity), -each.weight))
    )


def _row_to_json(row: PlacedRow) -> dict[str, Any]:
    return {
        "file": str(row.path),
        "line": row.line,
        "intent": row.intent,
        "text": row.text,
        "entities": [[each.name, each.value, each.start, each.end] for each in row.entities],
    }


def _row_from_json(stored: Mapping[str, Any]) -> PlacedRow:
    entities = tuple(Entity(name, value, int(start), int(end)) for name, value, start, end in stored["entities"])
    return PlacedRow(Path(stored["file"]), int(stored["line"]), stored["text"], stored["intent"], entities)
