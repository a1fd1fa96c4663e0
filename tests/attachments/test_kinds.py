"""What a file is and what of it is kept: every kind, files that are cut, damaged, too large or two things at once."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.attachments.kinds import KINDS, MAX_PIXELS, check
from bot.errors import BadInput, TooLarge, UnknownKind
from tests.attachments.files import FILES, PDF, PICTURES, SECRET, gif, jpeg, png, webp


@pytest.mark.parametrize("kind", FILES)
def test_a_file_is_known_by_its_content(kind: str) -> None:
    assert check(FILES[kind]).kind.media_type == kind


@pytest.mark.parametrize("kind", PICTURES)
def test_of_a_picture_only_what_is_drawn_is_kept(kind: str) -> None:
    kept = check(PICTURES[kind])
    assert SECRET in PICTURES[kind]
    assert SECRET not in kept.data
    assert check(kept.data) == kept, "what is kept is a whole picture, and nothing is left to take from it"


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_photograph_stays_turned_as_it_was(orientation: int) -> None:
    kept = check(jpeg(orientation)).data
    turned = struct.pack(">HHIH", 0x0112, 3, 1, orientation)
    assert (turned in kept) == (orientation != 1)


def test_a_moving_picture_still_loops() -> None:
    assert b"NETSCAPE2.0" in check(gif()).data


@pytest.mark.parametrize("kind", [*PICTURES, "application/pdf"])
def test_a_file_that_is_cut_short_is_refused_wherever_it_is_cut(kind: str) -> None:
    whole = check(FILES[kind]).data
    for length in range(12 if kind != "application/pdf" else 6, len(whole) - 1):
        with pytest.raises(BadInput) as refused:
            check(whole[:length])
        assert refused.value.code in ("damaged_file", "unknown_kind"), (length, str(refused.value))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(list(PICTURES)), st.data())
def test_a_damaged_picture_is_refused_or_whole_and_breaks_nothing(kind: str, data: st.DataObject) -> None:
    bytes_ = bytearray(PICTURES[kind])
    for _ in range(data.draw(st.integers(1, 4))):
        bytes_[data.draw(st.integers(12, len(bytes_) - 1))] = data.draw(st.integers(0, 255))
    try:
        kept = check(bytes(bytes_))
    except BadInput:
        return
    assert check(kept.data) == kept


def test_a_second_header_without_a_body_is_refused() -> None:
    empty = webp() + b"VP8X" + bytes(4)
    with pytest.raises(BadInput):
        check(b"RIFF" + struct.pack("<I", len(empty) - 8) + empty[8:])


def test_a_changed_byte_of_a_png_is_found() -> None:
    damaged = bytearray(png())
    damaged[60] ^= 1
    with pytest.raises(BadInput, match="checksum"):
        check(bytes(damaged))


@pytest.mark.parametrize(
    "hostile",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"\xef\xbb\xbf  <!DOCTYPE html><script>alert(1)</script>",
        b"<?xml version='1.0'?><svg/>",
        b"MZ\x90\x00\x03",
        b"PK\x03\x04",
        b"\x00\x00\x00\x18ftypheic",
        b"a line\x00with a NUL",
        b"\xff\xfeu\x00t\x00f\x00",
        "Grüße".encode("latin-1"),
    ],
)
def test_other_kinds_are_refused_with_what_to_do(hostile: bytes) -> None:
    with pytest.raises(UnknownKind, match="save it as one of them"):
        check(hostile)


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(BadInput, match="empty"):
        check(b"")


def test_a_picture_that_is_also_a_page_is_only_a_picture() -> None:
    page = b"<html><script>alert(1)</script></html>"
    kept = check(png(appended=page))
    assert (kept.kind.media_type, page in kept.data) == ("image/png", False)
    in_comment = gif().replace(SECRET, page[: len(SECRET)])
    assert b"<html>" not in check(in_comment).data
    with pytest.raises(BadInput, match="begins like a GIF"):
        check(b"GIF89a/*" + page + b"*/=1;alert(1)")
    with pytest.raises(BadInput):
        check(b"\xff\xd8\xff" + PDF)


def test_a_picture_of_too_many_pixels_is_refused_before_anybody_draws_it() -> None:
    with pytest.raises(TooLarge, match=rf"65,000 × 65,000 pixels, at most {MAX_PIXELS:,}"):
        check(png(65_000, 65_000))
    for empty in (png(0, 16), webp().replace(struct.pack("<HBHB", 23, 0, 15, 0), struct.pack("<HBHB", 0, 255, 0, 255))):
        with pytest.raises(BadInput):
            check(empty)


def test_only_pictures_are_shown_where_they_stand() -> None:
    assert {name for name, kind in KINDS.items() if kind.picture} == set(PICTURES)
    assert all(
        kind.media_type in ("image/jpeg", "image/png", "image/webp", "image/gif")
        for kind in KINDS.values()
        if kind.picture
    )
