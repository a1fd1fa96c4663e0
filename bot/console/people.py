"""The people page: who may use the desk, and as what. An admin manages agents and viewers, an owner everybody."""

from __future__ import annotations

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from bot.channels.current import parts
from bot.console import sessions
from bot.errors import BadInput, Conflict, FirstlineError, Forbidden
from bot.store.roles import ROLES, Role, at_least, may_manage

blueprint = Blueprint("people", __name__, url_prefix="/people")

MAY = {
    "viewer": "read, never write",
    "agent": "answer, and add knowledge",
    "admin": "manage the desk and its agents",
    "owner": "do everything",
}
"""What each role may do, as the page says it."""


@blueprint.get("/")
def show() -> BaseResponse:
    return _page()


@blueprint.post("/add")
def add() -> BaseResponse:
    """Add an account with a first password that the admin hands over."""
    given = {key: request.form.get(key, "") for key in ("email", "name", "password")}
    try:
        parts().people.add(given["email"], given["name"], _role(), given["password"], by=sessions.acting())
    except (BadInput, Conflict, Forbidden) as error:
        return _page(error, given)
    return redirect("/desk/people/", 303)


@blueprint.post("/role")
def change() -> BaseResponse:
    """Give an account another role."""
    try:
        parts().people.change_role(request.form.get("email", ""), _role(), by=sessions.acting())
    except (BadInput, Conflict, Forbidden) as error:
        return _page(error)
    return redirect("/desk/people/", 303)


@blueprint.post("/remove")
def remove() -> BaseResponse:
    """End an account and its sessions."""
    try:
        parts().people.remove(request.form.get("email", ""), by=sessions.acting())
    except (Conflict, Forbidden) as error:
        return _page(error)
    return redirect("/desk/people/", 303)


@blueprint.post("/carries")
def carries() -> BaseResponse:
    """Say on which teams somebody is, and how many conversations they carry at once."""
    name, room = request.form.get("name", ""), request.form.get("capacity", "").strip()
    try:
        if name not in _answering():
            raise BadInput("choose somebody who can answer")
        if room and not (room.isascii() and room.isdigit() and len(room) < 5):
            raise BadInput(f"how much somebody carries is a whole number from 1 to 100, got {room[:20]!r}")
        teams = request.form.getlist("teams")
        parts().handoff.set_up(name, teams, int(room) if room else None, by=sessions.acting())
    except BadInput as error:
        return _page(error)
    return redirect("/desk/people/", 303)


def _answering() -> list[str]:
    """Names of those who can answer, once each."""
    return sorted({each.name for each in parts().people.list() if at_least(each.role, "agent")})


def _role() -> Role:
    given = request.form.get("role", "agent")
    if given not in ROLES:
        raise BadInput(f"a role is one of {', '.join(ROLES)}, got {given[:20]!r}")
    return given


def _page(error: FirstlineError | None = None, given: dict[str, str] | None = None) -> BaseResponse:
    shown = {key: (given or {}).get(key, "")[:254] for key in ("email", "name")}
    mine, handoff = sessions.person().role, parts().handoff
    page = render_template(
        "desk/people.html",
        people=parts().people.list(),
        error=error,
        given=shown,
        roles=MAY,
        carrying=handoff.agents(_answering()),
        plan=handoff.plan(),
        manages=[role for role in ROLES if may_manage(mine, role)],
    )
    return make_response(page, error.status if error else 200)
