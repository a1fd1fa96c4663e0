"""An SMTP server on loopback that keeps what it is given: what an honest client needs of RFC 5321, and STARTTLS."""

from __future__ import annotations

import base64
import socketserver
import ssl
import threading
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class Kept:
    """A mail as it came: envelope, bytes, and whether the line was encrypted; `login` is `user:password`."""

    sender: str
    recipients: list[str]
    data: bytes
    encrypted: bool
    login: str

    @property
    def message(self) -> EmailMessage:
        parsed = message_from_bytes(self.data, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed


@dataclass
class SmtpServer:
    """`refuse` makes it answer that to RCPT; `tls` is offered with STARTTLS, or spoken at once where `wrapped`."""

    tls: ssl.SSLContext | None = None
    wrapped: bool = False
    refuse: str = ""
    kept: list[Kept] = field(default_factory=list)

    def __post_init__(self) -> None:
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                outer.serve(self)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def serve(self, handler: socketserver.StreamRequestHandler) -> None:
        try:
            self._talk(handler)
        except (ssl.SSLError, OSError):
            return

    def _talk(self, handler: socketserver.StreamRequestHandler) -> None:
        connection = handler.connection
        encrypted = self.wrapped
        if self.wrapped and self.tls:
            connection = self.tls.wrap_socket(connection, server_side=True)
        reader = connection.makefile("rb")
        sender, recipients, login = "", list[str](), ""

        def say(line: str) -> None:
            connection.sendall(line.encode() + b"\r\n")

        say("220 test ready")
        while line := reader.readline():
            verb, _, rest = line.decode().strip().partition(" ")
            verb = verb.upper()
            if verb == "EHLO":
                extra = ["STARTTLS"] if self.tls and not encrypted else []
                features = ["test", "AUTH PLAIN", *extra]
                for each in features[:-1]:
                    say(f"250-{each}")
                say(f"250 {features[-1]}")
            elif verb == "STARTTLS" and self.tls:
                say("220 go on")
                connection = self.tls.wrap_socket(connection, server_side=True)
                reader, encrypted = connection.makefile("rb"), True
            elif verb == "AUTH":
                parts = base64.b64decode(rest.split()[-1]).decode().split("\0")
                login = ":".join(parts[1:])
                say("235 welcome")
            elif verb == "MAIL":
                sender, recipients = rest.partition("<")[2].partition(">")[0], []
                say("250 ok")
            elif verb == "RCPT":
                recipients.append(rest.partition("<")[2].partition(">")[0])
                say(self.refuse or "250 ok")
            elif verb == "DATA":
                say("354 go on")
                data = b""
                while (line := reader.readline()) != b".\r\n":
                    data += line[1:] if line.startswith(b"..") else line
                self.kept.append(Kept(sender, recipients, data, encrypted, login))
                say("250 kept")
            elif verb == "QUIT":
                say("221 bye")
                return
            else:
                say("250 ok")
