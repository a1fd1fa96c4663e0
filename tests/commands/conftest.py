"""The command line in this process: real settings, a real store, and what it wrote and ended with."""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog

from bot.cli import main
from tests.releases.conftest import (
    dataset,
    encoder_folder,
    nlu_file,
    quick_recipe,
    registry,
    shop,
    tiny_base,
    trained,
)

__all__ = ["dataset", "encoder_folder", "nlu_file", "quick_recipe", "registry", "shop", "tiny_base", "trained"]


@dataclass(frozen=True, slots=True)
class Ran:
    """How a verb ended: exit status, stdout, and stderr on one line."""

    status: int
    out: str
    err: str


Firstline = Callable[..., Ran]


@pytest.fixture
def firstline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Firstline]:
    """Runs a verb: `firstline("faq", "import", "f.csv", typed="…", FIRSTLINE_PORT="1")`."""
    for name in [name for name in os.environ if name.startswith("FIRSTLINE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("FIRSTLINE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FIRSTLINE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("FIRSTLINE_PORT", "1")

    def run(*arguments: str, typed: str = "", **settings: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["firstline", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        capsys.readouterr()
        with pytest.MonkeyPatch.context() as given:
            for name, value in settings.items():
                given.setenv(name, value)
            try:
                main()
                status = 0
            except SystemExit as ended:
                status = int(ended.code or 0)
        written = capsys.readouterr()
        return Ran(status, written.out, " ".join(written.err.split()))

    filters = list(logging.getLogger().filters)
    yield run
    logging.captureWarnings(False)
    logging.getLogger().filters[:] = filters
    structlog.reset_defaults()
