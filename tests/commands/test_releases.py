"""Verbs of releases, the worker's job, and a real retraining with a tiny base model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from bot.ingest import take_faq_bytes
from bot.releases.publish import Workshop, publish_knowledge
from bot.releases.release import load_release
from bot.releases.retrain import retrain
from bot.store.jobs import Jobs
from tests.commands.conftest import Firstline

FAQ = b"question,answer\nHow long is a gift card valid?,36 months.\n"


@pytest.fixture
def two(shop: Workshop) -> tuple[str, str]:
    """The ids of the first release and of the one that is live after a FAQ row was added."""
    first = shop.registry.current_id() or ""
    take_faq_bytes(shop.library, FAQ, "faq.csv")
    return first, publish_knowledge(shop, by="test", note="a row").id


def test_listing_showing_and_going_back(firstline: Firstline, shop: Workshop, two: tuple[str, str]) -> None:
    first, second = two
    listed = json.loads(firstline("releases", "list", "--json").out)
    assert {each["id"]: each["live"] for each in listed} == {first: False, second: True}
    assert f"* {second}" in " ".join(firstline("releases", "list").out.split())
    shown = json.loads(firstline("releases", "show").out)
    assert (shown["id"], sorted(shown["parts"])) == (second, ["encoder", "intents", "knowledge", "router"])
    assert "knowledge" in firstline("releases", "diff", first, second).out
    assert "encoder" not in firstline("releases", "diff", first, second).out
    assert firstline("releases", "rollback").err == f"{first} is live again"
    assert shop.registry.current_id() == first
    assert firstline("releases", "promote", second).status == 0
    assert shop.registry.history()[0]["by"].endswith("command line)")


def test_a_refused_release_needs_force(firstline: Firstline, shop: Workshop, two: tuple[str, str]) -> None:
    first, _ = two
    path = shop.registry.folder / first / "manifest.json"
    gate = {"verdict": {"promote": False, "reasons": ["accuracy falls from 90.0% to 80.0%"]}}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"report": {"gate": gate}}))
    refused = firstline("releases", "promote", first)
    assert refused.status == 1
    assert "accuracy falls from 90.0% to 80.0%" in refused.err
    assert firstline("releases", "promote", first, "--force").status == 0
    assert shop.registry.history()[0]["forced"] is True


def test_a_job_of_the_desk_is_done_and_one_nobody_knows_is_refused(
    firstline: Firstline, shop: Workshop, two: tuple[str, str]
) -> None:
    jobs = Jobs(shop.library._database, shop.library.clock)
    for kind, state, said in (("publish", "done", "live"), ("hours", "done", "live"), ("paint", "refused", "'paint'")):
        asked = jobs.enqueue(kind, {"by": "Maud"})
        assert jobs.claim() is not None
        assert firstline("job", str(asked.id)).status == 0
        assert (jobs.get(asked.id).state, said in jobs.get(asked.id).message) == (state, True)


def test_routing_is_measured_on_the_live_release(firstline: Firstline, two: tuple[str, str], tmp_path: Path) -> None:
    rows = [
        {"id": "1", "text": "How long is a gift card valid?", "expect": "answer", "quote": "36 months"},
        {"id": "2", "text": "I want to talk to a human", "expect": "human"},
    ]
    scenarios, figures = tmp_path / "rows.jsonl", tmp_path / "figures.json"
    scenarios.write_text("\n".join(json.dumps(row) for row in rows))
    done = firstline("evaluate", "routing", "--scenarios", str(scenarios), "--json", str(figures))
    assert done.status == 0, done.err
    found = json.loads(figures.read_text())
    assert {
        "accuracy",
        "must_escalate_recall",
        "false_escalation_rate",
        "coverage_at_5pct_wrong",
        "per_route",
    } <= found.keys()
    assert (found["rows"], found["must_escalate_recall"], found["release"]) == (2, 1.0, two[1])
    piped = firstline("evaluate", "routing", "--scenarios", str(scenarios), "--json", "-")
    assert json.loads(piped.out)["rows"] == 2


def test_a_row_imported_during_a_retraining_is_live_after_it(shop: Workshop, nlu_file: Path) -> None:
    """A training takes minutes, and people go on working: what they add meanwhile must not be taken back."""
    (shop.settings.data / "nlu").mkdir()
    shutil.copyfile(nlu_file, shop.settings.data / "nlu" / "nlu.yml")

    def progress(message: str, done: int, total: int) -> None:
        if message == "measuring the challenger" and "faq" not in {each.id for each in shop.library.listing()}:
            take_faq_bytes(shop.library, FAQ, "faq.csv")

    result = retrain(shop, by="test", progress=progress)
    assert result.verdict.promote
    assert shop.registry.current_id() == result.release
    release = load_release(shop.registry, result.release)
    assert "faq" in {each.id for each in release.knowledge.documents()}


def test_a_quick_training_adds_an_intent_and_keeps_every_other_part(
    firstline: Firstline, shop: Workshop, nlu_file: Path
) -> None:
    rows = shop.settings.data / "nlu" / "nlu.yml"
    rows.parent.mkdir()
    voucher = "- intent: buy_voucher\n  examples: |\n    - sell me a gift voucher\n    - buy a voucher\n"
    rows.write_text(nlu_file.read_text().replace("- synonym:", f"{voucher}- synonym:", 1))
    before = shop.registry.manifest(shop.registry.current_id() or "")
    found = json.loads(firstline("train", "--quick", "--json").out)
    after = shop.registry.manifest(found["release"])
    assert shop.registry.current_id() == after.id
    assert {kind for kind in after.parts if after.parts[kind] != before.parts[kind]} == {"intents"}
    assert after.report["extension"]["added"] == ["buy_voucher"]
    understanding = load_release(shop.registry, after.id).understander.understand("sell me a voucher", today=shop.today)
    assert understanding.intent == "buy_voucher"
