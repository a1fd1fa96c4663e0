"""The doctor: what is missing or unsafe is found with its remedy, and looking changes nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bot.doctor import Finding, cores, examine
from bot.releases.registry import Registry
from bot.settings import Settings
from bot.store.database import Database
from bot.understanding import provenance, weights
from tests.conftest import Clock
from tests.understanding.conftest import dataset, nlu_file, tiny_base

__all__ = ["dataset", "nlu_file", "tiny_base"]

Change = Callable[[Settings], Settings]
SENT = "1,000,000 tokens a day; questions without personal data, and passages their reader may see, are sent there"


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
        "base model",
        "release",
        "dialogue engine",
        "exposure",
        "Slack",
        "webhook",
        "large model",
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


def test_the_base_model_is_fetched_when_it_is_needed(settings: Settings) -> None:
    told = finding(settings, "base model")
    assert told.ok
    assert told.found == "all-MiniLM-L6-v2, Apache-2.0, fetched when the first release is made"


@pytest.fixture
def named(settings: Settings, tiny_base: Path, tmp_path: Path) -> Settings:
    """Settings that name a copy of the tiny base model."""
    return replace(settings, base_model=str(shutil.copytree(tiny_base, tmp_path / "base")))


def test_weights_nobody_knows_are_named_with_how_to_declare_them(named: Settings) -> None:
    told, folder = finding(named, "base model"), Path(named.base_model)
    sha256 = weights.sha256(folder / "model.safetensors")
    assert (told.ok, told.needed) == (False, False)
    assert told.found == f"BERT, 0.0 M parameters, licence not stated, sha256 {sha256[:12]}… (not known)"
    declaration = f'{{"licence": "…", "sha256": "{sha256}"}}'
    assert told.remedy.endswith(f"write {declaration} to {folder / 'firstline-model.json'}")
    (folder / "firstline-model.json").write_text(declaration.replace("…", "MIT"))
    told = finding(named, "base model")
    assert told.ok
    assert told.found.endswith(f"licence MIT, sha256 {sha256[:12]}… (firstline-model.json)")


def test_published_weights_are_known_by_their_hash(named: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    sha256 = weights.sha256(Path(named.base_model) / "model.safetensors")
    monkeypatch.setitem(provenance.KNOWN, sha256, ("all-tiny", "Apache-2.0"))
    told = finding(named, "base model")
    assert told.ok
    assert told.found.endswith(f"licence Apache-2.0, sha256 {sha256[:12]}… (all-tiny)")


@pytest.mark.parametrize(
    ("file", "text", "licence"),
    [
        ("README.md", "---\nlicense: apache-2.0\ntags: [x]\n---\n# Model\n", "apache-2.0"),
        ("README.md", "---\nlicense: other\nlicense_name: house-licence\n---\n", "house-licence"),
        ("README.md", "---\nlicense: [mit, cc0-1.0]\n---\n", "mit, cc0-1.0"),
        ("README.md", "---\nlicense: other\n---\n", "not stated"),
        ("README.md", "---\nlicense: [: {\n---\n", "not stated"),
        ("README.md", "license: mit\n", "not stated"),
        ("verified.json", '{"licence": "MIT"}', "MIT"),
        ("verified.json", "[]", "not stated"),
        ("firstline-model.json", '{"licence": "EUPL-1.2"}', "EUPL-1.2"),
    ],
)
def test_the_licence_is_read_where_it_is_stated(named: Settings, file: str, text: str, licence: str) -> None:
    (Path(named.base_model) / file).write_text(text)
    told = finding(named, "base model")
    assert f"licence {licence}, sha256" in told.found
    assert (told.ok, told.needed) == (False, False), "nobody has vouched for the hash"


def test_a_licence_that_forbids_commerce_is_told(named: Settings) -> None:
    (Path(named.base_model) / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n")
    told = finding(named, "base model")
    assert (told.ok, told.needed) == (False, False)
    assert told.remedy.startswith("its licence does not allow commercial use; name another folder")


@pytest.mark.parametrize(
    ("file", "text", "found", "remedy"),
    [
        ("firstline-model.json", '{"sha256": "00"}', "firstline-model.json says 00", "copy the weights anew"),
        ("firstline-model.json", "{", 'is not {"licence"', "write it so, or delete it"),
        ("firstline-model.json", '{"licence": 5}', 'is not {"licence"', "write it so, or delete it"),
        ("config.json", '{"model_type": "gpt2"}', "can be used: got gpt2", "take an encoder of these families"),
        ("model.safetensors", "short", "is damaged or cut short", "copy or download it anew"),
    ],
)
def test_a_base_model_that_cannot_be_used_has_to_be_changed(
    named: Settings, file: str, text: str, found: str, remedy: str
) -> None:
    (Path(named.base_model) / file).write_text(text)
    told = finding(named, "base model")
    assert (told.ok, told.needed) == (False, True)
    assert found in told.found
    assert told.remedy.startswith(remedy)


def test_a_changed_default_is_fetched_anew(
    settings: Settings, tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The default's stamp and sizes hold, but its weights are not the published ones."""
    folder = shutil.copytree(tiny_base, settings.home / "base" / "all-MiniLM-L6-v2")
    monkeypatch.setattr(weights, "FILES", ("config.json", "tokenizer.json", "model.safetensors"))
    weights._stamp(folder)
    told = finding(settings, "base model")
    assert (told.ok, told.needed) == (False, True)
    assert told.remedy == f"delete {folder}; the next training fetches it anew"


def test_a_sound_release_is_named_and_a_damaged_one_told(settings: Settings) -> None:
    registry = a_release(settings)
    id = registry.current_id()
    stated = f"{id}, every file as its manifest says; no trained reader: quotes are chosen by likeness"
    assert finding(settings, "release").found == stated
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
        ("large model", {}, True, True, "off; no text leaves this machine"),
        ("large model", {"llm_url": "http://127.0.0.1:8080/v1"}, False, True, "an address without a model"),
        ("large model", {"llm_url": "http://[::1]:8080/v1", "llm_model": "small"}, True, True, f"small at ::1, {SENT}"),
        (
            "large model",
            {"llm_url": "http://llm.example/v1", "llm_model": "m"},
            False,
            True,
            f"m at llm.example, {SENT}, unencrypted",
        ),
        (
            "large model",
            {"llm_url": "https://llm.example/v1", "llm_model": "m"},
            True,
            True,
            f"m at llm.example, {SENT}",
        ),
        (
            "large model",
            {"llm_url": "https://llm.example/v1", "llm_model": "m", "llm_daily_budget": 0},
            False,
            True,
            f"m at llm.example, {SENT.replace('1,000,000', '0')}; a budget is 0",
        ),
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
        llm_url="https://llm.example/v1",
        llm_key="sk_hidden",
        database_url="postgresql://firstline:hidden@127.0.0.1:1/nothing",
    )
    assert "hidden" not in str(examine(given))


def test_there_is_at_least_one_core() -> None:
    assert cores() >= 1
