"""Who is at the desk: the session cookie, the token every form carries, and what a visitor without either gets.

The session itself lies in the store; the cookie is an opaque name of it. Forms before sign-in carry a token that is
bound to a cookie of their own (signed double submit), since there is no session yet to keep one in.
"""

from __future__ import annotations

import hmac
import secrets
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar
from urllib.parse import quote

from flask import Response, g, redirect, request
from itsdangerous import BadData, URLSafeTimedSerializer

from bot.channels.current import parts
from bot.errors import Forbidden, Unverified
from bot.store.people import SESSION, Person, Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Response as BaseResponse

P = ParamSpec("P")
R = TypeVar("R")

FORM_AGE_S = 3_600
FORM_COOKIE = "firstline_form"
_STALE = "this page is too old or comes from elsewhere; reload it and try again"


def cookie_name() -> str:
    """`__Host-` binds the cookie to this host and to https, where there is https."""
    return "__Host-firstline" if _secure() else "firstline_session"


def current() -> Session | None:
    """The session of this request, looked up once."""
    if "session" not in g:
        token = request.cookies.get(cookie_name(), "")
        g.session = parts().people.by_session(token) if token else None
    return g.session  # type: ignore[no-any-return]


def person() -> Person:
    """Who is signed in; `Unverified` when nobody is."""
    session = current()
    if session is None:
        raise Unverified("you are signed out; sign in at /desk/sign-in")
    return session.person


def require_admin() -> None:
    """`Forbidden` unless an admin is signed in."""
    if person().role != "admin":
        raise Forbidden("only an admin may do this; ask one of yours")


def guard() -> BaseResponse | None:
    """Before every request of the desk: a session, and on everything that changes something its token."""
    session = current()
    if session is None:
        if _wants_json():
            raise Unverified("you are signed out; sign in at /desk/sign-in")
        return redirect(f"/desk/sign-in?next={quote(request.full_path.rstrip('?'))}")
    if request.method not in ("GET", "HEAD"):
        _require(session.csrf)
    return None


def _require(expected: str) -> None:
    given = request.headers.get("X-CSRF-Token") or request.form.get("csrf", "")
    if not hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode()):
        raise Forbidden(_STALE)


def start(response: Response, token: str) -> Response:
    """Give the browser its session."""
    return _set(response, cookie_name(), token, int(SESSION.total_seconds()))


def end(response: Response) -> Response:
    """Sign out: the session is over in the store, and the browser forgets it."""
    parts().people.sign_out(request.cookies.get(cookie_name(), ""))
    response.delete_cookie(cookie_name(), path="/", secure=_secure(), httponly=True, samesite="Lax")
    return response


def form_token(response: Response, page: Callable[[str], str]) -> Response:
    """Fill `page` with a token for its form, and set the cookie that the token is bound to."""
    nonce = request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(18)
    response.set_data(page(str(_signer().dumps(nonce))))
    return _set(response, FORM_COOKIE, nonce, FORM_AGE_S)


def checked_form(view: Callable[P, R]) -> Callable[P, R]:
    """For forms before sign-in: refuse a post whose token is not bound to the browser's cookie."""

    @wraps(view)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            nonce = _signer().loads(request.form.get("csrf", ""), max_age=FORM_AGE_S)
        except BadData as error:
            raise Forbidden(_STALE) from error
        if not hmac.compare_digest(str(nonce).encode(), request.cookies.get(FORM_COOKIE, "").encode()):
            raise Forbidden(_STALE)
        return view(*args, **kwargs)

    return checked


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(parts().settings.session_key, salt="firstline desk form")


def _set(response: Response, name: str, value: str, age_s: int) -> Response:
    response.set_cookie(name, value, max_age=age_s, path="/", secure=_secure(), httponly=True, samesite="Lax")
    return response


def _secure() -> bool:
    return parts().settings.address.startswith("https://")


def _wants_json() -> bool:
    return request.path.startswith("/desk/api/")
