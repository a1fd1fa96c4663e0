"""Mail against a real SMTP server on loopback: what arrives, over what line, and what nobody can smuggle in."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.channels.mail import Mailer, letter
from bot.errors import BadInput, BadSettings, DeliveryFailed
from tests.channels.smtp_server import SmtpServer
from tests.conftest import Clock

FROM = "support@wrenfield.example"


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    started = SmtpServer()
    yield started
    started.close()


def mailer(server: SmtpServer, *, scheme: str = "smtp", login: str = "") -> Mailer:
    made = Mailer.parse(f"{scheme}://{login}127.0.0.1:{server.port}?from={FROM}")
    assert made is not None
    return made


@pytest.fixture(scope="module")
def own_certificate(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A server's side of TLS with a certificate that nobody has vouched for."""
    folder = tmp_path_factory.mktemp("certificate")
    _make_certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


def _make_certificate(folder: Path) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", folder / "key.pem", "-out", folder / "cert.pem", "-days", "2", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(command, check=True, capture_output=True)


def test_what_is_sent_arrives_whole(server: SmtpServer, clock: Clock) -> None:
    text = "Grüße 🫖\n.\n..dots\nFrom the start\n" + "x" * 3_000
    mailer(server, login="maud:p%40ss%3A@").send(
        "ada@post.example", name="Wrenfield & Söhne", subject="Your conversation", text=text, at=clock()
    )
    (kept,) = server.kept
    assert (kept.sender, kept.recipients, kept.login) == (FROM, ["ada@post.example"], "maud:p@ss:")
    message = kept.message
    assert message["From"] == f"Wrenfield & Söhne <{FROM}>"
    assert (message["To"], message["Subject"]) == ("ada@post.example", "Your conversation")
    assert message.get_content().replace("\r\n", "\n").rstrip("\n") == text
    assert message["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize(
    "to",
    [
        "ada@post.example\r\nBcc: eve@evil.example",
        "ada@post.example\nRCPT TO:<eve@evil.example>",
        "ada@post.example, eve@evil.example",
        "<ada@post.example>",
        "ada@post.example>\r\nDATA",
        "ada post@x.example",
        "ada@post",
        "@post.example",
        "ada@-\x00.example",
        "ädä@post.example",
        "a" * 250 + "@post.example",
        "",
    ],
)
def test_an_address_that_is_none_goes_nowhere(server: SmtpServer, clock: Clock, to: str) -> None:
    with pytest.raises(BadInput):
        mailer(server).send(to, name="Wrenfield", subject="s", text="t", at=clock())
    assert server.kept == []


@pytest.mark.parametrize(
    "line", ["\r\nBcc: eve@evil.example", "\n\nbody", "\x85Bcc: e@e.example", "\u2028Bcc: e@e.example"]
)
def test_no_name_or_subject_adds_a_header(server: SmtpServer, clock: Clock, line: str) -> None:
    mailer(server).send(
        "ada@post.example", name=f"Wrenfield{line}", subject=f"Hello{line}", text="the body", at=clock()
    )
    message = server.kept[0].message
    assert message["Bcc"] is None
    assert server.kept[0].recipients == ["ada@post.example"]
    assert message.get_content().strip() == "the body"
    written = letter(FROM, "ada@post.example", name=f"W{line}", subject=f"H{line}", text="t", at=clock())
    assert "\nBcc" not in written.as_string()


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(own_certificate: ssl.SSLContext, clock: Clock) -> None:
    for scheme, wrapped in (("smtp", False), ("smtps", True)):
        server = SmtpServer(tls=own_certificate, wrapped=wrapped)
        with pytest.raises(DeliveryFailed, match="SSLCertVerificationError"):
            mailer(server, scheme=scheme).send("ada@post.example", name="W", subject="s", text="secret", at=clock())
        assert server.kept == []
        server.close()


@pytest.mark.parametrize(("scheme", "wrapped"), [("smtp", False), ("smtps", True)])
def test_a_trusted_line_is_encrypted_before_anything_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock, scheme: str, wrapped: bool
) -> None:
    _make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    server = SmtpServer(tls=context, wrapped=wrapped)
    mailer(server, scheme=scheme, login="u:p@").send("ada@post.example", name="W", subject="s", text="t", at=clock())
    assert [(each.encrypted, each.login) for each in server.kept] == [(True, "u:p")]
    server.close()


def test_a_refusal_and_a_server_that_is_away_are_told(server: SmtpServer, clock: Clock) -> None:
    server.refuse = "550 nobody here"
    with pytest.raises(DeliveryFailed, match="SMTPRecipientsRefused"):
        mailer(server).send("ada@post.example", name="W", subject="s", text="t", at=clock())
    server.close()
    with pytest.raises(DeliveryFailed, match="ConnectionRefusedError"):
        mailer(server).send("ada@post.example", name="W", subject="s", text="t", at=clock())


@pytest.mark.parametrize(
    "url",
    [
        "mail.example",
        "http://mail.example?from=a@b.example",
        "smtps://mail.example",
        "smtps://mail.example?from=nobody",
        "smtps://mail.example?from=a@b.example%0aBcc:%20c@d.example",
        "smtps://u:topsecret@mail.example:99999?from=a@b.example",
        "smtps://u:topsecret@?from=a@b.example",
    ],
)
def test_a_bad_setting_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(BadSettings, match="FIRSTLINE_SMTP_URL looks like smtps://") as caught:
        Mailer.parse(url)
    assert "topsecret" not in str(caught.value)


def test_no_setting_is_no_mailer_and_the_ports_are_the_usual_ones() -> None:
    assert Mailer.parse("") is None
    assert [Mailer.parse(f"{scheme}://m.example?from={FROM}").port for scheme in ("smtps", "smtp")] == [465, 587]  # type: ignore[union-attr]
    assert "topsecret" not in repr(Mailer.parse(f"smtps://u:topsecret@m.example?from={FROM}"))
