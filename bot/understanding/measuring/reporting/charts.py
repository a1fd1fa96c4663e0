"""The pictures of an evaluation; each stands beside a table with the same numbers."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from bot.understanding.measuring.curves import Histogram, ReliabilityBin, RiskPoint
from bot.understanding.measuring.reporting.svg import WIDTH, Plot, element, picture
from bot.understanding.measuring.robustness.slices import Slice

_TENTHS = tuple((tick / 10, f"{tick * 10} %") for tick in range(0, 11, 2))
_MOST_POINTS = 240
_ROW_HEIGHT = 24


def reliability_chart(bins: Sequence[ReliabilityBin]) -> Markup:
    """Accuracy by confidence with intervals, against the diagonal of a model that is as right as it says."""
    plot = Plot()
    parts = [plot.axes(_TENTHS, _TENTHS, "confidence", "accuracy")]
    parts += [plot.bar(each.low, each.high, each.accuracy, "bar") for each in bins if each.accuracy is not None]
    parts.append(plot.line([(0, 0), (1, 1)], "ideal"))
    for each in bins:
        if each.accuracy is None or each.confidence is None:
            continue
        low, high = each.interval
        parts.append(plot.line([(each.confidence, low), (each.confidence, high)], "whisker"))
        parts.append(_dot(plot, each.confidence, each.accuracy))
        middle = plot.x((each.low + each.high) / 2)
        parts.append(element("text", str(each.rows), class_="count middle", x=middle, y=plot.y(0) - 6))
    filled = [each for each in bins if each.accuracy is not None]
    return picture(
        "reliability",
        "Reliability diagram",
        f"Bars of accuracy in {len(filled)} bins of confidence; the numbers are rows. On the diagonal confidence is "
        "what it says.",
        *parts,
    )


def risk_chart(points: Sequence[RiskPoint], marks: Sequence[tuple[float, float]]) -> Markup:
    """Share of wrong rows by the share that is answered. `marks` are (share wrong, coverage there)."""
    highest = max((point.risk for point in points), default=0.0)
    top = next(each for each in (0.05, 0.1, 0.2, 0.5, 1.0) if each >= min(highest, 1.0))
    plot = Plot(top=top)
    step = max(len(points) // _MOST_POINTS, 1)
    shown = [*points[::step], *points[-1:]]
    parts = [
        plot.axes(_TENTHS, [(top * part / 5, f"{100 * top * part / 5:g} %") for part in range(6)], "answered", "wrong"),
        plot.line([(point.coverage, point.risk) for point in shown], "curve"),
    ]
    named = [(coverage, f"{coverage:.1%} answered with {share:.0%} wrong") for share, coverage in marks]
    parts.append(plot.uprights(named, "mark"))
    told = "; ".join(f"{coverage:.1%} of the rows with at most {share:.0%} wrong" for share, coverage in marks)
    return picture("risk", "Risk and coverage", f"The most confident rows are answered first: {told}.", *parts)


def scores_chart(
    inside: Histogram, outside: Histogram, inside_rows: int, outside_rows: int, threshold: float
) -> Markup:
    """Probability of being out of scope, of rows in scope and of rows out of it, as shares of each."""
    shares = [
        ("inside", "in scope", [count / max(inside_rows, 1) for count in inside.counts]),
        ("outside", "out of scope", [count / max(outside_rows, 1) for count in outside.counts]),
    ]
    plot = Plot()
    parts = [plot.axes(_TENTHS, _TENTHS, "probability that no intent fits", "share of the rows")]
    for place, (kind, _, values) in enumerate(shares):
        for low, high, value in zip(inside.edges, inside.edges[1:], values, strict=False):
            half = (high - low) / 2
            parts.append(plot.bar(low + place * half, low + (place + 1) * half, value, kind))
    parts.append(plot.uprights([(threshold, f"threshold {threshold:.3f}")], "mark"))
    return picture(
        "scores",
        "Out-of-scope scores",
        "Rows in scope lie left where the model knows them, rows out of scope right; from the threshold "
        f"{threshold:.3f} on a row is held out of scope.",
        *parts,
    )


def times_chart(times: Histogram, p50: float, p95: float) -> Markup:
    """How many sentences took how long, in ms."""
    most = max(times.counts, default=1) or 1
    plot = Plot(left=times.edges[0], right=times.edges[-1], top=float(most))
    x_ticks = [(edge, f"{edge:.3g}") for edge in times.edges[:: max(len(times.edges) // 8, 1)]]
    y_ticks = [(float(value), str(value)) for value in sorted({0, most // 2, most})]
    bars = [
        plot.bar(low, high, float(count), "bar")
        for low, high, count in zip(times.edges, times.edges[1:], times.counts, strict=False)
    ]
    return picture(
        "times",
        "Latency",
        f"Half of the sentences took at most {p50:.2f} ms, 95 % at most {p95:.2f} ms; the last bar holds all that took "
        "longer.",
        plot.axes(x_ticks, y_ticks, "milliseconds a sentence", "sentences"),
        *bars,
        plot.uprights([(p50, f"p50 {p50:.2f} ms"), (p95, f"p95 {p95:.2f} ms")], "mark"),
    )


def slices_chart(slices: Sequence[Slice], weak_at: float) -> Markup:
    """Every slice's difference with its interval, in points, one below the other."""
    lowest = min([each.low for each in slices] + [-0.1])
    highest = max([each.high for each in slices] + [0.05])
    height = _ROW_HEIGHT * len(slices) + 56
    names = 190
    scale = (WIDTH - names - 24) / (highest - lowest)

    def x(value: float) -> float:
        return names + (value - lowest) * scale

    parts = [
        element("line", class_="axis", x1=x(0), x2=x(0), y1=8, y2=height - 40),
        element("line", class_="mark", x1=x(-weak_at), x2=x(-weak_at), y1=8, y2=height - 40),
        element("text", "as the whole", class_="tick middle", x=x(0), y=height - 24),
        element("text", f"{-100 * weak_at:.0f} points", class_="tick end", x=x(-weak_at), y=height - 10),
    ]
    for row, each in enumerate(slices):
        y = 8 + _ROW_HEIGHT * (row + 0.5)
        kind = "weak" if each.weak else ""
        parts += [
            element("text", each.name, class_=f"tick end {kind}", x=names - 8, y=y + 4),
            element("line", class_=f"whisker {kind}", x1=x(each.low), x2=x(each.high), y1=y, y2=y),
            element("circle", class_=f"dot {kind}", cx=x(each.difference), cy=y, r=4),
        ]
    weak = [each.name for each in slices if each.weak]
    return picture(
        "slices",
        "Slices against the whole",
        f"{len(slices)} slices; more than {100 * weak_at:.0f} points below the whole: {', '.join(weak) or 'none'}.",
        *parts,
        height=height,
    )


def _dot(plot: Plot, x: float, y: float) -> Markup:
    return element("circle", class_="dot", cx=plot.x(x), cy=plot.y(y), r=3)
