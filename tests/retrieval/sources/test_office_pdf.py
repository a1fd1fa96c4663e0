from __future__ import annotations

import io
import zipfile

import docx
import pytest
from openpyxl import Workbook

from retrieval.errors import UnreadableSource
from retrieval.sources import docx as docx_source
from retrieval.sources import faq, pdf
from retrieval.sources.zips import check_zip


def make_docx() -> bytes:
    source = docx.Document()
    source.add_heading("Terms of sale", 0)
    source.add_heading("Prices", 1)
    source.add_paragraph("All prices include VAT.")
    for item in ("Order", "Pay"):
        source.add_paragraph(item, style="List Number")
    table = source.add_table(rows=2, cols=2)
    for cell, content in zip(table._cells, ("Service", "Price", "Express", "£6.95"), strict=True):
        cell.text = content
    stream = io.BytesIO()
    source.save(stream)
    return stream.getvalue()


def make_pdf(pages: list[list[tuple[float, float, float, str]]], *, bold_from: float = 99.0) -> bytes:
    """A PDF written by hand: (x, y, size, text) for each piece of text."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>"]
    kids = " ".join(f"{5 + 2 * number} 0 R" for number in range(len(pages)))
    objects.append(f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode())
    objects.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>")
    objects.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>")
    for number, pieces in enumerate(pages):
        fonts = "<< /Font << /F1 3 0 R /F2 4 0 R >> >>"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources {fonts} "
            f"/Contents {6 + 2 * number} 0 R >>".encode()
        )
        drawn = "\n".join(
            f"BT /F{2 if size >= bold_from else 1} {size} Tf 1 0 0 1 {x} {y} Tm ({text}) Tj ET"
            for x, y, size, text in pieces
        ).encode("cp1252")
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawn), drawn))
    return assembled(objects)


def assembled(objects: list[bytes]) -> bytes:
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, content in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, table)
    return bytes(out)


def page(number: int, pieces: list[tuple[float, float, float, str]]) -> list[tuple[float, float, float, str]]:
    return [(50, 810, 8, "Wrenfield help centre"), *pieces, (280, 30, 8, f"Page {number} of 2")]


def test_docx_structure() -> None:
    document = docx_source.parse(make_docx(), "terms", name="terms.docx")
    assert document.title == "Terms of sale"
    assert [(b.kind, b.heading, document.text[b.start : b.end]) for b in document.blocks] == [
        ("paragraph", ("Prices",), "All prices include VAT."),
        ("list", ("Prices",), "1. Order\n2. Pay"),
        ("table", ("Prices",), "Service: Express; Price: £6.95"),
    ]


def test_pdf_structure_without_headers_and_footers() -> None:
    body = [
        (50, 770, 20, "Christmas dates"),
        (50, 740, 14, "Standard"),
        (50, 720, 10, "Order standard delivery by 18 Decem-"),
        (50, 707, 10, "ber, and we will send it in time for"),
    ]
    rest = [
        (50, 770, 10, "the day itself."),
        (50, 740, 14, "Dates"),
        (50, 720, 10, "Service"),
        (250, 720, 10, "Last day"),
        (50, 705, 10, "Express"),
        (250, 705, 10, "22 December,"),
        (250, 692, 10, "noon"),
        (50, 677, 10, "Furniture"),
        (250, 677, 10, "9 December"),
    ]
    document = pdf.parse(make_pdf([page(1, body), page(2, rest)]), "dates", name="dates.pdf")
    assert document.title == "Christmas dates"
    assert [(b.kind, b.heading, document.text[b.start : b.end]) for b in document.blocks] == [
        (
            "paragraph",
            ("Standard",),
            "Order standard delivery by 18 December, and we will send it in time for the day itself.",
        ),
        (
            "table",
            ("Dates",),
            "Service: Express; Last day: 22 December, noon\nService: Furniture; Last day: 9 December",
        ),
    ]


def test_pdf_list_items_keep_their_lines() -> None:
    lines = ["You need:", "1. the box", "2. the lid and", "the screws"]
    pieces = [(50.0, 700.0 - 13 * number, 10.0, text) for number, text in enumerate(lines)]
    document = pdf.parse(make_pdf([pieces]), "d", name="d.pdf")
    assert document.text == "You need:\n\n1. the box\n2. the lid and the screws"


@pytest.mark.parametrize("data", [b"%PDF-1.4\ngarbage", make_pdf([[(1, 1, 10, "x")]])[:200]])
def test_a_corrupt_pdf_is_named(data: bytes) -> None:
    with pytest.raises(UnreadableSource, match=r"^bad\.pdf: "):
        pdf.parse(data, "bad", name="bad.pdf")


def test_a_scan_is_told_apart() -> None:
    with pytest.raises(UnreadableSource, match="no text layer"):
        pdf.parse(make_pdf([[]]), "scan", name="scan.pdf")


def test_a_corrupt_docx_is_named() -> None:
    with pytest.raises(UnreadableSource, match="not a readable office file"):
        docx_source.parse(b"PK\x03\x04broken", "bad", name="bad.docx")
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("hello.txt", "not a document")
    with pytest.raises(UnreadableSource, match="not a readable DOCX"):
        docx_source.parse(stream.getvalue(), "bad", name="bad.docx")


def test_a_zip_bomb_is_refused_before_it_is_parsed() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"0" * (60 * 2**20))
    with pytest.raises(UnreadableSource, match="200 times its size"):
        check_zip(stream.getvalue(), "bomb.docx")


def test_too_many_members_are_refused() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for number in range(2_001):
            archive.writestr(str(number), b"")
    with pytest.raises(UnreadableSource, match="2,001 members"):
        check_zip(stream.getvalue(), "many.xlsx")


def test_a_spreadsheet_is_a_faq() -> None:
    book = Workbook()
    for row in (("Question", "Answer", "Topic"), ("Is it free?", "Yes.", "Prices"), ("Since when?", 2011, None)):
        book.active.append(row)
    stream = io.BytesIO()
    book.save(stream)
    table = faq.read_faq(stream.getvalue(), "faq.xlsx")
    assert [(row.question, row.answer, row.topic) for row in table.rows] == [
        ("Is it free?", "Yes.", "Prices"),
        ("Since when?", "2011", ""),
    ]
