"""Accepting findings: their rows are found again by content, edited in drafts, and written all or not at all."""

from __future__ import annotations

import difflib
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.errors import BadInput, Conflict, NotFound, Refused
from bot.understanding.care.corpus import PlacedRow, distinct
from bot.understanding.care.editing import Drafts
from bot.understanding.care.findings import KINDS, Finding, Report
from bot.understanding.care.lines import split_lines
from bot.understanding.examples.dataset import files_of


@dataclass(frozen=True, slots=True)
class Change:
    """A file before and after; `path` is where it really lies, links resolved."""

    path: Path
    before: str
    after: str

    def diff(self) -> str:
        """The change as a unified diff, for people: line endings and control characters are not shown."""
        old, new = ([_shown(line) for line in split_lines(text)] for text in (self.before, self.after))
        lines = difflib.unified_diff(old, new, str(self.path), str(self.path), n=1, lineterm="")
        return "".join(f"{line}\n" for line in lines)


def plan(report: Report, ids: Sequence[str]) -> list[Change]:
    """What accepting would change, in the order it has to be written. Nothing is written.

    `NotFound` for an id the report does not have, `Refused` for a finding without a suggestion or a file that cannot
    be edited line by line or is named twice, `Conflict` where a file no longer holds the rows of a finding.
    """
    known = {finding.id: finding for finding in report.findings}
    drafts = Drafts(others=_files(report))
    for id in dict.fromkeys(ids):
        if id not in known:
            raise NotFound(f"no finding {id!r} in the last check; `firstline data check` lists what there is now")
        _apply(known[id], drafts)
    _require_distinct(drafts.before)
    changed = [path for path in drafts.after if drafts.after[path] != drafts.before[path]]
    # rows arrive before they leave: a crash between two files leaves a row twice, never not at all
    changed.sort(key=lambda path: path not in drafts.receiving)
    return [Change(path.resolve(), drafts.before[path], drafts.after[path]) for path in changed]


def write(changes: Sequence[Change]) -> None:
    """Replace every file at once, or none: `Conflict` if one was changed meanwhile, `BadInput` if it cannot be."""
    partials: list[tuple[Path, Path]] = []
    try:
        for change in changes:
            partial = change.path.with_name(f"{change.path.name}.{os.getpid()}.partial")
            partials.append((partial, change.path))
            _write_flushed(partial, change.after.encode("utf-8"), like=change.path)
        for change in changes:
            if change.path.read_bytes() != change.before.encode("utf-8"):
                raise Conflict(f"{change.path.name} was changed meanwhile; nothing was written, accept again")
        for partial, path in partials:
            os.replace(partial, path)
    except OSError as error:
        raise BadInput(f"{error.filename or 'a file'} cannot be written: {error.strerror}") from error
    finally:
        for partial, _ in partials:
            partial.unlink(missing_ok=True)


def _apply(finding: Finding, drafts: Drafts) -> None:
    if finding.fix is None:
        raise Refused(f"{finding.id} has no suggestion that could be applied: {KINDS[finding.kind].advice}")
    _located(finding, finding.rows, drafts)
    left = dict(enumerate(finding.rows))
    for target in finding.fix.targets:
        rows = _located(finding, tuple(left.values()), drafts)
        row = rows[list(left).index(target)]
        if finding.fix.action == "remove":
            drafts.remove(row.path, row)
        else:
            drafts.move(row.path, row, finding.fix.intent)
        del left[target]


def _located(finding: Finding, wanted: Sequence[PlacedRow], drafts: Drafts) -> list[PlacedRow]:
    """The rows as they stand now, each another one, nearest to where they stood; `Conflict` if one is gone."""
    found: list[PlacedRow] = []
    for row in wanted:
        try:
            present = drafts.rows(row.path)
        except BadInput as error:
            raise Conflict(f"{finding.id} no longer matches: {error}") from error
        same = [each for each in present if _same(each, row) and each not in found]
        if not same:
            raise Conflict(
                f"{finding.id} no longer matches {row.path.name}: it has no “{row.text[:80]}” under {row.intent} "
                f"(line {row.line} at the check); run `firstline data check` again"
            )
        found.append(min(same, key=lambda each: abs(each.line - row.line)))
    return found


def _same(one: PlacedRow, other: PlacedRow) -> bool:
    return (one.text, one.intent, one.entities) == (other.text, other.intent, other.entities)


def _require_distinct(files: Iterable[Path]) -> None:
    """Refuse two names of one file: its rows look like copies of each other, and the only one would be removed."""
    named: dict[Path, Path] = {}
    for file in files:
        first = named.setdefault(file.resolve(), file)
        if first != file:
            raise Refused(f"{first} and {file} are one file; run `firstline data check` again, which reads it once")


def _files(report: Report) -> tuple[Path, ...]:
    """Every file the check read that is still there."""
    return distinct(file for path in report.paths if path.exists() for file in files_of(path))


def _shown(line: str) -> str:
    seen = line.rstrip("\r\n")
    return "".join(each if each.isprintable() or each == "\t" else "\ufffd" for each in seen)


def _write_flushed(path: Path, content: bytes, *, like: Path) -> None:
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    shutil.copymode(like, path)
