"""Releases on disk: content-addressed parts, manifests that list every file with its hash, one pointer to what is live.

    releases/parts/<kind>-<hash>/…      files of a part; written once, never changed
    releases/<id>/manifest.json         which parts a release names, and the sha256 of each of their files
    releases/current.json               the pointer: the live release and those before it
    releases/history.jsonl              who promoted what, when, and whether it was forced

Everything is written beside its place, flushed, and moved there with `os.replace`, so that a reader never sees half of
it and a crash leaves the old state.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.errors import BadRelease, Conflict, NotFound, Refused
from bot.store.audit import Actor, Audit
from retrieval.index import IndexStore

KINDS = ("encoder", "intents", "knowledge", "router")
"""The parts of every release: the retriever's encoder, the intent model, the passages, policy and gate."""

KEPT_BACK = 20
"""How many earlier releases the pointer remembers for going back."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a release is made of. `parts` maps a kind to its folder under `releases/parts`; `files` maps every file,
    relative to `releases/`, to its sha256; `report` holds what was measured before it went live."""

    id: str
    created_at: str
    parts: Mapping[str, str]
    files: Mapping[str, str]
    parent: str = ""
    note: str = ""
    report: Mapping[str, Any] = field(default_factory=dict)


class Registry:
    def __init__(
        self,
        folder: Path,
        clock: Callable[[], datetime],
        *,
        audit: Audit | None = None,
        indexes: IndexStore | None = None,
    ) -> None:
        """With `audit`, what goes live stands there too, after the files say so. `indexes` keeps the vectors of
        knowledge parts; by default their own folders do."""
        self.indexes = indexes
        self.folder = folder
        self._clock = clock
        self._audit = audit
        (folder / "parts").mkdir(parents=True, exist_ok=True)

    @contextmanager
    def lock(self, *, wait: bool = True) -> Iterator[None]:
        """Held while building and publishing: one publisher at a time on this machine. Without `wait`, a `Conflict`
        (`busy`) where another holds it."""
        with open(self.folder / ".lock", "w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError as error:
                raise Conflict("a release is being built at the moment; wait until it is done", code="busy") from error
            yield

    def staging(self, name: str) -> Path:
        """An empty folder to build a part in, on the same file system as the parts."""
        folder = self.folder / "staging" / f"{name}-{os.getpid()}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def add_part(self, kind: str, built: Path) -> str:
        """Move a built folder to its content address and return its name; the same content is kept once.

        A part that lies there damaged is replaced, so that publishing again repairs it.
        """
        name = _part_name(kind, built)
        target = self.part(name)
        if target.exists() and _part_name(kind, target) == name:
            shutil.rmtree(built)
            return name
        shutil.rmtree(target, ignore_errors=True)
        for file in _files(built):
            _flush(file)
        os.replace(built, target)
        _flush(target.parent)
        return name

    def part(self, name: str) -> Path:
        return self.folder / "parts" / name

    def create(self, parts: Mapping[str, str], *, note: str, report: Mapping[str, Any] | None = None) -> Manifest:
        """Write the manifest of a release made of these parts; does not promote it. `BadRelease` for a damaged part."""
        if set(parts) != set(KINDS):
            raise BadRelease(f"a release has the parts {', '.join(KINDS)}; got {', '.join(sorted(parts)) or 'none'}")
        files: dict[str, str] = {}
        for kind, name in sorted(parts.items()):
            hashes = _hashes(self.part(name))
            if f"{kind}-{_hash_of(hashes)[:16]}" != name:
                raise BadRelease(f"parts/{name} does not hold what its name says; build the {kind} again")
            files |= {f"parts/{name}/{path}": sha for path, sha in hashes.items()}
        id = f"r-{_hash_of(dict(sorted(parts.items())))[:10]}"
        parent = self.current_id()
        origin = parent if parent and parent != id else ""
        manifest = Manifest(id, self._clock().isoformat(), dict(parts), files, origin, note, report or {})
        (self.folder / id).mkdir(exist_ok=True)
        write_json(self.folder / id / "manifest.json", asdict(manifest))
        return manifest

    def manifest(self, id: str) -> Manifest:
        """The manifest of a release; `NotFound` or `BadRelease`."""
        if not re.fullmatch(r"r-[0-9a-f]{10}", id) or not (path := self.folder / id / "manifest.json").exists():
            known = ", ".join(each.id for each in self.list()) or "none"
            raise NotFound(f"no release {id!r}; there are: {known}")
        try:
            return _manifest(path)
        except (ValueError, TypeError) as error:
            raise BadRelease(f"{path} is not a manifest: {error}") from error

    def verify(self, manifest: Manifest) -> None:
        """Hash every file of a release; `BadRelease` names the first that is missing, differs, or was put there."""
        for path, expected in manifest.files.items():
            file = self.folder / path
            if not file.is_file():
                raise BadRelease(f"release {manifest.id}: {path} is missing; roll back or publish again")
            if (found := sha256(file)) != expected:
                raise BadRelease(
                    f"release {manifest.id}: {path} has sha256 {found[:12]}…, the manifest says {expected[:12]}…; "
                    "roll back or publish again"
                )
        for name in manifest.parts.values():
            for file in _files(self.part(name)):
                if (path := str(file.relative_to(self.folder))) not in manifest.files:
                    raise BadRelease(f"release {manifest.id}: {path} is not in the manifest; delete it")

    def list(self) -> tuple[Manifest, ...]:
        """All readable releases, the newest first."""
        found = []
        for path in self.folder.glob("r-*/manifest.json"):
            try:
                found.append(_manifest(path))
            except (ValueError, TypeError):
                continue
        return tuple(sorted(found, key=lambda each: each.created_at, reverse=True))

    def discard(self, id: str) -> None:
        """Forget the manifest of a draft; a release that is or was live is kept."""
        pointer = self._pointer() or {"id": None, "before": []}
        if id != pointer["id"] and id not in pointer["before"]:
            shutil.rmtree(self.folder / id, ignore_errors=True)

    def current_id(self) -> str | None:
        """The live release's id, None before the first."""
        pointer = self._pointer()
        return pointer["id"] if pointer else None

    def promote(self, id: str, *, by: str, forced: bool = False, reason: str = "") -> None:
        """Make a release live, after its files were checked; recorded in the history. A damaged pointer is replaced."""
        self.verify(self.manifest(id))
        try:
            pointer = self._pointer() or {"id": None, "before": []}
        except BadRelease:
            pointer = {"id": None, "before": []}
        before = [pointer["id"], *pointer["before"]] if pointer["id"] not in (None, id) else pointer["before"]
        self._point(id, before, by=by, forced=forced, reason=reason, was=pointer["id"])

    def rollback(self, *, by: str) -> str:
        """Make the release before the live one live again, and return its id; `Refused` when there is none."""
        pointer = self._pointer()
        if not pointer or not pointer["before"]:
            raise Refused("there is no earlier release to go back to")
        target, *before = pointer["before"]
        self.verify(self.manifest(target))
        reason = f"rolled back from {pointer['id']}"
        self._point(target, before, by=by, forced=False, reason=reason, was=pointer["id"])
        return str(target)

    def history(self) -> tuple[Mapping[str, Any], ...]:
        """Promotions, the newest first; a line that a crash left half written is passed over."""
        path = self.folder / "history.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        found = []
        for line in reversed(lines):
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
        return tuple(found)

    def _pointer(self) -> dict[str, Any] | None:
        path = self.folder / "current.json"
        try:
            given = json.loads(path.read_bytes())
            return {"id": str(given["id"]), "before": list(given["before"])}
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise BadRelease(
                f"{path} is not a pointer: {error}; `firstline releases promote ID` writes it anew"
            ) from error

    def _point(self, id: str, before: Sequence[str], *, by: str, forced: bool, reason: str, was: str | None) -> None:
        at = self._clock().isoformat()
        path = self.folder / "history.jsonl"
        torn = path.exists() and not path.read_bytes().endswith(b"\n")
        with open(path, "a") as file:
            file.write("\n" if torn else "")
            json.dump({"at": at, "id": id, "by": by, "forced": forced, "reason": reason}, file)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        write_json(self.folder / "current.json", {"id": id, "before": list(before[:KEPT_BACK]), "at": at})
        if self._audit is not None:
            earlier = {"release": was} if was and was != id else {}
            self._audit.record(Actor(by), "release_promoted", id, earlier, {"forced": forced})


def write_json(path: Path, value: Any) -> None:
    """Write JSON as `write_text` does."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False))


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 so that a reader sees the old file or the new one, and the new one survives a crash."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    with open(partial, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)
    _flush(path.parent)


def sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _manifest(path: Path) -> Manifest:
    """`ValueError` or `TypeError` if the file is not a manifest of this program's."""
    manifest = Manifest(**json.loads(path.read_bytes()))
    if not isinstance(manifest.parts, dict) or set(manifest.parts) != set(KINDS):
        raise ValueError(f"a release has the parts {', '.join(KINDS)}")
    if not isinstance(manifest.files, dict) or manifest.id != path.parent.name:
        raise ValueError(f"it is that of {manifest.id!r}, or lists no files")
    return manifest


def _part_name(kind: str, folder: Path) -> str:
    return f"{kind}-{_hash_of(_hashes(folder))[:16]}"


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _hashes(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): sha256(path) for path in _files(folder)}


def _hash_of(value: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
