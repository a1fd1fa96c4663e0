"""Zip archives from outside, measured while they unpack: one budget for office files and for zips of documents."""

from __future__ import annotations

import io
import zipfile
import zlib
from dataclasses import dataclass

from retrieval.errors import UnreadableSource

MAX_MEMBERS = 2_000
MAX_BYTES = 200 * 2**20
MAX_RATIO = 200
"""Unpacked bytes for each packed byte of the whole archive; office files stay under 30."""
RATIO_APPLIES = 10 * 2**20
"""Archives that unpack to less than this many bytes are harmless at any ratio."""


@dataclass(slots=True)
class Budget:
    """What an archive of `packed` bytes has unpacked to, good members and bad. `remedy` ends the message that it is too
    much. Sizes are counted while unpacking, because the ones that the archive states are its author's."""

    name: str
    packed: int
    remedy: str = ""
    total: int = 0

    def spend(self, size: int) -> None:
        """Add to the total; `UnreadableSource` beyond a limit."""
        self.total += size
        if self.total > MAX_BYTES:
            raise UnreadableSource(self.name, f"unpacks to more than {MAX_BYTES // 2**20} MiB{self.remedy}")
        if self.total > RATIO_APPLIES and self.total > MAX_RATIO * self.packed:
            raise UnreadableSource(self.name, f"unpacks to more than {MAX_RATIO} times its size")


def check_zip(data: bytes, name: str) -> None:
    """`UnreadableSource` unless the office file `data` unpacks within the limits."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if len(members) > MAX_MEMBERS:
                raise UnreadableSource(name, f"holds {len(members):,} members, the limit is {MAX_MEMBERS:,}")
            budget = Budget(name, len(data))
            for member in members:
                with archive.open(member) as stream:
                    while piece := stream.read(2**20):
                        budget.spend(len(piece))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise UnreadableSource(name, f"not a readable office file ({error}); open it and save it again") from error
