"""Strict JSON: each of Python's own leniencies is a 400 here, none a crash."""

from __future__ import annotations

import pytest

from bot.channels.json_body import parse_object
from bot.errors import BadInput, TooLarge

TRAPS = {
    "NaN": b'{"a": NaN}',
    "infinity by overflow": b'{"a": 1e999}',
    "minus infinity": b'{"a": -Infinity}',
    "a lone surrogate": b'{"a": "\\ud800"}',
    "a lone surrogate as a key": b'{"\\udc00": 1}',
    "an integer of 5,000 digits": b'{"a": ' + b"9" * 5_000 + b"}",
    "a key that comes twice": b'{"a": 1, "a": 2}',
    "a key that comes twice, deeper": b'{"b": [{"a": 1, "a": 1}]}',
    "3,000 nested arrays": b'{"a": ' + b"[" * 3_000 + b"]" * 3_000 + b"}",
    "100,000 nested arrays": b"[" * 100_000,
    "40 nested objects": b'{"a": ' * 40 + b"1" + b"}" * 40,
    "not UTF-8": b'{"a": "\xff"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"a": 1}',
    "an array": b"[1]",
    "null": b"null",
    "nothing": b"",
    "half": b'{"a": ',
}


@pytest.mark.parametrize("body", TRAPS.values(), ids=TRAPS.keys())
def test_a_trap_is_bad_input(body: bytes) -> None:
    with pytest.raises(BadInput):
        parse_object(body, max_bytes=1_000_000)


def test_the_refusal_names_the_place_and_never_the_body() -> None:
    with pytest.raises(BadInput, match="line 1, column 12") as caught:
        parse_object(b'{"secret": hush}', max_bytes=100)
    assert "hush" not in str(caught.value)


def test_a_large_body_is_refused_with_both_sizes() -> None:
    with pytest.raises(TooLarge, match="11 bytes, at most 10"):
        parse_object(b'{"a": 1234}', max_bytes=10)


def test_an_object_is_an_object() -> None:
    body = '{"a": [1, 2.5, null, true, {"b": "é🙂"}]}'.encode()
    assert parse_object(body, max_bytes=100) == {"a": [1, 2.5, None, True, {"b": "é🙂"}]}
