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
from bot.console import access
from bot.errors import Forbidden, Unverified
from bot.store.api_tokens import PREFIX as TOKEN_PREFIX
from bot.store.audit import Actor
from bot.store.people import SESSION, Person, Session, actor
from bot.store.roles import Role, at_least

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
    """The session of this request, looked up once; that of an API token has no form token."""
    if "session" not in g:
        token, bearer = request.cookies.get(cookie_name(), ""), _bearer()
        if bearer:
            g.session = Session(_of_token(bearer), "")
        else:
            g.session = parts().people.by_session(token) if token else None
    return g.session  # type: ignore[no-any-return]


def person() -> Person:
    """Who is signed in; `Unverified` when nobody is."""
    session = current()
    if session is None:
        raise Unverified("you are signed out; sign in at /desk/sign-in")
    return session.person


def acting() -> Actor:
    """Who is signed in, as the audit log names them."""
    return actor(person())


def may(needed: Role) -> bool:
    """Whether somebody is signed in who may do what needs a role; for what a page shows."""
    session = current()
    return session is not None and at_least(session.person.role, needed)


def require_admin() -> None:
    """`Forbidden` unless an admin is signed in."""
    if not may("admin"):
        raise Forbidden(access.refusal(person().role, "admin"))


def guard() -> BaseResponse | None:
    """Before every request of the desk: a session, on everything that changes something its token, and a role."""
    session = current()
    if session is None:
        if _wants_json():
            raise Unverified("you are signed out; sign in at /desk/sign-in")
        return redirect(f"/desk/sign-in?next={quote(request.full_path.rstrip('?'))}")
    if request.method not in ("GET", "HEAD") and not _bearer():
        _require(session.csrf)
    access.require(session.person.role)
    return None


def _bearer() -> str:
    """The API token of a request to the desk's JSON; pages know cookies only."""
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return given if given.startswith(TOKEN_PREFIX) and _wants_json() else ""


def _of_token(bearer: str) -> Person:
    """Whom an API token stands for: an agent, or a viewer where it may only read; `Unverified` if it does not hold."""
    found = parts().desk.tokens.by_secret(bearer)
    role: Role = "agent" if found.scope == "write" else "viewer"
    return Person(0, "", f"{found.name} (API)", role)


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
