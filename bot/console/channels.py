"""The page of channels: which are connected, what their secrets' fingerprints are, and what is still to be set.

Secrets come from the environment and are never shown. A fingerprint is keyed with this installation's own key, so that
nobody can try secrets against it; it changes when the secret does, and says no more.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from flask import Blueprint, render_template

from bot.channels.current import parts
from bot.settings import PREFIX, Settings

blueprint = Blueprint("channels", __name__, url_prefix="/channels")


@dataclass(frozen=True, slots=True)
class Value:
    """A setting of a channel; `fingerprint` is empty where it is not set, `shown` the value itself where it is no
    secret."""

    name: str
    fingerprint: str
    shown: str = ""


@dataclass(frozen=True, slots=True)
class ChannelState:
    """One channel. `state` is on, partly (something is missing, which `says`) or off."""

    name: str
    state: str
    says: str
    address: str
    settings: tuple[Value, ...]


@blueprint.get("/")
def show() -> str:
    return render_template("desk/channels.html", channels=states(parts().settings))


def states(settings: Settings) -> tuple[ChannelState, ...]:
    """Every channel as these settings have it."""
    here = settings.address
    both = "both the signing secret and the bot token are needed"
    answers = "messages are taken, and answers go nowhere until an address to post them to is set"
    webhook = _secrets(settings, "webhook_secret")
    webhook += (Value(f"{PREFIX}WEBHOOK_URL", "", settings.webhook_url or "not set"),)
    mail = settings.smtp_url
    return (
        ChannelState(
            "Chat on the website",
            "on",
            "known customers are recognised"
            if settings.identity_secret
            else "every customer is a visitor until the secret is set",
            f"{here}/widget/loader.js",
            _secrets(settings, "identity_secret"),
        ),
        ChannelState(
            "REST",
            "on",
            "with the shared token, or an API token"
            if settings.rest_token
            else "callers on this machine, or with an API token",
            f"{here}/webhooks/rest/webhook",
            _secrets(settings, "rest_token"),
        ),
        ChannelState(
            "Slack",
            _state(settings.slack_signing_secret, settings.slack_bot_token),
            "" if settings.slack_signing_secret and settings.slack_bot_token else both,
            f"{here}/webhooks/slack/events",
            _secrets(settings, "slack_signing_secret", "slack_bot_token"),
        ),
        ChannelState(
            "Webhook",
            _state(settings.webhook_secret, settings.webhook_url),
            "" if settings.webhook_url or not settings.webhook_secret else answers,
            f"{here}/webhooks/generic",
            webhook,
        ),
        ChannelState(
            "E-mail, for transcripts",
            "on" if mail else "off",
            "" if mail else "transcripts can be downloaded, not sent",
            "",
            _secrets(settings, "smtp_url"),
        ),
    )


def fingerprint(secret: str, key: str) -> str:
    """Twelve hexadecimal digits of HMAC-SHA256; empty for no secret."""
    if not secret:
        return ""
    digits = hmac.new(key.encode(), b"fingerprint:" + secret.encode(), hashlib.sha256).hexdigest()[:12]
    return " ".join(digits[at : at + 4] for at in (0, 4, 8))


def _secrets(settings: Settings, *names: str) -> tuple[Value, ...]:
    key = settings.session_key
    return tuple(Value(f"{PREFIX}{name.upper()}", fingerprint(getattr(settings, name), key)) for name in names)


def _state(*needed: str) -> str:
    return "on" if all(needed) else "partly" if any(needed) else "off"
