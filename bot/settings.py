"""One frozen record of settings, read once from the environment and passed down; nothing else reads the environment.

Every setting is an environment variable `FIRSTLINE_<NAME>`. An unknown one is an error, so that a typing mistake is
never a silent default. Secrets have no default: those that Firstline can make itself are generated at the first start
into `<home>/secrets.json` (readable by its owner only), the others switch their channel on when they are set.
"""

from __future__ import annotations

import difflib
import fcntl
import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from bot.errors import BadSettings

PREFIX = "FIRSTLINE_"


_RANGES = {
    "port": (1, 65_535),
    "rasa_port": (1, 65_535),
    "web_threads": (1, 1_000),
    "max_streams": (0, 10_000),
    "max_body_bytes": (1_024, 2**30),
    "max_upload_bytes": (1_024, 2**30),
    "max_attachment_bytes": (1_024, 2**30),
    "max_conversation_files_bytes": (1_024, 2**40),
    "llm_daily_budget": (0, 10**12),
    "llm_conversation_budget": (0, 10**12),
    "llm_price_in": (0, 10**6),
    "llm_price_out": (0, 10**6),
}
_ADDRESS = (r"(https?://[^\s/]+\S*)?", "https://support.company.example")
_SHAPES = {
    "public_url": _ADDRESS,
    "webhook_url": _ADDRESS,
    "slack_api_url": _ADDRESS,
    "slack_desk_channel": (r"([CG][A-Z0-9]{2,20})?", "C024BE91L"),
    "llm_url": (r"(https?://[^\s/@?#]+[^\s@?#]*)?", "http://127.0.0.1:8080/v1"),
    "llm_hosts": (r"[A-Za-z0-9. -]*", "company.example shop.example"),
    "brand_colour": (r"#[0-9a-fA-F]{6}", "#1f5c4d"),
    "order_format": (r"[^{}]*\{\}[^{}]*", "WF-{}"),
    "phone_region": (r"[A-Z]{2}", "GB"),
}
"""Regular expressions of the whole value, and what one looks like."""


def _setting(default: Any, help_text: str) -> Any:
    return field(default=default, metadata={"help": help_text})


@dataclass(frozen=True, slots=True)
class Settings:
    home: Path = _setting(Path("var"), "folder of all state: database, releases, base model, logs")
    data: Path = _setting(Path("data"), "the company's own data: docs, faq, nlu, eval, policy.yml")
    host: str = _setting("127.0.0.1", "address the web process listens on")
    port: int = _setting(8000, "port of the web process")
    public_url: str = _setting("", "address customers see; empty means http://host:port")
    database_url: str = _setting("", "PostgreSQL or SQLite URL; empty means a SQLite file in home")
    web_threads: int = _setting(64, "request threads of the web process, open event streams among them")
    max_streams: int = _setting(40, "event streams open at once in one web process; more are told to poll")
    max_body_bytes: int = _setting(1_048_576, "largest request body in bytes")
    max_upload_bytes: int = _setting(20_971_520, "largest uploaded file in bytes")
    max_attachment_bytes: int = _setting(10_485_760, "largest file in bytes that goes with a message")
    max_conversation_files_bytes: int = _setting(104_857_600, "bytes that all files of one conversation may have")
    milvus_uri: str = _setting("", "address of Milvus, or a milvus-lite file, to keep the vectors in; empty: in memory")
    milvus_token: str = _setting("", "user:password or token of that Milvus")
    base_model: str = _setting("", "local folder of a small encoder to fine-tune; empty means all-MiniLM-L6-v2")
    rasa_port: int = _setting(5005, "loopback port of the dialogue engine")
    rasa_venv: Path = _setting(Path(".venv-rasa"), "virtual environment of the dialogue engine")
    company_name: str = _setting("Wrenfield", "name shown to customers")
    brand_colour: str = _setting("#1f5c4d", "colour of the company, as #rrggbb")
    order_pattern: str = _setting(r"(?:WF[\s-]?)?(\d{6})", "regular expression of an order number; group 1 is its core")
    order_format: str = _setting("WF-{}", "how an order number is written, {} being its core")
    phone_region: str = _setting("GB", "region of phone numbers written without a country code")
    webhook_secret: str = _setting("", "whsec_… secret of the generic webhook (space-separated while rotating)")
    webhook_url: str = _setting("", "address that replies of the generic webhook are posted to")
    webhook_allow_private: bool = _setting(False, "let the outgoing webhook reach private addresses (tests, intranets)")
    rest_token: str = _setting("", "bearer token of the REST channel; empty serves loopback callers only")
    identity_secret: str = _setting("", "secret that signs the identity of known customers of the widget")
    slack_signing_secret: str = _setting("", "signing secret of the Slack app; empty switches Slack off")
    slack_bot_token: str = _setting("", "bot token (xoxb-…) of the Slack app")
    slack_api_url: str = _setting("https://slack.com/api/", "address of Slack's Web API")
    slack_desk_channel: str = _setting("", "id (C…) of the Slack channel where agents answer; empty: browser only")
    llm_url: str = _setting("", "address of an OpenAI-compatible API, as http://host:8080/v1; empty: no large model")
    llm_model: str = _setting("", "name of the large model to ask there")
    llm_key: str = _setting("", "key of that API")
    llm_daily_budget: int = _setting(1_000_000, "tokens that the large model may read and write in a day (UTC)")
    llm_conversation_budget: int = _setting(60_000, "tokens that the large model may read and write for a conversation")
    llm_price_in: float = _setting(0.0, "what a million tokens read cost, in your currency")
    llm_price_out: float = _setting(0.0, "what a million tokens written cost, in your currency")
    llm_hosts: str = _setting("", "your hosts, which answers of the large model may link to, separated by spaces")
    llm_drafts: bool = _setting(False, "let the large model draft answers for agents too; it never sends one")
    smtp_url: str = _setting("", "mail server for transcripts, smtps://user:password@host?from=address")
    session_key: str = _setting("", "signs widget tokens; generated at the first start when empty")
    rasa_token: str = _setting("", "shared by web and the dialogue engine; generated at the first start when empty")

    @property
    def address(self) -> str:
        """The public address without a trailing slash."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def store_url(self) -> str:
        """SQLAlchemy URL of the database."""
        return self.database_url or f"sqlite:///{self.home.resolve() / 'firstline.sqlite'}"

    @property
    def rasa_url(self) -> str:
        return f"http://127.0.0.1:{self.rasa_port}"

    @classmethod
    def load(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the environment; raise `BadSettings` for unknown names and impossible values."""
        given = os.environ if environment is None else environment
        known = {f.name: f for f in fields(cls)}
        values: dict[str, Any] = {}
        for key, raw in given.items():
            if not key.startswith(PREFIX):
                continue
            name = key.removeprefix(PREFIX).lower()
            if name not in known:
                raise BadSettings(_unknown(key, known))
            values[name] = _parse(key, raw, known[name])
            _check(key, name, values[name])
        return cls(**values)

    def with_secrets(self) -> Settings:
        """These settings with the generated secrets filled in; makes and keeps them at the first call."""
        kept = _kept_secrets(self.home / "secrets.json", ("session_key", "rasa_token"))
        return replace(
            self,
            session_key=self.session_key or kept["session_key"],
            rasa_token=self.rasa_token or kept["rasa_token"],
        )


def _unknown(key: str, known: Mapping[str, object]) -> str:
    names = [PREFIX + name.upper() for name in known]
    near = difflib.get_close_matches(key, names, n=1)
    hint = f"did you mean {near[0]}?" if near else "`firstline doctor --settings` lists them"
    return f"unknown setting {key}; {hint}"


def _parse(key: str, raw: str, spec: Field[Any]) -> Any:
    kind: Any = type(spec.default)
    if kind is bool:
        if raw.lower() not in ("0", "1", "true", "false", "yes", "no"):
            raise BadSettings(f"{key} takes yes or no, got {raw!r}")
        return raw.lower() in ("1", "true", "yes")
    try:
        return Path(raw) if issubclass(kind, Path) else kind(raw)
    except ValueError as error:
        raise BadSettings(f"{key} takes {kind.__name__}, got {raw!r}") from error


def _check(key: str, name: str, value: Any) -> None:
    """`BadSettings` for a value that would only fail later, while a customer waits."""
    low, high = _RANGES.get(name, (value, value))
    if not low <= value <= high:
        raise BadSettings(f"{key} is from {low:,} to {high:,}, got {value:,}")
    pattern, example = _SHAPES.get(name, ("", ""))
    if pattern and not re.fullmatch(pattern, value):
        raise BadSettings(f"{key} looks like {example}, got {value!r}")
    if name == "order_pattern":
        _check_pattern(key, value)


def _check_pattern(key: str, value: str) -> None:
    try:
        groups = re.compile(value).groups
    except re.error as error:
        raise BadSettings(f"{key} is not a regular expression: {error}") from error
    if groups == 0:
        raise BadSettings(f"{key} needs a group around the number's core, as in (\\d{{6}}); got {value!r}")


def _kept_secrets(path: Path, names: tuple[str, ...]) -> dict[str, str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)  # processes that start together must not each make their own
        return _read_or_make(path, names)
    finally:
        os.close(folder)


def _read_or_make(path: Path, names: tuple[str, ...]) -> dict[str, str]:
    try:
        kept: dict[str, str] = dict(json.loads(path.read_text("utf-8"))) if path.exists() else {}
    except (ValueError, TypeError) as error:
        raise BadSettings(f"{path} is damaged: {error}; delete it, and sessions of the widget start anew") from error
    missing = [name for name in names if name not in kept]
    if missing:
        kept |= {name: secrets.token_urlsafe(32) for name in missing}
        partial = path.with_suffix(".partial")
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(kept, file)
        os.replace(partial, path)
    return kept
