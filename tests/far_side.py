"""A local HTTP server that plays the far side of a channel: answers as scripted, and keeps what it was sent."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, slots=True)
class Sent:
    """One request: `path` with its query, headers in lower case, the raw body."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Scripted:
    """One answer. `wait_s` passes first; `endless` never ends the body; `handled` lets the usual answer take effect
    before this one is given, as when an answer is lost on its way."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    wait_s: float = 0.0
    endless: bool = False
    handled: bool = False


class FarSide:
    """`script` is used up first, then `usual` answers; `requests` is all that came, in order."""

    def __init__(self) -> None:
        self.requests: list[Sent] = []
        self.script: list[Scripted] = []
        self.usual: Callable[[Sent], Scripted] = lambda sent: Scripted()
        self.closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, sent: Sent) -> Scripted:
        """The next scripted answer, or the usual one."""
        self.requests.append(sent)
        scripted = self.script.pop(0) if self.script else None
        if scripted is None or scripted.handled:
            usual = self.usual(sent)
        return scripted or usual

    def close(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()


def _handler(far: FarSide) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            scripted = far.answer(Sent(self.path, headers, self.rfile.read(length)))
            far.closing.wait(scripted.wait_s)
            self.send_response(scripted.status)
            for name, value in scripted.headers.items():
                self.send_header(name, value)
            if not scripted.endless:
                self.send_header("Content-Length", str(len(scripted.body)))
            self.end_headers()
            self._send(scripted)

        do_GET = do_POST  # noqa: N815

        def _send(self, scripted: Scripted) -> None:
            try:
                self.wfile.write(scripted.body)
                while scripted.endless and not far.closing.is_set():
                    self.wfile.write(b" ")
                    self.wfile.flush()
                    time.sleep(0.05)
            except OSError:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            return

    return Handler
