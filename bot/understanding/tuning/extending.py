"""New intents and rows for a trained model in seconds: the tuned encoder stays, heads are fitted over its vectors.

What a training learned about being sure (calibration, out-of-scope) is kept. A known intent keeps its direction, so
its messages are judged as before but for the newcomers; a new intent's direction starts from the mean of its rows and
is moved by gradient steps against the ones that stand. Imports no torch.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bot.errors import BadInput
from bot.understanding.artefact import IntentModel
from bot.understanding.calibration import softmax
from bot.understanding.entities.definitions import EntityDefinitions, Spelling
from bot.understanding.examples.dataset import IntentDataset
from bot.understanding.space import Clouds, Indices, Vectors
from bot.understanding.tuning.material import Material
from bot.understanding.tuning.recipe import Recipe
from bot.understanding.tuning.surveying import class_means, kept_rows, survey
from retrieval.embedder import UTTERANCE_TOKENS, Embedder, OnnxEmbedder, normalised

Flags = npt.NDArray[np.bool_]

ENCODER_FILES = ("model.onnx", "tokenizer.json", "config.json")

_STEPS = 60
_RATE = 0.05


@dataclass(frozen=True, slots=True)
class ExtendReport:
    """What an extension did: `rows` that counted and `intents` of the model now, `embedded` texts it had not seen, the
    intents that came and went, and wall time."""

    rows: int
    intents: int
    embedded: int
    added: tuple[str, ...]
    removed: tuple[str, ...]
    seconds: float


def extend(live: Path, dataset: IntentDataset, out: Path, *, spelling: Spelling | None = None) -> ExtendReport:
    """Fit the model of folder `live` to the rows of `dataset`, into the folder `out`, without tuning its encoder.

    Of each intent the first `Recipe.neighbours_an_intent` rows count, which the live model knows already where they
    were there before; what stands beyond them is for the next training.
    `BadInput` where fewer than two intents are left, or where no intent stays that the model was tuned on: then
    only a training helps. `BadRelease` if `live` is not a trained model.
    """
    started = time.perf_counter()
    model = IntentModel.load(live)
    material, labels = Material.of(dataset), dataset.labels
    if len(labels) < 2:
        raise BadInput(f"a model needs rows of at least 2 intents, got {len(labels)}: {', '.join(labels) or 'none'}")
    added = tuple(label for label in labels if label not in model.labels)
    if len(added) == len(labels):
        raise BadInput("none of the intents is known to the live model; `firstline train` tunes a model to them")
    embedder = OnnxEmbedder.load(live, max_tokens=UTTERANCE_TOKENS)
    recipe = Recipe(**model.report["recipe"])
    material = material.only(kept_rows(material.classes, recipe.neighbours_an_intent))
    classes = np.asarray(material.classes, dtype=np.int32)
    new = np.array([label in added for label in labels])
    rows, embedded = _vectors(model, embedder, material.texts)
    space = survey(
        _directions(model, labels, rows, classes, new),
        rows,
        material.classes,
        embedder.encode(material.strangers),
        embedder.encode(material.names),
        recipe,
        inner=_inner(model, embedder, labels, material, new),
    )
    out.mkdir(parents=True, exist_ok=True)
    for name in ENCODER_FILES:
        shutil.copyfile(live / name, out / name)
    report = ExtendReport(
        rows=len(material.texts),
        intents=len(labels),
        embedded=embedded,
        added=added,
        removed=tuple(label for label in model.labels if label not in labels),
        seconds=time.perf_counter() - started,
    )
    IntentModel(
        labels=labels,
        row_texts=material.texts,
        space=space,
        calibration=model.calibration,
        out_of_scope=model.out_of_scope,
        entities=EntityDefinitions.of(dataset, spelling or model.entities.spelling),
        report={**model.report, "extended": asdict(report)},
    ).save(out)
    return report


def _vectors(model: IntentModel, embedder: Embedder, texts: tuple[str, ...]) -> tuple[Vectors, int]:
    """Vectors (n, d) of the texts, those of known rows taken over, and how many were computed."""
    known = dict(zip(model.row_texts, model.space.rows, strict=True))
    missing = sorted({text for text in texts if text not in known})
    known.update(zip(missing, embedder.encode(missing), strict=True))
    return np.stack([known[text] for text in texts]).astype(np.float32), len(missing)


def _inner(
    model: IntentModel, embedder: OnnxEmbedder, labels: tuple[str, ...], material: Material, new: Flags
) -> Clouds:
    """The clouds of the layer before: spreads and known means as they are, the means of new intents beside them."""
    before = model.space.inner
    places = [row for row, label in enumerate(material.classes) if new[label]]
    deep = embedder.encode_deep([material.texts[row] for row in places])[:, model.space.dimension :]
    means = class_means(deep, np.array([material.classes[row] for row in places], dtype=np.int32), len(labels))
    return Clouds(_standing(model.labels, before.means, labels, means), before.within, before.overall, before.centre)


def _directions(model: IntentModel, labels: tuple[str, ...], rows: Vectors, classes: Indices, new: Flags) -> Vectors:
    """(intents, d), unit length: the ones that stand, and those of new intents fitted beside them."""
    means = normalised(class_means(rows, classes, len(labels)))
    directions = _standing(model.labels, model.space.directions, labels, means)
    return _fitted(directions, new, rows, classes, model.calibration.scale) if new.any() else directions


def _standing(known: tuple[str, ...], theirs: Vectors, labels: tuple[str, ...], otherwise: Vectors) -> Vectors:
    """A row a label: what a known one had, else the row of `otherwise`."""
    place = {label: index for index, label in enumerate(known)}
    return np.stack([theirs[place[each]] if each in place else otherwise[i] for i, each in enumerate(labels)])


def _fitted(directions: Vectors, new: Flags, rows: Vectors, classes: Indices, scale: float) -> Vectors:
    """Cross-entropy steps on the sphere for the new directions alone; every intent weighs the same."""
    truth = np.eye(len(directions), dtype=np.float32)[classes]
    weight = (1.0 / np.bincount(classes, minlength=len(directions))[classes])[:, None].astype(np.float32)
    for _ in range(_STEPS):
        wrong = (softmax(scale * rows @ directions.T) - truth) * weight
        directions[new] -= _RATE * (wrong[:, new].T @ rows)
        directions[new] = normalised(directions[new])
    return directions
