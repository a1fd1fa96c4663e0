"""Firstline's own intent model: trained as `firstline train` does, answering as it serves, int8 and without torch.

Beside it lies `full/`, the same training in full precision: what the int8 weights cost can then be measured.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.contenders.job import Answer, Job, Stopwatch, asked, read_lines

FULL = "full"
NEW_ROWS = 10


def learner() -> Callable[[Job, Path], dict[str, Any]]:
    from bot.understanding.examples.dataset import IntentDataset
    from bot.understanding.examples.rows import Row
    from bot.understanding.tuning.training import train

    def learn(job: Job, model: Path) -> dict[str, Any]:
        dataset = IntentDataset(tuple(Row(text, intent) for text, intent in zip(*job.training_rows(), strict=True)))
        full = model.with_name(FULL)
        with Stopwatch() as watch:
            train(dataset, Path(job.base), model, seed=job.seed, full=full)
        _survey_in_full(dataset, model, full)
        return watch.figures("train")

    return learn


def answerer(model: Path) -> Callable[[Sequence[str]], list[Answer]]:
    from bot.understanding.classifier import IntentClassifier
    from bot.understanding.understand import read

    classifier = IntentClassifier.load(model, threads=1)

    def classify(texts: Sequence[str]) -> list[Answer]:
        return [Answer(each.intent, each.confidence, each.out_of_scope) for each in read(classifier, texts)]

    return classify


def extender() -> Callable[[Job, Path, Path], dict[str, Any]]:
    from bot.understanding.examples.dataset import IntentDataset
    from bot.understanding.examples.rows import Row
    from bot.understanding.tuning.extending import extend

    def add(job: Job, model: Path, out: Path) -> dict[str, Any]:
        """One more intent, made of `NEW_ROWS` texts out of scope: what is timed is the same for any texts."""
        rows = [Row(text, intent) for text, intent in zip(*job.training_rows(), strict=True)]
        group = asked(Path(job.rows))[-1]
        new = [Row(text, "a_new_intent") for text in read_lines(Path(job.rows) / f"ask.{group}.jsonl", NEW_ROWS)]
        with Stopwatch() as watch:
            extend(model, IntentDataset((*rows, *new)), out)
        return watch.figures("extend")

    return add


def _survey_in_full(dataset: Any, model: Path, full: Path) -> None:
    """Complete the full-precision folder: its own vectors of the training rows, all else as it was trained."""
    from dataclasses import replace

    from bot.understanding.artefact import IntentModel
    from bot.understanding.tuning.material import Material
    from bot.understanding.tuning.recipe import Recipe
    from bot.understanding.tuning.surveying import survey
    from retrieval.embedder import UTTERANCE_TOKENS, OnnxEmbedder

    trained, material = IntentModel.load(model), Material.of(dataset)
    recipe = Recipe(**trained.report["recipe"])
    embedder = OnnxEmbedder.load(full, max_tokens=UTTERANCE_TOKENS, threads=0)
    rows, strangers, names = (
        embedder.encode_deep(each) for each in (material.texts, material.strangers, material.names)
    )
    space = survey(trained.space.directions, rows, material.classes, strangers, names, recipe)
    replace(trained, space=space).save(full)
