"""A zip of documents: its files one after the other, each under the same limits as a file of its own.

Nothing is written to disk, so a name cannot lead out of a folder; names that try are refused all the same, because
whoever packed them meant something else than documents.
"""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from retrieval.errors import UnreadableSource
from retrieval.sources import zips
from retrieval.sources.registry import MAX_BYTES

MAX_FILES = 5_000
_ENTRY = b"PK\x01\x02"
"""Begins every entry of an archive's directory."""
_NESTED = (".zip", ".jar", ".7z", ".rar", ".gz", ".tgz", ".bz2", ".xz", ".tar")
_JUNK = ("__MACOSX", "Thumbs.db", "desktop.ini")


@dataclass(frozen=True, slots=True)
class Member:
    """A file of an archive; `path` is what the archive calls it."""

    path: str
    data: bytes


def members_of(data: bytes, name: str) -> Iterator[Member | UnreadableSource]:
    """The files of a zip in the order of their names, and for each that cannot be taken the reason.

    Raises `UnreadableSource` if the whole is no zip, holds too many files, or unpacks beyond the limits on bytes or on
    the ratio: what came before is good, the rest is not read.
    """
    if data.count(_ENTRY) > MAX_FILES:
        raise UnreadableSource(name, f"holds more than {MAX_FILES:,} files; split it")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            spent = zips.Budget(name, len(data), "; split it")
            for entry in sorted(archive.infolist(), key=lambda entry: entry.filename):
                if entry.is_dir() or _is_junk(entry.filename):
                    continue
                reason = _refused(entry)
                if reason:
                    yield UnreadableSource(f"{name}/{entry.filename}", reason)
                    continue
                yield _unpacked(archive, entry, name, spent)
    except (zipfile.BadZipFile, EOFError, OSError, ValueError) as error:
        raise UnreadableSource(name, f"is not a readable zip file ({error}); pack it again") from error


def _is_junk(path: str) -> bool:
    parts = path.replace("\\", "/").split("/")
    return any(part in _JUNK for part in parts) or parts[-1].startswith((".", "~$"))


def _refused(entry: zipfile.ZipInfo) -> str:
    """Why an entry is not even unpacked; empty if it may be."""
    path = entry.filename.replace("\\", "/")
    if PurePosixPath(path).is_absolute() or path[1:3] == ":/":
        return "has an absolute path; pack the folder with relative paths"
    if ".." in path.split("/"):
        return "leads out of the archive (..); pack the folder with relative paths"
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "is a symbolic link; pack the file itself"
    if entry.flag_bits & 0x1:
        return "is encrypted; pack it without a password"
    if path.lower().endswith(_NESTED):
        return "is an archive inside of the archive; unpack it first"
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is packed by an unusual method; pack it with deflate"
    return ""


def _unpacked(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str, spent: zips.Budget
) -> Member | UnreadableSource:
    """An entry's bytes, counted while they are unpacked: the sizes in the archive are its author's."""
    pieces: list[bytes] = []
    size = 0
    try:
        with archive.open(entry) as stream:
            while piece := stream.read(2**20):
                spent.spend(len(piece))
                size += len(piece)
                if size > MAX_BYTES:
                    return UnreadableSource(f"{name}/{entry.filename}", f"has more than {MAX_BYTES:,} bytes; split it")
                pieces.append(piece)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        return UnreadableSource(f"{name}/{entry.filename}", f"cannot be unpacked ({error}); pack it again")
    data = b"".join(pieces)
    if data.startswith(b"PK\x03\x04") and not entry.filename.lower().endswith((".docx", ".xlsx")):
        return UnreadableSource(f"{name}/{entry.filename}", "is an archive inside of the archive; unpack it first")
    return Member(entry.filename.replace("\\", "/"), data)
