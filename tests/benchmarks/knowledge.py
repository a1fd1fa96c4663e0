"""Finding, reading and abstaining: Firstline, BM25 alone and dense search alone, on the same questions in one run.

make bench-knowledge ARGS="--quick"    wixqa_sample, xquad_en and the demo; minutes
make bench-knowledge                   squad2_cs224n and 2,757 pages of aws_docs_qa too; an hour the first time
make bench-knowledge ARGS="--large"    all 26,624 pages too; hours the first time

Vectors are kept in `<home>/benchmarks/vectors` by the hash of their text, so a repeated run embeds nothing. A set
without a split of its own is halved by its questions' ids: everything that was chosen was chosen on the first half;
`report` is the other. The results are written to tests/benchmarks/knowledge-results.md when nothing is left out.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from bot.errors import BadInput, FirstlineError
from bot.releases.registry import write_json
from bot.settings import Settings
from bot.setup import ensure_base_model
from retrieval.embedder import OnnxEmbedder
from retrieval.errors import UnreadableSource
from retrieval.judging import auroc
from retrieval.knowledge import Knowledge, build
from tests.benchmarks.conditions import conditions
from tests.benchmarks.knowledge_ranking import SYSTEMS, paired, places, worth
from tests.benchmarks.knowledge_reading import Reading, answerable, company, found_and_read, given_paragraph
from tests.benchmarks.knowledge_sets import QuestionSet, articles_set, company_set, ranking_set, reading_set
from tests.benchmarks.knowledge_table import report
from tests.benchmarks.tables import write_text
from tests.benchmarks.vector_cache import BATCH, CachedEmbedder

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).parent / "knowledge-results.md"
BASE = "all-MiniLM-L6-v2"
QUICK = ("wixqa_sample", "xquad_en", "demo")
USUAL = (*QUICK, "squad2_cs224n", "aws_docs_qa")
LARGE = "aws_docs_qa_26624"
MEASURES = {
    "wixqa_sample": ("hit@1", "hit@3", "mrr@3"),
    "aws_docs_qa": ("hit@1", "hit@5", "mrr@10"),
    LARGE: ("hit@1", "hit@5", "mrr@10"),
}

Figures = dict[str, Any]


def figures_of(measure: str, rows: dict[str, list[float]], reported: Sequence[bool]) -> list[Figures]:
    """Means of all questions and of those only reported, by system, with the intervals of our lead."""
    chosen = [("all", range(len(reported))), ("report", [row for row, each in enumerate(reported) if each])]
    found = []
    for part, numbers in chosen:
        if part == "report" and not 0 < len(numbers) < len(reported):
            continue
        values = {system: [rows[system][number] for number in numbers] for system in SYSTEMS}
        found.append(
            {
                "measure": measure,
                "questions": part,
                "count": len(numbers),
                **{system: float(np.mean(values[system])) for system in SYSTEMS},
                **{f"lead_{other}": paired(values["ours"], values[other]) for other in ("bm25", "dense")},
            }
        )
    return found


def auroc_figures(rows: dict[str, list[float]], labels: Sequence[bool], reported: Sequence[bool]) -> list[Figures]:
    """AUROC on the articles held out, by system, with the intervals of our lead."""
    numbers = np.flatnonzero(reported)
    truth = np.asarray(labels)[numbers]
    values = {system: np.asarray(rows[system])[numbers] for system in SYSTEMS}
    found = {system: auroc(values[system].tolist(), truth.tolist()) for system in SYSTEMS}
    chance = np.random.default_rng(13)
    leads: dict[str, list[float]] = {"bm25": [], "dense": []}
    for _ in range(500):
        drawn = chance.integers(0, len(numbers), len(numbers))
        ours = auroc(values["ours"][drawn].tolist(), truth[drawn].tolist()) or 0.0
        for other, differences in leads.items():
            differences.append(ours - (auroc(values[other][drawn].tolist(), truth[drawn].tolist()) or 0.0))
    intervals = {f"lead_{other}": tuple(np.percentile(each, [2.5, 97.5]).tolist()) for other, each in leads.items()}
    shown = {"measure": "answerable or not, AUROC", "questions": "articles held out", "count": len(numbers)}
    return [{**shown, **found, **intervals}]


def known(data: QuestionSet, embedder: CachedEmbedder, *, serving: OnnxEmbedder | None = None) -> Knowledge:
    """The set's documents, indexed in a folder that is gone at once; `serving` embeds the questions instead, for the
    clock."""
    with tempfile.TemporaryDirectory() as scratch:
        build(data.documents, embedder, Path(scratch))
        return Knowledge.load(Path(scratch), serving or embedder)


def ranking(data: QuestionSet, embedder: CachedEmbedder) -> list[Figures]:
    """Finding: one row a measure."""
    found = places(known(data, embedder), data)
    rows = []
    for measure in MEASURES[data.name]:
        rows += figures_of(measure, {system: worth(measure, found[system]) for system in SYSTEMS}, data.reported)
    return rows


def reading(data: QuestionSet, embedder: CachedEmbedder) -> list[Figures]:
    """Reading: its paragraph given, and all paragraphs searched."""
    knowledge = known(data, embedder)
    rows = []
    for each in (given_paragraph(knowledge, data), found_and_read(knowledge, data)):
        rows += [row for measure in each.measures for row in figures_of(measure, each.measures[measure], each.reported)]
    return rows


def abstaining(data: QuestionSet, embedder: CachedEmbedder) -> list[Figures]:
    """Answerable or not, on the articles that nothing learned from."""
    kept = [number for number, reported in enumerate(data.reported) if reported]
    some = QuestionSet(data.name, data.documents, [data.questions[n] for n in kept], [True] * len(kept))
    found: Reading = answerable(known(data, embedder), some)
    return auroc_figures(found.measures["answerable"], [each.answerable for each in some.questions], found.reported)


def on_demo(data: QuestionSet, embedder: CachedEmbedder, serving: OnnxEmbedder) -> list[Figures]:
    """The demo company's validation questions as they are served, without its intents and its gate."""
    return [{"measure": "demo", **asdict(company(known(data, embedder, serving=serving), data))}]


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="make bench-knowledge", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--quick", action="store_true", help=f"only {', '.join(QUICK)}")
    made.add_argument("--large", action="store_true", help="all 26,624 pages of aws_docs_qa too")
    made.add_argument("--only", metavar="SET", action="append", choices=(*USUAL, LARGE), help="may be repeated")
    made.add_argument("--datasets", type=Path, default=ROOT.parent / "shared" / "datasets", metavar="FOLDER")
    made.add_argument("--encoder", type=Path, metavar="FOLDER", help="an exported encoder; the base model's otherwise")
    made.add_argument("--vectors", type=Path, metavar="FOLDER", help="where vectors are kept")
    made.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    made.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there too")
    return made


def encoder_of(settings: Settings, folder: Path | None) -> OnnxEmbedder:
    """The given encoder, or the base model's export, which is kept beside the vectors."""
    if folder is not None:
        return OnnxEmbedder.load(folder)
    exported = settings.home / "benchmarks" / "encoder"
    if not (exported / "config.json").is_file():
        from retrieval.export import export_encoder

        ensure_base_model(settings, lambda message, done, total: None)
        exported.mkdir(parents=True, exist_ok=True)
        export_encoder(settings.home / "base" / BASE, exported)
    return OnnxEmbedder.load(exported)


def told(done: int, total: int) -> None:
    """Progress of what takes more than a moment."""
    if total > BATCH:
        say(f"  embedded {done:,} of {total:,}")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write."""
    given = parser().parse_args(arguments)
    settings = Settings.load()
    names = tuple(given.only) if given.only else QUICK if given.quick else USUAL + ((LARGE,) if given.large else ())
    try:
        began, found = conditions(), {}
        serving = encoder_of(settings, given.encoder)
        vectors = given.vectors or settings.home / "benchmarks" / "vectors"
        embedder = CachedEmbedder(serving, vectors, told)
        for name in names:
            started = time.monotonic()
            say(f"{name} …")
            data, measure = _task(name, given.datasets, embedder, serving)
            found[name] = {"documents": len(data.documents), "questions": len(data.questions), "rows": measure(data)}
            say(f"  {time.monotonic() - started:.0f} s")
    except (FirstlineError, UnreadableSource) as error:
        say(str(error))
        return 1
    text = report(found, began)
    print(text)
    places_to_write = [given.markdown] if given.markdown else []
    if set(USUAL) <= set(names):
        places_to_write.append(RESULTS)
    for path in places_to_write:
        write_text(path, text)
    if given.json:
        write_json(given.json, {"conditions": began, "sets": found})
    return 0


def _task(
    name: str, datasets: Path, embedder: CachedEmbedder, serving: OnnxEmbedder
) -> tuple[QuestionSet, Callable[[QuestionSet], list[Figures]]]:
    """A set and how it is measured."""
    if name == "demo":
        return company_set(ROOT / "data"), lambda data: on_demo(data, embedder, serving)
    if name == "xquad_en":
        return reading_set(name, datasets / name / "xquad.en.json"), lambda data: reading(data, embedder)
    if name == "squad2_cs224n":
        return articles_set(name, datasets / name / "dev-v2.0.json"), lambda data: abstaining(data, embedder)
    corpora = {"wixqa_sample": "corpus.jsonl", "aws_docs_qa": "corpus_gold_guides.jsonl.gz", LARGE: "corpus.jsonl.gz"}
    if name not in corpora:
        raise BadInput(f"there is no set {name}; expected one of {', '.join((*USUAL, LARGE))}")
    folder = datasets / ("aws_docs_qa" if name == LARGE else name)
    return ranking_set(name, folder, corpora[name]), lambda data: ranking(data, embedder)


if __name__ == "__main__":
    sys.exit(main())
