"""Installing and starting the dialogue engine: Rasa in a virtual environment of its own, and its trained flows.

Rasa 3.6.21 is frozen upstream and wants Python 3.10 with old numerics, so nothing of it enters our environment. It is
used through three documented doors only: our connector, `nlu:` and `action_endpoint:`.

    python -m bot.dialogue.install        does what is missing, says what it does
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from bot.errors import Refused
from bot.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PROJECT = Path(__file__).resolve().parent / "rasa"
REQUIREMENTS = ROOT / "deploy" / "rasa" / "requirements.txt"
BUILD_TOOLS = ("setuptools==70.3.0", "wheel")
MODELS_KEPT = 2

Tell = Callable[[str], None]


def ensure(settings: Settings, tell: Tell) -> Path:
    """Install Rasa and train the flows if that is missing; returns the model's path."""
    ensure_environment(settings, tell)
    return ensure_model(settings, tell)


def is_installed(settings: Settings) -> bool:
    """Whether the environment is complete and of the pinned list."""
    stamp = settings.rasa_venv / ".installed"
    return stamp.exists() and stamp.read_text() == _hash(REQUIREMENTS.read_bytes())


def ensure_environment(settings: Settings, tell: Tell) -> None:
    """Make the virtual environment from the pinned list; `Refused` with the end of pip's output if that fails."""
    if is_installed(settings):
        return
    python, extra = find_python()
    tell(f"installing the dialogue engine with {python} (about a minute and 1.7 GB) …")
    venv = settings.rasa_venv
    _run([python, "-m", "venv", "--clear", str(venv)])
    quiet = ["--disable-pip-version-check", "install", "--quiet", "--no-compile"]
    pip = [str(venv / "bin" / "python"), "-m", "pip", *quiet]
    _run([*pip, *BUILD_TOOLS])
    _run([*pip, "--no-deps", "--no-build-isolation", *extra, "-r", str(REQUIREMENTS)])
    (venv / ".installed").write_text(_hash(REQUIREMENTS.read_bytes()))
    tell("the dialogue engine is installed")


def find_python() -> tuple[str, list[str]]:
    """Python 3.10 from the path or pyenv's versions, else this one with the option that its age needs."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    pyenvs = sorted(str(path) for path in versions.glob("3.10.*/bin/python3.10"))
    named = shutil.which("python3.10")
    for candidate in (named, *reversed(pyenvs)):
        if candidate is not None and _runs(candidate):
            return candidate, []
    if sys.version_info[:2] != (3, 11):
        raise Refused(
            f"the dialogue engine needs Python 3.10 or 3.11, this is {sys.version_info[0]}.{sys.version_info[1]}"
        )
    return sys.executable, ["--ignore-requires-python"]


def _runs(python: str) -> bool:
    """Whether this is a Python 3.10 that starts; pyenv's shims are found on the path but may refuse to."""
    asked = [python, "-c", "import sys, venv; sys.exit(sys.version_info[:2] != (3, 10))"]
    try:
        return subprocess.run(asked, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def ensure_model(settings: Settings, tell: Tell) -> Path:
    """Train the flows if the project changed since the last training; returns the model's path."""
    models = settings.home.resolve() / "rasa" / "models"
    model = models / f"flows-{project_hash()[:12]}.tar.gz"
    if model.exists():
        return model
    tell("training the flows (about ten seconds) …")
    models.mkdir(parents=True, exist_ok=True)
    command = [
        *rasa(settings),
        "train",
        "core",
        "--domain",
        "domain.yml",
        "--config",
        "config.yml",
        "--stories",
        "data",
        "--out",
        str(models),
        "--fixed-model-name",
        model.name.removesuffix(".tar.gz"),
    ]
    _run(command, folder=PROJECT, environment=rasa_environment(settings))
    for old in sorted(models.glob("flows-*.tar.gz"), key=lambda path: path.stat().st_mtime)[:-MODELS_KEPT]:
        old.unlink()
    return model


def project_hash() -> str:
    """A hash of all that the trained flows depend on."""
    digest = hashlib.sha256()
    for path in sorted(PROJECT.rglob("*.yml")):
        digest.update(path.relative_to(PROJECT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def rasa(settings: Settings) -> list[str]:
    """The command that starts Rasa's own command line."""
    return [str(settings.rasa_venv.resolve() / "bin" / "python"), "-W", "ignore", "-m", "rasa"]


def rasa_command(settings: Settings) -> list[str]:
    """The command of the server: loopback only, with a token, telling nobody anything."""
    return [
        *rasa(settings),
        "run",
        "--model",
        str(ensure_model(settings, lambda message: None)),
        "--interface",
        "127.0.0.1",
        "--port",
        str(settings.rasa_port),
        "--endpoints",
        "endpoints.yml",
        "--credentials",
        "credentials.yml",
        "--enable-api",
        "--auth-token",
        settings.rasa_token,
    ]


def rasa_environment(settings: Settings) -> Mapping[str, str]:
    """The environment of every Rasa process: our doors, its tracker file, telemetry off, few threads."""
    folder = settings.home.resolve() / "rasa"
    folder.mkdir(parents=True, exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FIRSTLINE_")}
    return {
        **kept,
        "FIRSTLINE_WEB_URL": f"http://127.0.0.1:{settings.port}",
        "FIRSTLINE_RASA_TOKEN": settings.rasa_token,
        "FIRSTLINE_RASA_TRACKER_DB": str(folder / "tracker.sqlite"),
        "RASA_TELEMETRY_ENABLED": "false",
        "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "RASA_CACHE_DIRECTORY": str(folder / "cache"),
        "MPLCONFIGDIR": str(folder / "matplotlib"),
        "OMP_NUM_THREADS": "1",
        "TF_NUM_INTRAOP_THREADS": "1",
        "TF_NUM_INTEROP_THREADS": "1",
    }


def _run(command: list[str], *, folder: Path | None = None, environment: Mapping[str, str] | None = None) -> None:
    finished = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if finished.returncode != 0:
        last = (finished.stderr or finished.stdout).strip().splitlines()[-8:]
        raise Refused(f"{' '.join(command[:6])} … failed:\n" + "\n".join(last))


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    ensure(Settings.load().with_secrets(), print)
