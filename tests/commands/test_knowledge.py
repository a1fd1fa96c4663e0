"""Verbs of knowledge: what they store, what they publish, and what they say."""

from __future__ import annotations

import json
from pathlib import Path

from bot.releases.publish import Workshop
from bot.releases.release import load_release
from retrieval.documents import Answer
from tests.commands.conftest import Firstline

FAQ = "question,answer,topic\nHow long is a gift card valid?,36 months.,Gift cards\n"


def test_an_imported_row_is_live_when_the_verb_returns(firstline: Firstline, shop: Workshop, tmp_path: Path) -> None:
    (tmp_path / "faq.csv").write_text(FAQ)
    done = firstline("faq", "import", str(tmp_path / "faq.csv"), "--json")
    told = json.loads(done.out)
    assert (done.status, told["added"], told["changed"], told["unchanged"]) == (0, 1, 0, 0)
    assert told["release"] == shop.registry.current_id()
    answer = (
        load_release(shop.registry, told["release"]).look("How long is a gift card valid?", today=shop.today).answer
    )
    assert isinstance(answer, Answer)
    assert answer.text == "36 months."


def test_a_bad_file_changes_nothing(firstline: Firstline, shop: Workshop, tmp_path: Path) -> None:
    before = shop.registry.current_id()
    (tmp_path / "faq.csv").write_text(FAQ + "No answer?,,\n")
    done = firstline("faq", "import", str(tmp_path / "faq.csv"))
    assert (done.status, done.out) == (1, "")
    assert "row 3: has no answer" in done.err
    assert shop.registry.current_id() == before


def test_before_the_first_release_rows_are_kept_for_it(firstline: Firstline, tmp_path: Path) -> None:
    (tmp_path / "faq.csv").write_text(FAQ)
    done = firstline("faq", "import", str(tmp_path / "faq.csv"))
    assert done.status == 0
    assert "nothing is live yet" in done.err
    listed = json.loads(firstline("documents", "list", "--json").out)
    assert [each["id"] for each in listed] == ["faq"]


def test_ingesting_listing_showing_deleting(firstline: Firstline, shop: Workshop, tmp_path: Path) -> None:
    (tmp_path / "gifts.md").write_text("# Gifts\n\nWe wrap presents for £4.50.")
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-nothing")
    done = firstline("ingest", str(tmp_path / "gifts.md"), str(tmp_path / "broken.pdf"), "--json")
    assert done.status == 0
    told = json.loads(done.out)
    assert told["documents"] == ["gifts"]
    assert told["failed"][0][0] == "broken.pdf"
    assert "We wrap presents for £4.50." in firstline("documents", "show", "gifts").out
    assert "gifts" in firstline("documents", "list").out
    live = shop.registry.current_id()
    assert firstline("documents", "delete", "gifts").status == 0
    assert shop.registry.current_id() != live
    assert firstline("documents", "show", "gifts").status == 1
    assert firstline("documents", "show", "gifts", "--version", "1").status == 0


def test_exported_rows_come_back(firstline: Firstline, tmp_path: Path) -> None:
    (tmp_path / "faq.csv").write_text(FAQ)
    firstline("faq", "import", str(tmp_path / "faq.csv"))
    done = firstline("faq", "export", str(tmp_path / "out.csv"))
    assert (done.status, done.out) == (0, "")
    assert (tmp_path / "out.csv").read_text() == FAQ
