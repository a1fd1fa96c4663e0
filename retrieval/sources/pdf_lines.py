"""Lines of a PDF page with their place and size, rebuilt from the text operations in its content stream."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

from retrieval.sources.building import one_line

GAP = 0.7
"""Empty space between two runs of a line, in font sizes, from which they are cells of a table row."""
NARROW, WIDE = frozenset("iljtfI.,;:'!|()[] "), frozenset("mwMW@%—")
"""Characters far from the mean width; the standard fonts' widths are not in the file, so that a run's end is estimated
from their proportions in Helvetica."""
EDGE_LINES = 3
"""Lines at the top and at the bottom of a page that may be its header or footer."""

_PAGE_NUMBER = re.compile(r"(page )?\d+( (of|/) \d+)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Run:
    """Text at one place; `x` and `y` in points from the lower left, `size` the font size in points."""

    x: float
    y: float
    size: float
    bold: bool
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """Runs of one height, left to right; `cells` has more than one text where gaps part them, `xs` their places."""

    page: int
    y: float
    size: float
    bold: bool
    cells: tuple[str, ...]
    xs: tuple[float, ...]

    @property
    def text(self) -> str:
        """The whole line."""
        return " ".join(self.cells)


def lines_of(page: Any, number: int) -> list[Line]:
    """The lines of a pypdf page from top to bottom."""
    runs: list[Run] = []

    def visit(text: str, cm: Sequence[float], tm: Sequence[float], font: Any, size: float) -> None:
        if text.strip():
            x = tm[4] * cm[0] + tm[5] * cm[2] + cm[4]
            y = tm[4] * cm[1] + tm[5] * cm[3] + cm[5]
            scale = abs(tm[3] * cm[3]) or 1.0
            bold = "bold" in str((font or {}).get("/BaseFont", "")).lower()
            runs.append(Run(x, y, (size or 1.0) * scale, bold, one_line(text)))

    page.extract_text(visitor_text=visit)
    rows: list[list[Run]] = []
    for run in sorted(runs, key=lambda run: (-round(run.y), run.x)):
        if rows and abs(rows[-1][0].y - run.y) < 0.4 * run.size:
            rows[-1].append(run)
        else:
            rows.append([run])
    return [_line(number, sorted(row, key=lambda run: run.x)) for row in rows]


def without_edges(pages: Sequence[Sequence[Line]]) -> list[Line]:
    """All lines of the pages but the headers, footers and page numbers that repeat on at least half of them. What
    stands between the edges as often, such as the rows of a long table, is no header."""
    enough = max(2, len(pages) / 2)
    seen = Counter(key for lines in pages for key in {_shape(line) for line in _edges(lines)})
    inside = Counter(key for lines in pages for key in {_shape(line) for line in lines[EDGE_LINES:-EDGE_LINES]})
    repeated = {key for key, times in seen.items() if times >= enough and inside[key] < enough}
    kept = []
    for lines in pages:
        edges = _edges(lines)
        for line in lines:
            at_edge = any(line is edge for edge in edges)
            if not (at_edge and (_shape(line) in repeated or _PAGE_NUMBER.fullmatch(line.text))):
                kept.append(line)
    return kept


def body_size(lines: Sequence[Line]) -> float:
    """The font size most of the text has, in points."""
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[round(line.size, 1)] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 1.0


def line_step(lines: Sequence[Line], size: float) -> float:
    """Usual distance between two lines of a paragraph, in points."""
    steps = [
        before.y - after.y
        for before, after in pairwise(lines)
        if before.page == after.page and 0.8 * size < before.y - after.y < 2.5 * size
    ]
    return min(median(steps), 1.6 * size) if steps else 1.2 * size


def _line(number: int, runs: Sequence[Run]) -> Line:
    cells, xs, right = [runs[0].text], [runs[0].x], _right(runs[0])
    for run in runs[1:]:
        if run.x - right > GAP * run.size:
            cells.append(run.text)
            xs.append(run.x)
        else:
            glue = "" if run.x - right < -0.3 * run.size and len(run.text) == 1 else " "
            cells[-1] += glue + run.text
        right = max(right, _right(run))
    main = max(runs, key=lambda run: len(run.text))
    bold = all(run.bold for run in runs)
    if len(cells) == 2 and (item := _item(*cells)):
        return Line(number, main.y, main.size, bold, (item,), (xs[0],))
    return Line(number, main.y, main.size, bold, tuple(cells), tuple(xs))


def _item(mark: str, text: str) -> str:
    """The line of a list whose mark was drawn apart from its text; nothing where the first cell is no mark."""
    if re.fullmatch(r"\d{1,2}[.)]?", mark) and len(text.split()) > 2:
        return f"{mark.rstrip('.)')}. {text}"
    return f"- {text}" if len(mark) <= 1 and not mark.isalnum() and mark not in "–—-" else ""


def _right(run: Run) -> float:
    return run.x + run.size * sum(_width(character) for character in run.text)


def _width(character: str) -> float:
    """Width in font sizes."""
    if character in NARROW:
        return 0.28
    if character in WIDE:
        return 0.85
    return 0.68 if character.isupper() else 0.54


def _edges(lines: Sequence[Line]) -> list[Line]:
    return [*lines[:EDGE_LINES], *lines[-EDGE_LINES:]] if len(lines) > 2 * EDGE_LINES else list(lines)


def _shape(line: Line) -> str:
    return re.sub(r"\d+", "#", line.text.lower())
