"""Which network addresses a page may be read from.

A host is resolved once, every address it has is checked, and the connection goes to one that was checked: a name that
resolves to something else a moment later (DNS rebinding) changes nothing. `ipaddress.is_global` alone is not enough:
NAT64, 6to4, Teredo and carrier-grade NAT hide a private address or pass it (RFC 6052, RFC 3056, RFC 4380, RFC 6598).
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit, urlunsplit

REFUSED = tuple(
    ipaddress.ip_network(network)
    for network in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "100.64.0.0/10", "192.88.99.0/24")
)

Resolve = Callable[[str, int], list[str]]
"""Host and port to its addresses; `OSError` if it has none."""


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, as the system knows them."""
    return list(dict.fromkeys(str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


def is_public(address: str) -> bool:
    """Whether an address is reachable by everyone and hides no other inside."""
    parsed = ipaddress.ip_address(address.split("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    refused = any(parsed.version == network.version and parsed in network for network in REFUSED)
    return parsed.is_global and not parsed.is_multicast and not refused


def checked(url: str, *, allow_private: bool, resolving: Resolve = resolve) -> str:
    """The address to connect to for a URL, as a literal; `ValueError` with a sentence if there is none to go to."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError(f"only http and https are read, got {parts.scheme or 'no scheme'}")
    if parts.username is not None:
        raise ValueError("holds a user name; pages behind a sign-in are not read")
    try:
        addresses = resolving(host, port_of(parts))
    except (OSError, UnicodeError) as error:
        raise ValueError(f"{host} does not resolve") from error
    private = [address for address in addresses if not is_public(address)]
    if private and not allow_private:
        raise ValueError(f"leads to {private[0]}, which is not a public address; --allow-private lets it be read")
    if not addresses:
        raise ValueError(f"{host} does not resolve")
    return addresses[0]


def at_address(url: str, address: str) -> str:
    """The URL with its host replaced by an address."""
    parts = urlsplit(url)
    literal = f"[{address}]" if ":" in address else address
    return urlunsplit((parts.scheme, f"{literal}:{port_of(parts)}", parts.path or "/", parts.query, ""))


def port_of(parts: SplitResult) -> int:
    """The port of an address, that of its scheme where it names none."""
    return parts.port or (443 if parts.scheme == "https" else 80)


def same_site(one: str, other: str) -> bool:
    """Whether two addresses lie on one host; a plain and an encrypted one count as the same on their usual ports."""
    a, b = urlsplit(one), urlsplit(other)
    try:
        ports = (port_of(a), port_of(b))
    except ValueError:
        return False
    usual = {port_of(a), port_of(b)} <= {80, 443}
    return a.hostname == b.hostname and (ports[0] == ports[1] or usual)
