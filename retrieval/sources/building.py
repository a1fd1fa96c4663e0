"""What every parser builds with: normalised text, and blocks with their headings and exact offsets."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from retrieval.documents import Block, BlockKind, Document
from retrieval.sources.findings import Findings

MAX_TEXT = 5_000_000
"""Characters a parsed document may hold; a longer source is refused."""

_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u00ad\u200b\u2060\ufeff\ufffe\uffff\ud800-\udfff"
    "\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]"  # orders of direction and tags, which can carry text unseen
)
_BLOB = re.compile(r"[!-~]{2000,}")
"""A run without any space that is no text: encoded pictures, keys, minified code."""
_SPACE = re.compile(r"[^\S\n]+")


def clean(text: str) -> str:
    """NFC, line breaks as \\n, runs of spaces as one, invisible and control characters out, lines trimmed."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n\n")
    text = _INVISIBLE.sub("", unicodedata.normalize("NFC", text)).replace("\x85", "\n")
    return "\n".join(_SPACE.sub(" ", line).strip() for line in text.split("\n")).strip()


def one_line(text: str) -> str:
    """`clean`, on one line."""
    return " ".join(clean(text).split())


class DocumentBuilder:
    """Takes headings and blocks in reading order and writes them into one text. Empty pieces are skipped.

    `findings` takes what is noticed beside the text.
    """

    def __init__(self, findings: Findings | None = None) -> None:
        self.title = ""
        self.findings = findings or Findings()
        self._pieces: list[str] = []
        self._length = 0
        self._blocks: list[Block] = []
        self._path: list[tuple[int, str]] = []

    def heading(self, level: int, text: str) -> None:
        """A heading of level 1 to 6; it ends every section of its level or below. The first one of level 1 is the
        title and stands in no path."""
        text = one_line(text)
        if not text:
            return
        self._append(text)
        if level == 1 and not self.title:
            self.title = text
            self._path = []
            return
        self._path = [(above, name) for above, name in self._path if above < level]
        self._path.append((level, text))

    def paragraph(self, text: str) -> None:
        """Running text; its line breaks are joined."""
        self._block("paragraph", one_line(text))

    def items(self, items: Sequence[str], *, first: int | None = None) -> None:
        """A list, one item a line; numbered from `first`, or with dashes where it is None."""
        texts = [text for text in (one_line(item) for item in items) if text]
        marks = [f"{first + number}." if first is not None else "-" for number in range(len(texts))]
        self._block("list", "\n".join(f"{mark} {text}" for mark, text in zip(marks, texts, strict=True)))

    def table(self, rows: Sequence[Sequence[str]], *, header: bool = True) -> None:
        """A table, one row a line: `Service: Express; Price: £6.95` with a header, else `Express | £6.95`."""
        cells = [[one_line(cell) for cell in row] for row in rows]
        cells = [row for row in cells if any(row)]
        if header and len(cells) > 1 and len(cells[0]) > 1:
            lines = [_named(cells[0], row) for row in cells[1:]]
        else:
            lines = [" | ".join(cell for cell in row if cell) for row in cells]
        self._block("table", "\n".join(line for line in lines if line))

    def faq(self, question: str, answer: str, topic: str = "") -> None:
        """One question with its answer, under its topic."""
        self._append(one_line(question))
        self._path = [(1, topic), (2, one_line(question))] if topic else [(2, one_line(question))]
        self._block("faq", clean(answer))
        self._path = []

    def document(self, id: str, *, title: str = "", url: str = "", media_type: str = "text/plain") -> Document:
        """What was built so far. `title` counts only where no heading gave one."""
        text = "".join(self._pieces)
        name = self.title or one_line(title) or id
        return Document(id, name, text, tuple(self._blocks), url=url, media_type=media_type)

    def _block(self, kind: BlockKind, text: str) -> None:
        text, blobs = _BLOB.subn("…", text)
        if blobs:
            self.findings.note("a run of more than 2,000 characters without a space was left out; it is no text")
        if not text:
            return
        start = self._append(text)
        heading = tuple(name for _, name in self._path)
        self._blocks.append(Block(kind, heading, start, self._length))

    def _append(self, text: str) -> int:
        if self._pieces:
            self._pieces.append("\n\n")
            self._length += 2
        start = self._length
        self._pieces.append(text)
        self._length += len(text)
        if self._length > MAX_TEXT:
            raise ValueError(f"the text is longer than {MAX_TEXT:,} characters; split the source")
        return start


def _named(header: Sequence[str], row: Sequence[str]) -> str:
    names = [*header, *[""] * (len(row) - len(header))]
    pairs = [(name, cell) for name, cell in zip(names, row, strict=False) if cell]
    return "; ".join(f"{name}: {cell}" if name and name != cell else cell for name, cell in pairs)
