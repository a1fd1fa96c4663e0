"""Slack as a desk: every conversation that waits for a human is a thread of one channel, where agents claim it with a
button and answer in the thread. `slack_threads` shows the conversation there; this module takes what agents do.

Who acts is found by the e-mail address of their account at the desk; nobody else can claim or answer. All of it goes
through `HandOff`, as in the browser's desk, so the two agree. `note:` in front keeps a line from the customer.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.channels.slack_api import Place, SlackApi, field, plain
from bot.errors import BadInput, Conflict, DeliveryFailed, FirstlineError, NotFound, TooLarge
from bot.handoff.queue import HandOff
from bot.settings import Settings
from bot.store.log import Source
from bot.store.people import People, Person
from bot.store.roles import at_least
from bot.store.slack_threads import SlackThreads
from bot.turns import checked_text

CLAIM, HAND_BACK, CLOSE = "desk_claim", "desk_hand_back", "desk_close"
ACTIONS = frozenset({CLAIM, HAND_BACK, CLOSE})
SOURCE = "desk:"
"""How the ids of messages begin that agents wrote on Slack."""
ADDRESS_KEPT_S = 600.0
_NOTE = re.compile(r"(?is)\s*note:\s*(.*)")
_TAKEN = (None, "thread_broadcast")


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody of the workspace `team` wrote in a thread of the desk's channel."""

    team: str
    user: str
    place: Place
    text: str
    id: str


@dataclass(frozen=True, slots=True)
class Tapped:
    """A button of the desk: `action` on a conversation, as it stood with the fence `token`."""

    team: str
    user: str
    place: Place
    action: str
    conversation: str
    token: int


def parse(given: dict[str, Any], channel: str) -> Said | Tapped | None:
    """What an agent did in the desk's channel; None for what concerns nobody (bots, edits, talk beside the threads).
    `BadInput` for what Slack would not send."""
    if given.get("type") == "block_actions":
        return _tapped(given, channel)
    event = given["event"]
    if event.get("type") != "message" or event.get("subtype") not in _TAKEN or event.get("bot_id"):
        return None
    thread, ts = event.get("thread_ts"), field(event, "ts")
    if not event.get("user") or not thread or thread == ts:
        return None
    written = event.get("text") or ""
    if not isinstance(written, str):
        raise BadInput(f"the event's text must be a text, got {type(written).__name__}")
    team, place = field(given, "team_id"), Place(channel, field(event, "thread_ts"))
    return Said(team, field(event, "user"), place, plain(written), f"{team}/{channel}/{ts}")


def _tapped(given: dict[str, Any], channel: str) -> Tapped | None:
    try:
        action, posted = given["actions"][0], given["message"]
        team, user = field(given["team"], "id"), field(given["user"], "id")
        thread = field(posted, "thread_ts" if posted.get("thread_ts") else "ts")
        name, (conversation, _, token) = action["action_id"], str(action["value"]).partition(":")
        if name not in ACTIONS:
            return None
        return Tapped(team, user, Place(channel, thread), name, conversation, int(token))
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise BadInput(f"the interaction lacks {error}") from error


def is_for_desk(given: dict[str, Any], channel: str) -> bool:
    """Whether an event happened in the desk's channel."""
    inside = given.get("channel") if given.get("type") == "block_actions" else given.get("event")
    if not channel or not isinstance(inside, dict):
        return False
    return channel == (inside.get("id") if given.get("type") == "block_actions" else inside.get("channel"))


class SlackDesk:
    """Takes what agents do in the desk's channel. One a process: it remembers who is who for a while."""

    def __init__(
        self,
        settings: Settings,
        handoff: HandOff,
        people: People,
        threads: SlackThreads,
        *,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self.channel = settings.slack_desk_channel
        self._api = SlackApi(settings.slack_bot_token, settings.slack_api_url)
        self._handoff = handoff
        self._people = people
        self._threads = threads
        self._wake = wake
        self._addresses: dict[tuple[str, str], tuple[str, float]] = {}
        self._lock = threading.Lock()

    def take(self, given: dict[str, Any]) -> None:
        """Do what the event asks for; a refusal is told to whoever asked, where nobody else sees it.

        `DeliveryFailed` where Slack does not say who somebody is: its retry of the event asks again, and what was said
        once stays said once.
        """
        done = parse(given, self.channel)
        thread = self._threads.find(done.place.channel, done.place.thread) if isinstance(done, Said) else None
        if done is None or (isinstance(done, Said) and (thread is None or not done.text)):
            return
        try:
            person = self._person(done)
            if isinstance(done, Tapped):
                self._tapped(done, person)
            elif thread is not None:
                self._said(done, person, thread.conversation)
        except (BadInput, Conflict, NotFound, TooLarge) as error:
            self._tell(done, error)
        self._wake()

    def _said(self, said: Said, person: Person, conversation: str) -> None:
        source = Source("slack", SOURCE + said.id)
        if note := _NOTE.fullmatch(said.text):
            self._handoff.note(conversation, person.name, checked_text(note[1]), source=source)
        else:
            self._handoff.reply(conversation, person.name, checked_text(said.text), source=source)

    def _tapped(self, tapped: Tapped, person: Person) -> None:
        if tapped.action == CLAIM:
            self._handoff.take(tapped.conversation, person.name)
        elif tapped.action == HAND_BACK:
            self._handoff.hand_back(tapped.conversation, person.name, token=tapped.token)
        else:
            self._handoff.close(tapped.conversation, person.name, token=tapped.token)

    def _person(self, done: Said | Tapped) -> Person:
        """The account of a member of the workspace; `NotFound` says how one is made."""
        address = self._address(done.team, done.user)
        known = next((each for each in self._people.list() if address and each.email == address), None)
        if known is None:
            shown = address or "an address that Slack shows us (a member's, and the app needs users:read.email)"
            raise NotFound(f"only people of the desk answer customers; ask an admin to add {shown}")
        if not at_least(known.role, "agent"):
            raise NotFound(f"{known.name} may read the desk ({known.role}) but not answer; ask an admin")
        return known

    def _address(self, team: str, user: str) -> str:
        with self._lock:
            address, until = self._addresses.get((team, user), ("", 0.0))
        if until > time.monotonic():
            return address
        address = self._api.email_of(user, team)
        with self._lock:
            self._addresses[team, user] = (address, time.monotonic() + ADDRESS_KEPT_S)
        return address

    def _tell(self, done: Said | Tapped, error: FirstlineError) -> None:
        try:
            self._api.whisper(done.place, done.user, str(error))
        except DeliveryFailed:
            return
