"""Signatures of the channels, checked over raw bytes before anything is parsed.

Slack: `v0=` HMAC-SHA256 of `v0:{timestamp}:{body}` (Slack's "Verifying requests from Slack").
Standard Webhooks 1.0.0: `v1,` base64 HMAC-SHA256 of `{id}.{timestamp}.{body}`, several signatures while rotating.
Both refuse a timestamp further than five minutes from now and compare in constant time.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from standardwebhooks.webhooks import Webhook

from bot.errors import BadSettings, Unverified

WINDOW_S = 300
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_SLACK_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")
_WEBHOOK_ID = re.compile(r"[\x21-\x7e]{1,200}")
_SECRET_BYTES = range(24, 65)


def verify_slack(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Raise `Unverified` unless the body was signed with `secret` within the window."""
    given = _lower(headers)
    timestamp, signature = given.get("x-slack-request-timestamp", ""), given.get("x-slack-signature", "")
    _require_fresh(timestamp, now)
    if not _SLACK_SIGNATURE.fullmatch(signature):
        raise Unverified("X-Slack-Signature is missing or not of the form v0=<64 hex digits>")
    expected = hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(f"v0={expected}", signature):
        raise Unverified("X-Slack-Signature does not match the body; check FIRSTLINE_SLACK_SIGNING_SECRET")


def verify_webhook(secrets: str, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """The `webhook-id` of a body signed with one of the space-separated `secrets`; `Unverified` otherwise."""
    sent = _lower(headers)
    id, timestamp = sent.get("webhook-id", ""), sent.get("webhook-timestamp", "")
    signature = sent.get("webhook-signature", "")
    if not _WEBHOOK_ID.fullmatch(id):
        raise Unverified("webhook-id is missing or not printable ASCII of at most 200 characters")
    _require_fresh(timestamp, now)
    given = {part.removeprefix("v1,") for part in signature.split(" ")[:10] if part.startswith("v1,")}
    for secret in secrets.split():
        expected = _webhook_signature(secret, id, timestamp, body)
        if any(hmac.compare_digest(expected.encode(), each.encode("utf-8", "replace")) for each in given):
            return id
    raise Unverified("webhook-signature does not match the body; check FIRSTLINE_WEBHOOK_SECRET on both sides")


def sign_webhook(secrets: str, id: str, body: bytes, now: datetime) -> dict[str, str]:
    """Standard Webhooks headers for a body we send, one signature for each of the space-separated `secrets`."""
    timestamp = str(int(now.timestamp()))
    signatures = [f"v1,{_webhook_signature(secret, id, timestamp, body)}" for secret in secrets.split()]
    return {"webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": " ".join(signatures)}


def _webhook_signature(secret: str, id: str, timestamp: str, body: bytes) -> str:
    require_webhook_secret(secret)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unverified("the body is not UTF-8, so no signature can match it") from error
    signed: str = Webhook(secret).sign(id, datetime.fromtimestamp(int(timestamp), UTC), text)
    return signed.removeprefix("v1,")


def require_webhook_secret(secret: str) -> None:
    """Raise `BadSettings` unless `secret` is of the form the specification asks for."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError as error:
        raise BadSettings("a webhook secret is whsec_ and base64 of 24 to 64 bytes; this one is no base64") from error
    if len(key) not in _SECRET_BYTES:
        raise BadSettings(f"a webhook secret is whsec_ and base64 of 24 to 64 bytes; this one has {len(key)}")


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _require_fresh(timestamp: str, now: datetime) -> None:
    if not _TIMESTAMP.fullmatch(timestamp):
        raise Unverified("the timestamp header is missing or no whole number of seconds")
    off_s = int(timestamp) - now.timestamp()
    if abs(off_s) > WINDOW_S:
        raise Unverified(f"the timestamp is {off_s:+.0f} s off, at most {WINDOW_S} s are taken; check both clocks")
