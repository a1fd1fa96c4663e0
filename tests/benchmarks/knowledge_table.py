"""The figures of finding, reading and abstaining as a page of Markdown, written by the program that measured them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.benchmarks.conditions import in_words
from tests.benchmarks.tables import markdown

HEADER = ("set, measure", "questions", "ours", "BM25", "dense", "ours − BM25", "ours − dense", "target")
TARGETS: Mapping[tuple[str, str], float] = {
    ("wixqa_sample", "hit@3"): 0.981,
    ("wixqa_sample", "mrr@3"): 0.905,
    ("aws_docs_qa", "hit@1"): 0.74,
    ("aws_docs_qa", "hit@5"): 0.94,
    ("aws_docs_qa", "mrr@10"): 0.82,
    ("aws_docs_qa_26624", "hit@5"): 0.90,
    ("xquad_en", "one sentence"): 0.90,
    ("xquad_en", "two sentences"): 0.97,
    ("xquad_en", "two sentences of all paragraphs"): 0.90,
    ("squad2_cs224n", "answerable or not, AUROC"): 0.80,
}
LEGEND = """
Ours is the search and the reader as shipped, with nothing tuned to the set; BM25 and dense are its two halves alone,
from the same index. Dense reads the nearest sentence, BM25 the one that holds most of the question's words by weight.
`report` are the questions of the half that nothing was chosen on; on the others weights were chosen, so `all` may
flatter. Brackets are 95 % of 2,000 paired bootstrap means (500 for AUROC). hit@k: a right document among the first k;
MRR@k: the mean of 1 / its place, 0 beyond k. Sentences: the share of answerable questions whose answer stands in them,
in SQuAD's spelling without case, punctuation and articles.
""".strip()
DEMO_LEGEND = """
The demo's validation questions, some of which weights were chosen on. Shares of the answerable ones; the confidence is
judged over all of them, and an answer is right only where it says what is expected. Time is the processor's, for
embedding the question, both searches and reading.
""".strip()


def report(found: Mapping[str, Mapping[str, Any]], measured_under: dict[str, Any]) -> str:
    """The whole page."""
    rows = []
    for name, data in found.items():
        rows += [_row(name, each) for each in data["rows"] if "ours" in each]
    parts = ["# Knowledge: found, read, abstained", "Written by `make bench-knowledge`; do not edit."]
    if rows:
        parts += [markdown(HEADER, rows), LEGEND]
    if "demo" in found:
        parts += [_demo(found["demo"]["rows"][0]), DEMO_LEGEND]
    parts.append(_sizes(found))
    parts.append(f"Measured on {in_words(measured_under)}.")
    return "\n\n".join(parts) + "\n"


def _row(name: str, each: Mapping[str, Any]) -> list[str]:
    target = TARGETS.get((name, each["measure"]))
    verdict = "–" if target is None else f"{target:.3f} {'reached' if each['ours'] >= target else '**missed**'}"
    return [
        f"{name}, {each['measure']}",
        f"{each['questions']}, {each['count']}",
        *(f"{each[system]:.3f}" for system in ("ours", "bm25", "dense")),
        *(_interval(each[f"lead_{other}"]) for other in ("bm25", "dense")),
        verdict,
    ]


def _interval(pair: tuple[float, float]) -> str:
    return f"{pair[0]:+.3f} to {pair[1]:+.3f}".replace("-", "−")


def _demo(each: Mapping[str, Any]) -> str:
    rows = [
        ["right document quoted", f"{each['right_document']:.3f}", "–"],
        ["right quote", f"{each['right_quote']:.3f}", "–"],
        ["confidence: right or wrong, AUROC", f"{each['confidence_auroc']:.3f}", "–"],
        ["answered with at most 5 % wrong", f"{each['answered_at_5pct_wrong']:.3f}", "0.750"],
        ["citations that are exact substrings", f"{each['citations_valid']:.3f}", "1.000"],
        [
            "ms of a question, p50 / p95",
            f"{each['cpu_ms_p50']:.1f} / {each['cpu_ms_p95']:.1f}",
            "20 / 45",
        ],
    ]
    head = (f"demo, {each['questions']} questions, {each['answerable']} answerable", "ours", "target")
    return markdown(head, rows)


def _sizes(found: Mapping[str, Mapping[str, Any]]) -> str:
    told = [f"{name} {data['documents']:,} documents, {data['questions']:,} questions" for name, data in found.items()]
    return f"Sizes: {'; '.join(told)}."
