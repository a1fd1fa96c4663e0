"""What stands around a conversation, as JSON: the customer's page and past, satisfaction, canned replies, mentions,
typing, and the transcript."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from bot.channels import transcripts
from bot.channels.current import parts
from bot.console import canned as canned_page
from bot.console import sessions
from bot.messages import Message
from bot.store.mentions import mentioned
from bot.store.roles import at_least

blueprint = Blueprint("around", __name__, url_prefix="/api")


@blueprint.get("/conversations/<id>/around")
def show(id: str) -> Response:
    """The page the customer is on, their other conversations, what they thought, and the average of all."""
    conversation, desk = parts().conversations.get(id), parts().desk
    page, thought, average = desk.pages.of(id), desk.satisfaction.of(id), desk.satisfaction.average()
    past = [
        {
            "id": each.id,
            "channel": each.channel,
            "owner": each.owner,
            "opened_at": each.opened_at.isoformat(),
            "changed_at": each.changed_at.isoformat(),
            "reason": each.reason,
            "same": each.same,
        }
        for each in desk.search.past(id)
    ]
    return jsonify(
        {
            "page": {"url": page.url, "title": page.title, "at": page.at.isoformat()} if page else None,
            "past": past,
            "satisfaction": {
                "score": thought.score,
                "comment": thought.comment,
                "answered_at": thought.answered_at.isoformat() if thought.answered_at else None,
                "agent": thought.agent,
            }
            if thought
            else None,
            "average": {"mean": round(average.mean, 2), "count": average.count},
            "mail": bool(parts().mailer) and bool(_address(conversation.email, conversation.attributes)),
        }
    )


@blueprint.get("/canned/<id>")
def canned(id: str) -> Response:
    """The canned replies, filled in for this conversation; `missing` names the variables without a value."""
    return jsonify({"replies": canned_page.filled_in(parts().conversations.get(id))})


@blueprint.get("/colleagues")
def colleagues() -> Response:
    """Who can be named in a note: everybody else who can answer."""
    mine = sessions.person().id
    others = [each for each in parts().people.list() if at_least(each.role, "agent") and each.id != mine]
    return jsonify({"colleagues": [{"name": each.name} for each in others]})


@blueprint.get("/mentions")
def mentions() -> Response:
    """Notes that name whoever is signed in and that they have not opened since."""
    found = parts().desk.mentions.unseen(sessions.person().id)
    shown = [
        {"conversation": each.conversation, "seq": each.seq, "by": each.by, "at": each.at.isoformat()} for each in found
    ]
    return jsonify({"mentions": shown})


@blueprint.post("/conversations/<id>/mentions-seen")
def mentions_seen(id: str) -> tuple[str, int]:
    parts().desk.mentions.seen(sessions.person().id, id)
    return "", 204


@blueprint.post("/conversations/<id>/typing")
def typing(id: str) -> tuple[str, int]:
    """Whoever holds the conversation is writing to the customer; from anybody else it means nothing."""
    conversation, name = parts().conversations.get(id), sessions.person().name
    if conversation.owner == "agent" and conversation.agent == name and parts().typing.mark(id, "agent", name):
        parts().wakeup.stir()
    return "", 204


@blueprint.get("/conversations/<id>/transcript")
def transcript(id: str) -> Response:
    """The conversation to save, as text or JSON; with `notes=yes` also what colleagues noted."""
    conversation = parts().conversations.get(id)
    log = transcripts.whole_log(parts().conversations, id, notes=request.args.get("notes") == "yes")
    return transcripts.download(conversation, log, parts().settings.company_name, request.args.get("format", "text"))


@blueprint.post("/conversations/<id>/transcript/mail")
def mail_transcript(id: str) -> tuple[str, int]:
    """Send the customer's transcript to the customer's address; colleagues see that it went out."""
    to = transcripts.mail(parts(), id)
    kept = f"{to[:1]}…@{to.rpartition('@')[2]}"
    parts().handoff.note(id, sessions.person().name, f"The transcript was sent to {kept}.")
    parts().wakeup.nudge()
    return "", 204


def tell_mentioned(note: Message) -> None:
    """Keep who is named in a note, so that their desks show it."""
    others = [each for each in parts().people.list() if each.name != note.author]
    named = mentioned(note.text, others)
    parts().desk.mentions.add(note.conversation, note.seq, named, by=note.author)
    if named:
        parts().wakeup.stir(news=True)


def _address(email: str, attributes: dict[str, str]) -> str:
    return email or attributes.get("email", "")
