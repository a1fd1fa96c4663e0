"""What the installation decides without installing anything: stamps, hashes, commands, environments."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bot.dialogue import install
from bot.errors import Refused
from bot.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return replace(Settings(), home=tmp_path / "var", rasa_venv=tmp_path / "venv", rasa_token="t" * 32)


def test_an_environment_of_another_list_is_not_installed(settings: Settings) -> None:
    assert not install.is_installed(settings)
    settings.rasa_venv.mkdir()
    (settings.rasa_venv / ".installed").write_text("of another list")
    assert not install.is_installed(settings)


def test_every_package_is_pinned() -> None:
    lines = install.REQUIREMENTS.read_text("utf-8").splitlines()
    packages = [line for line in lines if line.strip() and not line.startswith("#")]
    assert all("==" in line for line in packages)
    assert {"rasa==3.6.21", "tensorflow-cpu==2.12.0"} <= set(packages)


def test_python_310_is_taken_from_pyenv_before_this_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert install.find_python() == (sys.executable, ["--ignore-requires-python"])
    shim = _program(tmp_path / "python3.10", "exit 127")
    assert install.find_python() == (sys.executable, ["--ignore-requires-python"]), f"{shim} does not start"
    python = _program(tmp_path / "versions" / "3.10.13" / "bin" / "python3.10", "exit 0")
    assert install.find_python() == (str(python), [])


def _program(path: Path, line: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)
    return path


def test_no_secret_of_ours_reaches_the_other_process(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTLINE_SECRET_KEY", "never")
    environment = install.rasa_environment(settings)
    assert "never" not in environment.values()
    assert environment["RASA_TELEMETRY_ENABLED"] == "false"
    assert environment["FIRSTLINE_RASA_TOKEN"] == settings.rasa_token


def test_a_command_that_fails_says_how_it_ended() -> None:
    with pytest.raises(Refused, match="no such thing"):
        install._run([sys.executable, "-c", "import sys; sys.exit('no such thing')"])


def test_the_server_listens_on_loopback_with_a_token(settings: Settings) -> None:
    model = settings.home / "rasa" / "models" / f"flows-{install.project_hash()[:12]}.tar.gz"
    model.parent.mkdir(parents=True)
    model.touch()
    command = install.rasa_command(settings)
    assert command[command.index("--interface") + 1] == "127.0.0.1"
    assert command[command.index("--auth-token") + 1] == settings.rasa_token
    assert command[command.index("--model") + 1] == str(model)
