"""Where an outgoing request may go: resolved once, checked, and connected to by the checked address.

`ipaddress.is_global` alone is not enough on Python 3.11: NAT64, 6to4, multicast and carrier-grade NAT pass it or hide
a private address inside, so they are refused by name (RFC 6052, RFC 3056, RFC 6598).
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from bot.errors import DeliveryFailed

REFUSED = tuple(
    ipaddress.ip_network(network)
    for network in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "100.64.0.0/10", "192.88.99.0/24")
)


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


def is_public(address: str) -> bool:
    """Whether an address is reachable by everyone and hides no other inside."""
    parsed = ipaddress.ip_address(address.split("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    refused = any(parsed.version == network.version and parsed in network for network in REFUSED)
    return parsed.is_global and not parsed.is_multicast and not refused
