"""The desk in the browser: one blueprint that gathers its pages, its JSON and its events."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, render_template, request
from werkzeug.exceptions import HTTPException

from bot.channels.current import parts
from bot.channels.headers import secured
from bot.channels.streams import Busy
from bot.console import (
    api,
    around,
    attachments,
    audit,
    canned,
    channels,
    doors,
    handing,
    hours,
    knowledge,
    people,
    releases,
    search,
    sessions,
    suggestions,
    tokens,
)
from bot.errors import FirstlineError

blueprint = Blueprint(
    "desk", __name__, url_prefix="/desk", template_folder="templates", static_folder="static", static_url_path="/static"
)

inside = Blueprint("inside", __name__)
inside.before_request(sessions.guard)
for page in (
    api,
    attachments,
    handing,
    around,
    search,
    knowledge,
    suggestions,
    releases,
    people,
    canned,
    hours,
    channels,
    tokens,
    audit,
):
    inside.register_blueprint(page.blueprint)
blueprint.register_blueprint(inside)
blueprint.register_blueprint(doors.blueprint)


@blueprint.after_request
def secure(response: Response) -> Response:
    return secured(response)


@blueprint.context_processor
def shared() -> dict[str, object]:
    """What every page shows: the company, who is signed in, and the session's form token."""
    session = sessions.current()
    return {
        "company": parts().settings.company_name,
        "me": session.person if session else None,
        "may": sessions.may,
        "csrf": session.csrf if session else "",
        "live_release": parts().live.current().id if parts().live.ready() else "",
    }


@blueprint.errorhandler(FirstlineError)
def told(error: FirstlineError) -> tuple[Response | str, int] | tuple[Response, int, dict[str, str]]:
    """The one error shape for scripts, a page for people."""
    if request.path.startswith("/desk/api/"):
        headers = {"Retry-After": "30"} if isinstance(error, Busy) else {}
        return jsonify({"error": {"code": error.code, "message": str(error)}}), error.status, headers
    return render_template("desk/trouble.html", title="That did not work", message=str(error)), error.status


@blueprint.errorhandler(HTTPException)
def told_by_werkzeug(error: HTTPException) -> tuple[Response | str, int]:
    status = error.code or 500
    if request.path.startswith("/desk/api/"):
        code = error.name.lower().replace(" ", "_")
        return jsonify({"error": {"code": code, "message": error.description or error.name}}), status
    return render_template("desk/trouble.html", title=error.name, message=error.description), status


@inside.get("/")
@inside.get("/conversations/<id>")
def desk(id: str = "") -> str:
    """The queue, a conversation and its customer; everything in it is read by script."""
    return render_template("desk/desk.html", conversation=id, largest=parts().settings.max_attachment_bytes)
