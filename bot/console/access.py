"""Who may open which route of the desk: one table, read before every request.

A route that stands in no line needs an admin, and fails the test that walks this table.
"""

from __future__ import annotations

from collections.abc import Mapping

from flask import request

from bot.errors import Forbidden
from bot.store.roles import Role, at_least

INSIDE = "desk.inside."
"""How the endpoints begin that need a session; what lies before sign-in is in `bot.console.doors`."""
UNLISTED: Role = "admin"

NEEDED: Mapping[str, Role] = {
    "desk": "viewer",
    "api.queue": "viewer",
    "api.show": "viewer",
    "api.take": "agent",
    "api.reply": "agent",
    "api.note": "agent",
    "api.hand_back": "agent",
    "api.close": "agent",
    "handing.ways": "viewer",
    "handing.assign": "agent",
    "handing.refer": "agent",
    "handing.snooze": "agent",
    "attachments.show": "viewer",
    "attachments.keep": "agent",
    "api.job": "viewer",
    "api.events": "viewer",
    "around.show": "viewer",
    "around.canned": "viewer",
    "around.colleagues": "viewer",
    "around.mentions": "viewer",
    "around.mentions_seen": "agent",
    "around.typing": "agent",
    "around.transcript": "viewer",
    "around.mail_transcript": "agent",
    "search.show": "viewer",
    "canned.show": "viewer",
    "canned.save": "admin",
    "canned.remove": "admin",
    "suggestions.show": "viewer",
    "suggestions.review": "agent",
    "suggestions.save": "agent",
    "suggestions.approve": "admin",
    "suggestions.refuse": "admin",
    "knowledge.show": "viewer",
    "knowledge.document": "viewer",
    "knowledge.check": "admin",
    "knowledge.upload": "agent",
    "knowledge.add_documents": "agent",
    "knowledge.approve_held": "admin",
    "knowledge.publish_now": "agent",
    "knowledge.delete": "admin",
    "releases.show": "viewer",
    "releases.retrain": "admin",
    "releases.promote": "admin",
    "releases.roll_back": "admin",
    "people.show": "admin",
    "people.add": "admin",
    "people.change": "admin",
    "people.remove": "admin",
    "people.carries": "admin",
    "tokens.show": "admin",
    "tokens.issue": "admin",
    "tokens.revoke": "admin",
    "channels.show": "admin",
    "hours.show": "viewer",
    "hours.save": "admin",
    "audit.show": "admin",
}
"""The least role for each endpoint, by its name inside the desk."""


def needed(endpoint: str) -> Role:
    """The least role for an endpoint inside the desk, as Flask names it."""
    return NEEDED.get(endpoint.removeprefix(INSIDE), UNLISTED)


def require(role: Role) -> None:
    """`Forbidden` unless somebody with `role` may open the route of this request."""
    least = needed(request.endpoint or "")
    if not at_least(role, least):
        raise Forbidden(refusal(role, least))


def refusal(role: Role, least: Role) -> str:
    """Why a role is not enough, and who can help."""
    who = "an agent" if least == "agent" else f"an {least}"
    if role == "viewer" and least == "agent":
        return "you may look but not write; ask an admin for the role of an agent"
    return f"only {who} may do this; ask one of yours"
