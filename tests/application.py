"""The application on a temporary SQLite file with a keyword release and a scripted dialogue engine."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Flask

from bot.app import build_parts, create_app
from bot.channels.current import Parts
from bot.dialogue.client import DialogueEngine
from bot.handoff.hours import Hours
from bot.handoff.presence import Presence
from bot.handoff.queue import HandOff
from bot.settings import Settings
from bot.store.conversations import Conversations
from bot.store.database import Database
from bot.store.desk import DeskStore
from bot.store.documents import Library
from bot.store.outbox import Outbox
from bot.turns import Turns
from tests.keyword_release import ROOT, KeywordRelease, fill
from tests.scripted_dialogue import ScriptedDialogue

ALWAYS = Hours.parse("UTC", dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), "00:00-23:59"))
SUNDAYS_CLOSED = Hours.parse("UTC", dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat"), "08:00-20:00"))


@dataclass
class Application:
    """What a test needs of the running application; `release` and `hours` may be exchanged while it runs."""

    parts: Parts
    release: KeywordRelease
    dialogue: ScriptedDialogue
    hours: Hours
    database: Database
    app: Flask

    def rest(self, text: str, sender: str = "ada", **keys: Any) -> list[dict[str, Any]]:
        """Say something over REST and return the replies; anything but 200 fails the test."""
        answer = self.app.test_client().post("/webhooks/rest/webhook", json={"sender": sender, "message": text, **keys})
        assert answer.status_code == 200, answer.get_data(as_text=True)
        replies: list[dict[str, Any]] = answer.get_json()
        return replies

    def id(self, sender: str = "ada", channel: str = "rest") -> str:
        """The id of a sender's conversation."""
        found = self.parts.conversations.find(channel, sender)
        assert found is not None
        return found.id

    def settle(self) -> None:
        """Wait until everything that was given to the background is done."""
        ends = time.monotonic() + 20
        while left := self.parts.conversations.unanswered():
            assert time.monotonic() < ends, left
            for id in left:
                self.parts.turns.answer(id)
            time.sleep(0.01)

    def close(self) -> None:
        self.parts.background.shutdown()
        self.parts.wakeup.close()
        self.parts.live.close()
        self.parts.orders.close()
        self.database.close()


def build(
    home: Path,
    clock: Callable[[], datetime],
    *,
    dialogue: DialogueEngine | None = None,
    hours: Hours = ALWAYS,
    **settings: Any,
) -> Application:
    """The real wiring of `build_parts`, then the store on the test's clock, the release and the engine exchanged."""
    folder = home / "data"
    (folder / "shop").mkdir(parents=True)
    shutil.copyfile(ROOT / "data" / "policy.yml", folder / "policy.yml")
    (folder / "shop" / "orders.json").write_text(json.dumps([]))
    made = Settings(home=home, data=folder, **settings).with_secrets()
    wired = build_parts(made)
    database = Database.open(made.store_url)
    channels: Mapping[str, str] = {"slack": made.slack_bot_token, "webhook": made.webhook_url}
    conversations = Conversations(database, clock, delivered=[name for name, given in channels.items() if given])
    library = Library(database, clock)
    fill(library)
    engine = dialogue or ScriptedDialogue()
    made_here = Application(wired, KeywordRelease.of(library), engine, hours, database, Flask("later"))  # type: ignore[arg-type]
    handoff = HandOff(conversations, Presence(database, clock), lambda: made_here.hours, clock)
    turns = Turns(
        conversations,
        library,
        lambda: made_here.release,  # type: ignore[arg-type,return-value]
        engine,
        handoff,
        clock,
        wake=wired.wakeup.nudge,
    )
    made_here.parts = replace(
        wired,
        conversations=conversations,
        library=library,
        handoff=handoff,
        turns=turns,
        outbox=Outbox(database),
        clock=clock,
        desk=DeskStore.of(database, clock),
    )
    made_here.app = create_app(parts=made_here.parts)
    return made_here
