"""E-mail through the company's SMTP server: one message at a time, over TLS, with headers nobody can add to.

`FIRSTLINE_SMTP_URL` names the server: `smtps://` speaks TLS from the first byte, `smtp://` begins in the clear and must
be raised with STARTTLS before anything is said (RFC 8314 prefers the first), except on this machine's own loopback.
"""

from __future__ import annotations

import ipaddress
import re
import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime, formataddr, make_msgid
from urllib.parse import parse_qs, unquote, urlsplit

from bot.errors import BadInput, BadSettings, DeliveryFailed

TIMEOUT_S = 10.0
PORTS = {"smtps": 465, "smtp": 587}
EXAMPLE = "smtps://user:password@mail.company.example:465?from=support@company.example"
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")


@dataclass(frozen=True, slots=True)
class Mailer:
    """The server and the address that mail comes from."""

    host: str
    port: int
    tls: bool
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, url: str) -> Mailer | None:
        """The mailer of a setting, None where it is empty; `BadSettings` never repeats the setting, which holds a
        password."""
        if not url:
            return None
        wrong = BadSettings(f"FIRSTLINE_SMTP_URL looks like {EXAMPLE}; this one does not")
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0)
        except ValueError as error:
            raise wrong from error
        sender = parse_qs(parts.query).get("from", [""])[0]
        if parts.scheme not in PORTS or not host or not _ADDRESS.fullmatch(sender):
            raise wrong
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        return cls(host, port, parts.scheme == "smtps", sender, user, password)

    def send(self, to: str, *, name: str, subject: str, text: str, at: datetime) -> None:
        """Hand a message to the server; `BadInput` for an address that is none, `DeliveryFailed` where the server does
        not take it."""
        message = letter(self.sender, to, name=name, subject=subject, text=text, at=at)
        try:
            with self._connect() as server:
                if self.user:
                    server.login(self.user, self.password)
                server.sendmail(self.sender, [to], message.as_bytes(policy=policy.SMTP))
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise DeliveryFailed(f"the mail server {self.host} did not take it ({type(error).__name__})") from error

    def _connect(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self.tls:
            return smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT_S, context=context)
        server = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_S)
        try:
            server.ehlo()
            if server.has_extn("starttls") or not _is_loopback(self.host):
                server.starttls(context=context)
        except BaseException:
            server.close()
            raise
        return server


def letter(sender: str, to: str, *, name: str, subject: str, text: str, at: datetime) -> EmailMessage:
    """A plain-text message. What stands in a header is one line: an address of a strict form, and names and subjects
    without control characters."""
    if not _ADDRESS.fullmatch(to) or len(to) > 254:
        raise BadInput("an e-mail address looks like name@company.example; this one does not")
    message = EmailMessage()
    message["From"] = formataddr((_line(name), sender))
    message["To"] = to
    message["Subject"] = _line(subject)
    message["Date"] = format_datetime(at)
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text, cte="quoted-printable")
    return message


def _line(text: str) -> str:
    """The text as one line of a header."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())[:200]


def _is_loopback(host: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"
