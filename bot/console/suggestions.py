"""FAQ rows from replies: an agent's message becomes a suggestion in two clicks, an admin approves it, and it is quoted.

An approved row goes the way of `firstline faq import`: the same checks, the same documents, the same publication.
"""

from __future__ import annotations

import csv
import io
from dataclasses import replace

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from bot.channels.current import parts
from bot.console import sessions
from bot.console.workshop import workshop
from bot.errors import BadInput, FirstlineError, NotFound
from bot.ingest import take_faq_bytes
from bot.messages import Message
from bot.store.suggestions import Draft, Suggestion
from bot.taking import publish
from bot.understanding.care.privacy import kinds_in
from bot.understanding.entities.definitions import Spelling
from retrieval.audiences import AUDIENCES
from retrieval.sources.faq import MAX_ANSWER, MAX_QUESTION, FaqRow, check

blueprint = Blueprint("suggestions", __name__, url_prefix="/suggestions")

FILE = "from-replies.csv"
"""The FAQ file that approved rows stand in; its document is `faq-from-replies`."""
READ = 500


@blueprint.get("/")
def show() -> BaseResponse:
    return _page()


@blueprint.get("/review")
def review() -> BaseResponse:
    """The row as it could be, from message `seq` of a conversation: prefilled, to be edited and saved."""
    conversation, seq = request.args.get("conversation", ""), _number(request.args.get("seq", ""))
    row = prefilled(conversation, seq)
    return _review(conversation, seq, replace(row, personal=personal(row, conversation)))


@blueprint.post("/save")
def save() -> BaseResponse:
    """Keep the row for an admin. Personal data in it is shown first, and kept only where the agent says so."""
    conversation, seq, row = request.form.get("conversation", ""), _number(request.form.get("seq", "")), _given()
    parts().conversations.get(conversation)
    row = replace(row, personal=personal(row, conversation))
    try:
        require_good(row)
        if row.personal and request.form.get("keep") != "yes":
            raise BadInput(
                f"there seems to be personal data in it: {', '.join(row.personal)}. Take it out, or tick the box"
            )
    except BadInput as error:
        return _review(conversation, seq, row, error)
    parts().desk.suggestions.add(conversation, seq, row, by=sessions.acting())
    return redirect(f"/desk/conversations/{conversation}", 303)


@blueprint.post("/approve")
def approve() -> BaseResponse:
    """Take the row, as the admin left it, into the FAQ and publish it."""
    found = parts().desk.suggestions.get(_number(request.form.get("id", "")))
    row = _given()
    row = replace(row, personal=personal(row, found.conversation or ""))
    try:
        require_good(row)
        if found.state == "waiting":
            take_faq_bytes(parts().library, as_csv(row), FILE)
        parts().desk.suggestions.decide(found.id, "approved", by=sessions.acting(), row=row)
    except FirstlineError as error:
        return _page(error, replace(found, row=row))
    try:
        publish(workshop(), by=sessions.person().name, note=f"faq row of suggestion {found.id}")
    except NotFound:
        return redirect("/desk/suggestions/", 303)  # nothing is live yet: it goes live with the first release
    parts().live.refresh()
    return redirect("/desk/suggestions/", 303)


@blueprint.post("/refuse")
def refuse() -> BaseResponse:
    """Leave the row out."""
    try:
        parts().desk.suggestions.decide(_number(request.form.get("id", "")), "refused", by=sessions.acting())
    except FirstlineError as error:
        return _page(error)
    return redirect("/desk/suggestions/", 303)


def prefilled(conversation: str, seq: int) -> Draft:
    """The agent's words as the answer, the customer's last words before them as the question; `NotFound` for a message
    that no agent said to the customer."""
    log = parts().conversations.log(conversation, after=max(seq - READ, 0), limit=READ)
    said = next((each for each in log if each.seq == seq and each.participant == "agent"), None)
    parts().conversations.get(conversation)
    if said is None:
        raise NotFound(f"conversation {conversation} has no message {seq} of an agent to make a FAQ row of")
    asked: list[Message] = [each for each in log if each.seq < seq and each.participant == "customer" and each.text]
    question = " ".join(asked[-1].text.split()) if asked else ""
    return Draft(question[:MAX_QUESTION], said.text[:MAX_ANSWER])


def personal(row: Draft, conversation: str) -> tuple[str, ...]:
    """Kinds of personal data in a row, as one says them; the customer's own name counts."""
    settings, text = parts().settings, f"{row.question}\n{row.answer}"
    spelling = Spelling(settings.order_pattern, settings.order_format, settings.phone_region)
    found = list(kinds_in(text, spelling))
    try:
        name = parts().conversations.get(conversation).attributes.get("name", "")
    except NotFound:
        name = ""
    words = {word.casefold() for word in name.split() if len(word) > 2}
    if words & {word.strip(".,;:!?()\"'").casefold() for word in text.split()}:
        found.append("the customer's name")
    return tuple(found)


def require_good(row: Draft) -> None:
    """`BadInput` for what `firstline faq import` would refuse."""
    table = check([FaqRow(row.question, row.answer, row.topic, row.audience)])
    if table.problems:
        raise BadInput(f"this row {table.problems[0][1]}")


def as_csv(row: Draft) -> bytes:
    """The row as a FAQ file with a header."""
    written = io.StringIO()
    table = csv.writer(written)
    table.writerow(("question", "answer", "topic", "audience"))
    table.writerow((row.question, row.answer, row.topic, row.audience))
    return written.getvalue().encode()


def _given() -> Draft:
    given = {key: request.form.get(key, "").replace("\r\n", "\n").strip() for key in ("question", "answer", "topic")}
    return Draft(
        " ".join(given["question"].split()),
        given["answer"],
        " ".join(given["topic"].split())[:120],
        request.form.get("audience", "public"),
    )


def _number(given: str) -> int:
    return int(given) if given.isascii() and given.isdigit() and len(given) < 10 else 0


def _review(conversation: str, seq: int, row: Draft, error: FirstlineError | None = None) -> BaseResponse:
    page = render_template(
        "desk/suggest.html", conversation=conversation, seq=seq, row=row, error=error, audiences=AUDIENCES
    )
    return make_response(page, error.status if error else 200)


def _page(error: FirstlineError | None = None, edited: Suggestion | None = None) -> BaseResponse:
    waiting = parts().desk.suggestions.listing("waiting")
    if edited is not None:
        waiting = tuple(edited if each.id == edited.id else each for each in waiting)
    page = render_template(
        "desk/suggestions.html",
        waiting=waiting,
        approved=parts().desk.suggestions.listing("approved", 30),
        refused=parts().desk.suggestions.listing("refused", 30),
        error=error,
        audiences=AUDIENCES,
    )
    return make_response(page, error.status if error else 200)
