"""Fits what the reader chooses sentences by (`reading.WEIGHTS`) and how sure it is (`reader.DEFAULT_MODEL`).

python -m retrieval.training.choosing --encoder FOLDER --company data --squad dev-v2.0.json --xquad xquad.en.json

Read are questions that may be learned from: a company's validation questions over its documents and FAQ, the SQuAD 2
articles that are not held out, and the half of XQuAD's questions whose ids' SHA-256 is even. A question that stands in
both sets is read in neither where the other only reports it. Prints the weights as JSON, and what they are worth on the
company's questions that a fold did not see. How sure the reader is depends on what it chooses: with new weights of the
choice written down, run it again for the confidence.

Sentences are chosen by a conditional logit over the sentences of the passages found (McFadden, 1974): the weights with
which the sentences that hold the answer get the most probability.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from retrieval.confidence import FEATURES, ConfidenceModel, Features, fitted_weights
from retrieval.datasets import Question, read_corpus, read_questions
from retrieval.documents import Document, Hit, Passage
from retrieval.embedder import Embedder, OnnxEmbedder, Vectors
from retrieval.judging import auroc, coverage_at, holds, judge, plain
from retrieval.knowledge import Knowledge, build
from retrieval.quotes import quote_around
from retrieval.reader import answer_of
from retrieval.reading import READ, SIGNALS, WEIGHTS, find, signals
from retrieval.sentences import spans_of
from retrieval.sources import faq
from retrieval.training.examples import folded, read_articles, split_titles

SEED = 13
LEARNED = 13
"""Articles of SQuAD 2, in the order of their hashes, that are learned from; the rest is held out."""
COMPANY = 5
"""What a question of the company counts beside one of the public sets, which are about other things."""
RIDGE = 1.0
FOLDS, SHUFFLES = 5, 3
MOST = 800
"""Answerable questions of SQuAD 2 that sentences are chosen for; confidence learns from all of them."""
STRANGERS = 200
"""Questions of SQuAD 2 that are also put to the company's knowledge, which answers none of them."""

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Choice:
    """The sentences of the passages found for one question: their signals, shape (sentences, len(SIGNALS)), which of
    them answer, and what the question counts."""

    values: Vectors
    right: npt.NDArray[np.bool_]
    weight: float = 1.0


def known(documents: Sequence[Document], embedder: Embedder) -> Knowledge:
    """The documents, indexed in a folder that is gone at once."""
    with tempfile.TemporaryDirectory() as scratch:
        build(documents, embedder, Path(scratch))
        return Knowledge.load(Path(scratch), embedder)


def choice_of(knowledge: Knowledge, question: Question, weight: float = 1.0) -> Choice:
    """The sentences that the search finds for a question, and which of them it would be right to quote."""
    query = knowledge.query(question.text)
    hits = knowledge.search(query)[:READ]
    sentences = knowledge.sentences.of([hit.passage for hit in hits])
    values = signals(query, hits, sentences)
    right = [_right(question, hit.passage, each) for hit, each in zip(hits, values, strict=True)]
    return Choice(np.concatenate(values), np.concatenate(right), weight)


def _right(question: Question, passage: Passage, values: Vectors) -> npt.NDArray[np.bool_]:
    """For a SQuAD question whether a sentence of its paragraph holds an answer; for a company's whether the quote
    around the sentence says what is expected."""
    spans = spans_of(passage)
    answers = [f" {plain(answer)} " for answer in question.answers if plain(answer)]
    if _is_squad(question):
        if passage.document not in question.documents:
            return np.zeros(len(spans), dtype=np.bool_)
        return np.array([any(each in f" {plain(passage.text[a:b])} " for each in answers) for a, b in spans])
    if passage.kind == "faq":
        return np.array([any(holds(passage.text, each) for each in question.answers)])
    marked = []
    for number in range(len(spans)):
        scores = values[:, 0].copy()
        scores[number] = scores.max() + 0.01
        quote = " ".join(passage.text[a:b] for a, b in quote_around(passage.text, spans, scores))
        marked.append(any(holds(quote, each) for each in question.answers))
    return np.array(marked)


def _is_squad(question: Question) -> bool:
    return len(question.documents) == 1 and question.documents[0].replace("-", "").isdigit()


def fit_choice(choices: Sequence[Choice], steps: int = 300) -> Values:
    """Weights of SIGNALS, the first of them 1. Questions where every or no sentence is right say nothing."""
    telling = [each for each in choices if each.right.any() and not each.right.all()]
    rows = np.concatenate([each.values for each in telling]).astype(np.float64)
    spread = rows.std(axis=0) + 1e-9
    rows /= spread
    lengths = np.array([len(each.right) for each in telling])
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    right = np.concatenate([each.right for each in telling]).astype(np.float64)
    counts = np.repeat([each.weight for each in telling], lengths)
    weights = np.zeros(rows.shape[1])
    for _ in range(steps):
        scores = rows @ weights
        powers = np.exp(scores - np.repeat(np.maximum.reduceat(scores, starts), lengths))
        p = powers / np.repeat(np.add.reduceat(powers, starts), lengths)
        good = powers * right / np.repeat(np.add.reduceat(powers * right, starts), lengths)
        gradient = rows.T @ (counts * (p - good)) + RIDGE * weights
        # the curvature of the log of the sum alone, which is never below that of the whole
        means = np.add.reduceat(p[:, None] * rows, starts)
        totals = np.add.reduceat(counts * p, starts)
        curvature = (rows.T * (counts * p)) @ rows - (means.T * totals) @ means + RIDGE * np.eye(rows.shape[1])
        step = np.linalg.solve(curvature, gradient)
        weights -= step
        if float(np.abs(step).max()) < 1e-8:
            break
    weights /= spread
    return np.asarray(weights / weights[0])


def share_right(choices: Sequence[Choice], weights: Values) -> float:
    """Share of the questions for which the sentence with the highest score is right."""
    return float(np.mean([each.right[int((each.values @ weights).argmax())] for each in choices]))


def given(knowledge: Knowledge, question: Question, own: Sequence[Passage]) -> tuple[Features, bool]:
    """The signals of the best quote from a SQuAD question's own paragraph, and whether it holds the answer."""
    query = knowledge.query(question.text)
    near, shared = knowledge.retriever.parts(query, 50)
    numbers = {passage.id: number for number, passage in enumerate(knowledge.retriever.passages)}
    hits = []
    for passage in own:
        cosine = near.get(numbers[passage.id])
        hits.append(Hit(passage, 0.0, cosine, shared.get(numbers[passage.id])))
    if all(hit.cosine is None for hit in hits):
        hits = [replace(hit, cosine=min(near.values())) for hit in hits]
    reading = find(query, hits, knowledge.sentences)
    if reading is None:
        raise ValueError(f"question {question.id} has no paragraph to read")
    text = answer_of(reading, knowledge.document, 0.0).text
    return reading.features, question.answerable and any(plain(each) in plain(text) for each in question.answers)


def asked(knowledge: Knowledge, questions: Sequence[Question]) -> tuple[list[Features], list[bool]]:
    """For each question the signals of the best quote of everything found, and whether it is right."""
    features, right = [], []
    for question in questions:
        query = knowledge.query(question.text)
        reading = find(query, knowledge.search(query), knowledge.sentences)
        if reading is not None:
            answer = answer_of(reading, knowledge.document, 0.0)
            if _is_squad(question):
                said = any(plain(each) in plain(answer.text) for each in question.answers if plain(each))
            else:
                said = any(holds(answer.text, each) for each in question.answers) or judge(question, answer).right
            features.append(reading.features)
            right.append(question.answerable and said)
    return features, right


def held_out(
    features: Sequence[Features], right: Sequence[bool], more: tuple[Values, Values], weight: int
) -> list[float]:
    """For each of a company's questions the confidence of a model fitted without its fold; `more` is always read."""
    rows, labels = np.array(features), np.array(right, dtype=np.float64)
    order, found = np.random.default_rng(SEED).permutation(len(labels)), np.zeros(len(labels))
    for fold in np.array_split(order, FOLDS):
        rest = np.setdiff1d(order, fold)
        found[fold] = rows[fold] @ _confidence(rows[rest], labels[rest], more, weight)
    return [float(each) for each in found]


def _confidence(rows: Values, labels: Values, more: tuple[Values, Values], weight: int) -> Values:
    return fitted_weights(np.concatenate([more[0], *[rows] * weight]), np.concatenate([more[1], *[labels] * weight]))


def public_questions(squad: Path, xquad: Path) -> tuple[list[Question], list[Question]]:
    """The questions of both sets that may be learned from."""
    articles = read_articles(squad)
    learned, kept = split_titles(articles, (LEARNED,), SEED)
    numbers = {str(number) for number, title in enumerate(articles) if title in learned}
    reported = {
        folded(entry["question"]) for title in kept for paragraph in articles[title] for entry in paragraph["qas"]
    }
    cross = read_questions(xquad)
    chosen = [each for each in cross if hashlib.sha256(each.id.encode()).digest()[-1] % 2 == 0]
    texts = {folded(each.text) for each in cross}
    mine = [each for each in read_questions(squad) if each.documents[0].split("-")[0] in numbers]
    return (
        [each for each in mine if folded(each.text) not in texts],
        [each for each in chosen if folded(each.text) not in reported],
    )


def main(arguments: Sequence[str] | None = None, embedder_of: Callable[[Path], Embedder] = OnnxEmbedder.load) -> None:
    """Fit and print."""
    parser = argparse.ArgumentParser(prog="python -m retrieval.training.choosing", description="Fit the reader.")
    parser.add_argument("--encoder", type=Path, required=True, help="folder of the exported retriever's encoder")
    parser.add_argument("--company", type=Path, default=Path("data"), help="the company's folder: docs, faq, eval")
    parser.add_argument("--squad", type=Path, required=True, help="SQuAD 2 file")
    parser.add_argument("--xquad", type=Path, required=True, help="XQuAD file of the same language")
    stated = parser.parse_args(arguments)
    embedder = embedder_of(stated.encoder)
    table = stated.company / "faq" / "faq.csv"
    pairs = faq.parse(table.read_bytes(), "faq", name=table.name)
    company = known([*read_corpus(stated.company / "docs"), pairs], embedder)
    questions = read_questions(stated.company / "eval" / "questions.validation.jsonl")
    of_squad, of_xquad = public_questions(stated.squad, stated.xquad)
    squad, xquad = (known(read_corpus(path), embedder) for path in (stated.squad, stated.xquad))
    own = [choice_of(company, each, COMPANY) for each in questions if each.answerable]
    print(json.dumps(fit(company, questions, own, squad, of_squad, xquad, of_xquad), indent=1))  # noqa: T201


def fit(
    company: Knowledge,
    questions: Sequence[Question],
    own: Sequence[Choice],
    squad: Knowledge,
    of_squad: Sequence[Question],
    xquad: Knowledge,
    of_xquad: Sequence[Question],
) -> dict[str, Any]:
    """Both sets of weights by name, and what they are worth."""
    answerable = [each for each in of_squad if each.answerable][:MOST]
    public = [choice_of(squad, each) for each in answerable] + [choice_of(xquad, each) for each in of_xquad]
    weights = fit_choice([*public, *own])
    worth, sizes = [], []
    for seed in range(SHUFFLES):
        order = np.random.default_rng(seed).permutation(len(own))
        for fold in np.array_split(order, FOLDS):
            rest = [own[number] for number in np.setdiff1d(order, fold)]
            worth.append(share_right([own[number] for number in fold], fit_choice([*public, *rest])))
            sizes.append(len(fold))
    by_document: dict[str, list[Passage]] = {}
    for passage in squad.retriever.passages:
        by_document.setdefault(passage.document, []).append(passage)
    read = [given(squad, each, by_document[each.documents[0]]) for each in of_squad]
    found = asked(xquad, of_xquad)
    drawn = random.Random(SEED).sample(list(of_squad), min(STRANGERS, len(of_squad)))
    strange = asked(company, [Question(each.id, each.text, False) for each in drawn])
    more = (
        np.array([*(features for features, _ in read), *found[0], *strange[0]]),
        np.array([*(right for _, right in read), *found[1], *strange[1]], dtype=np.float64),
    )
    features, right = asked(company, questions)
    confidence = _confidence(np.array(features), np.array(right, dtype=np.float64), more, COMPANY)
    unseen = held_out(features, right, more, COMPANY)
    return {
        "choice": dict(zip(SIGNALS, np.round(weights, 3).tolist(), strict=True)),
        "right_sentence_first": {
            "company, as it is": share_right(own, np.asarray(WEIGHTS, dtype=np.float64)),
            "company, folds not seen": float(np.average(worth, weights=sizes)),
            "public, as it is": share_right(public, np.asarray(WEIGHTS, dtype=np.float64)),
            "public": share_right(public, weights),
        },
        "confidence": ConfidenceModel(tuple(np.round(confidence, 3).tolist()), 0.5).to_json(),
        "features": len(FEATURES),
        "company, folds not seen": {
            "right_quotes": float(np.mean(right)),
            "auroc": auroc(unseen, right),
            "answered_at_5pct_wrong": coverage_at(unseen, [not each for each in right], 0.05),
        },
    }


if __name__ == "__main__":
    main()
