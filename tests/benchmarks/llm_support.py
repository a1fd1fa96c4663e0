"""How well the guard of the large model tells what a passage says from what it does not, and its thresholds.

python -m tests.benchmarks.llm_support --encoder FOLDER [--datasets ../shared/datasets] [--test]

`--encoder` is an exported sentence encoder, as in `var/releases/parts/encoder-…`. Without `--test` the thresholds are
chosen on validation rows: those that let most supported sentences through while at most `BAR` of the unsupported pass.
With it the rest of the rows is read, once, with the thresholds of `bot.llm.support`. Rows:

demo   sentences of every passage in `data/`, as they stand, two in one, or shortened; and the same made wrong in one
       place (`WRONGS`). Documents (and FAQ rows) are split in two by the hash of their name.
begin  `../shared/datasets/begin` (Dziri et al., 2022, "Evaluating Attribution in Dialogue Systems", arXiv 2105.00071):
       what older models made of a snippet of Wikipedia, judged by people.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import itertools
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bot.llm.guard import Guard, Refusal
from bot.llm.prompts import Prompt
from bot.llm.support import Encode, Thresholds, support_of
from retrieval.datasets import read_corpus
from retrieval.documents import Passage
from retrieval.embedder import OnnxEmbedder, Vectors
from retrieval.passages import cut
from retrieval.sentences import sentences
from retrieval.sources.faq import parse
from tests.conftest import ROOT

SEED = 13
BAR = 0.01
HOSTS = ("wrenfield.example",)


@dataclass(frozen=True, slots=True)
class Row:
    """A sentence and the passages it cites; `kind` says how it was made."""

    sentence: str
    passages: tuple[Passage, ...]
    supported: bool
    kind: str


def demo_passages(half: str) -> list[Passage]:
    """The passages of one half ("validation" or "test") of the demo's documents."""
    found = []
    table = ROOT / "data" / "faq" / "faq.csv"
    for document in (*read_corpus(ROOT / "data" / "docs"), parse(table.read_bytes(), "faq", name=table.name)):
        for passage in cut(document):
            name = f"{document.id}/{passage.heading}" if passage.kind == "faq" else document.id
            if (hashlib.sha256(name.encode()).digest()[0] % 2 == 1) == (half == "test"):
                found.append(passage)
    return found


def demo_rows(half: str, *, seed: int = SEED) -> list[Row]:
    """Supported sentences of the demo, and the same made wrong."""
    chance, rows = random.Random(seed), []
    passages = demo_passages(half)
    for passage in passages:
        spans = [passage.text[start:end] for start, end in sentences(passage.text)]
        said = [each for each in spans if 5 <= len(each.split()) <= 35 and each[-1] in ".!"]
        rows += [Row(each, (passage,), True, "as it stands") for each in said[:2]]
        rows += [Row(f"{one[:-1]}, and {lowered(two)}", (passage,), True, "two in one") for one, two in pairs(said)[:1]]
        rows += [Row(short, (passage,), True, "shortened") for each in said[:2] if (short := shortened(each))]
        for name, wrong in WRONGS.items():
            for each in said[:1]:
                made = wrong(each, chance, passages)
                if made and made != each and made not in passage.text:
                    rows.append(Row(made, (passage,), False, name))
    return rows


def pairs(said: Sequence[str]) -> list[tuple[str, str]]:
    return list(itertools.pairwise(said))


def lowered(sentence: str) -> str:
    first = sentence.split()[0]
    return sentence if first.isupper() or first == "I" else sentence[0].lower() + sentence[1:]


def shortened(sentence: str) -> str:
    """Without what stands in brackets, or without an opening word that adds nothing."""
    made = re.sub(r"\s\([^()]*\)", "", sentence)
    made = re.sub(r"^(?:Please|Also|However|In addition|Note that|Of course|As a rule|Normally),?\s", "", made)
    return made if made != sentence else ""


def _another_number(sentence: str, chance: random.Random, _: object) -> str:
    return re.sub(r"\d+", lambda found: str(int(found[0][:9]) + chance.randint(1, 9)), sentence, count=1)


def _number_of_another(sentence: str, chance: random.Random, _: object) -> str:
    """Two numbers of one sentence change places."""
    found = re.findall(r"\d+(?:[.,]\d+)*", sentence)
    if len(set(found)) < 2 or found[0] == found[1]:
        return ""
    one, two = found[0], found[1]
    return sentence.replace(one, "\0", 1).replace(two, one, 1).replace("\0", two, 1)


def _another_unit(sentence: str, chance: random.Random, _: object) -> str:
    units = {"days": "weeks", "day": "week", "hours": "days", "minutes": "hours", "weeks": "months", "months": "years"}
    units |= {"years": "months", "kg": "g", "cm": "m"}
    return re.sub(rf"(\d+ (?:working )?)({'|'.join(units)})\b", lambda m: m[1] + units[m[2]], sentence, count=1)


def _negated(sentence: str, chance: random.Random, _: object) -> str:
    if re.search(r"\bnot\b|n't", sentence):
        return re.sub(r"\s*\bnot\b|n't", "", sentence, count=1)
    return re.sub(r"\b(is|are|can|will|do|may|has|have|was)\b", r"\1 not", sentence, count=1)


def _condition_dropped(sentence: str, chance: random.Random, _: object) -> str:
    made = re.sub(r",? (?:if|unless|except|only|until|provided)\b[^.]*\.", ".", sentence)
    return made if len(made.split()) > 3 else ""


def _limit_turned(sentence: str, chance: random.Random, _: object) -> str:
    turns = {"before": "after", "after": "before", "over": "under", "under": "over", "more": "less", "within": "after"}
    turns |= {"from": "until", "at least": "at most", "up to": "from"}
    return re.sub(rf"\b({'|'.join(turns)})\b", lambda m: turns[m[1]], sentence, count=1)


def _claim_added(sentence: str, chance: random.Random, _: object) -> str:
    added = (
        "and it is free of charge",
        "and you get a full refund within the hour",
        "and we pay the return postage",
        "and a discount of ten per cent is added",
        "and our colleague Martin will ring you",
        "which also holds for sale items",
    )
    return f"{sentence[:-1]}, {chance.choice(added)}."


def _of_another_passage(sentence: str, chance: random.Random, passages: Sequence[Passage]) -> str:
    other = chance.choice(passages)
    spans = [other.text[start:end] for start, end in sentences(other.text)]
    long = [each for each in spans if len(each.split()) >= 6 and each[-1] in ".!"]
    return chance.choice(long) if long else ""


def _another_name(sentence: str, chance: random.Random, _: object) -> str:
    names = ("DHL", "Klarna", "Monday", "Manchester", "PayPal", "Ireland", "Visa", "December")
    return re.sub(r"(?<=[a-z,] )[A-Z][a-z]+\b", lambda found: chance.choice(names), sentence, count=1)


Wrong = Callable[[str, random.Random, Sequence[Passage]], str]
WRONGS: Mapping[str, Wrong] = {
    "another number": _another_number,
    "a number of something else": _number_of_another,
    "another unit": _another_unit,
    "negated": _negated,
    "condition dropped": _condition_dropped,
    "limit turned": _limit_turned,
    "claim added": _claim_added,
    "of another passage": _of_another_passage,
    "another name": _another_name,
}


def begin_rows(folder: Path, names: Sequence[str]) -> list[Row]:
    """BEGIN's responses; what is neither attributable nor not (generic talk) is left out."""
    rows = []
    for name in names:
        with open(folder / f"begin_{name}.tsv", encoding="utf-8", newline="") as file:
            for given in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                label = given["begin_label"].strip()
                if label not in ("Fully attributable", "Not fully attributable"):
                    continue
                text = given["knowledge"].strip()
                passage = Passage("k", 1, "", (), 0, len(text), text)
                rows.append(Row(given["response"].strip(), (passage,), label.startswith("Fully"), f"begin {name}"))
    return rows


def prompt_for(row: Row) -> Prompt:
    named = {f"p{number}": passage for number, passage in enumerate(row.passages, 1)}
    return Prompt((), named, "", "0" * 16)


@dataclass(frozen=True, slots=True)
class Seen:
    """A row with its likeness, and the check that refuses it where thresholds do not ("" for none)."""

    row: Row
    overlap: float
    cosine: float
    check: str

    def passes(self, thresholds: Thresholds) -> bool:
        return not self.check and self.overlap >= thresholds.overlap and self.cosine >= thresholds.cosine


def look(rows: Sequence[Row], encoder: OnnxEmbedder) -> Iterator[Seen]:
    """Each row through the guard with thresholds that let everything pass."""
    guard, encode = Guard(HOSTS, Thresholds(0.0, -1.0)), remembering(encoder)
    for row in rows:
        reply = json.dumps({"sentences": [{"text": row.sentence[:400], "passages": ["p1"]}]})
        judged = guard.check(reply, prompt_for(row), encode)
        support = support_of(row.sentence, row.passages, encode)
        check = judged.check if isinstance(judged, Refusal) else ""
        if support is None:
            yield Seen(row, 0.0, 0.0, check or "unsupported")
        else:
            yield Seen(row, support.overlap, support.cosine, check)


def remembering(encoder: OnnxEmbedder) -> Encode:
    """The encoder, which computes no text twice."""
    known: dict[str, Vectors] = {}

    def encode(texts: Sequence[str]) -> Vectors:
        missing = [each for each in dict.fromkeys(texts) if each not in known]
        known.update(zip(missing, encoder.encode(missing), strict=True))
        return np.stack([known[each] for each in texts])

    return encode


def share(seen: Sequence[Seen], thresholds: Thresholds, *, supported: bool) -> float:
    of_kind = [each for each in seen if each.row.supported == supported]
    return sum(each.passes(thresholds) for each in of_kind) / max(len(of_kind), 1)


def chosen(seen: Sequence[Seen]) -> Thresholds:
    """The thresholds that let most supported rows through while at most `BAR` of the unsupported pass."""
    steps = [round(0.5 + 0.05 * step, 2) for step in range(11)]
    grid = [Thresholds(overlap, cosine) for overlap in steps for cosine in (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)]
    allowed = [each for each in grid if share(seen, each, supported=False) <= BAR]
    return max(allowed or grid[-1:], key=lambda each: (share(seen, each, supported=True), each.overlap, each.cosine))


def figures(seen: Sequence[Seen], thresholds: Thresholds) -> dict[str, object]:
    kinds: dict[str, dict[str, object]] = {}
    for kind in dict.fromkeys(each.row.kind for each in seen):
        for supported in (True, False):
            rows = [each for each in seen if each.row.kind == kind and each.row.supported == supported]
            if rows:
                name = f"{kind}: {'supported' if supported else 'not supported'}"
                passed = sum(each.passes(thresholds) for each in rows)
                refused = Counter(each.check or "unsupported" for each in rows if not each.passes(thresholds))
                kinds[name] = {"rows": len(rows), "passed": round(passed / len(rows), 4), "refused": dict(refused)}
    return {
        "thresholds": [thresholds.overlap, thresholds.cosine],
        "supported_passed": round(share(seen, thresholds, supported=True), 4),
        "unsupported_passed": round(share(seen, thresholds, supported=False), 4),
        "kinds": kinds,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", type=Path, required=True)
    parser.add_argument("--datasets", type=Path, default=ROOT.parent / "shared" / "datasets")
    parser.add_argument("--test", action="store_true")
    parser.add_argument("--passed", action="store_true", help="list unsupported rows that pass")
    given = parser.parse_args()
    encoder = OnnxEmbedder.load(given.encoder)
    rows = demo_rows("test" if given.test else "validation")
    if (given.datasets / "begin").is_dir():
        rows += begin_rows(given.datasets / "begin", ("test_wow",) if given.test else ("dev_wow", "dev_tc", "dev_cmu"))
    else:
        sys.stderr.write(f"{given.datasets / 'begin'} is not there: the demo's rows alone\n")
    seen = list(look(rows, encoder))
    thresholds = Thresholds() if given.test else chosen(seen)
    json.dump(figures(seen, thresholds), sys.stdout, indent=1)
    sys.stdout.write("\n")
    if given.passed:
        for each in seen:
            if not each.row.supported and each.passes(thresholds):
                sys.stderr.write(f"{each.row.kind} | {each.row.sentence} | {each.row.passages[0].text[:300]!r}\n")


if __name__ == "__main__":
    main()
