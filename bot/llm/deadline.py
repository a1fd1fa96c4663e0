"""Connections that end when a deadline does, however the far side behaves.

The usual time-outs of an HTTP library hold for one read each: a server that sends a byte a second, in its headers or
its body, keeps them all. Here every step gets what is left until one moment, the look-up of the name included.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import httpcore2

Clock = Callable[[], float]
Address = tuple[int, Any]
"""Address family, and the socket address."""


class Deadline:
    """A moment `seconds` from now on `clock`."""

    def __init__(self, seconds: float, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._ends = clock() + seconds

    def left_s(self) -> float:
        """Seconds left, 0 or less once it has passed."""
        return self._ends - self._clock()


class DeadlineBackend(httpcore2.NetworkBackend):
    """Plain TCP connections, and TLS over them, that neither connect nor read nor write beyond `deadline`; connecting
    takes `connect_s` at most, over all addresses of a name together."""

    def __init__(self, deadline: Deadline, connect_s: float) -> None:
        self._deadline = deadline
        self._connect_s = connect_s

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        connecting = Deadline(min(self._connect_s, max(self._deadline.left_s(), 0.0)))
        last: OSError | None = None
        for family, address in _resolved(host, port, connecting.left_s()):
            if connecting.left_s() <= 0:
                break
            connection = socket.socket(family, socket.SOCK_STREAM)
            try:
                connection.settimeout(connecting.left_s())
                connection.connect(address)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return _Stream(connection, self._deadline)
            except TimeoutError as error:
                connection.close()
                raise httpcore2.ConnectTimeout("no connection in time") from error
            except OSError as error:
                connection.close()
                last = error
        if last is None:
            raise httpcore2.ConnectTimeout("no connection in time")
        raise httpcore2.ConnectError(type(last).__name__) from last


class _Stream(httpcore2.NetworkStream):
    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._connection = connection
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            self._connection.settimeout(self._left_s(httpcore2.ReadTimeout))
            return self._connection.recv(max_bytes)
        except TimeoutError as error:
            raise httpcore2.ReadTimeout("no answer in time") from error
        except OSError as error:
            raise httpcore2.ReadError(type(error).__name__) from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        try:
            rest = memoryview(buffer)
            while rest:
                self._connection.settimeout(self._left_s(httpcore2.WriteTimeout))
                rest = rest[self._connection.send(rest) :]
        except TimeoutError as error:
            raise httpcore2.WriteTimeout("not taken in time") from error
        except OSError as error:
            raise httpcore2.WriteError(type(error).__name__) from error

    def close(self) -> None:
        self._connection.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        """A handshake holds its time-out as a whole."""
        try:
            self._connection.settimeout(self._left_s(httpcore2.ConnectTimeout))
            return _Stream(ssl_context.wrap_socket(self._connection, server_hostname=server_hostname), self._deadline)
        except TimeoutError as error:
            self.close()
            raise httpcore2.ConnectTimeout("no TLS handshake in time") from error
        except OSError as error:
            self.close()
            raise httpcore2.ConnectError(f"TLS: {type(error).__name__}") from error

    def get_extra_info(self, info: str) -> Any:
        return False if info == "is_readable" else None

    def _left_s(self, late: type[Exception]) -> float:
        left = self._deadline.left_s()
        if left <= 0:
            raise late("the deadline has passed")
        return left


def _resolved(host: str, port: int, seconds: float) -> list[Address]:
    """The addresses of a name. The look-up runs in a thread that may outlive the wait for it: the system's resolver
    knows no time-out."""
    found: list[Address] = []
    failed: list[OSError] = []

    def look_up() -> None:
        try:
            found.extend((each[0], each[4]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except OSError as error:
            failed.append(error)

    thread = threading.Thread(target=look_up, name="name-look-up", daemon=True)
    thread.start()
    thread.join(max(seconds, 0.0))
    if failed:
        raise httpcore2.ConnectError(type(failed[0]).__name__) from failed[0]
    if not found:
        raise httpcore2.ConnectTimeout("the name was not found in time")
    return list(found)
