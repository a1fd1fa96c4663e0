"""The frozen base encoder as a check uses it: exported once for each set of weights, then only loaded.

The export belongs to training and imports torch; a second check does not.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from bot.errors import BadInput
from bot.understanding.weights import sha256
from retrieval.embedder import UTTERANCE_TOKENS, OnnxEmbedder
from retrieval.errors import BadModel


def base_encoder(base: Path, cache: Path) -> OnnxEmbedder:
    """The encoder of the weights in `base`, reading `UTTERANCE_TOKENS` tokens, kept in a folder under `cache`.

    `BadInput` if `base` is no sentence encoder.
    """
    try:
        known = "-".join(sha256(path)[:12] for path in sorted(base.glob("*.safetensors")))
        folder = cache / f"encoder-{known}"
        if not known or not (folder / "model.onnx").is_file():
            _export(base, folder)
        return OnnxEmbedder.load(folder, max_tokens=UTTERANCE_TOKENS, threads=0)
    except BadModel as error:
        raise BadInput(f"{base} cannot embed the rows: {error}") from error


def _export(base: Path, folder: Path) -> None:
    from retrieval.export import export_encoder

    staging = folder.with_name(f"{folder.name}.{os.getpid()}.partial")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    try:
        export_encoder(base, staging)
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(staging, folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
