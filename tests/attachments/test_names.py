"""Names of files: cleaned for people and for saving, whatever they were called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.attachments.kinds import KINDS
from bot.attachments.names import LONGEST, clean_name, described, in_brief, spoken_size
from bot.messages import Attachment

JPEG, TEXT, PDF = KINDS["image/jpeg"], KINDS["text/plain"], KINDS["application/pdf"]


@pytest.mark.parametrize(
    ("given", "cleaned"),
    [
        ("parcel.jpg", "parcel.jpg"),
        ("Parcel (2).JPEG", "Parcel (2).JPEG"),
        ("../../etc/passwd", "passwd.jpg"),
        ("C:\\Users\\ada\\photo.jpg", "photo.jpg"),
        ("..", "file.jpg"),
        ("", "file.jpg"),
        (".jpg", "jpg.jpg"),
        ("evil\u202egpj.exe", "evil gpj.exe.jpg"),
        ("a\x00b\r\nContent-Type: x.jpg", "a b Content-Type_ x.jpg"),
        ('"><img src=x onerror=alert(1)>.jpg', "___img src=x onerror=alert(1)_.jpg"),
        ("con.jpg", "_con.jpg"),
        ("COM1.tar.jpg", "_COM1.tar.jpg"),
        ("\ud800broken.jpg", "broken.jpg"),
        ("café.jpg", "café.jpg"),
        ("photo.jpg   . .", "photo.jpg"),
    ],
)
def test_a_name_is_cleaned(given: str, cleaned: str) -> None:
    assert clean_name(given, JPEG) == cleaned


def test_a_name_ends_as_its_kind_does() -> None:
    assert clean_name("invoice.html", TEXT) == "invoice.html.txt"
    assert clean_name("photo.jpg", PDF) == "photo.jpg.pdf"
    assert clean_name("orders.csv", TEXT) == "orders.csv"


@given(st.text(max_size=300), st.sampled_from(list(KINDS.values())))
def test_any_name_becomes_one_that_is_short_seen_and_no_path(given: str, kind: object) -> None:
    name = clean_name(given, kind)  # type: ignore[arg-type]
    assert name.lower().endswith(kind.extensions)  # type: ignore[attr-defined]
    assert 5 <= len(name) <= LONGEST + 6
    assert not set(name) & set('/\\\0\r\n<>"|?*:')
    assert not name.startswith(".")
    assert clean_name(name, kind) == name  # type: ignore[arg-type]


def test_a_file_is_described_in_a_line() -> None:
    photo = Attachment("1", "parcel.jpg", "image/jpeg", 1_468_006)
    assert described(photo) == "parcel.jpg (JPEG picture, 1.4 MB)"
    assert [spoken_size(size) for size in (830, 12_288, 1_023_999)] == ["830 bytes", "12 kB", "1000 kB"]
    assert (in_brief("", (photo,)), in_brief("Look", (photo,)), in_brief("", ())) == ("parcel.jpg", "Look", "")
