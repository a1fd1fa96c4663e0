"""The page of API tokens: issue one and see it once, see which are used, revoke."""

from __future__ import annotations

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from bot.channels.current import parts
from bot.console import sessions
from bot.errors import BadInput, FirstlineError

blueprint = Blueprint("tokens", __name__, url_prefix="/tokens")


@blueprint.get("/")
def show() -> BaseResponse:
    return _page()


@blueprint.post("/issue")
def issue() -> BaseResponse:
    """The page with the new token's secret on it, this once."""
    name, scope = request.form.get("name", ""), request.form.get("scope", "")
    try:
        token, secret = parts().desk.tokens.issue(name, scope, by=sessions.acting())
    except BadInput as error:
        return _page(error=error, given=name)
    return _page(secret=secret, named=token.name)


@blueprint.post("/revoke")
def revoke() -> BaseResponse:
    id = request.form.get("id", "")
    parts().desk.tokens.revoke(int(id) if id.isascii() and id.isdigit() and len(id) < 10 else 0, by=sessions.acting())
    return redirect("/desk/tokens/", 303)


def _page(*, error: FirstlineError | None = None, given: str = "", secret: str = "", named: str = "") -> BaseResponse:
    page = render_template(
        "desk/tokens.html",
        tokens=parts().desk.tokens.listing(),
        error=error,
        given=given[:80],
        secret=secret,
        named=named,
    )
    return make_response(page, error.status if error else 200)
