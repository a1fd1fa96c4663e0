"""Precision and recall of the entity recognisers on customer sentences written before the recognisers were read.

python -m tests.benchmarks.entities [--misses] [--json FILE]

Rows: `tests/understanding/entities.jsonl`, `{"text", "entities": [[name, surface, value], …], "held_out"}`, surfaces in
the order they stand. Right means name, value and both offsets. A third is `held_out`: not looked at while the
recognisers were changed; one that was wrong then and is repaired since counts as seen. Where
`../shared/datasets/presidio_pii` lies beside the project (MIT, made by templates, mostly American, phones of random
digits), its e-mails, phones and dates are counted too, by overlap, since it gives no values.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from bot.messages import Entity
from bot.understanding.entities.definitions import EntityDefinitions, Spelling
from bot.understanding.entities.finder import EntityFinder

ROWS = Path(__file__).parents[1] / "understanding" / "entities.jsonl"
PRESIDIO = Path(__file__).parents[3] / "shared" / "datasets" / "presidio_pii"
PRESIDIO_KINDS = {"EMAIL_ADDRESS": "email", "PHONE_NUMBER": "phone", "DATE_TIME": "date"}
TODAY = date(2025, 6, 11)
"""The Wednesday on which all rows were written."""

DEFINITIONS = EntityDefinitions(
    phrases={
        "kettle ek-200": ("product", "kettle EK-200"),
        "ek-200": ("product", "kettle EK-200"),
        "kettle": ("product", "kettle EK-200"),
        "toaster": ("product", "toaster"),
    },
    regexes=(("voucher", "WG-[A-Z0-9]{12}"),),
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """One customer sentence and all that must be found in it."""

    text: str
    entities: tuple[Entity, ...]
    held_out: bool


@dataclass(slots=True)
class Tally:
    """Counts by kind of entity, and what was missed (`-`) or found for nothing (`+`)."""

    right: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    expected: Counter[str] = field(default_factory=Counter)
    misses: list[str] = field(default_factory=list)

    def table(self) -> list[dict[str, Any]]:
        kinds = sorted(set(self.found) | set(self.expected))
        return [self._row(kind, [kind]) for kind in kinds] + [self._row("all", kinds)]

    def _row(self, name: str, kinds: list[str]) -> dict[str, Any]:
        right, found, expected = (sum(each[kind] for kind in kinds) for each in (self.right, self.found, self.expected))
        precision, recall = right / found if found else None, right / expected if expected else None
        return {"kind": name, "precision": precision, "recall": recall, "expected": expected, "found": found}


def sentences(path: Path = ROWS) -> list[Sentence]:
    """The rows with offsets; `ValueError` for a surface that does not stand in its text."""
    return [_sentence(json.loads(line)) for line in path.read_text("utf-8").splitlines()]


def _sentence(row: Mapping[str, Any]) -> Sentence:
    entities, last = [], 0
    for name, surface, value in row["entities"]:
        start = row["text"].index(surface, last)
        last = start + len(surface)
        entities.append(Entity(name, value, start, last))
    return Sentence(row["text"], tuple(entities), row["held_out"])


def tally(rows: Iterable[Sentence], finder: EntityFinder) -> Tally:
    """Exact agreement: name, value, offsets."""
    counted = Tally()
    for row in rows:
        found, expected = set(finder.find(row.text, today=TODAY)), set(row.entities)
        counted.found.update(each.name for each in found)
        counted.expected.update(each.name for each in expected)
        counted.right.update(each.name for each in found & expected)
        counted.misses += [_shown(row.text, "-", each) for each in sorted(expected - found, key=lambda e: e.start)]
        counted.misses += [_shown(row.text, "+", each) for each in sorted(found - expected, key=lambda e: e.start)]
    return counted


def presidio(folder: Path = PRESIDIO) -> Tally:
    """Agreement by overlap with the spans of `presidio_pii`, phones and dates read as American ones."""
    finder = EntityFinder(EntityDefinitions(spelling=Spelling(order_pattern=r"(?!)()", phone_region="US")))
    counted = Tally()
    for name in ("synth_dataset_v2.json", "generated_large.json"):
        for row in json.loads((folder / name).read_text("utf-8")):
            spans = [
                Entity(PRESIDIO_KINDS[span["entity_type"]], "", span["start_position"], span["end_position"])
                for span in row["spans"]
                if span["entity_type"] in PRESIDIO_KINDS
            ]
            found = [
                each for each in finder.find(row["full_text"], today=TODAY) if each.name in PRESIDIO_KINDS.values()
            ]
            _overlap(row["full_text"], spans, found, counted)
    return counted


def _overlap(text: str, spans: list[Entity], found: list[Entity], counted: Tally) -> None:
    for span in spans:
        counted.expected[span.name] += 1
        if any(_same_place(span, each) for each in found):
            counted.right[span.name] += 1
        else:
            counted.misses.append(_shown(text, "-", span))
    for each in found:
        counted.found[each.name] += 1
        if not any(_same_place(span, each) for span in spans):
            counted.misses.append(_shown(text, "+", each))


def _same_place(one: Entity, other: Entity) -> bool:
    return one.name == other.name and one.start < other.end and other.start < one.end


def _shown(text: str, sign: str, entity: Entity) -> str:
    return f"{sign} {entity.name} {text[entity.start : entity.end]!r} {entity.value}  in {text!r}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--misses", action="store_true", help="show what was wrong, outside the held-out rows")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    given = parser.parse_args()
    rows, finder = sentences(), EntityFinder(DEFINITIONS)
    parts = {
        "seen while written": tally((row for row in rows if not row.held_out), finder),
        "held out": tally((row for row in rows if row.held_out), finder),
    }
    if PRESIDIO.is_dir():
        parts["presidio_pii (by overlap)"] = presidio()
    else:
        print(f"presidio_pii: skipped, {PRESIDIO} is not there")
    for name, counted in parts.items():
        print(f"\n{name}\n{'kind':<14}{'precision':>10}{'recall':>9}{'expected':>10}{'found':>7}")
        for line in counted.table():
            precision, recall = (
                f"{each:.1%}" if each is not None else "-" for each in (line["precision"], line["recall"])
            )
            print(f"{line['kind']:<14}{precision:>10}{recall:>9}{line['expected']:>10}{line['found']:>7}")
        if given.misses and name != "held out":
            print("\n".join(counted.misses))
    if given.json:
        given.json.write_text(json.dumps({name: counted.table() for name, counted in parts.items()}, indent=1) + "\n")


if __name__ == "__main__":
    main()
