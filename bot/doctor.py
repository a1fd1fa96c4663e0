"""What is missing or unsafe on this machine, and the remedy."""

from __future__ import annotations

import ipaddress
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bot.dialogue import install
from bot.errors import BadInput, FirstlineError
from bot.releases.registry import Registry
from bot.releases.release import READER
from bot.settings import Settings
from bot.store.database import probe
from bot.understanding.provenance import DECLARATION, Provenance, provenance
from bot.understanding.weights import LICENCE, WEIGHTS_SHA256, is_complete
from retrieval.crossencoder import MANIFEST
from retrieval.errors import BadModel
from retrieval.families import Encoder, read_encoder

SPACE_GB = 4


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what was found, whether that is well, and what to do if not. `needed` marks what must be well."""

    check: str
    ok: bool
    found: str
    remedy: str
    needed: bool = True


def examine(settings: Settings) -> tuple[Finding, ...]:
    """Run all checks; nothing is changed."""
    return (
        _python(),
        _space(settings),
        _secrets(settings),
        _database(settings),
        _base_model(settings),
        _release(settings),
        _engine(settings),
        _exposure(settings),
        _slack(settings),
        _webhook(settings),
        _large_model(settings),
    )


def _python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    return Finding("Python", sys.version_info >= (3, 11), version, "install Python 3.11 or newer")


def _space(settings: Settings) -> Finding:
    folder = settings.home if settings.home.exists() else settings.home.resolve().parent
    free_gb = shutil.disk_usage(folder).free / 1e9
    found = f"{free_gb:.1f} GB free"
    return Finding("disk", free_gb >= SPACE_GB, found, f"free {SPACE_GB} GB, or put FIRSTLINE_HOME on another disk")


def _secrets(settings: Settings) -> Finding:
    path = settings.home / "secrets.json"
    if not path.exists():
        return Finding("secrets", True, "made at the first start", "")
    private = path.stat().st_mode & 0o077 == 0
    return Finding("secrets", private, "private" if private else "readable by others", f"chmod 600 {path}")


def _database(settings: Settings) -> Finding:
    try:
        there = probe(settings.store_url)
    except Exception as error:
        return Finding("database", False, f"{type(error).__name__}: {error}"[:200], "check FIRSTLINE_DATABASE_URL")
    kind = settings.store_url.split("://")[0]
    return Finding("database", True, kind if there else f"{kind}, made at the first start", "")


def _base_model(settings: Settings) -> Finding:
    named = settings.base_model if not settings.base_model.endswith(".whl") else ""
    default = settings.home / "base" / "all-MiniLM-L6-v2"
    if not named and not is_complete(default):
        return Finding("base model", True, f"all-MiniLM-L6-v2, {LICENCE}, fetched when the first release is made", "")
    folder = Path(named) if named else default
    try:
        encoder, origin = read_encoder(folder), provenance(folder)
    except (BadInput, BadModel) as error:
        found, _, remedy = str(error).partition("; ")
        return Finding("base model", False, found, remedy or "name another folder in FIRSTLINE_BASE_MODEL")
    if not named and origin.sha256 != WEIGHTS_SHA256:
        found = f"sha256 {origin.sha256}, expected {WEIGHTS_SHA256}"
        return Finding("base model", False, found, f"delete {folder}; the next training fetches it anew")
    return Finding("base model", *_judged(encoder, origin), needed=False)


def _judged(encoder: Encoder, origin: Provenance) -> tuple[bool, str, str]:
    """Whether the model's origin is known and its use allowed, what it is, and the remedy."""
    vouched = origin.vouched_by or "not known"
    found = (
        f"{encoder.family}, {encoder.parameters / 1e6:.1f} M parameters, licence {origin.licence or 'not stated'}, "
        f"sha256 {origin.sha256[:12]}… ({vouched})"
    )
    if origin.forbids_commerce:
        return False, found, "its licence does not allow commercial use; name another folder in FIRSTLINE_BASE_MODEL"
    declaration = f'{{"licence": "{origin.licence or "…"}", "sha256": "{origin.sha256}"}}'
    remedy = f"if these are the weights you mean and may use, write {declaration} to {encoder.folder / DECLARATION}"
    return bool(origin.licence and origin.vouched_by), found, remedy


def _release(settings: Settings) -> Finding:
    if not (settings.home / "releases").exists():
        return Finding("release", False, "none yet", "`firstline train` makes the first one")
    registry = Registry(settings.home / "releases", lambda: datetime.now(UTC))
    try:
        id = registry.current_id()
        if id is None:
            return Finding("release", False, "none yet", "`firstline train` makes the first one")
        manifest = registry.manifest(id)
        registry.verify(manifest)
    except FirstlineError as error:
        return Finding("release", False, str(error), "`firstline releases rollback`, or `firstline train`")
    read = any(name.endswith(f"/{READER}/{MANIFEST}") for name in manifest.files)
    reader = "quotes are chosen by the trained reader" if read else "no trained reader: quotes are chosen by likeness"
    found = f"{id}, every file as its manifest says; {reader}{_known(manifest.report.get('retriever', {}))}"
    return Finding("release", True, found, "")


def _known(report: Mapping[str, Any]) -> str:
    """What the known questions gave, as the end of a sentence; empty without any."""
    known, tuning = report.get("known"), report.get("tuning")
    if not known:
        return ""
    said = f"; {known['questions']:,} known questions, {known['lost']:,} of them without the words of their answer"
    if tuning and tuning["tuned"] > tuning["base"]:
        said += f"; the retriever is tuned on them (reciprocal rank {tuning['base']:.3f} → {tuning['tuned']:.3f})"
    return said


def _engine(settings: Settings) -> Finding:
    there = install.is_installed(settings)
    found = "installed" if there else "not installed; flows hand over to a human"
    return Finding("dialogue engine", there, found, "`firstline up` installs it in the background", needed=False)


def _exposure(settings: Settings) -> Finding:
    try:
        open_to_all = not ipaddress.ip_address(settings.host).is_loopback
    except ValueError:
        open_to_all = settings.host != "localhost"
    plain = not settings.address.startswith("https://")
    found = f"{settings.host}, {settings.address}"
    remedy = "serve it behind a reverse proxy with TLS and set FIRSTLINE_PUBLIC_URL to its https address"
    return Finding("exposure", not (open_to_all and plain), found, remedy)


def _slack(settings: Settings) -> Finding:
    given = bool(settings.slack_signing_secret), bool(settings.slack_bot_token)
    found = "connected" if all(given) else "half connected" if any(given) else "not connected"
    remedy = (
        "set FIRSTLINE_SLACK_SIGNING_SECRET and FIRSTLINE_SLACK_BOT_TOKEN; deploy/slack-manifest.yaml makes the app"
    )
    return Finding("Slack", all(given), found, remedy, needed=any(given))


def _webhook(settings: Settings) -> Finding:
    found = "connected" if settings.webhook_secret else "not connected"
    remedy = 'set FIRSTLINE_WEBHOOK_SECRET to "whsec_" and the output of `openssl rand -base64 32`'
    half = bool(settings.webhook_url) and not settings.webhook_secret
    return Finding("webhook", bool(settings.webhook_secret), "address without secret" if half else found, remedy, half)


def _large_model(settings: Settings) -> Finding:
    """The endpoint is not asked: looking spends nothing and sends nothing."""
    if not settings.llm_url:
        return Finding("large model", True, "off; no text leaves this machine", "")
    where = urlsplit(settings.llm_url)
    if not settings.llm_model:
        return Finding("large model", False, "an address without a model", "name the model in FIRSTLINE_LLM_MODEL")
    found = (
        f"{settings.llm_model} at {where.hostname}, {settings.llm_daily_budget:,} tokens a day; questions without "
        "personal data, and passages their reader may see, are sent there"
    )
    if where.scheme == "http" and not _is_loopback(where.hostname or ""):
        return Finding("large model", False, f"{found}, unencrypted", "give FIRSTLINE_LLM_URL an https address")
    if settings.llm_daily_budget == 0 or settings.llm_conversation_budget == 0:
        return Finding("large model", False, f"{found}; a budget is 0", "raise it, or unset FIRSTLINE_LLM_URL")
    return Finding("large model", True, found, "")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def cores() -> int:
    """Processor cores this process may use."""
    return len(os.sched_getaffinity(0))
