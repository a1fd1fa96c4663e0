"""Outgoing requests reach public addresses only."""

from __future__ import annotations

import pytest

from bot.channels.destinations import checked_address
from bot.errors import DeliveryFailed
from retrieval.sources.addresses import is_public


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("0.0.0.0", False),
        ("::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::", False),
        ("fe80::1%eth0", False),
        ("ff02::1", False),
    ],
)
def test_is_public(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize("url", ["https://127.0.0.1/x", "https://localhost/x", "http://93.184.215.14/", "ftp://a/", ""])
def test_private_addresses_and_plain_http_are_refused_for_good(url: str) -> None:
    with pytest.raises(DeliveryFailed) as caught:
        checked_address(url, allow_private=False)
    assert caught.value.final


def test_the_checked_address_is_the_one_connected_to() -> None:
    target, host, extensions = checked_address("http://localhost:8080/hook?x=1", allow_private=True)
    assert target in ("http://127.0.0.1:8080/hook?x=1", "http://[::1]:8080/hook?x=1")
    assert (host, extensions["sni_hostname"]) == ("localhost:8080", "localhost")
