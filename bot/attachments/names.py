"""Names of files as people read them: cleaned for display and for saving, never a path of ours."""

from __future__ import annotations

import re
import unicodedata

from bot.attachments.kinds import KINDS, Kind
from bot.messages import Attachment

LONGEST = 80
"""Characters of a name before its ending."""
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that are not seen, or that change how what stands beside them is read (U+202E among them)."""
_NOT_IN_NAMES = re.compile(r'[<>:"|?*/\\]')
_DEVICES = re.compile(r"(?i)(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?")
"""Names that Windows takes for devices."""


def clean_name(given: str, kind: Kind) -> str:
    """A name that can be shown and saved: without folders and hidden characters, and with an ending of its kind, so
    that a text called `invoice.html` is `invoice.html.txt`."""
    last = unicodedata.normalize("NFC", given.replace("\\", "/").rpartition("/")[2])
    seen = "".join(" " if unicodedata.category(c) in _HIDDEN else c for c in last)
    name = " ".join(_NOT_IN_NAMES.sub("_", seen).split()).strip(" .")
    ending = next((each for each in kind.extensions if name.lower().endswith(each)), "")
    stem = name[: len(name) - len(ending)][:LONGEST].strip(" .") or "file"
    if _DEVICES.fullmatch(stem):
        stem = f"_{stem}"
    return stem + (name[len(name) - len(ending) :] if ending else kind.extensions[0])


def spoken_size(size: int) -> str:
    """Bytes as one says them, in powers of 1,024: 830 bytes, 12 kB, 1.4 MB."""
    if size < 1_024:
        return f"{size} bytes"
    return f"{size / 1_024:.0f} kB" if size < 1_000 * 1_024 else f"{size / 2**20:.1f} MB"


def described(attachment: Attachment) -> str:
    """A file in one line: its name, what it is, and its size."""
    kind = KINDS.get(attachment.kind)
    return f"{attachment.name} ({kind.title if kind else attachment.kind}, {spoken_size(attachment.size)})"


def in_brief(text: str, attachments: tuple[Attachment, ...]) -> str:
    """What a message says where there is one line for it: its text, or the names of its files where it has none."""
    return text or ", ".join(each.name for each in attachments)
