"""The base encoder as it is, int8, with logistic regression on its vectors; out of scope is far from all rows.

The export is the same for all data: it is made once, and neither its time nor torch's memory is counted as training.
Rows out of scope are not learned from: on CLINC150's validation rows (10-shot) their vectors gained nothing sure, an
AUROC of 97.0 against 96.6 at best.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.contenders.job import OUT_OF_SCOPE, Answer, Job, Stopwatch

C = 30.0
NEIGHBOURS = 10
ENCODER_FILES = ("model.onnx", "tokenizer.json", "config.json")


def preparer() -> Callable[[Job], None]:
    from retrieval.export import export_encoder

    def prepare(job: Job) -> None:
        export_encoder(Path(job.base), Path(job.encoder))

    return prepare


def learner() -> Callable[[Job, Path], dict[str, Any]]:
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    from bot.understanding.utterances import clean
    from retrieval.embedder import UTTERANCE_TOKENS, OnnxEmbedder
    from tests.benchmarks.contenders.temperature import cross_validated_sharpness

    def learn(job: Job, model: Path) -> dict[str, Any]:
        texts, intents = job.training_rows()
        with Stopwatch() as watch:
            embedder = OnnxEmbedder.load(Path(job.encoder), max_tokens=UTTERANCE_TOKENS, threads=0)
            vectors, labels = embedder.encode([clean(text) for text in texts]), np.array(intents)
            known = labels != OUT_OF_SCOPE
            regression = LogisticRegression(C=C, max_iter=1_000)
            sharpness = cross_validated_sharpness(regression, vectors[known], labels[known].tolist(), seed=job.seed)
            regression.fit(vectors[known], labels[known])
            weights, bias = regression.coef_, regression.intercept_
            if len(regression.classes_) == 2:
                weights, bias = np.concatenate([-weights, weights]), np.concatenate([-bias, bias])
            for name in ENCODER_FILES:
                shutil.copy(Path(job.encoder) / name, model / name)
            np.savez(
                model / "head.npz",
                labels=regression.classes_.astype(str),
                weights=(sharpness * weights).astype(np.float32),
                bias=(sharpness * bias).astype(np.float32),
                rows=vectors[known],
            )
        return watch.figures("train")

    return learn


def answerer(model: Path) -> Callable[[Sequence[str]], list[Answer]]:
    import numpy as np

    from bot.understanding.utterances import clean
    from retrieval.embedder import UTTERANCE_TOKENS, OnnxEmbedder
    from tests.benchmarks.contenders.temperature import probabilities

    embedder = OnnxEmbedder.load(model, max_tokens=UTTERANCE_TOKENS, threads=1)
    head = dict(np.load(model / "head.npz").items())
    labels = head["labels"].tolist()

    def classify(texts: Sequence[str]) -> list[Answer]:
        vectors = embedder.encode([clean(text) for text in texts])
        p = probabilities(vectors @ head["weights"].T + head["bias"])
        best = p.argmax(axis=1)
        closeness = vectors @ head["rows"].T
        nearest = min(NEIGHBOURS, closeness.shape[1])
        strangeness = -np.partition(closeness, -nearest, axis=1)[:, -nearest:].mean(axis=1)
        found = zip(best, p, strangeness, strict=True)
        return [Answer(labels[label], float(row[label]), float(score)) for label, row, score in found]

    return classify
