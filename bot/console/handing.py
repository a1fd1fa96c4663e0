"""The desk's JSON of passing on and putting off: to a colleague, to a team, until later; and how a conversation stands
in the queue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, Response, jsonify, request

from bot.channels.current import Parts, parts
from bot.channels.json_body import parse_object
from bot.console import sessions
from bot.console.records import conversation_json
from bot.errors import BadInput, TooLarge
from bot.handoff.assignment import is_snoozed
from bot.handoff.plan import PRIORITIES
from bot.messages import MAX_TEXT
from bot.store.conversations import Conversation
from bot.store.roles import at_least
from bot.turns import audience_of

blueprint = Blueprint("handing", __name__, url_prefix="/api")


@blueprint.get("/ways")
def ways() -> Response:
    """To whom a conversation can be passed on, and until when it can be put off."""
    handoff, present = parts().handoff, set(parts().handoff.present())
    colleagues = [
        {
            "name": each.name,
            "present": each.name in present,
            "holds": each.holds,
            "capacity": each.capacity,
            "teams": sorted(each.teams or ()),
        }
        for each in handoff.agents(_colleagues())
    ]
    colleagues.sort(key=lambda each: (not each["present"], each["name"]))
    teams = [{"id": each.id, "title": each.title} for each in handoff.plan().teams]
    return jsonify({"colleagues": colleagues, "teams": teams, "snoozes": _snoozes()})


@blueprint.post("/conversations/<id>/assign")
def assign(id: str) -> Response:
    """Give it to a colleague, with a note if there is one."""
    given = body()
    to = given.get("to")
    if not isinstance(to, str) or to not in _colleagues():
        raise BadInput("`to` names a colleague who can answer, as /desk/api/ways lists them")
    parts().handoff.assign(id, sessions.person().name, to, note=_note(given), token=token(given))
    return moved(id)


@blueprint.post("/conversations/<id>/refer")
def refer(id: str) -> Response:
    """Back to the queue for a team; an empty `team` is everybody."""
    given = body()
    team = given.get("team")
    if not isinstance(team, str):
        raise BadInput("`team` is the id of a team of the policy, or empty for everybody")
    parts().handoff.refer(id, sessions.person().name, team, note=_note(given), token=token(given))
    return moved(id)


@blueprint.post("/conversations/<id>/snooze")
def snooze(id: str) -> Response:
    """Out of the queue until a moment, ISO 8601 with its offset."""
    given = body()
    try:
        until = datetime.fromisoformat(str(given.get("until")))
    except ValueError:
        until = None
    if until is None or until.tzinfo is None:
        raise BadInput("`until` is a moment with its offset, such as 2026-11-23T09:00:00+00:00")
    try:
        until = until.astimezone(UTC)
    except OverflowError as error:
        raise BadInput("`until` lies within the coming year") from error
    parts().handoff.snooze(id, sessions.person().name, until, note=_note(given), token=token(given))
    return moved(id)


def body() -> dict[str, Any]:
    """The JSON object of this request."""
    request.max_content_length = most = parts().settings.max_body_bytes
    return parse_object(request.get_data(), max_bytes=most)


def token(given: dict[str, Any]) -> int:
    """The fence of the conversation as the page showed it; every act of an agent carries it."""
    found = given.get("token")
    if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found < 2**31:
        raise BadInput("an agent's act carries `token`, the number that came with the conversation")
    return found


def moved(id: str) -> Response:
    """How the conversation stands after an act, told to every open desk."""
    parts().wakeup.nudge()
    return jsonify({"conversation": full_json(parts(), parts().conversations.get(id))})


def full_json(of: Parts, conversation: Conversation) -> dict[str, Any]:
    """A conversation with its customer, how it stands in the queue, and for whom its answers may be."""
    known = {"audience": audience_of(conversation)}
    return conversation_json(conversation) | standing_json(of, conversation) | known


def standing_json(of: Parts, conversation: Conversation) -> dict[str, Any]:
    """Priority, team, first-answer clock and snooze; `token` is what the next act has to carry."""
    until = conversation.snoozed_until
    asleep = is_snoozed(conversation, of.clock())
    return {
        "token": conversation.fence,
        "priority": PRIORITIES[conversation.priority],
        "team": of.handoff.plan().title(conversation.team),
        "clock": of.handoff.clock_state(conversation),
        "due_at": conversation.due_at.isoformat() if conversation.due_at else None,
        "snoozed_until": until.isoformat() if until and asleep else None,
        "snoozed": of.handoff.spoken(until) if until and asleep else "",
        "returned": until is not None and not asleep,
        "last_agent": conversation.last_agent,
    }


def _colleagues() -> list[str]:
    """Everybody who can answer, once each."""
    return sorted({each.name for each in parts().people.list() if at_least(each.role, "agent")})


def _snoozes() -> list[dict[str, str]]:
    """Moments that are often meant, the soonest first."""
    handoff, now = parts().handoff, parts().clock()
    moments = [now + timedelta(hours=1), now + timedelta(hours=3), now + timedelta(days=1)]
    opens = handoff.opens()
    if opens is not None and opens - now > timedelta(hours=1):
        moments.append(opens.astimezone(UTC))
    moments.append(now + timedelta(days=7))
    return [{"until": each.isoformat(), "label": handoff.spoken(each)} for each in sorted(set(moments))]


def _note(given: dict[str, Any]) -> str:
    note = given.get("note", "")
    if not isinstance(note, str):
        raise BadInput("`note` is a text for whoever gets the conversation")
    if len(note) > MAX_TEXT:
        raise TooLarge(f"the note has {len(note):,} characters, at most {MAX_TEXT:,} are taken")
    return note.strip()
