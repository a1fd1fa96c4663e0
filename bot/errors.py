"""Every error Firstline raises on purpose: who raises it, and what becomes of it.

FirstlineError                     the root; `code` is stable, the message names both sides and the remedy
├── BadInput                       something from outside is malformed; HTTP 400, exit 1
│   ├── TooLarge                   … or over a stated limit; HTTP 413, exit 1
│   └── UnknownKind                … or a file of a kind that is not taken; HTTP 415
├── Unverified                     a signature, token or password does not hold; HTTP 401
├── Forbidden                      known, but not allowed to; HTTP 403
├── NotFound                       no such conversation, document, release, person; HTTP 404, exit 1
├── Conflict                       the state moved on, or the same id came with another body; HTTP 409 or 422
│   └── LeaseLost                  another process answers this conversation now; the turn is dropped unwritten
├── BadSettings                    an unknown or impossible setting; the process does not start, exit 2
├── BadRelease                     a release whose files do not match its manifest; never loaded, the old one stays
├── DialogueUnavailable            Rasa is stopped, starting, slow or failing; flows hand over to a human
├── Unanswered                     stored, but the answer takes longer than a caller waits; HTTP 503, ask again
├── DeliveryFailed                 a channel's far side refused or did not answer; the outbox retries
└── Refused                        a gate or a check said no, with its reasons; exit 1

Abstaining and routing to a human are values (`Abstention`, `Decision`), never exceptions. The retrieval package has its
own small tree (`retrieval.errors`), translated where `bot` calls it.
"""

from __future__ import annotations


class FirstlineError(Exception):
    """An error with a stable `code` for machines and a message for people."""

    code = "error"
    status = 500

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code


class BadInput(FirstlineError):
    code = "bad_input"
    status = 400


class TooLarge(BadInput):
    code = "too_large"
    status = 413


class UnknownKind(BadInput):
    code = "unknown_kind"
    status = 415


class Unverified(FirstlineError):
    code = "unverified"
    status = 401


class Forbidden(FirstlineError):
    code = "forbidden"
    status = 403


class NotFound(FirstlineError):
    code = "not_found"
    status = 404


class Conflict(FirstlineError):
    code = "conflict"
    status = 409


class LeaseLost(Conflict):
    code = "lease_lost"


class BadSettings(FirstlineError):
    code = "bad_settings"


class BadRelease(FirstlineError):
    code = "bad_release"


class DialogueUnavailable(FirstlineError):
    code = "dialogue_unavailable"
    status = 503


class Unanswered(FirstlineError):
    code = "unanswered"
    status = 503


class DeliveryFailed(FirstlineError):
    """`retry_after_s` is what the far side asked for, if it did; `final` means that no retry can help."""

    code = "delivery_failed"

    def __init__(self, message: str, *, retry_after_s: float | None = None, final: bool = False) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.final = final


class Refused(FirstlineError):
    code = "refused"
    status = 409
