"""The doctor: what is missing or unsafe is found with its remedy, and looking changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bot.doctor import Finding, cores, examine
from bot.releases.registry import Registry
from bot.settings import Settings
from bot.store.database import Database
from tests.conftest import Clock

Change = Callable[[Settings], Settings]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", data=tmp_path / "data", rasa_venv=tmp_path / "rasa")


def finding(settings: Settings, check: str) -> Finding:
    (found,) = (each for each in examine(settings) if each.check == check)
    return found


def a_release(settings: Settings) -> Registry:
    registry = Registry(settings.home / "releases", Clock())
    parts = {}
    for kind in ("encoder", "intents", "knowledge", "router"):
        folder = registry.staging(kind)
        (folder / "content.txt").write_text(kind)
        parts[kind] = registry.add_part(kind, folder)
    registry.promote(registry.create(parts, note="test").id, by="test")
    return registry


def test_looking_changes_nothing(settings: Settings, tmp_path: Path) -> None:
    examine(settings)
    assert list(tmp_path.iterdir()) == []
    settings.home.mkdir()
    examine(settings)
    assert list(settings.home.iterdir()) == []


def test_every_finding_that_is_not_well_has_a_remedy(settings: Settings) -> None:
    found = examine(settings)
    assert [each.check for each in found] == [
        "Python",
        "disk",
        "secrets",
        "database",
        "release",
        "dialogue engine",
        "exposure",
        "Slack",
        "webhook",
    ]
    assert all(each.found for each in found)
    assert all(each.remedy for each in found if not each.ok)


def test_before_the_first_start_only_the_release_is_missing(settings: Settings) -> None:
    missing = {each.check for each in examine(settings) if each.needed and not each.ok}
    assert missing - {"disk"} == {"release"}
    assert finding(settings, "release").remedy == "`firstline train` makes the first one"


def test_secrets_others_can_read_are_told(settings: Settings) -> None:
    settings.with_secrets()
    assert finding(settings, "secrets").ok
    path = settings.home / "secrets.json"
    path.chmod(0o640)
    told = finding(settings, "secrets")
    assert (told.ok, told.remedy) == (False, f"chmod 600 {path}")


@pytest.mark.parametrize(
    ("url", "ok"),
    [
        ("sqlite:///{home}/new.sqlite", True),
        ("mysql://root@host/db", False),
        ("nonsense", False),
        ("postgresql://nobody@127.0.0.1:1/nothing", False),
    ],
)
def test_the_database_is_asked(settings: Settings, url: str, ok: bool) -> None:
    given = replace(settings, database_url=url.format(home=settings.home))
    assert finding(given, "database").ok is ok


def test_a_file_that_is_no_database_is_told(settings: Settings) -> None:
    settings.home.mkdir()
    (settings.home / "firstline.sqlite").write_bytes(b"not a database at all" * 100)
    told = finding(settings, "database")
    assert not told.ok
    assert "not a database" in told.found


def test_a_database_that_is_there_answers(settings: Settings) -> None:
    Database.open(settings.store_url).close()
    assert finding(settings, "database").found == "sqlite"


def test_a_sound_release_is_named_and_a_damaged_one_told(settings: Settings) -> None:
    registry = a_release(settings)
    id = registry.current_id()
    assert finding(settings, "release").found == f"{id}, every file as its manifest says"
    file = next((registry.folder / "parts").rglob("content.txt"))
    file.write_text("changed")
    told = finding(settings, "release")
    assert not told.ok
    assert "content.txt has sha256" in told.found
    (registry.folder / "current.json").write_text("{")
    assert "is not a pointer" in finding(settings, "release").found


@pytest.mark.parametrize(
    ("host", "public_url", "ok"),
    [
        ("127.0.0.1", "", True),
        ("localhost", "", True),
        ("::1", "", True),
        ("0.0.0.0", "", False),
        ("::", "", False),
        ("10.0.0.5", "http://help.example", False),
        ("help.example", "", False),
        ("0.0.0.0", "https://help.example", True),
    ],
)
def test_plain_http_to_the_world_is_unsafe(settings: Settings, host: str, public_url: str, ok: bool) -> None:
    told = finding(replace(settings, host=host, public_url=public_url), "exposure")
    assert (told.ok, told.needed) == (ok, True)


@pytest.mark.parametrize(
    ("check", "given", "ok", "needed", "found"),
    [
        ("Slack", {}, False, False, "not connected"),
        ("Slack", {"slack_bot_token": "xoxb-1"}, False, True, "half connected"),
        ("Slack", {"slack_bot_token": "xoxb-1", "slack_signing_secret": "s"}, True, True, "connected"),
        ("webhook", {}, False, False, "not connected"),
        ("webhook", {"webhook_url": "https://x.example"}, False, True, "address without secret"),
        ("webhook", {"webhook_url": "https://x.example", "webhook_secret": "whsec_MDEy"}, True, False, "connected"),
    ],
)
def test_a_half_connected_channel_has_to_be_finished(
    settings: Settings, check: str, given: dict[str, str], ok: bool, needed: bool, found: str
) -> None:
    told = finding(replace(settings, **given), check)  # type: ignore[arg-type]
    assert (told.ok, told.needed, told.found) == (ok, needed, found)


def test_no_finding_shows_a_secret(settings: Settings) -> None:
    given = replace(
        settings,
        slack_bot_token="xoxb-hidden",
        webhook_secret="whsec_hidden",
        database_url="postgresql://firstline:hidden@127.0.0.1:1/nothing",
    )
    assert "hidden" not in str(examine(given))


def test_there_is_at_least_one_core() -> None:
    assert cores() >= 1
