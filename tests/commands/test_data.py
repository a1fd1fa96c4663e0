"""`firstline data check` and `accept`: what they print, write, keep, and end with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.commands import data
from tests.commands.conftest import Firstline
from tests.understanding.conftest import NLU

EXTRA = f"""\
# what the desk sent back
version: "3.1"
nlu:
  - intent: greet
    examples: |
      - Good morning!{"   "}
      - reach me at jo.farrow@gmail.com
      - where is my order
"""


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """The company's folder of rows, with a copy, a conflict and an address in its second file."""
    folder = tmp_path / "data" / "nlu"
    folder.mkdir(parents=True)
    (folder / "nlu.yml").write_text(NLU, "utf-8")
    (folder / "sent_back.yml").write_text(EXTRA, "utf-8")
    return folder


def found(folder: Path, kind: str) -> list[dict[str, object]]:
    kept = json.loads((folder.parents[1] / "home" / "care" / "findings.json").read_text("utf-8"))
    return [each for each in kept["findings"] if each["kind"] == kind]


def test_the_companys_rows_are_checked_and_findings_are_no_failure(firstline: Firstline, rows: Path) -> None:
    done = firstline("data", "check", "--quick")
    assert done.status == 0, done.err
    for shown in ("Duplicates: 1", "Personal data: 1", "Intents with few rows: 3", "sent_back.yml:7", "duplicate-"):
        assert shown in done.out
    assert "findings in 29 rows of 3 intents" in done.err
    assert "Replace it with something made up" in done.err


def test_json_and_page(firstline: Firstline, rows: Path, tmp_path: Path) -> None:
    page, file = tmp_path / "care.html", tmp_path / "care.json"
    done = firstline("data", "check", "--quick", "--html", str(page), "--json", str(file))
    assert done.status == 0, done.err
    assert page.read_text("utf-8").startswith("<!doctype html>")
    piped = firstline("data", "check", str(rows / "sent_back.yml"), str(rows / "nlu.yml"), "--quick", "--json", "-")
    assert json.loads(piped.out)["counts"] == json.loads(file.read_text("utf-8"))["counts"]
    nowhere = firstline("data", "check", "--quick", "--html", "/nowhere/care.html")
    assert (nowhere.status, "/nowhere/care.html cannot be written" in nowhere.err) == (1, True)


def test_who_reads_the_old_page_sees_all_of_it(firstline: Firstline, rows: Path, tmp_path: Path) -> None:
    page = tmp_path / "care.html"
    page.write_text("the page before", "utf-8")
    with page.open() as reader:
        assert firstline("data", "check", "--quick", "--html", str(page)).status == 0
        assert reader.read() == "the page before"
    assert page.read_text("utf-8").startswith("<!doctype html>")


def test_what_blocks_a_training_is_said_and_fails(firstline: Firstline, rows: Path) -> None:
    (rows / "broken.yml").write_text("nlu: [", "utf-8")
    done = firstline("data", "check", "--quick")
    assert done.status == 1
    assert "no training can start: broken.yml" in done.err
    assert "Duplicates: 1" in done.out
    assert firstline("data", "check", "nowhere.csv").status == 1


def test_a_check_with_the_encoder(firstline: Firstline, rows: Path, tiny_base: Path) -> None:
    done = firstline("data", "check", FIRSTLINE_BASE_MODEL=str(tiny_base))
    assert done.status == 0, done.err
    assert "cross-validation agrees with" in done.err


def test_accepting_a_duplicate(firstline: Firstline, rows: Path) -> None:
    assert firstline("data", "check", "--quick").status == 0
    (copy,) = found(rows, "duplicate")
    shown = firstline("data", "accept", str(copy["id"]), "--dry-run")
    assert (shown.status, (rows / "sent_back.yml").read_text("utf-8")) == (0, EXTRA), shown.err
    assert "-      - Good morning!" in shown.out
    assert "nothing was written" in shown.err
    done = firstline("data", "accept", str(copy["id"]))
    assert done.status == 0, done.err
    assert done.out == shown.out
    assert "1 finding applied to sent_back.yml" in done.err
    assert (rows / "sent_back.yml").read_text("utf-8") == EXTRA.replace("      - Good morning!   \n", "")
    again = firstline("data", "accept", str(copy["id"]))
    assert (again.status, again.out) == (1, "")
    assert "no longer matches" in again.err


def test_what_cannot_be_accepted(firstline: Firstline, rows: Path, tmp_path: Path) -> None:
    none = firstline("data", "accept", "duplicate-0000000000")
    assert (none.status, "`firstline data check` makes it" in none.err) == (1, True)
    firstline("data", "check", "--quick")
    (personal,) = found(rows, "personal")
    for ids, said in (
        (["duplicate-0000000000"], "no finding 'duplicate-0000000000' in the last check"),
        ([str(personal["id"])], "no suggestion that could be applied"),
    ):
        done = firstline("data", "accept", *ids)
        assert (done.status, said in done.err) == (1, True), done.err
    other = tmp_path / "other.json"
    other.write_text("{}", "utf-8")
    done = firstline("data", "accept", "x", "--report", str(other))
    assert (done.status, "is not a report of `firstline data check`" in done.err) == (1, True)


def test_a_long_list_is_cut_and_says_so(firstline: Firstline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "SHOWN_OF_A_KIND", 1)
    file = tmp_path / "rows.csv"
    file.write_text("text,intent\none,a\nOne,a\ntwo,b\ntwo!,b\n", "utf-8")
    done = firstline("data", "check", str(file), "--quick")
    assert "Duplicates: 2" in done.out
    assert done.out.count("duplicate-") == 1
    assert "1 more: --html or --json lists them" in done.err
