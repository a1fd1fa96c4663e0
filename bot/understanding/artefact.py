"""The trained intent model on disk, as data only: ONNX, safetensors and JSON, nothing that could run.

model.onnx, tokenizer.json, config.json    the tuned encoder, read by `OnnxEmbedder`
head.safetensors                           class directions, training rows' vectors, class spread
intents.json                               labels, calibration, out-of-scope fit, training rows, entities, report
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from bot.errors import BadRelease
from bot.understanding.calibration import Calibration
from bot.understanding.entities.definitions import EntityDefinitions
from bot.understanding.outofscope import OutOfScope
from bot.understanding.space import Clouds, Space

FORMAT = 2
HEAD = "head.safetensors"
INTENTS = "intents.json"
_CLOUDS = ("last", "inner")
_HALF = frozenset({"rows", "strangers", "last.within", "last.overall", "inner.within", "inner.overall"})


@dataclass(frozen=True, slots=True)
class IntentModel:
    """All of the model but the encoder. `row_texts` are the training texts behind `space.rows`."""

    labels: tuple[str, ...]
    row_texts: tuple[str, ...]
    space: Space
    calibration: Calibration
    out_of_scope: OutOfScope
    entities: EntityDefinitions
    report: Mapping[str, Any]

    def save(self, folder: Path) -> None:
        """Write `head.safetensors` and `intents.json` into the folder."""
        arrays = _arrays(self.space)
        halved = {name: arrays[name].astype(np.float16) for name in _HALF}
        save_file({name: np.ascontiguousarray(array) for name, array in (arrays | halved).items()}, folder / HEAD)
        stored = {
            "format": FORMAT,
            "labels": self.labels,
            "calibration": asdict(self.calibration),
            "out_of_scope": asdict(self.out_of_scope),
            "entities": self.entities.to_json(),
            "row_texts": self.row_texts,
            "report": dict(self.report),
        }
        (folder / INTENTS).write_text(json.dumps(stored, ensure_ascii=False, indent=1), "utf-8")

    @classmethod
    def load(cls, folder: Path) -> IntentModel:
        """Read it back; `BadRelease` if a file is missing or the files do not belong together."""
        try:
            stored = json.loads((folder / INTENTS).read_text("utf-8"))
            if stored["format"] != FORMAT:
                raise BadRelease(f"{folder}: format {stored['format']}, this version reads {FORMAT}; train again")
            model = cls._parse(stored, load_file(folder / HEAD))
        except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
            raise BadRelease(f"{folder} is not a trained intent model: {error}; train again") from error
        return model._checked(folder)

    @classmethod
    def _parse(cls, stored: Mapping[str, Any], arrays: Mapping[str, Any]) -> IntentModel:
        single = {name: arrays[name].astype(np.float32) if name in _HALF else arrays[name] for name in arrays}
        return cls(
            labels=tuple(stored["labels"]),
            row_texts=tuple(stored["row_texts"]),
            space=_space(single),
            calibration=Calibration(**stored["calibration"]),
            out_of_scope=OutOfScope.from_json(stored["out_of_scope"]),
            entities=EntityDefinitions.from_json(stored["entities"]),
            report=stored["report"],
        )

    def _checked(self, folder: Path) -> IntentModel:
        space = self.space
        intents, rows = len(self.labels), len(self.row_texts)
        means = (space.last.means.shape[0], space.inner.means.shape[0])
        shapes = (space.directions.shape[0], *means, space.rows.shape[0], space.row_classes.shape[0])
        if shapes != (intents, intents, intents, rows, rows) or rows == 0 or int(space.row_classes.max()) >= intents:
            raise BadRelease(f"{folder}: {intents} intents and {rows} rows, but arrays of {shapes}; train again")
        return self


def _arrays(space: Space) -> dict[str, Any]:
    """Every array by its name, those of the clouds as `last.means`."""
    plain = {each.name: getattr(space, each.name) for each in fields(Space) if each.name not in _CLOUDS}
    names = [each.name for each in fields(Clouds) if each.init]
    return plain | {f"{depth}.{name}": getattr(getattr(space, depth), name) for depth in _CLOUDS for name in names}


def _space(arrays: Mapping[str, Any]) -> Space:
    plain = {name: array for name, array in arrays.items() if "." not in name}
    return Space(**plain, last=_clouds(arrays, "last."), inner=_clouds(arrays, "inner."))


def _clouds(arrays: Mapping[str, Any], depth: str) -> Clouds:
    return Clouds(**{name.removeprefix(depth): array for name, array in arrays.items() if name.startswith(depth)})
