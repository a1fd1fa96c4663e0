"""Where a base model comes from: the hash of its weights, held against those we know, and the licence it comes under.

A company declares both for other weights in `firstline-model.json` beside them: `{"licence": "MIT", "sha256": "…"}`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bot.errors import BadInput
from bot.understanding import weights
from retrieval.families import WEIGHTS

DECLARATION = "firstline-model.json"
KNOWN = {
    weights.WEIGHTS_SHA256: ("all-MiniLM-L6-v2", weights.LICENCE),
    "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658": ("all-mpnet-base-v2", "Apache-2.0"),
}
"""Published weights by the sha256 of their file: name and licence."""

_MOST_CHARACTERS = 100_000
_SAYS_NOTHING = frozenset({"", "other", "unknown", "none"})


@dataclass(frozen=True, slots=True)
class Provenance:
    """`vouched_by` names who knows the hash: published weights, or the declaration; empty where nobody does.
    `licence` is empty where it is stated nowhere."""

    sha256: str
    vouched_by: str = ""
    licence: str = ""

    @property
    def forbids_commerce(self) -> bool:
        """Whether the licence is one of those that exclude commercial use (CC BY-NC and its kin)."""
        return "nc" in self.licence.lower().replace(" ", "-").split("-")


def provenance(folder: Path) -> Provenance:
    """What is known of the weights in `folder`. `BadInput` for a declaration that cannot be read or that names other
    weights than those that lie there."""
    found = weights.sha256(folder / WEIGHTS)
    declared = _declaration(folder / DECLARATION)
    if declared.get("sha256", found) != found:
        raise BadInput(
            f"{folder / WEIGHTS} has sha256 {found}, {DECLARATION} says {declared['sha256']}; copy the weights anew, "
            "or correct the declaration if they were changed on purpose"
        )
    if found in KNOWN:
        name, licence = KNOWN[found]
        return Provenance(found, name, licence)
    licence = next((each for each in _stated(folder, declared) if each.lower() not in _SAYS_NOTHING), "")
    return Provenance(found, DECLARATION if "sha256" in declared else "", licence)


def _stated(folder: Path, declared: dict[str, str]) -> Iterator[str]:
    """Licences as they are stated, the company's own word first."""
    yield declared.get("licence", "")
    readme = _front_matter(folder / "README.md")
    yield _plain(readme.get("license"))
    yield _plain(readme.get("license_name"))
    yield _plain(_object(folder / "config.json").get("license"))
    yield _plain(_object(folder / "verified.json").get("licence"))


def _declaration(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    read = _object(path)
    if not read or set(read) - {"licence", "license", "sha256"} or not all(isinstance(v, str) for v in read.values()):
        raise BadInput(f'{path} is not {{"licence": "…", "sha256": "…"}}; write it so, or delete it')
    licence = read.get("licence") or read.get("license") or ""
    return {"licence": licence.strip()} | ({"sha256": read["sha256"].strip().lower()} if "sha256" in read else {})


def _front_matter(path: Path) -> dict[str, Any]:
    """The YAML between the first two lines of dashes; nothing where there is none or it cannot be read."""
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(_MOST_CHARACTERS)
        read = yaml.safe_load(text.split("\n---", 1)[0].removeprefix("---")) if text.startswith("---\n") else {}
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return {}
    return read if isinstance(read, dict) else {}


def _object(path: Path) -> dict[str, Any]:
    try:
        read = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(filter(None, map(_plain, value)))
    return " ".join(value.split())[:80] if isinstance(value, str) else ""
