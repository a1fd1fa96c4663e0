"""Arrows point down, and what serves never loads what trains."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

SERVING = ("bot.app", "bot.worker", "bot.gunicorn", "bot.releases.live", "bot.releases.publish", "bot.ingest")
TRAINING = ("torch", "transformers", "sentence_transformers", "sklearn", "onnx")


def test_the_import_contracts_hold(tmp_path: Path) -> None:
    program = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run(
        [program, "--cache-dir", tmp_path / "cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4_000:]
    assert "0 broken" in done.stdout


@pytest.mark.parametrize("module", SERVING)
def test_what_serves_loads_nothing_that_trains(module: str) -> None:
    code = f"import sys, {module}; print([name for name in {TRAINING!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
