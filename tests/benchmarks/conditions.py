"""What figures were measured under: machine, load, versions, code; and a hash of the code that a model depends on."""

from __future__ import annotations

import ast
import hashlib
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from bot.dialogue import install
from tests.benchmarks.processes import ROOT, cores
from tests.benchmarks.serving import conditions as machine

PACKAGES = ("numpy", "scikit-learn", "onnxruntime", "tokenizers", "torch", "transformers", "sentence-transformers")
RASA_PACKAGES = ("rasa", "tensorflow-cpu")
ENTRANCES = (
    *("bot.understanding.tuning.training", "bot.understanding.classifier", "tests.benchmarks.contenders.ours"),
    *("tests.benchmarks.contenders.__main__", "tests.benchmarks.figures", "tests.benchmarks.intent_sets"),
)
LEAVES = frozenset({"bot/understanding/understand.py"})
"""Hashed, but what they import is not looked at: entities and tone change no intent."""


def conditions() -> dict[str, Any]:
    """Machine, versions, commit, and the time of day in UTC."""
    return {
        **machine(),
        "training_cores": cores(),
        "answering_core": cores()[-1],
        "versions": {name: metadata.version(name) for name in PACKAGES} | rasa_versions(),
        "commit": commit(),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def rasa_versions() -> dict[str, str]:
    """What is pinned for Rasa's environment, which is only used if it is of these pins."""
    pinned = (line.strip().partition("==") for line in install.REQUIREMENTS.read_text("utf-8").splitlines())
    return {name: version for name, _, version in pinned if name in RASA_PACKAGES}


def commit() -> str:
    """The commit that lies here, with a + when files differ from it; nothing outside a checkout."""
    try:
        asked = ["git", "--no-optional-locks", "describe", "--always", "--dirty=+", "--abbrev=10", "--exclude=*"]
        return subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def in_words(found: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    cores_used = f"{len(found['training_cores'])} to train on and one to answer"
    return (
        f"{found['cores']} cores of {found['cpu']}, {cores_used}; load {found['load_1_min']} at the start; "
        f"{found['at']}; commit {found['commit'] or 'unknown'}; Python {found['python']}, {versions}"
    )


def code_hash() -> str:
    """Of every module of ours that trains the intent model or answers with it, and of the packages' versions."""
    digest = hashlib.sha256()
    for path in code_files(ENTRANCES):
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    digest.update(" ".join(metadata.version(name) for name in PACKAGES).encode())
    return digest.hexdigest()


def data_hash(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def code_files(entrances: Iterable[str]) -> list[Path]:
    """The files of these modules and of all modules of ours that they import, at the top or inside a function."""
    waiting, found = [path for name in entrances if (path := _file(name))], set()
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        if path.relative_to(ROOT).as_posix() in LEAVES:
            continue
        waiting += [imported for name in _imported(path) if (imported := _file(name))]
    return sorted(found)


def _imported(path: Path) -> Iterable[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _file(module: str) -> Path | None:
    if module.split(".")[0] not in ("bot", "retrieval", "tests"):
        return None
    path = ROOT.joinpath(*module.split(".")).with_suffix(".py")
    return path if path.is_file() else None
