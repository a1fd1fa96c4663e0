"""Settings: read once, and every mistake told with its name before anything starts."""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path

import pytest

from bot.errors import BadSettings
from bot.settings import Settings


def test_nothing_given_is_a_working_default() -> None:
    settings = Settings.load({"PATH": "/bin", "HOME": "/root"})
    assert settings == Settings()
    assert settings.address == "http://127.0.0.1:8000"
    assert settings.store_url.startswith("sqlite:////")


def test_values_are_read_with_their_types() -> None:
    given = {
        "FIRSTLINE_HOME": "/srv/firstline",
        "FIRSTLINE_PORT": "9000",
        "FIRSTLINE_WEBHOOK_ALLOW_PRIVATE": "Yes",
        "FIRSTLINE_COMPANY_NAME": "Wren & Söhne",
        "FIRSTLINE_PUBLIC_URL": "https://help.example/",
    }
    settings = Settings.load(given)
    assert (settings.home, settings.port, settings.webhook_allow_private) == (Path("/srv/firstline"), 9000, True)
    assert settings.company_name == "Wren & Söhne"
    assert settings.address == "https://help.example"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("FIRSTLINE_PROT", "did you mean FIRSTLINE_PORT?"),
        ("FIRSTLINE_DATABASE", "did you mean FIRSTLINE_DATABASE_URL?"),
        ("FIRSTLINE_WEB_HOOK_SECRET", "did you mean FIRSTLINE_WEBHOOK_SECRET?"),
        ("FIRSTLINE_QQQQQQQQQQ", "`firstline doctor --settings` lists them"),
        ("FIRSTLINE_", "unknown setting FIRSTLINE_;"),
    ],
)
def test_an_unknown_setting_is_an_error_with_a_suggestion(name: str, said: str) -> None:
    with pytest.raises(BadSettings, match="unknown setting") as caught:
        Settings.load({name: "x"})
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PORT", "eighty", "takes int, got 'eighty'"),
        ("PORT", "", "takes int, got ''"),
        ("PORT", "80.5", "takes int"),
        ("PORT", "0", "from 1 to 65,535, got 0"),
        ("PORT", "65536", "from 1 to 65,535, got 65,536"),
        ("RASA_PORT", "-1", "from 1 to 65,535"),
        ("WEB_THREADS", "0", "from 1 to 1,000"),
        ("MAX_STREAMS", "-1", "from 0 to 10,000"),
        ("MAX_BODY_BYTES", "12", "from 1,024 to"),
        ("WEBHOOK_ALLOW_PRIVATE", "maybe", "takes yes or no, got 'maybe'"),
        ("WEBHOOK_ALLOW_PRIVATE", "", "takes yes or no"),
        ("BRAND_COLOUR", "green", "looks like #1f5c4d, got 'green'"),
        ("BRAND_COLOUR", "#1f5c4d;}", "looks like #1f5c4d"),
        ("PUBLIC_URL", "help.example", "looks like https://"),
        ("PUBLIC_URL", "javascript:alert(1)", "looks like https://"),
        ("WEBHOOK_URL", "ftp://help.example", "looks like https://"),
        ("ORDER_FORMAT", "WF-", r"looks like WF-\{\}"),
        ("ORDER_FORMAT", "{}-{}", r"looks like WF-\{\}"),
        ("ORDER_FORMAT", "{0.__class__}", r"looks like WF-\{\}"),
        ("ORDER_PATTERN", "(", "is not a regular expression"),
        ("ORDER_PATTERN", r"\d{6}", "needs a group around the number's core"),
        ("PHONE_REGION", "Britain", "looks like GB"),
    ],
)
def test_an_impossible_value_is_told_at_the_start(name: str, value: str, said: str) -> None:
    with pytest.raises(BadSettings, match=f"FIRSTLINE_{name} .*{said}"):
        Settings.load({f"FIRSTLINE_{name}": value})


def test_every_setting_says_what_it_is() -> None:
    for field in fields(Settings):
        assert len(field.metadata["help"]) > 10, field.name
        assert field.metadata["help"][0] != " "


def test_no_secret_has_a_default() -> None:
    secret = [field for field in fields(Settings) if field.name.endswith(("secret", "token", "_key"))]
    assert len(secret) >= 6
    assert [field.name for field in secret if field.default] == []


def test_settings_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().port = 1  # type: ignore[misc]


def test_secrets_are_made_once_for_their_owner_only(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "deep" / "home")
    first, again = settings.with_secrets(), settings.with_secrets()
    assert first == again
    assert len(first.session_key) >= 40
    assert first.session_key != first.rasa_token
    path = tmp_path / "deep" / "home" / "secrets.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["secrets.json"]
    assert Settings(home=tmp_path / "other").with_secrets().session_key != first.session_key


def test_a_secret_that_is_given_wins_and_is_not_kept(tmp_path: Path) -> None:
    settings = replace(Settings(home=tmp_path), session_key="given by the operator")
    assert settings.with_secrets().session_key == "given by the operator"
    assert "given by" not in (tmp_path / "secrets.json").read_text()


def test_a_secret_added_by_a_later_version_leaves_the_others(tmp_path: Path) -> None:
    kept = Settings(home=tmp_path).with_secrets().session_key
    (tmp_path / "secrets.json").write_text(json.dumps({"session_key": kept}))
    completed = Settings(home=tmp_path).with_secrets()
    assert completed.session_key == kept
    assert completed.rasa_token


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff"])
def test_a_damaged_secrets_file_is_told_with_the_remedy(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secrets.json").write_bytes(content)
    with pytest.raises(BadSettings, match=r"secrets\.json is damaged: .*delete it"):
        Settings(home=tmp_path).with_secrets()


def test_processes_that_start_together_agree_on_the_secrets(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: settings.with_secrets().session_key, range(16)))
    assert found == {settings.with_secrets().session_key}
