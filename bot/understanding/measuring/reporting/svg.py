"""Inline SVG from numbers: elements that escape what they hold, and a plot with axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

WIDTH, HEIGHT = 640, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 32, 16, 48


def element(name: str, *children: str | Markup, **attributes: object) -> Markup:
    """One element; `class_` is `class`, an underscore in a name is a hyphen. Text and attributes are escaped."""
    pairs = "".join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _plain(value)) for key, value in attributes.items()
    )
    inside = Markup("").join(escape(child) for child in children)
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), Markup(pairs), inside)  # noqa: S704


def picture(id: str, title: str, description: str, *children: Markup, height: int = HEIGHT) -> Markup:
    """The SVG itself, with a name and a description for those who do not see it."""
    return element(
        "svg",
        element("title", title, id=f"{id}-title"),
        element("desc", description, id=f"{id}-desc"),
        *children,
        role="img",
        viewBox=f"0 0 {WIDTH} {height}",
        aria_labelledby=f"{id}-title {id}-desc",
    )


@dataclass(frozen=True, slots=True)
class Plot:
    """A rectangle that x from `left` to `right` and y from `bottom` to `top` are drawn into."""

    left: float = 0.0
    right: float = 1.0
    bottom: float = 0.0
    top: float = 1.0
    height: int = HEIGHT

    def x(self, value: float) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * (value - self.left) / (self.right - self.left)

    def y(self, value: float) -> float:
        return self.height - _BOTTOM - (self.height - _TOP - _BOTTOM) * (value - self.bottom) / (self.top - self.bottom)

    def axes(
        self, x_ticks: Sequence[tuple[float, str]], y_ticks: Sequence[tuple[float, str]], x_name: str, y_name: str
    ) -> Markup:
        """Grid lines with their values, and what the axes are."""
        parts = []
        for value, shown in y_ticks:
            y = self.y(value)
            parts.append(element("line", class_="grid", x1=_LEFT, x2=WIDTH - _RIGHT, y1=y, y2=y))
            parts.append(element("text", shown, class_="tick end", x=_LEFT - 6, y=y + 4))
        for value, shown in x_ticks:
            parts.append(element("text", shown, class_="tick middle", x=self.x(value), y=self.height - _BOTTOM + 18))
        ground = self.height - _BOTTOM
        parts.append(element("line", class_="axis", x1=_LEFT, x2=WIDTH - _RIGHT, y1=ground, y2=ground))
        middle = (_LEFT + WIDTH - _RIGHT) / 2
        parts.append(element("text", x_name, class_="name middle", x=middle, y=self.height - 8))
        across = (_TOP + ground) / 2
        parts.append(
            element("text", y_name, class_="name middle", x=14, y=across, transform=f"rotate(-90 14 {across:g})")
        )
        return Markup("").join(parts)

    def bar(self, left: float, right: float, value: float, kind: str) -> Markup:
        """A bar from the ground to `value`, two thirds of a pixel apart from the next."""
        x, y = self.x(left) + 1, self.y(value)
        width = max(self.x(right) - self.x(left) - 2, 0.5)
        return element("rect", class_=kind, x=x, y=y, width=width, height=max(self.y(self.bottom) - y, 0.0))

    def line(self, points: Sequence[tuple[float, float]], kind: str) -> Markup:
        path = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points)
        return element("polyline", class_=kind, points=path)

    def uprights(self, named: Sequence[tuple[float, str]], kind: str) -> Markup:
        """Lines from top to bottom at the given x, their names beside them, one below the other, over the lines."""
        lines, names = Markup(""), Markup("")
        for row, (at, shown) in enumerate(named):
            x = self.x(at)
            lines += element("line", class_=kind, x1=x, x2=x, y1=_TOP, y2=self.height - _BOTTOM)
            left_of = x > WIDTH * 0.7
            place = {"class_": "label end" if left_of else "label", "x": x - 5 if left_of else x + 5}
            names += element("text", shown, y=_TOP + 12 + 16 * row, **place)
        return lines + names


def _plain(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
