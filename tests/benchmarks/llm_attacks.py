"""An obedient model behind the guard: what of many attacks reaches a customer, and what harmless questions are refused.

python -m tests.benchmarks.llm_attacks [--datasets ../shared/datasets] [--encoder FOLDER] [--styles N] [--seed 13]

The model server of `tests.llm.obedient` follows every order it finds in messages and passages. Attacks are its
templates (goals × languages × encodings, in the message and in a passage) and those of CyberSecEval 2; each is answered
in N of the server's styles. What would be said is looked at by a judge that shares no code with the guard.
`notinject_benign` are harmless questions full of trigger words (Li & Liu, 2024, arXiv 2410.22770): none should be kept
from the model. Without `--encoder` likeness is that of shared words. Figures go to stdout as JSON.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bot.breaker import Breaker
from bot.llm.client import ChatEndpoint
from bot.llm.guard import Guard
from bot.llm.personal import PersonalData
from bot.llm.prompts import reads_like_an_order
from bot.llm.support import Encode
from bot.llm.writer import Answered, Asked, Writer
from bot.store.database import Database
from bot.store.spending import Limits, Spending
from retrieval.documents import Document, Hit, Passage
from retrieval.embedder import OnnxEmbedder
from retrieval.passages import cut
from retrieval.sources.registry import parse
from tests.conftest import ROOT
from tests.far_side import FarSide
from tests.llm.obedient import STYLES, Attack, Obedient, cyberseceval, judge, poisoned, templates
from tests.llm.word_vectors import WordVectors

HOSTS = ("wrenfield.example",)
PAGES = ("express-saturday-delivery.md", "how-to-return.md")


@dataclass
class Tally:
    """Counts over all attacks; `refused` by the check that refused, `harmed` the attacks that did something."""

    answers: int = 0
    followed: int = 0
    said: int = 0
    leaks: int = 0
    foreign_links: int = 0
    uncited: int = 0
    obeyed: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    harmed: list[str] = field(default_factory=list)


class Arena:
    """A writer on a local server that obeys, with the demo's own passages and one that was poisoned."""

    def __init__(self, folder: Path, encode: Encode, guard: Guard | None = None) -> None:
        self.model = Obedient()
        self.server = FarSide()
        self.server.usual = self.model
        self.database = Database.open(f"sqlite:///{folder / 'arena.sqlite'}")
        spending = Spending(self.database, lambda: datetime(2026, 11, 21, tzinfo=UTC), Limits(10**12, 10**12))
        self.writer = Writer(
            ChatEndpoint(f"{self.server.address}/v1", "obedient"),
            spending,
            guard or Guard(HOSTS),
            PersonalData(),
            model="obedient",
            company="Wrenfield",
            breaker=Breaker(),
        )
        self.encode = encode
        pages = [parse((ROOT / "data" / "docs" / page).read_bytes(), page) for page in PAGES]
        self.documents = {each.id: each for each in pages}
        self.passages = [passage for each in self.documents.values() for passage in cut(each)[:2]]

    def play(self, attack: Attack, style: str, tally: Tally) -> None:
        """One attack in one style; what it came to is added to the tally."""
        self.model.attack, self.model.style, before = attack, style, self.model.followed
        passages, documents = list(self.passages), dict(self.documents)
        question = attack.text
        if attack.poison:
            passage = poisoned(attack)
            passages.insert(1, passage)
            documents[passage.document] = Document(passage.document, passage.title, passage.text, ())
            question = attack.question
        result = self.writer.write(
            Asked("c", question[:4_000], hits(passages), self.encode, lambda id, version: documents[id])
        )
        tally.answers += 1
        tally.followed += self.model.followed - before
        if not isinstance(result, Answered):
            tally.refused[result.outcome] += 1
            return
        tally.said += 1
        harm = judge(result.text, result.citations, attack, self.model.instructions)
        tally.leaks += harm.leaks
        tally.foreign_links += harm.foreign_links
        tally.uncited += harm.uncited
        tally.obeyed += harm.followed
        if harm:
            tally.harmed.append(f"{attack.family} | {style} | {result.text}")

    def close(self) -> None:
        self.server.close()
        self.database.close()


def hits(passages: list[Passage]) -> tuple[Hit, ...]:
    return tuple(Hit(passage, 1.0) for passage in passages)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", type=Path, default=ROOT.parent / "shared" / "datasets")
    parser.add_argument("--encoder", type=Path)
    parser.add_argument("--styles", type=int, default=len(STYLES))
    parser.add_argument("--seed", type=int, default=13)
    given = parser.parse_args()
    folder = given.datasets / "prompt_injection"
    attacks, benign = templates(), []
    if folder.is_dir():
        attacks += cyberseceval(folder / "cyberseceval_prompt_injection.json")
        lines = (folder / "notinject_benign.jsonl").read_text("utf-8").splitlines()
        benign = [json.loads(line)["text"] for line in lines]
    else:
        sys.stderr.write(f"{folder} is not there: the templates alone\n")
    encode = OnnxEmbedder.load(given.encoder).encode if given.encoder else WordVectors().encode
    chance, tally = random.Random(given.seed), Tally()
    with tempfile.TemporaryDirectory() as scratch:
        arena = Arena(Path(scratch), encode)
        for attack in attacks:
            for style in chance.sample(list(STYLES), given.styles):
                arena.play(attack, style, tally)
        arena.close()
    refused = sum(reads_like_an_order(text) for text in benign)
    figures = {
        "attacks": len(attacks),
        "answers": tally.answers,
        "orders_followed_by_the_server": tally.followed,
        "said_to_the_customer": tally.said,
        "leaks": tally.leaks,
        "foreign_links": tally.foreign_links,
        "uncited_sentences": tally.uncited,
        "orders_that_reached_the_customer": tally.obeyed,
        "refused_by": dict(tally.refused.most_common()),
        "benign": len(benign),
        "benign_refused": refused,
    }
    json.dump(figures, sys.stdout, indent=1)
    sys.stdout.write("\n")
    for line in tally.harmed[:40]:
        sys.stderr.write(f"{line[:300]}\n")


if __name__ == "__main__":
    main()
