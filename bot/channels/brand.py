"""The company's colour made safe to use: inks and tints that keep WCAG contrast in light and in dark.

Contrast and relative luminance are those of WCAG 2.2 (success criterion 1.4.3, "relative luminance").
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.errors import BadSettings

Rgb = tuple[float, float, float]
"""Red, green and blue in [0, 255]."""

READABLE = 4.5
"""Least contrast of text (WCAG 2.2 AA)."""

SUNKEN = ("#f1efe9", "#262d29")
RAISED = ("#ffffff", "#202723")
TINT = (0.09, 0.12)
"""Of `tokens.css`, in light and in dark: the surfaces that branded text stands on, and the share of the company's
colour in `--brand-tint`, which lies on the raised one."""
LIGHT_INK, DARK_INK = "#ffffff", "#000000"
"""On every colour one of the two has a contrast of at least 4.58."""


@dataclass(frozen=True, slots=True)
class Brand:
    """Colours as `#rrggbb`: `fill` behind `ink`; `hover` a shade further; branded text on light and on dark."""

    fill: str
    ink: str
    hover: str
    on_light: str
    on_dark: str

    def css(self) -> str:
        """Custom properties for both themes, to be served as a stylesheet of its own."""
        return (
            f":root{{--brand:{self.fill};--brand-ink:{self.ink};--brand-hover:{self.hover};"
            f"--brand-text:light-dark({self.on_light},{self.on_dark})}}\n"
        )


def brand(colour: str) -> Brand:
    """The brand of a `#rrggbb` colour; `BadSettings` for anything else."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", colour):
        raise BadSettings(f"FIRSTLINE_BRAND_COLOUR looks like #1f5c4d, got {colour!r}")
    fill = colour.lower()
    ink = max((LIGHT_INK, DARK_INK), key=lambda candidate: contrast(fill, candidate))
    away = "#000000" if ink == LIGHT_INK else "#ffffff"
    return Brand(
        fill=fill,
        ink=ink,
        hover=mixed(fill, away, 0.14),
        on_light=readable(fill, (SUNKEN[0], mixed(RAISED[0], fill, TINT[0])), "#000000"),
        on_dark=readable(fill, (SUNKEN[1], mixed(RAISED[1], fill, TINT[1])), "#ffffff"),
    )


def readable(colour: str, backgrounds: tuple[str, ...], towards: str) -> str:
    """`colour`, moved towards black or white in steps of 4 % until it reads on all of the backgrounds."""
    for step in range(26):
        candidate = mixed(colour, towards, step * 0.04)
        if min(contrast(candidate, each) for each in backgrounds) >= READABLE:
            return candidate
    return towards


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two `#rrggbb` colours, in [1, 21]."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def mixed(colour: str, with_colour: str, share: float) -> str:
    """`colour` with `share` in [0, 1] of another, per sRGB channel."""
    pairs = zip(_rgb(colour), _rgb(with_colour), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * min(share, 1)):02x}" for a, b in pairs)


def _rgb(colour: str) -> Rgb:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return float(red), float(green), float(blue)


def _luminance(colour: str) -> float:
    def linear(channel: float) -> float:
        share = channel / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(channel) for channel in _rgb(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
