"""Who may read and write a conversation of the widget: a token for one conversation, and signed customer identities."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from itsdangerous import BadData, URLSafeTimedSerializer

from bot.errors import BadInput, Unverified
from bot.messages import ANONYMOUS

TOKEN_AGE_S = 30 * 24 * 3_600
"""How long a browser can come back to its conversation."""
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who opens a conversation: a verified customer, or somebody new with an id made for this conversation."""

    customer: str
    attributes: Mapping[str, str]


class Tokens:
    """Bearer tokens that name one conversation, signed and dated."""

    def __init__(self, key: str) -> None:
        self._serializer = URLSafeTimedSerializer(key, salt="firstline widget conversation")

    def issue(self, conversation: str) -> str:
        return str(self._serializer.dumps(conversation))

    def verify(self, authorization: str, conversation: str) -> None:
        """Raise `Unverified` unless the header `Bearer <token>` holds a fresh token of this conversation."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unverified("this needs the header Authorization: Bearer <token of the conversation>")
        try:
            named = self._serializer.loads(token, max_age=TOKEN_AGE_S)
        except BadData as error:
            raise Unverified("the token is not one of ours or is too old; open a new conversation") from error
        if named != conversation:
            raise Unverified("the token belongs to another conversation")


def visitor(given: Mapping[str, Any], secret: str) -> Visitor:
    """The visitor of `{customer?: {id, name?, email?, signature}}`.

    The signature is the hex HMAC-SHA256 of the customer's id under `FIRSTLINE_IDENTITY_SECRET`, made by the company's
    own server. `Unverified` when it does not hold: an unsigned id would let anyone be anyone.
    """
    customer = given.get("customer")
    if customer is None:
        return Visitor(f"{ANONYMOUS}{uuid.uuid4().hex[:12]}", {})
    if not isinstance(customer, dict):
        raise BadInput(f"customer must be an object with id and signature, got {type(customer).__name__}")
    id, signature = _text(customer, "id"), _text(customer, "signature")
    if not secret:
        raise Unverified("known customers need FIRSTLINE_IDENTITY_SECRET on this server")
    expected = hmac.new(secret.encode(), id.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), signature.lower().encode("utf-8", "replace")):
        raise Unverified("the customer's signature does not match the id; sign it with FIRSTLINE_IDENTITY_SECRET")
    return Visitor(id, {key: _text(customer, key) for key in ("name", "email") if customer.get(key) is not None})


def _text(given: Mapping[str, Any], key: str) -> str:
    value = given.get(key)
    if not isinstance(value, str) or not 1 <= len(value) <= LONGEST:
        got = f"{len(value)} characters" if isinstance(value, str) else type(value).__name__
        raise BadInput(f"customer.{key} must be a text of 1 to {LONGEST} characters, got {got}")
    return value
