"""What the fast part finds, and what a report is made of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.errors import BadInput
from bot.understanding.care.checking import check, one_line, quick_findings
from bot.understanding.care.corpus import Corpus, normalised
from bot.understanding.care.findings import KINDS, Finding, Report
from bot.understanding.care.intents import HARDLY_ANY
from bot.understanding.care.privacy import is_card, is_iban
from bot.understanding.entities.definitions import Spelling
from bot.understanding.tuning.recipe import FEW_ROWS_AN_INTENT
from tests.conftest import ROOT

PLENTY = [(f"please tell me about the {word} of your shop", "a") for word in "abcdefghijklmnopqrstuvw"]


def write(folder: Path, rows: list[tuple[str, str]], name: str = "rows.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps({"text": text, "intent": intent}) + "\n" for text, intent in rows), "utf-8")
    return path


def quick(folder: Path, *rows: tuple[str, str]) -> list[Finding]:
    return quick_findings(Corpus.read([write(folder, [*rows, *PLENTY, ("bye", "b")])]), Spelling())


def of_kind(found: list[Finding], kind: str) -> list[Finding]:
    return [each for each in found if each.kind == kind]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Where is my order?", "where  is my ORDER", True),
        ("card – arrival!!", "card arrival", True),
        ("ﬁne", "fine", True),
        ("great 👍", "great 👎", False),
        ("???", "...", False),
        ("£5", "$5", False),
    ],
)
def test_what_counts_as_the_same_text(one: str, other: str, same: bool) -> None:
    assert (normalised(one) == normalised(other)) is same


def test_duplicates_keep_the_first_row(tmp_path: Path) -> None:
    found = quick(tmp_path, ("Where is it?", "c"), ("where is it", "c"), ("WHERE IS IT", "c"))
    (copies,) = of_kind(found, "duplicate")
    assert [row.line for row in copies.rows] == [1, 2, 3]
    assert copies.fix is not None
    assert (copies.fix.action, copies.fix.targets) == ("remove", (1, 2))
    assert of_kind(found, "conflict") == []


def test_the_same_text_under_two_intents(tmp_path: Path) -> None:
    (conflict,) = of_kind(quick(tmp_path, ("Where is it?", "c"), ("where is it", "d")), "conflict")
    assert (conflict.severity, conflict.says, conflict.fix) == ("matters", "under c and d", None)


def test_few_rows_say_how_many_are_missing(tmp_path: Path) -> None:
    rows = [(f"a question about number {number}", "c") for number in range(HARDLY_ANY)]
    found = {each.subject: each for each in of_kind(quick(tmp_path, *rows, ("joke", "out_of_scope")), "few_rows")}
    assert sorted(found) == ["b", "c"], "what is out of scope needs no number of rows"
    assert (found["b"].severity, found["b"].figures) == ("matters", {"rows": 1, "needed": FEW_ROWS_AN_INTENT - 1})
    assert found["c"].severity == "advice"


def test_names_that_are_odd_or_read_the_same(tmp_path: Path) -> None:
    found = of_kind(quick(tmp_path, ("x1", "cardLost?"), ("x2", "card_lost"), ("x3", "faq/return-it")), "labels")
    assert sorted(each.severity for each in found) == ["advice", "matters"]
    assert any("'cardLost?'" in each.says for each in found)
    assert any("cardLost? (1 rows) and card_lost (1 rows) read the same" in each.says for each in found)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("mail me at Jo.Farrow+x@gmail.com", "e-mail address"),
        ("call 020 7123 4567 please", "phone number"),
        ("my card 4111-1111-1111-1111 was charged", "card number"),
        ("IBAN GB82 WEST 1234 5698 7654 32 is mine", "bank account (IBAN)"),
        ("pay de89370400440532013000 or jo@firm.co.uk", "bank account (IBAN) and e-mail address"),
        ("my card 4111 1111 1111 1112", ""),
        ("IBAN GB83 WEST 1234 5698 7654 32", ""),
        ("mail jo@post.example or call 07700 900123", ""),
        ("I have 3 cards", ""),
    ],
)
def test_personal_data(tmp_path: Path, text: str, says: str) -> None:
    found = of_kind(quick(tmp_path, (text, "c")), "personal")
    assert [each.says for each in found] == ([says] if says else [])


def test_check_digits() -> None:
    assert is_card("4242424242424242")
    assert not is_card("4242424242424241")
    assert not is_card("0000000000000000")
    assert is_iban("FR14 2004 1010 0505 0001 3M02 606")
    assert not is_iban("FR15 2004 1010 0505 0001 3M02 606")


def test_order_numbers_are_one_finding(tmp_path: Path) -> None:
    (orders,) = of_kind(quick(tmp_path, ("where is WF-204817", "c"), ("and 204818?", "c")), "order_numbers")
    assert (orders.severity, len(orders.rows)) == ("advice", 2)


@pytest.mark.parametrize(
    ("text", "severity", "says"),
    [
        ("wo ist meine bestellung und wann kommt sie", "advice", "reads as de"),
        ("где мой заказ", "matters", "Cyrillic letters"),
        ("where is my pаrcel", "matters", "mixes the letters of two scripts"),
        ("no delivery, no card, no photo, yet it is late", "", ""),
        ("a 50 μm filter, please", "", ""),
        ("naïve café in Łódź", "", ""),
    ],
)
def test_strays_of_language_and_script(tmp_path: Path, text: str, severity: str, says: str) -> None:
    found = of_kind(quick(tmp_path, (text, "c")), "language")
    assert [each.severity for each in found] == ([severity] if severity else [])
    assert all(says in each.says for each in found)


def test_two_languages_of_equal_weight_are_no_strays(tmp_path: Path) -> None:
    rows = [(f"wo ist meine bestellung nummer {number} und wann kommt sie", "c") for number in range(20)]
    assert of_kind(quick(tmp_path, *rows), "language") == []


def test_rows_that_are_long_or_left_out(tmp_path: Path) -> None:
    found = quick(tmp_path, ("word " * 60, "c"), ("hello", "c"), ("", "c"), (" ", "d"), ("hi", ""))
    assert [each.figures["words"] for each in of_kind(found, "length")] == [60]
    left_out = of_kind(found, "unusable")
    assert sorted(each.figures["rows"] for each in left_out) == [1, 2]
    assert any(each.says.startswith("rows.jsonl:3, 4: the text is empty") for each in left_out)


def test_what_blocks_a_training(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yml"
    bad.write_text("nlu: [", "utf-8")
    good = write(tmp_path, PLENTY)
    report = check(Corpus.read([good, bad]), Spelling(), None)
    assert ["bad.yml" in each.says for each in report.blocking] == [True]
    (single,) = check(Corpus.read([good]), Spelling(), None).blocking
    assert "at least 2 intents" in single.says
    with pytest.raises(BadInput, match="no such file"):
        Corpus.read([tmp_path / "nothing.csv"])


def test_ids_depend_on_content_and_not_on_lines(tmp_path: Path) -> None:
    rows = [("Where is it?", "c"), ("where is it", "c"), ("jo@gmail.com", "c"), ("jo@gmail.com", "c")]
    first = {each.id for each in quick(tmp_path, *rows)}
    again = {each.id for each in quick(tmp_path, ("an earlier row", "b"), *reversed(rows[2:]), *rows[:2])}
    assert first == again
    assert len(first) == len(quick(tmp_path, *rows))
    assert first.isdisjoint(
        each.id for each in quick(tmp_path, ("Where is he?", "c"), ("where is he", "c")) if each.rows
    )


def test_a_report_survives_json(tmp_path: Path) -> None:
    report = check(Corpus.read([write(tmp_path, [("Hi", "a"), ("hi", "a"), ("x@gmail.com", "b")])]), Spelling(), None)
    stored = json.loads(json.dumps(report.to_json()))
    again = Report.from_json(stored, tmp_path)
    assert [each.id for each in again.findings] == [each.id for each in report.findings]
    assert again.to_json() == report.to_json()
    assert {each["kind"] for each in stored["findings"]} <= KINDS.keys()
    for broken in (None, [], {}, {**stored, "format": 9}, {**stored, "findings": [{"id": "x"}]}):
        with pytest.raises(BadInput, match="not a report"):
            Report.from_json(broken, tmp_path)


def test_one_line_before_a_training(tmp_path: Path) -> None:
    assert "personal data: 1" in one_line([write(tmp_path, [*PLENTY, ("x@gmail.com", "b")])], Spelling())
    assert one_line([tmp_path / "nothing"], Spelling()) == ""
    assert one_line([ROOT / "data" / "nlu"], Spelling()) == "", "the demo company's rows need no care"
