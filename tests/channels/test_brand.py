"""Any colour a company has stays readable, in light and in dark."""

from __future__ import annotations

import random

import pytest

from bot.channels.brand import RAISED, READABLE, SUNKEN, TINT, brand, contrast, mixed
from bot.errors import BadSettings


def test_contrast_is_that_of_the_specification() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_every_colour_is_readable() -> None:
    colours = random.Random(5)
    for _ in range(400):
        colour = f"#{colours.randrange(2**24):06x}"
        made = brand(colour)
        assert contrast(made.fill, made.ink) >= READABLE
        assert contrast(made.hover, made.ink) >= READABLE
        for side, text in enumerate((made.on_light, made.on_dark)):
            assert contrast(text, SUNKEN[side]) >= READABLE
            assert contrast(text, mixed(RAISED[side], made.fill, TINT[side])) >= READABLE


@pytest.mark.parametrize("colour", ["green", "#fff", "#12345g", "#1234567", "", "#fff;}body{display:none"])
def test_anything_else_is_a_bad_setting(colour: str) -> None:
    with pytest.raises(BadSettings, match="looks like #1f5c4d"):
        brand(colour)
