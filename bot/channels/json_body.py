"""Request bodies parsed once, at the edge: a JSON object, or one clear refusal.

Python's own parser takes `NaN`, `1e999`, lone surrogates and duplicate keys, and raises other errors for deep nesting
and for integers of over 4,300 digits; here each of them is the same `BadInput`.
"""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from bot.errors import BadInput, TooLarge

MAX_DEPTH = 32
"""Deepest nesting that is taken; no channel's body has more than ten levels."""


def parse_object(raw: bytes, *, max_bytes: int) -> dict[str, Any]:
    """The JSON object in `raw`; `TooLarge` above `max_bytes`, `BadInput` for anything but strict JSON in UTF-8."""
    if len(raw) > max_bytes:
        raise TooLarge(f"the body has {len(raw):,} bytes, at most {max_bytes:,} are taken")
    try:
        value = json.loads(raw.decode("utf-8"), parse_constant=_constant, parse_float=_float, object_pairs_hook=_object)
    except UnicodeDecodeError as error:
        raise BadInput(f"the body is not UTF-8 (byte {error.start}); send JSON in UTF-8") from error
    except RecursionError as error:
        raise BadInput(f"the body is nested too deep, at most {MAX_DEPTH} levels are taken") from error
    except ValueError as error:
        raise BadInput(f"the body is not JSON: {_shortened(error)}") from error
    if not isinstance(value, dict):
        raise BadInput(f"the body must be a JSON object, got {type(value).__name__}")
    _check(value)
    return value


def _check(root: object) -> None:
    """Refuse deep nesting and text that no UTF-8 can carry, without recursing."""
    level: list[object] = [root]
    for _ in range(MAX_DEPTH):
        following: list[object] = []
        for value in level:
            if isinstance(value, str):
                _encodable(value)
            elif isinstance(value, dict):
                following += [*value.keys(), *value.values()]
            elif isinstance(value, list):
                following += value
        if not following:
            return
        level = following
    raise BadInput(f"the body is nested too deep, at most {MAX_DEPTH} levels are taken")


def _encodable(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise BadInput(f"the body holds a lone surrogate at character {error.start} of a text") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key comes twice in one object")
    return found


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _float(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError("a number is larger than any float")
    return value


def _shortened(error: ValueError) -> str:
    """Where the parser stopped, without the body itself (errors are logged, bodies never)."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at line {error.lineno}, column {error.colno}"
    if "integer string conversion" in str(error):
        return "an integer has more than 4,300 digits"
    return str(error)
