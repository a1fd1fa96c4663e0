"""The people page: who may use the desk. Admins only."""

from __future__ import annotations

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from bot.channels.current import parts
from bot.console import sessions
from bot.errors import BadInput, Conflict, FirstlineError
from bot.store.people import Role

blueprint = Blueprint("people", __name__, url_prefix="/people")


@blueprint.before_request
def admins_only() -> None:
    sessions.require_admin()


@blueprint.get("/")
def show() -> BaseResponse:
    return _page()


@blueprint.post("/add")
def add() -> BaseResponse:
    """Add an account with a first password that the admin hands over."""
    given = {key: request.form.get(key, "") for key in ("email", "name", "password")}
    role: Role = "admin" if request.form.get("role") == "admin" else "agent"
    try:
        parts().people.add(given["email"], given["name"], role, given["password"])
    except (BadInput, Conflict) as error:
        return _page(error, given)
    return redirect("/desk/people/", 303)


@blueprint.post("/remove")
def remove() -> BaseResponse:
    """End an account and its sessions."""
    try:
        parts().people.remove(request.form.get("email", ""))
    except Conflict as error:
        return _page(error)
    return redirect("/desk/people/", 303)


def _page(error: FirstlineError | None = None, given: dict[str, str] | None = None) -> BaseResponse:
    shown = {key: (given or {}).get(key, "")[:254] for key in ("email", "name")}
    page = render_template("desk/people.html", people=parts().people.list(), error=error, given=shown)
    return make_response(page, error.status if error else 200)
