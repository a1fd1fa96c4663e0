"""Under which conditions a training was measured, so that figures can be read for what they are."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bot.understanding.weights import sha256

PACKAGES = ("firstline", "torch", "transformers", "onnx", "onnxruntime", "tokenizers", "numpy")
_WEIGHTS = "model.safetensors"


@dataclass(frozen=True, slots=True)
class Conditions:
    """`base` is the base encoder's name, `base_sha256` that of its weights, "" where it has none in the usual place;
    `load` the machine's load over a minute when it began; `versions` package and version."""

    train_files: tuple[str, ...]
    test_file: str
    oos_file: str
    base: str
    base_sha256: str
    cpu: str
    cores: int
    load: float
    python: str
    versions: dict[str, str]


def conditions(train_files: Sequence[Path], test_file: Path, oos_file: Path | None, base: Path) -> Conditions:
    """Those of this process on this machine; files by their names alone."""
    weights = base / _WEIGHTS
    return Conditions(
        train_files=tuple(path.name for path in train_files),
        test_file=test_file.name,
        oos_file=oos_file.name if oos_file is not None else "",
        base=base.name,
        base_sha256=sha256(weights) if weights.is_file() else "",
        cpu=_cpu(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        load=round(os.getloadavg()[0], 2),
        python=platform.python_version(),
        versions={package: found for package in PACKAGES if (found := _version(package))},
    )


def _cpu() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
