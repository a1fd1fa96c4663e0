"""Zip archives from outside (DOCX, XLSX), measured before anything parses them."""

from __future__ import annotations

import io
import zipfile
import zlib

from retrieval.errors import UnreadableSource

MAX_MEMBERS = 2_000
MAX_BYTES = 200 * 2**20
MAX_RATIO = 200
"""Unpacked bytes for each packed byte of the whole archive; office files stay under 30."""
RATIO_APPLIES = 10 * 2**20
"""Archives that unpack to less than this many bytes are harmless at any ratio."""


def check_zip(data: bytes, name: str) -> None:
    """`UnreadableSource` unless the archive unpacks within the limits. Sizes are counted while unpacking, because
    the ones that the archive states are its author's."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if len(members) > MAX_MEMBERS:
                raise UnreadableSource(name, f"holds {len(members):,} members, the limit is {MAX_MEMBERS:,}")
            total = 0
            for member in members:
                total = _unpacked(archive, member, total, len(data), name)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise UnreadableSource(name, f"not a readable office file ({error}); open it and save it again") from error


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo, total: int, packed: int, name: str) -> int:
    with archive.open(member) as stream:
        while piece := stream.read(2**20):
            total += len(piece)
            if total > MAX_BYTES:
                raise UnreadableSource(name, f"unpacks to more than {MAX_BYTES // 2**20} MiB")
            if total > RATIO_APPLIES and total > MAX_RATIO * packed:
                raise UnreadableSource(name, f"unpacks to more than {MAX_RATIO} times its size")
    return total
