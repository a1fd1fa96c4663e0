"""Where an outgoing request may go: resolved once, checked, and connected to by the checked address."""

from __future__ import annotations

import socket
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from bot.errors import DeliveryFailed
from retrieval.sources.addresses import is_public


def checked_address(url: str, *, allow_private: bool) -> tuple[str, str, dict[str, Any]]:
    """The URL with its host replaced by a checked address, the host for the Host header, and TLS extensions.

    `DeliveryFailed` (final) for a scheme other than https (http only with `allow_private`) or a refused address.
    """
    parsed = urlsplit(url)
    host = parsed.hostname or ""
    if parsed.scheme not in (("http", "https") if allow_private else ("https",)) or not host:
        raise DeliveryFailed(f"the webhook address must be https://…, got {parsed.scheme or 'no scheme'}", final=True)
    port = parsed.port or (443 if parsed.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise DeliveryFailed(f"{host} does not resolve") from error
    address = str(found[0][4][0])
    if not allow_private and not is_public(address):
        raise DeliveryFailed(f"{host} resolves to {address}, which is not a public address", final=True)
    literal = f"[{address}]" if ":" in address else address
    target = urlunsplit((parsed.scheme, f"{literal}:{port}", parsed.path or "/", parsed.query, ""))
    return target, parsed.netloc.rpartition("@")[2], {"sni_hostname": host}
