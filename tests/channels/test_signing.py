"""Signatures: the published known answers, and every way to be refused."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from slack_sdk.signature import SignatureVerifier
from standardwebhooks.webhooks import Webhook

from bot.channels.signing import require_webhook_secret, sign_webhook, verify_slack, verify_webhook
from bot.errors import BadSettings, Unverified

SLACK_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
SLACK_BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
    b"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com"
    b"%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
SLACK_NOW = datetime.fromtimestamp(1531420618, UTC)
SLACK_HEADERS = {
    "X-Slack-Request-Timestamp": "1531420618",
    "X-Slack-Signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
}
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'
NOW = datetime.fromtimestamp(1614265330, UTC)
HEADERS = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}


def test_slacks_documented_example_holds() -> None:
    verify_slack(SLACK_SECRET, SLACK_HEADERS, SLACK_BODY, SLACK_NOW)
    assert (
        SignatureVerifier(SLACK_SECRET).generate_signature(timestamp="1531420618", body=SLACK_BODY)
        == SLACK_HEADERS["X-Slack-Signature"]
    )


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-Slack-Request-Timestamp", ""),
        ("X-Slack-Request-Timestamp", "soon"),
        ("X-Slack-Request-Timestamp", "1531420618.5"),
        ("X-Slack-Request-Timestamp", "9" * 40),
        ("X-Slack-Request-Timestamp", "١٥٣١٤٢٠٦١٨"),
        ("X-Slack-Signature", ""),
        ("X-Slack-Signature", "v0=é"),
        ("X-Slack-Signature", "v0=" + "0" * 64),
        ("X-Slack-Signature", "v1=" + "a" * 64),
    ],
)
def test_slack_refuses(header: str, value: str) -> None:
    with pytest.raises(Unverified):
        verify_slack(SLACK_SECRET, SLACK_HEADERS | {header: value}, SLACK_BODY, SLACK_NOW)


@pytest.mark.parametrize("off", [timedelta(seconds=301), timedelta(seconds=-301)])
def test_both_refuse_what_is_over_five_minutes_off(off: timedelta) -> None:
    with pytest.raises(Unverified, match="301 s off"):
        verify_slack(SLACK_SECRET, SLACK_HEADERS, SLACK_BODY, SLACK_NOW + off)
    with pytest.raises(Unverified, match="301 s off"):
        verify_webhook(SECRET, HEADERS, BODY, NOW + off)


def test_the_specifications_known_answer_holds() -> None:
    assert verify_webhook(SECRET, HEADERS, BODY, NOW) == HEADERS["webhook-id"]
    assert sign_webhook(SECRET, HEADERS["webhook-id"], BODY, NOW) == HEADERS


def test_two_secrets_while_rotating() -> None:
    new = "whsec_" + base64.b64encode(b"n" * 32).decode()
    headers = sign_webhook(f"{SECRET} {new}", "id-1", BODY, NOW)
    assert len(headers["webhook-signature"].split()) == 2
    assert verify_webhook(new, headers, BODY, NOW) == "id-1"
    assert verify_webhook(f"{new} {SECRET}", HEADERS, BODY, NOW) == HEADERS["webhook-id"]


def test_the_libraries_own_verifier_takes_what_we_sign() -> None:
    now = datetime.now(UTC)
    body = '{"text": "Grüße 👋"}'.encode()
    assert Webhook(SECRET).verify(body, sign_webhook(SECRET, "id-1", body, now)) == {"text": "Grüße 👋"}


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("webhook-id", ""),
        ("webhook-id", "x" * 201),
        ("webhook-id", "with space"),
        ("webhook-timestamp", "1614265330.0"),
        ("webhook-signature", ""),
        ("webhook-signature", "v1,"),
        ("webhook-signature", "v1,not base64 \x00"),
        ("webhook-signature", "v1,é"),
        ("webhook-signature", "v1a,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
    ],
)
def test_webhook_refuses(header: str, value: str) -> None:
    with pytest.raises(Unverified):
        verify_webhook(SECRET, HEADERS | {header: value}, BODY, NOW)


def test_webhook_refuses_another_body_and_one_that_is_not_utf8() -> None:
    for body in (BODY + b" ", b"\xff\xfe"):
        with pytest.raises(Unverified):
            verify_webhook(SECRET, HEADERS, body, NOW)


@pytest.mark.parametrize("secret", ["whsec_short", "whsec_" + base64.b64encode(b"x" * 23).decode(), "whsec_é"])
def test_a_bad_secret_is_a_setting_to_mend(secret: str) -> None:
    with pytest.raises(BadSettings, match="24 to 64 bytes"):
        require_webhook_secret(secret)
