"""From labelled rows to an intent model that serves. Belongs to training: imports torch, never imported by serving.

rehearse    tune on most rows, see on the rest how sure to be and what unknown looks like
tune        tune afresh on all rows, always from the base encoder
export      int8 ONNX, then the training rows' vectors as serving will see them
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from bot.errors import BadInput
from bot.understanding.artefact import IntentModel
from bot.understanding.entities.definitions import EntityDefinitions, Spelling
from bot.understanding.examples.dataset import IntentDataset
from bot.understanding.tuning.finetuning import fine_tune, steps_of
from bot.understanding.tuning.material import Material
from bot.understanding.tuning.recipe import Recipe
from bot.understanding.tuning.rehearsal import Rehearsal, Split, rehearse, split_rows
from bot.understanding.tuning.surveying import kept_rows, survey
from retrieval.embedder import UTTERANCE_TOKENS, OnnxEmbedder
from retrieval.errors import BadModel
from retrieval.export import ExportReport, export_encoder

Progress = Callable[[int, int], None]
"""Called with the steps done and of how many."""


@dataclass(frozen=True, slots=True)
class TrainReport:
    """What a training gave. Accuracy and calibration error are those of the rehearsal's held-out rows, both in
    [0, 1], None where there were too few rows to hold out; `problems` are rows that were left out, and what weakens
    the model."""

    rows: int
    intents: int
    out_of_scope_rows: int
    epochs: int
    train_s: float
    parameters: int
    model_bytes: int
    held_out_rows: int
    held_out_accuracy: float | None
    held_out_ece: float | None
    problems: tuple[str, ...] = ()


def train(
    dataset: IntentDataset,
    base: Path,
    out: Path,
    *,
    seed: int = 13,
    progress: Progress | None = None,
    recipe: Recipe | None = None,
    spelling: Spelling | None = None,
    full: Path | None = None,
) -> TrainReport:
    """Train on all rows of `dataset` from the base encoder's folder, and write the model into `out`.

    `full` is a folder for the tuned encoder in full precision, which serving has no use for.
    The same rows, base and seed give the same model. `BadInput` for fewer than two intents or a base that is none.
    """
    started = time.perf_counter()
    labels = dataset.labels
    dataset.require_trainable()
    definitions = EntityDefinitions.of(dataset, spelling)
    material = Material.of(dataset)
    recipe = recipe or Recipe.for_data(len(material.texts), len(labels))
    split = split_rows(material.classes, recipe, seed)
    tell = _Teller(progress, _total_steps(material, split, recipe))
    rehearsal = rehearse(base, material, split, recipe, seed=seed, on_step=tell.step)
    tuned = fine_tune(base, *material.with_names(recipe.name_rows), recipe, seed=seed, on_step=tell.step)
    try:
        exported = export_encoder((tuned.encoder, tuned.tokenizer), out, pooling=tuned.pooling, full=full, inner=True)
    except BadModel as error:
        raise BadInput(f"{base} cannot be served: {error}") from error
    tell.step()
    embedder = OnnxEmbedder.load(out, max_tokens=UTTERANCE_TOKENS, threads=0)
    rows, strangers, names = (
        embedder.encode_deep(each) for each in (material.texts, material.strangers, material.names)
    )
    report = _report(dataset, recipe, rehearsal, split, exported, time.perf_counter() - started)
    IntentModel(
        labels=labels,
        row_texts=tuple(material.texts[row] for row in kept_rows(material.classes, recipe.neighbours_an_intent)),
        space=survey(tuned.directions, rows, material.classes, strangers, names, recipe),
        calibration=rehearsal.calibration,
        out_of_scope=rehearsal.out_of_scope,
        entities=definitions,
        report=asdict(report) | {"recipe": asdict(recipe), "seed": seed},
    ).save(out)
    tell.step()
    return report


def _report(
    dataset: IntentDataset,
    recipe: Recipe,
    rehearsal: Rehearsal,
    split: Split,
    exported: ExportReport,
    train_s: float,
) -> TrainReport:
    return TrainReport(
        rows=len(dataset.in_scope),
        intents=len(dataset.labels),
        out_of_scope_rows=len(dataset.out_of_scope),
        epochs=recipe.epochs,
        train_s=round(train_s, 2),
        parameters=exported.parameters,
        model_bytes=exported.model_bytes,
        held_out_rows=len(split.held_out),
        held_out_accuracy=rehearsal.accuracy,
        held_out_ece=rehearsal.ece,
        problems=(*map(str, dataset.problems), *dataset.doubts, *_unrehearsed(split)),
    )


def _unrehearsed(split: Split) -> tuple[str, ...]:
    too_few = "too few rows to hold any out; confidence and out-of-scope are not fitted to them, write more an intent"
    return () if split.held_out else (too_few,)


def _total_steps(material: Material, split: Split, recipe: Recipe) -> int:
    rehearsed = material.only(split.tuned).with_names(recipe.name_rows)[0]
    return steps_of(len(rehearsed), recipe) + steps_of(len(material.with_names(recipe.name_rows)[0]), recipe) + 2


class _Teller:
    """Counts steps for whoever wants to see progress."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress = progress
        self._total = total
        self._done = 0

    def step(self) -> None:
        self._done += 1
        if self._progress is not None:
            self._progress(self._done, self._total)
