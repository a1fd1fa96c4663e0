"""Keys that open a document which is not public: given with a link, good for one version, and for nothing else.

A signed-in customer reads a quote's source in a tab of its own, which carries no token of the widget; the link has to
bring the right along. A key is HMAC-SHA256 of document and version under the session key, made where the link is
shown, so none is stored.
"""

from __future__ import annotations

import hashlib
import hmac

LENGTH = 32
"""Hexadecimal digits of a key: 128 bits."""


class DocumentKeys:
    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def of(self, document: str, version: int) -> str:
        """The key of a version."""
        named = f"firstline document\0{document}\0{version}".encode()
        return hmac.new(self._secret, named, hashlib.sha256).hexdigest()[:LENGTH]

    def open(self, key: str, document: str, version: int) -> bool:
        """Whether the key is this version's."""
        return hmac.compare_digest(key.encode("utf-8", "replace"), self.of(document, version).encode())
