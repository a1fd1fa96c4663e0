"""Fits the confidence that belongs to a trained reader, and writes it into its `reader.json`.

python -m retrieval.training.confidence --reader data/reader --encoder FOLDER --company data --squad dev-v2.0.json

Read are questions that the reader was not trained on: a company's labelled training questions, over its documents with
and without its FAQ, its known questions leading the way, and those of the SQuAD articles that training left out to
choose on. Without `--reader`'s weights it
would fit what likeness alone says; `retrieval.reader.DEFAULT_MODEL` is that.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

from retrieval.confidence import ConfidenceModel, Features, fit_confidence
from retrieval.crossencoder import MANIFEST
from retrieval.datasets import Question, read_corpus, read_questions
from retrieval.documents import Document
from retrieval.embedder import OnnxEmbedder
from retrieval.knowledge import Knowledge, build
from retrieval.known import KnownQuestions
from retrieval.reader import Reader
from retrieval.sources import faq
from retrieval.training.examples import read_articles, split_titles, squad
from retrieval.training.reader import CHOSEN_ON, HELD_OUT
from retrieval.tuning import judged_readings

SQUAD_QUESTIONS = 200
"""Questions of SQuAD beside the company's: about as many, so that neither drowns the other."""


def fit(reader: Reader, encoder: OnnxEmbedder, arguments: argparse.Namespace) -> tuple[ConfidenceModel, int, int]:
    """The model, the number of questions it was fitted on, and how many of their best quotes were right."""
    documents = list(read_corpus(arguments.company / "docs"))
    table = arguments.company / "faq" / "faq.csv"
    pairs = faq.parse(table.read_bytes(), "faq", name=table.name)
    asked = read_questions(arguments.company / "eval" / "questions.training.jsonl")
    log = [each for path in sorted((arguments.company / "known").glob("*.jsonl")) for each in read_questions(path)]
    known = KnownQuestions.of(log, encoder) if log else None
    features, right = _readings(documents, asked, encoder, reader, known)
    more = [_readings([*documents, pairs], asked, encoder, reader, known)]
    if arguments.squad:
        more.append(_readings(*_squad_questions(arguments.squad, arguments.seed), encoder, reader))
    for each_features, each_right in more:
        features += each_features
        right += each_right
    return fit_confidence(features, right, seed=arguments.seed), len(right), sum(right)


def _readings(
    documents: Sequence[Document],
    questions: Sequence[Question],
    encoder: OnnxEmbedder,
    reader: Reader,
    known: KnownQuestions | None = None,
) -> tuple[list[Features], list[bool]]:
    with tempfile.TemporaryDirectory() as scratch:
        build(documents, encoder, Path(scratch), sentence_limit=0)
        return judged_readings(Knowledge.load(Path(scratch), encoder, reader=reader, known=known), questions)


def _squad_questions(path: Path, seed: int) -> tuple[Sequence[Document], list[Question]]:
    articles = read_articles(path)
    _, chosen, _ = split_titles(articles, (len(articles) - HELD_OUT, CHOSEN_ON), seed)
    data = squad(articles, chosen)
    questions = [
        Question(str(number), each.text, each.answerable, each.answers if each.answerable else ())
        for number, each in enumerate(data.questions)
    ]
    return data.documents, random.Random(seed).sample(questions, min(SQUAD_QUESTIONS, len(questions)))


def main(given: Sequence[str] | None = None) -> None:
    """Fit and write; figures go to stdout as JSON."""
    parser = argparse.ArgumentParser(prog="python -m retrieval.training.confidence", description="Fit the confidence.")
    parser.add_argument("--reader", type=Path, default=Path("data/reader"), help="folder of the trained reader")
    parser.add_argument("--encoder", type=Path, required=True, help="folder of the exported retriever's encoder")
    parser.add_argument("--company", type=Path, default=Path("data"), help="the company's folder: docs, faq, eval")
    parser.add_argument("--squad", type=Path, help="the SQuAD 2 file the reader was trained on")
    parser.add_argument("--seed", type=int, default=13)
    arguments = parser.parse_args(given)
    model, count, good = fit(Reader.load(arguments.reader), OnnxEmbedder.load(arguments.encoder), arguments)
    manifest = arguments.reader / MANIFEST
    stated = json.loads(manifest.read_text("utf-8"))
    stated["confidence"] = model.to_json()
    stated["confidence_fitted_on"] = {"questions": count, "right": good, "seed": arguments.seed}
    partial = manifest.with_name(f"{MANIFEST}.{os.getpid()}.partial")
    with partial.open("w", encoding="utf-8") as file:
        file.write(json.dumps(stated, indent=1, ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, manifest)
    print(json.dumps(stated["confidence_fitted_on"] | {"threshold": model.threshold}))  # noqa: T201


if __name__ == "__main__":
    main()
