"""The pages in front of the desk: sign-in, sign-out, and the one-time set-up of the first account."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from bot.channels.current import parts
from bot.console import sessions
from bot.errors import BadInput, Conflict, FirstlineError, Forbidden, Unverified

blueprint = Blueprint("doors", __name__)


@blueprint.get("/sign-in")
def sign_in() -> BaseResponse:
    """The form; somebody who is signed in already goes straight on."""
    return redirect(_next()) if sessions.current() else _sign_in_page()


@blueprint.post("/sign-in")
@sessions.checked_form
def try_sign_in() -> BaseResponse:
    """Start a session, or show the form again with the one message that every failure gets."""
    email = request.form.get("email", "")
    try:
        token = parts().people.sign_in(email, request.form.get("password", ""), address=request.remote_addr or "")
    except Unverified as error:
        return _sign_in_page(error, email)
    return sessions.start(_redirect(_next()), token)


@blueprint.post("/sign-out")
def sign_out() -> BaseResponse:
    session = sessions.current()
    if session is not None and request.form.get("csrf") != session.csrf:
        raise Forbidden("this page is too old; reload it and sign out again")
    return sessions.end(_redirect("/desk/sign-in"))


@blueprint.get("/setup")
def set_up() -> BaseResponse:
    """The form of the one-time link that the first start prints."""
    return _set_up_page()


@blueprint.post("/setup")
@sessions.checked_form
def try_set_up() -> BaseResponse:
    """Make the first account, an admin's, and sign it in."""
    given = {name: request.form.get(name, "") for name in ("token", "email", "name", "password")}
    try:
        made = parts().people.set_up(**given)
    except (BadInput, Unverified, Conflict) as error:
        return _set_up_page(error)
    token = parts().people.sign_in(made.email, given["password"], address=request.remote_addr or "")
    return sessions.start(_redirect("/desk/"), token)


def _sign_in_page(error: FirstlineError | None = None, email: str = "") -> Response:
    response = make_response("", error.status if error else 200)
    return sessions.form_token(
        response,
        lambda token: render_template("desk/sign_in.html", form=token, error=error, email=email[:254], next=_next()),
    )


def _set_up_page(error: FirstlineError | None = None) -> Response:
    response = make_response("", error.status if error else 200)
    given = {name: request.values.get(name, "")[:254] for name in ("token", "email", "name")}
    return sessions.form_token(
        response, lambda token: render_template("desk/set_up.html", form=token, error=error, given=given)
    )


def _next() -> str:
    """Where to go after signing in: a path of the desk, never another site."""
    wanted = request.values.get("next", "")
    return wanted if wanted.startswith("/desk/") and "\\" not in wanted and "//" not in wanted else "/desk/"


def _redirect(path: str) -> Response:
    response = make_response("", 303)
    response.headers["Location"] = path
    return response
