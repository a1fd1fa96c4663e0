"""The web application: a parts list. It wires and registers; behaviour lives in the modules it names."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import structlog
from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from bot.channels import attachments, beside, pages, rasa, rest, slack, web, webhook
from bot.channels.current import Parts
from bot.channels.mail import Mailer
from bot.channels.typing import Typing
from bot.console import views as console
from bot.dialogue.client import RasaEngine
from bot.dialogue.orders import OrderBook
from bot.errors import FirstlineError
from bot.handoff.hours import Hours
from bot.handoff.plan import Plan
from bot.handoff.presence import Presence
from bot.handoff.queue import HandOff
from bot.handoff.returning import Returning
from bot.handoff.tending import Tending
from bot.llm.connect import writer_of
from bot.releases.live import LiveRelease
from bot.releases.publish import indexes_of
from bot.releases.registry import Registry
from bot.routing.policy import load_policy
from bot.settings import Settings
from bot.store.attachments import Attachments
from bot.store.conversations import Conversations
from bot.store.database import Database
from bot.store.desk import DeskStore
from bot.store.documents import Library
from bot.store.jobs import Jobs
from bot.store.outbox import Outbox
from bot.store.people import People
from bot.store.wakeup import Wakeup
from bot.turns import Turns

log = structlog.get_logger()

ANSWERING_THREADS = 4


def now() -> datetime:
    return datetime.now(UTC)


def create_app(settings: Settings | None = None, *, parts: Parts | None = None) -> Flask:
    """The Flask application; a test passes its own settings or parts."""
    parts = parts or build_parts((settings or Settings.load()).with_secrets())
    app = Flask("bot", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = parts.settings.max_upload_bytes
    app.extensions["firstline"] = parts
    for channel in (web, beside, attachments, pages, rest, slack, webhook, rasa, console):
        app.register_blueprint(channel.blueprint)
    app.register_error_handler(FirstlineError, told)
    app.register_error_handler(HTTPException, told_by_werkzeug)
    app.register_error_handler(Exception, unexpected)
    return app


def build_parts(settings: Settings) -> Parts:
    """Every part on the real database and releases; both web and worker are made of these."""
    database = Database.open(settings.store_url)
    connected = {"slack": settings.slack_bot_token, "webhook": settings.webhook_url}
    delivered = [channel for channel, given in connected.items() if given]
    library = Library(database, now)
    desk = DeskStore.of(database, now)
    registry = Registry(settings.home / "releases", now, audit=desk.audit, indexes=indexes_of(settings))
    live = LiveRelease(registry, now, library=library)
    presence, plan = Presence(database, now), service_plan(settings, live)
    back = Returning(presence, plan, now)
    conversations = Conversations(database, now, delivered=delivered, comes_back=back)
    handoff = HandOff(conversations, presence, opening_hours(settings, live), now, plan=plan)
    wakeup = Wakeup(conversations.position)
    dialogue = RasaEngine(settings.rasa_url, settings.rasa_token)
    writer = writer_of(settings, database, now)
    return Parts(
        settings=settings,
        conversations=conversations,
        attachments=Attachments(database, settings.home.resolve() / "attachments", now),
        library=library,
        people=People(database, now),
        desk=desk,
        typing=Typing(),
        mailer=Mailer.parse(settings.smtp_url),
        jobs=Jobs(database, now),
        outbox=Outbox(database),
        handoff=handoff,
        tending=Tending(handoff, conversations, presence, now),
        registry=registry,
        live=live,
        orders=OrderBook.open(settings.home / "shop.sqlite", settings.data / "shop" / "orders.json", now().date()),
        turns=Turns(
            conversations,
            library,
            live.current,
            dialogue,
            handoff,
            now,
            wake=wakeup.nudge,
            writer=writer,
        ),
        wakeup=wakeup,
        background=ThreadPoolExecutor(ANSWERING_THREADS, "answering"),
        clock=now,
        writer=writer,
    )


def opening_hours(settings: Settings, live: LiveRelease) -> Callable[[], Hours]:
    """The opening hours of the live policy, or of the company's file before the first release."""

    def hours() -> Hours:
        return live.current().policy.hours if live.ready() else load_policy(settings.data / "policy.yml").hours

    return hours


def service_plan(settings: Settings, live: LiveRelease) -> Callable[[], Plan]:
    """How the desk is run by the live policy, or by the company's file before the first release."""

    def plan() -> Plan:
        return live.current().policy.service if live.ready() else load_policy(settings.data / "policy.yml").service

    return plan


def told(error: FirstlineError) -> tuple[Response, int]:
    """A refusal as the one error shape."""
    if error.status >= 500:
        log.error("refused", code=error.code, path=request.path, error=str(error))
    return jsonify({"error": {"code": error.code, "message": str(error)}}), error.status


def told_by_werkzeug(error: HTTPException) -> tuple[Response, int]:
    status = error.code or 500
    code = (error.name or "error").lower().replace(" ", "_")
    return jsonify({"error": {"code": code, "message": error.description or error.name}}), status


def unexpected(error: Exception) -> tuple[Response, int]:
    """A bug: logged with its trace, told without it."""
    log.error("unexpected", path=request.path, error=type(error).__name__, exc_info=error)
    return jsonify({"error": {"code": "internal", "message": "something went wrong on our side; it was logged"}}), 500
