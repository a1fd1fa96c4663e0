"""The real application on a temporary SQLite file, with a small shop's documents and a release that is a table.

Everything that a page touches is real: store, hand-off, router, policy, turns, views. Only the models are replaced, by
the table below, so that what the bot answers is known without training one.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from flask import Flask

from bot.app import build_parts, create_app, opening_hours
from bot.channels.current import Parts
from bot.dialogue.client import DialogueTurn
from bot.errors import DialogueUnavailable
from bot.handoff.hours import Hours
from bot.handoff.presence import Presence
from bot.handoff.queue import HandOff
from bot.messages import NearestRow, Understanding
from bot.routing.gate import Gate
from bot.routing.policy import Policy, load_policy
from bot.routing.signals import Look
from bot.settings import Settings
from bot.store.database import Database
from bot.store.documents import Library
from bot.turns import Turns
from bot.understanding.payload import understand_payload
from retrieval.audiences import Audience
from retrieval.citations import cite
from retrieval.documents import Abstention, Answer, Document, Hit
from retrieval.passages import cut
from retrieval.sources.building import DocumentBuilder

ROOT = Path(__file__).parents[2]
ALWAYS = Hours.parse("UTC", dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), "00:00-23:59"))
NEVER = Hours.parse("UTC", {})
PASSWORD = "a kettle for the desk"

EXPRESS = "Express delivery costs £6.95 and comes the next working day if you order before 16:00, Monday to Friday."
STANDARD = "Standard delivery costs £3.95, is free from £45, and takes 2–4 working days."
PILLOW = "Pillows and mattress toppers cannot come back once the hygiene seal is open, unless they are faulty."


def delivery() -> Document:
    builder = DocumentBuilder()
    builder.heading(1, "Delivery: what it costs and how long it takes")
    builder.heading(2, "Standard")
    builder.paragraph(f"{STANDARD} We hand parcels to Parcelway, who mostly know where they are.")
    builder.heading(2, "Express")
    builder.paragraph(f"{EXPRESS} There is no Express to the Highlands and Islands.")
    builder.heading(2, "All services")
    builder.table(
        [
            ["Service", "Price", "Time"],
            ["Standard", "£3.95", "2–4 working days"],
            ["Express", "£6.95", "next working day"],
        ]
    )
    return builder.document("delivery")


def returns() -> Document:
    builder = DocumentBuilder()
    builder.heading(1, "Returns")
    builder.paragraph(f"You have 60 days. {PILLOW}")
    builder.items(["Open My account.", "Choose the order.", "Show the QR code at the shop."], first=1)
    return builder.document("returns")


ANSWERS = {"express": ("delivery", EXPRESS), "long": ("delivery", STANDARD), "pillow": ("returns", PILLOW)}
INTENTS = {"order": "order_status", "hello": "greet", "pillow": "ask_returns_policy", "human": "talk_to_human"}


class Shelf:
    """Answers what `ANSWERS` holds with a quote from the library's current version, and abstains otherwise."""

    id = "r-0000000000"
    restricted = False

    def __init__(self, library: Library, policy: Policy) -> None:
        self._library = library
        self.policy = policy
        self.gate = Gate()

    def look(
        self,
        text: str,
        *,
        today: date,
        payload: str | None = None,
        history: str = "",
        audience: Audience = "public",
        is_current: Callable[[str, int], bool] | None = None,
    ) -> Look:
        known = next((INTENTS[word] for word in INTENTS if word in text.lower()), "ask_delivery")
        ranking = (
            (known, 0.91),
            ("ask_delivery" if known != "ask_delivery" else "ask_product", 0.06),
            ("complaint", 0.02),
        )
        outside = 0.95 if "zzz" in text else 0.04
        asks, nearest = known == "talk_to_human", (NearestRow("is <b>this</b> a row?", known, 0.87),)
        understanding = Understanding(known, 0.91, ranking, outside, asks_for_human=asks, nearest=nearest)
        if payload is not None:
            understanding = understand_payload(payload, understanding)
        found = next((ANSWERS[word] for word in ANSWERS if word in text.lower()), None)
        if found is None:
            return Look(understanding, (), Abstention("nothing on the shelf answers this"))
        return self._quoted(understanding, *found)

    def _quoted(self, understanding: Understanding, id: str, quote: str) -> Look:
        document = self._library.get(id)
        start = document.text.index(quote)
        passage = next(each for each in cut(document) if each.start <= start < each.end)
        citation = cite(document, passage, start, start + len(quote))
        return Look(understanding, (Hit(passage, 1.0, 0.8, 9.0),), Answer(quote, (citation,), 0.93))


class NoFlows:
    """A dialogue engine that is never there."""

    def available(self) -> bool:
        return True

    def handle(self, *_: object) -> DialogueTurn:
        raise DialogueUnavailable("the tests run without a dialogue engine")


@dataclass(frozen=True, slots=True)
class Site:
    """The application, its parts, and what has to be closed after a test."""

    app: Flask
    parts: Parts
    presence: Database

    def add_person(self, name: str = "Maud Wren", role: str = "admin") -> str:
        """Make an account with `PASSWORD` and return its address."""
        address = f"{name.split()[0].lower()}@wrenfield.example"
        self.parts.people.add(address, name, role, PASSWORD)  # type: ignore[arg-type]
        return address

    def close(self) -> None:
        self.parts.wakeup.close()
        self.parts.live.close()
        self.parts.background.shutdown()
        self.presence.close()


def company(folder: Path) -> Path:
    """The demo company's policy, and two orders."""
    (folder / "shop").mkdir(parents=True)
    shutil.copyfile(ROOT / "data" / "policy.yml", folder / "policy.yml")
    (folder / "shop" / "orders.json").write_text(
        json.dumps([order("WF-200001", "Packing"), order("WF-200002", "Delivered")])
    )
    return folder


def order(number: str, state: str) -> dict[str, object]:
    item = {"name": "Ember kettle EK-200", "price": "£59"}
    email = f"ada{number[-1]}@example.org"
    return {
        "number": number,
        "email": email,
        "name": "Ada",
        "state": state,
        "placed_on": 3,
        "items": [item],
        "address": "1 Lane",
    }


def make_site(home: Path, *, hours: Hours | None = ALWAYS, **settings: object) -> Site:
    """The application with its state in `home`. Without `hours` those of its policy hold, as they are live."""
    made = Settings(home=home, data=company(home / "data"), **settings).with_secrets()  # type: ignore[arg-type]
    parts = build_parts(made)
    parts.library.put_all([delivery(), returns()], source="help centre")
    shelf = Shelf(parts.library, load_policy(made.data / "policy.yml"))
    database = Database.open(made.store_url)
    presence, plan = Presence(database, parts.clock), shelf.policy.service
    open_at = (lambda: hours) if hours is not None else opening_hours(made, parts.live)
    handoff = HandOff(parts.conversations, presence, open_at, parts.clock, plan=lambda: plan)
    turns = Turns(
        parts.conversations,
        parts.library,
        lambda: shelf,  # type: ignore[arg-type,return-value]
        NoFlows(),
        handoff,
        parts.clock,
        wake=parts.wakeup.nudge,
    )
    parts = replace(parts, handoff=handoff, turns=turns)
    return Site(create_app(parts=parts), parts, database)
