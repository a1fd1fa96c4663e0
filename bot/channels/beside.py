"""What the widget does beside talking: it tells the page and that somebody types, takes a score, and gives the
transcript. Every call carries the token of its conversation, as in `bot.channels.web`."""

from __future__ import annotations

from flask import Blueprint, Response, request

from bot.channels import transcripts
from bot.channels.current import parts
from bot.channels.web import body, verify
from bot.errors import BadInput

blueprint = Blueprint("beside", __name__, url_prefix="/api/v1/widget/conversations")


@blueprint.post("/<id>/page")
def page(id: str) -> tuple[str, int]:
    """The page the customer is on: `{url, title?}`; what follows the path of the address is not kept."""
    verify(id)
    given = body()
    url, title = given.get("url"), given.get("title", "")
    if not isinstance(url, str) or not isinstance(title, str):
        raise BadInput("a page has url, and title where it has one, both texts")
    parts().desk.pages.saw(id, url, title)
    return "", 204


@blueprint.post("/<id>/typing")
def typing(id: str) -> tuple[str, int]:
    """The customer is writing; told to open desks, kept nowhere."""
    verify(id)
    if parts().typing.mark(id, "customer"):
        parts().wakeup.stir()
    return "", 204


@blueprint.post("/<id>/satisfaction")
def satisfaction(id: str) -> tuple[str, int]:
    """`{score, comment?}` after an agent closed, score from 1 to 5; null says that the customer would rather not."""
    verify(id)
    given = body()
    score, comment = given.get("score"), given.get("comment", "")
    if "score" not in given or not (score is None or type(score) is int) or not isinstance(comment, str):
        raise BadInput(
            "an answer has score, a whole number from 1 to 5 or null, and comment, a text, where there is one"
        )
    parts().desk.satisfaction.answer(id, score, comment)
    parts().wakeup.stir(news=True)
    return "", 204


@blueprint.get("/<id>/transcript")
def transcript(id: str) -> Response:
    """The conversation to save, as text or JSON, without what agents noted among themselves."""
    verify(id)
    log = transcripts.whole_log(parts().conversations, id, notes=False)
    format = request.args.get("format", "text")
    return transcripts.download(parts().conversations.get(id), log, parts().settings.company_name, format)


@blueprint.post("/<id>/transcript/mail")
def mail_transcript(id: str) -> tuple[str, int]:
    """Send it to the address that this customer left or signed in with, to no other."""
    verify(id)
    transcripts.mail(parts(), id)
    return "", 204
