"""What finding, reading and abstaining are worth: with the trained reader and without it, on the same questions.

python -m tests.benchmarks.knowledge_reader --encoder FOLDER --reader data/reader --datasets ../shared/datasets [--test]

Without `--test` only rows are read that may be chosen on: two articles of SQuAD 2 that the reader was not trained on,
and the demo company's validation questions. With it the rest, once. Figures go to stdout as JSON; intervals are 95 %,
from 2,000 paired bootstrap draws.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from retrieval.confidence import ConfidenceModel, fit_confidence
from retrieval.datasets import Question, read_corpus, read_qrels, read_queries, read_questions
from retrieval.documents import Document, Passage
from retrieval.embedder import OnnxEmbedder
from retrieval.evaluation import ranked_documents
from retrieval.judging import auroc, coverage_at, holds, plain
from retrieval.knowledge import Knowledge, build
from retrieval.reader import DEFAULT_MODEL, Reader, answer_of
from retrieval.reading import pair_of
from retrieval.sentences import spans_of
from retrieval.sources import faq
from retrieval.training.examples import read_articles, split_titles, squad

SEED = 13
DRAWS = 2_000
FOLDS = 5

Figures = dict[str, Any]


def known(documents: Sequence[Document], encoder: OnnxEmbedder, reader: Reader) -> Knowledge:
    """The documents, indexed in a folder that is gone at once."""
    with tempfile.TemporaryDirectory() as scratch:
        build(documents, encoder, Path(scratch))
        return Knowledge.load(Path(scratch), encoder, reader=reader)


def interval(difference: Sequence[float]) -> list[float]:
    """95 % of the bootstrap means of a paired difference."""
    values = np.asarray(difference, dtype=np.float64)
    draws = np.random.default_rng(SEED).integers(0, len(values), (DRAWS, len(values)))
    return [round(float(each), 3) for each in np.percentile(values[draws].mean(axis=1), [2.5, 97.5])]


def auroc_interval(one: Sequence[float], other: Sequence[float], positive: Sequence[bool]) -> list[float]:
    """95 % of the bootstrap differences of two AUROCs on the same rows."""
    first, second, labels = np.asarray(one), np.asarray(other), np.asarray(positive)
    chance, found = np.random.default_rng(SEED), []
    for _ in range(DRAWS // 4):
        rows = chance.integers(0, len(labels), len(labels))
        values = auroc(first[rows], labels[rows]), auroc(second[rows], labels[rows])
        if values[0] is not None and values[1] is not None:
            found.append(values[0] - values[1])
    return [round(float(each), 3) for each in np.percentile(found, [2.5, 97.5])]


def pair_figures(name: str, read: Sequence[float], alike: Sequence[float]) -> Figures:
    """Means with the reader and by likeness, and their difference's interval."""
    difference = np.asarray(read, dtype=np.float64) - np.asarray(alike, dtype=np.float64)
    return {
        name: {
            "reader": round(float(np.mean(read)), 3),
            "likeness": round(float(np.mean(alike)), 3),
            "difference": interval(difference),
        }
    }


def given_paragraph(data: Path, titles: Sequence[str], encoder: OnnxEmbedder, reader: Reader, most: int) -> Figures:
    """The paragraph is given: does it answer, and does the answer stand in the best sentence or the best two?"""
    assert reader.crossencoder is not None
    articles = squad(read_articles(data), titles)
    knowledge = known(articles.documents, encoder, reader)
    passages: dict[str, list[Passage]] = {}
    for passage in knowledge.retriever.passages:
        passages.setdefault(passage.document, []).append(passage)
    order = np.random.default_rng(SEED).permutation(len(articles.questions))[: most or None]
    answerable, read, alike = [], [], []
    hits: dict[str, list[float]] = {name: [] for name in ("one", "two", "one_alike", "two_alike")}
    for asked in (articles.questions[number] for number in sorted(order)):
        own = passages[articles.documents[asked.paragraph].id]
        judged = reader.crossencoder.judge([pair_of(asked.text, each) for each in own])
        vector = knowledge.query(asked.text).vector
        cosines = [vectors @ vector for vectors in knowledge.sentences.of(own)]
        answerable.append(asked.answerable)
        read.append(max(each.relevance + float(each.sentences.max()) - each.none for each in judged))
        alike.append(max(float(each.max()) for each in cosines))
        if asked.answerable:
            sentences = [each.text[start:end] for each in own for start, end in spans_of(each)]
            evidence = np.concatenate([each.sentences - each.none for each in judged])
            for suffix, scores in (("", evidence), ("_alike", np.concatenate(cosines))):
                best = [sentences[number] for number in np.argsort(-scores, kind="stable")[:2]]
                hits[f"one{suffix}"].append(float(_says(best[:1], asked.answers)))
                hits[f"two{suffix}"].append(float(_says(best, asked.answers)))
    figures: Figures = {"questions": len(answerable), "answerable": sum(answerable)}
    if 0 < sum(answerable) < len(answerable):
        figures["answerable_auroc"] = {
            "reader": _rounded(auroc(read, answerable)),
            "likeness": _rounded(auroc(alike, answerable)),
            "difference": auroc_interval(read, alike, answerable),
        }
    return (
        figures
        | pair_figures("one_sentence", hits["one"], hits["one_alike"])
        | pair_figures("two_sentences", hits["two"], hits["two_alike"])
    )


def found_and_read(data: Path, titles: Sequence[str], encoder: OnnxEmbedder, reader: Reader, most: int) -> Figures:
    """The whole file is searched; is the answer of a question of these articles in what is quoted?"""
    stored = read_articles(data)
    everything, asked_of = squad(stored, stored), {title.replace("_", " ") for title in titles}
    knowledge = known(everything.documents, encoder, reader)
    asked = [
        each
        for each in everything.questions
        if each.answerable and everything.documents[each.paragraph].title in asked_of
    ]
    order = np.random.default_rng(SEED).permutation(len(asked))[: most or None]
    right: dict[bool, list[float]] = {True: [], False: []}
    for question in (asked[number] for number in sorted(order)):
        for trained, one in ((True, reader), (False, Reader(DEFAULT_MODEL))):
            text = quoted(knowledge, one, question.text)[0]
            right[trained].append(float(_says([text], question.answers)))
    return {"questions": len(order)} | pair_figures("answer_quoted", right[True], right[False])


def reranked(folder: Path, encoder: OnnxEmbedder, reader: Reader, depth: int) -> Figures:
    """A help centre's articles, ranked by the search alone and with its first passages read."""
    assert reader.crossencoder is not None
    knowledge = known(read_corpus(folder / "corpus.jsonl"), encoder, reader)
    qrels = read_qrels(folder / "qrels.tsv")
    values: dict[str, list[float]] = {name: [] for name in ("hit", "mrr", "hit_read", "mrr_read")}
    for query in read_queries(folder / "queries.jsonl"):
        wanted = qrels.get(query.id)
        if not wanted:
            continue
        hits = knowledge.search(query.text, 50)
        judged = reader.crossencoder.judge([pair_of(query.text, hit.passage) for hit in hits[:depth]])
        relevance = {hit.passage.id: each.relevance for hit, each in zip(hits[:depth], judged, strict=True)}
        first = sorted(hits[:depth], key=lambda hit: -relevance[hit.passage.id])
        fused = [hit for _, hit in sorted(_fused(hits[:depth], first), key=lambda pair: -pair[0])]
        for suffix, ranking in (("", hits), ("_read", [*fused, *hits[depth:]])):
            ranked = ranked_documents(ranking)[:3]
            places = [place for place, id in enumerate(ranked, start=1) if id in wanted]
            values[f"hit{suffix}"].append(float(bool(places)))
            values[f"mrr{suffix}"].append(1 / places[0] if places else 0.0)
    return pair_figures("hit@3", values["hit_read"], values["hit"]) | pair_figures(
        "mrr@3", values["mrr_read"], values["mrr"]
    )


def _fused(searched: Sequence[Any], read: Sequence[Any]) -> list[tuple[float, Any]]:
    """Reciprocal rank of both rankings, added."""
    places = {hit.passage.id: place for place, hit in enumerate(read)}
    return [(1 / (5 + place) + 1 / (5 + places[hit.passage.id]), hit) for place, hit in enumerate(searched)]


def company(questions: Path, folder: Path, encoder: OnnxEmbedder, reader: Reader, *, fit: bool, pairs: bool) -> Figures:
    """The demo company: is the right document first, is the quote right, and does the confidence tell?

    With `fit`, confidences are those of models fitted on the other four fifths of the rows.
    """
    documents = list(read_corpus(folder / "docs"))
    if pairs:
        documents.append(faq.parse((folder / "faq" / "faq.csv").read_bytes(), "faq", name="faq.csv"))
    knowledge = known(documents, encoder, reader)
    asked = read_questions(questions)
    seen = {}
    for name, one in (("reader", reader), ("likeness", Reader(DEFAULT_MODEL))):
        looks, marks = [], [time.process_time()]
        for question in asked:
            looks.append(_look(knowledge, one, question))
            marks.append(time.process_time())
        took_ms = 1000 * np.diff(marks)
        confidences = [each[2] for each in looks]
        right = [each[1] for each in looks]
        if fit:
            confidences = out_of_fold([each[3] for each in looks], right)
        seen[name] = (looks, confidences, right, took_ms)
    figures: Figures = {"questions": len(asked), "answerable": sum(each.answerable for each in asked)}
    answerable = [number for number, each in enumerate(asked) if each.answerable]
    for measure, column in (("right_document_first", 0), ("right_quote", 1)):
        read, alike = ([float(seen[name][0][number][column]) for number in answerable] for name in seen)
        figures |= pair_figures(measure, read, alike)
    for name, (_, confidences, right, took_ms) in seen.items():
        figures[name] = {
            "right_or_wrong_auroc": _rounded(auroc(confidences, right)),
            "answered_at_5pct_wrong": _rounded(coverage_at(confidences, [not each for each in right], 0.05)),
            "cpu_ms_p50": round(float(np.percentile(took_ms, 50)), 1),
            "cpu_ms_p95": round(float(np.percentile(took_ms, 95)), 1),
        }
    return figures


def _look(knowledge: Knowledge, reader: Reader, question: Question) -> tuple[bool, bool, float, Any]:
    """Whether the right document was quoted, whether the quote is right, its confidence, and its features."""
    text, reading = quoted(knowledge, reader, question.text)
    if reading is None:
        return False, False, 0.0, None
    expected = question.answers[0] if question.answers else ""
    place = reading.hit.passage.document in question.documents
    right = question.answerable and (holds(text, expected) if expected else place)
    return place, right, reader.model.confidence(reading.features), reading.features


def quoted(knowledge: Knowledge, reader: Reader, text: str) -> tuple[str, Any]:
    """What a reader would quote, whatever its confidence, and how it came to it."""
    query = knowledge.query(text)
    reading = reader.find(query, knowledge.search(query), knowledge.sentences)
    return (answer_of(reading, knowledge.document, 0.0).text, reading) if reading else ("", None)


def out_of_fold(features: Sequence[Any], right: Sequence[bool]) -> list[float]:
    """For each row the confidence of a model fitted on the other folds."""
    order, found = np.random.default_rng(SEED).permutation(len(right)), np.zeros(len(right))
    for fold in np.array_split(order, FOLDS):
        rest = np.setdiff1d(order, fold)
        model: ConfidenceModel = fit_confidence([features[n] for n in rest], [right[n] for n in rest])
        found[fold] = [model.confidence(features[n]) for n in fold]
    return [float(each) for each in found]


def _says(texts: Sequence[str], answers: Sequence[str]) -> bool:
    said = plain(" ".join(texts))
    return any(plain(answer) in said for answer in answers if plain(answer))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def main() -> None:
    """Run what the arguments ask for."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.knowledge", description=__doc__)
    parser.add_argument("--encoder", type=Path, required=True, help="folder of an exported retriever's encoder")
    parser.add_argument("--reader", type=Path, default=Path("data/reader"))
    parser.add_argument("--datasets", type=Path, default=Path("../shared/datasets"))
    parser.add_argument("--company", type=Path, default=Path("data"))
    parser.add_argument("--most", type=int, default=0, help="questions of each SQuAD set; 0: all")
    parser.add_argument("--only", help="name of one measurement")
    parser.add_argument("--test", action="store_true")
    given = parser.parse_args()
    encoder, reader = OnnxEmbedder.load(given.encoder), Reader.load(given.reader)
    if reader.crossencoder is None:
        sys.exit(f"{given.reader} holds no trained reader; `python -m retrieval.training.reader` makes one")
    squad2, xquad = given.datasets / "squad2_cs224n" / "dev-v2.0.json", given.datasets / "xquad_en" / "xquad.en.json"
    trained_on, chosen_on, reported = split_titles(read_articles(squad2), (11, 2), SEED)
    unseen = [title for title, listed in read_articles(xquad).items() if title not in trained_on]
    evaluation = given.company / "eval"
    measurements: dict[str, Callable[[], Figures]] = {
        "squad2 validation": lambda: given_paragraph(squad2, chosen_on, encoder, reader, given.most),
        "company validation, documents": lambda: company(
            evaluation / "questions.validation.jsonl", given.company, encoder, reader, fit=True, pairs=False
        ),
        "company validation, documents and FAQ": lambda: company(
            evaluation / "questions.validation.jsonl", given.company, encoder, reader, fit=True, pairs=True
        ),
    }
    if given.test:
        measurements = {
            "squad2 held out": lambda: given_paragraph(squad2, reported, encoder, reader, given.most),
            "xquad, paragraph given": lambda: given_paragraph(xquad, unseen, encoder, reader, given.most),
            "xquad, all paragraphs searched": lambda: found_and_read(xquad, unseen, encoder, reader, given.most),
            "wixqa, first 10 read": lambda: reranked(given.datasets / "wixqa_sample", encoder, reader, 10),
            "company test, documents": lambda: company(
                evaluation / "questions.test.jsonl", given.company, encoder, reader, fit=False, pairs=False
            ),
            "company test, documents and FAQ": lambda: company(
                evaluation / "questions.test.jsonl", given.company, encoder, reader, fit=False, pairs=True
            ),
        }
    for name, measure in measurements.items():
        if given.only in (None, name):
            print(json.dumps({name: measure()}, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
