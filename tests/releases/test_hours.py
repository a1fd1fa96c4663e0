"""Opening hours go live without a training: a release of its own with nothing else in it, that every process takes."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace

import pytest

from bot.app import opening_hours
from bot.errors import BadInput, Conflict, NotFound
from bot.handoff.hours import DAYS, spoken
from bot.releases import retrain as retraining
from bot.releases.comparison import Verdict
from bot.releases.hours import live_hours, publish_hours
from bot.releases.live import LiveRelease
from bot.releases.publish import Workshop
from bot.releases.registry import Manifest, Registry
from bot.releases.release import load_release
from bot.routing.hours_file import with_hours, written_hours
from tests.conftest import Clock


def save(shop: Workshop, **days: str) -> None:
    """Other hours in the company's file."""
    file = shop.settings.data / "policy.yml"
    text = file.read_text("utf-8")
    hours = written_hours(text)
    file.write_text(with_hours(text, replace(hours, week={**hours.week, **days})), "utf-8")


def monday(shop: Workshop) -> str:
    hours = live_hours(shop)
    assert hours is not None
    return hours.week["mon"]


def test_new_hours_hold_in_a_running_process_and_nothing_else_changes(shop: Workshop, clock: Clock) -> None:
    first = shop.registry.manifest(shop.registry.current_id() or "")
    live = LiveRelease(shop.registry, clock)
    try:
        hours = opening_hours(shop.settings, live)
        assert hours().is_open(clock())
        save(shop, **dict.fromkeys(DAYS, "03:00-04:00"))
        assert hours().is_open(clock()), "a file is not what answers"
        made = publish_hours(shop, by="Maud")
        live.refresh()
        assert not hours().is_open(clock())
        assert spoken(hours().next_open(clock()), clock()).endswith("at 03:00")
    finally:
        live.close()
    assert {kind for kind in made.parts if made.parts[kind] != first.parts[kind]} == {"router"}
    assert (made.parent, made.note, made.report) == (first.id, "opening hours", first.report)
    assert shop.registry.history()[0] | {"at": ""} == {
        "at": "",
        "id": made.id,
        "by": "Maud",
        "forced": False,
        "reason": "opening hours",
    }
    policy = (shop.registry.part(made.parts["router"]) / "policy.yml").read_text("utf-8")
    assert policy == (shop.settings.data / "policy.yml").read_text("utf-8")


def test_the_same_hours_are_the_same_release(shop: Workshop) -> None:
    first = shop.registry.current_id()
    assert publish_hours(shop, by="Maud").id == first
    save(shop, mon="09:00-10:00")
    second = publish_hours(shop, by="Maud").id
    history = shop.registry.history()
    assert publish_hours(shop, by="Maud").id == second != first
    assert shop.registry.history() == history


def test_going_back_takes_the_hours_back(shop: Workshop) -> None:
    save(shop, mon="09:00-10:00")
    publish_hours(shop, by="Maud")
    assert monday(shop) == "09:00-10:00"
    shop.registry.rollback(by="Maud")
    assert monday(shop) == "08:00-20:00"


def test_what_else_is_new_in_the_file_waits_for_a_training(shop: Workshop) -> None:
    file = shop.settings.data / "policy.yml"
    file.write_text(file.read_text("utf-8").replace("wrong_answer: 6.0", "wrong_answer: 600.0"), "utf-8")
    save(shop, mon="09:00-10:00")
    made = publish_hours(shop, by="Maud")
    release = load_release(shop.registry, made.id)
    assert release.policy.costs.wrong_answer == 6.0
    assert monday(shop) == "09:00-10:00"
    assert "# In pounds" in (shop.registry.part(made.parts["router"]) / "policy.yml").read_text("utf-8")


def test_a_file_that_is_no_policy_leaves_everything_as_it_is(shop: Workshop) -> None:
    first, history = shop.registry.current_id(), shop.registry.history()
    file = shop.settings.data / "policy.yml"
    file.write_text(file.read_text("utf-8").replace('mon: "08:00-20:00"', 'mon: "20:00-08:00"'), "utf-8")
    with pytest.raises(BadInput, match=r"line \d+: opening hours of mon end"):
        publish_hours(shop, by="Maud")
    file.unlink()
    with pytest.raises(BadInput, match="not readable as YAML"):
        publish_hours(shop, by="Maud")
    assert (shop.registry.current_id(), shop.registry.history()) == (first, history)


def test_nobody_waits_for_a_training_to_end(shop: Workshop) -> None:
    save(shop, mon="09:00-10:00")
    with shop.registry.lock(), pytest.raises(Conflict) as caught:
        publish_hours(shop, by="Maud", wait=False)
    assert caught.value.code == "busy"
    assert monday(shop) == "08:00-20:00"


def test_before_the_first_release_the_file_holds(shop: Workshop, clock: Clock) -> None:
    bare = replace(shop, registry=Registry(shop.settings.home / "elsewhere", clock))
    assert live_hours(bare) is None
    with pytest.raises(NotFound, match="firstline train"):
        publish_hours(bare, by="Maud")


def test_a_training_that_is_measured_meanwhile_does_not_take_the_hours_back(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The challenger is put together from parts that are there (a training takes minutes): the live ones, with a router
    of its own."""
    live = shop.registry.manifest(shop.registry.current_id() or "")

    def built(shop: Workshop, **_: object) -> Manifest:
        folder = shop.registry.staging("router")
        shutil.copytree(shop.registry.part(live.parts["router"]), folder, dirs_exist_ok=True)
        (folder / "gate.json").write_text((folder / "gate.json").read_text() + "\n")
        return shop.registry.create({**live.parts, "router": shop.registry.add_part("router", folder)}, note="retrain")

    def measured(shop: Workshop, champion: str | None, challenger: Manifest) -> retraining.Retrained:
        save(shop, mon="09:00-10:00")
        publish_hours(shop, by="Maud")
        figures: Mapping[str, object] = {}
        return retraining.Retrained(challenger.id, champion or "", Verdict(True), dict(figures))

    monkeypatch.setattr(retraining, "build_challenger", built)
    monkeypatch.setattr(retraining, "judge_challenger", measured)
    result = retraining.retrain(shop, by="Maud")
    assert monday(shop) == "09:00-10:00"
    assert result.release == shop.registry.current_id()
    assert shop.registry.manifest(result.release).report["gate"]["verdict"]["promote"]
