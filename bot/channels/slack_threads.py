"""Conversations at the desk as threads on Slack: a first message that shows how a conversation stands, with its
buttons, and below it what is said. Run by the worker; what was posted is noted, so a crash repeats nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from bot.attachments.names import described
from bot.channels.slack_api import Blocks, Place, SlackApi, buttons, context, escape, section, sections
from bot.channels.slack_desk import CLAIM, CLOSE, HAND_BACK, SOURCE
from bot.errors import DeliveryFailed, NotFound
from bot.handoff.plan import PRIORITIES
from bot.handoff.queue import HandOff
from bot.messages import Message
from bot.settings import Settings
from bot.store.conversations import Conversation, Conversations
from bot.store.slack_threads import SlackThreads, Thread
from bot.turns import audience_of
from retrieval.audiences import may_see

log = structlog.get_logger()

LEASE_S = 30.0
LEASE = "slack-desk"
REST_S = 10.0
LAST_SAID = 12
"""Most messages that were said before, or meanwhile, and are shown at once."""
MOST_BLOCKS = 50
"""What Slack takes in a message."""
_CLOCKS = {"soon": ":hourglass: answer soon", "late": ":rotating_light: late"}


class Mirror:
    """Brings the threads up to date, in one process at a time."""

    def __init__(
        self,
        settings: Settings,
        conversations: Conversations,
        handoff: HandOff,
        threads: SlackThreads,
        clock: Callable[[], datetime],
    ) -> None:
        self._channel = settings.slack_desk_channel
        self._api = SlackApi(settings.slack_bot_token, settings.slack_api_url)
        self._desk = f"{settings.public_url or f'http://127.0.0.1:{settings.port}'}/desk/conversations/"
        self._conversations = conversations
        self._handoff = handoff
        self._threads = threads
        self._clock = clock
        self._rests_until: datetime | None = None

    def update(self, holder: str) -> int:
        """Show what is not shown yet; returns how many conversations were. Nothing while another process does it, or
        while Slack wants to be left alone."""
        if self._rests_until is not None and self._clock() < self._rests_until:
            return 0
        lease = self._conversations.lease(LEASE, holder, LEASE_S)
        if lease is None:
            return 0
        try:
            urgent = [each.id for each in self._handoff.waiting() if self._clock_line(each)]
            behind = dict.fromkeys((*self._threads.behind(self._channel), *urgent))
            for id in behind:
                self._show(id)
            return len(behind)
        except DeliveryFailed as error:
            log.warning("slack_desk_behind", error=str(error))
            self._rests_until = self._clock() + timedelta(seconds=error.retry_after_s or REST_S)
            return 0
        finally:
            self._conversations.release(lease)

    def _show(self, id: str) -> None:
        try:
            self._bring_up(self._conversations.get(id))
        except NotFound:  # erased meanwhile
            return

    def _bring_up(self, conversation: Conversation) -> None:
        thread = self._threads.of(conversation.id)
        if thread is None or thread.channel != self._channel:
            before = max(conversation.last_seq - LAST_SAID, 0)
            thread = self._open(self._threads.begin(conversation.id, self._channel, before), conversation)
        elif not thread.ts:
            thread = self._open(thread, conversation, doubtful=True)
        if thread.telling_seq > thread.told_seq:  # cut short by a crash
            thread = self._tell(thread, conversation, thread.telling_seq, doubtful=True)
        if conversation.last_seq > thread.told_seq:
            thread = self._tell(thread, conversation, conversation.last_seq)
        self._restate(thread, self._conversations.get(conversation.id))

    def _open(self, thread: Thread, conversation: Conversation, *, doubtful: bool = False) -> Thread:
        shown = self._standing(conversation)
        since = thread.began_at if doubtful else None
        ts = self._post(thread, _headline(conversation), shown, "desk", since)
        return self._threads.opened(thread, ts, "" if doubtful else _hash(shown))

    def _tell(self, thread: Thread, conversation: Conversation, until: int, *, doubtful: bool = False) -> Thread:
        """Post what was said up to message `until` and not written there, the last of it if it is much."""
        after = max(thread.told_seq, until - LAST_SAID)
        log = self._conversations.log(conversation.id, after=after, limit=until - after, notes=True)
        news = tuple(message for message in log if not message.external_id.startswith(SOURCE))
        if news:
            self._threads.telling(thread, until)
            built = [block for message in news for block in _lines(message)]
            text = f"{_speaker(news[-1])}: {_said(news[-1])}"
            built = [*built[: MOST_BLOCKS - 1], *self._draft(conversation, news[-1])]
            self._post(thread, text, built, f"{until}:desk", news[0].at if doubtful else None)
        return self._threads.told(thread, until)

    def _post(self, thread: Thread, text: str, built: Blocks, name: str, doubtful_since: datetime | None) -> str:
        return self._api.post(
            Place(thread.channel, thread.ts),
            text,
            built,
            f"{thread.conversation}:{name}",
            kind="firstline_desk",
            doubtful_since=doubtful_since.timestamp() if doubtful_since else None,
        )

    def _restate(self, thread: Thread, conversation: Conversation) -> None:
        """Let the first message show how the conversation stands now, and the buttons that go with it."""
        shown = self._standing(conversation)
        now = _hash(shown)
        if now != thread.shown:
            self._api.update(Place(thread.channel), thread.ts, _headline(conversation), shown)
        if (now, conversation.fence) != (thread.shown, thread.fence):
            self._threads.showing(thread, now, conversation.fence)

    def _standing(self, conversation: Conversation) -> Blocks:
        facts = [f"<{self._desk}{conversation.id}|open in the desk>", f"by {escape(conversation.channel)}"]
        facts += [_priority(conversation)] if conversation.owner == "waiting" else []
        facts += [f"team {escape(conversation.team)}"] if conversation.team else []
        facts += [line] if (line := self._clock_line(conversation)) else []
        built = [section(_standing_line(conversation)), context(" · ".join(facts))]
        value = f"{conversation.id}:{conversation.fence}"
        if conversation.owner == "agent":
            built.append(buttons([(HAND_BACK, "Hand back to the bot", value), (CLOSE, "Close", value)]))
        else:
            built.append(buttons([(CLAIM, "Claim", value)]))
        return built

    def _clock_line(self, conversation: Conversation) -> str:
        return _CLOCKS.get(self._handoff.clock_state(conversation), "")

    def _draft(self, conversation: Conversation, message: Message) -> Blocks:
        """What the bot would have answered to this message, where the customer may be told it."""
        turn = message.turn
        if turn is None or not turn.draft or not may_see(audience_of(conversation), turn.draft_audience):
            return []
        return [context(f":bulb: *The bot would have said:* {escape(turn.draft)}")]


def _headline(conversation: Conversation) -> str:
    return f"{conversation.customer} waits: {conversation.reason or 'asked for a human'}"


def _standing_line(conversation: Conversation) -> str:
    customer = escape(conversation.email or conversation.customer)
    stands = {
        "waiting": f":large_yellow_circle: *{customer}* waits: {escape(conversation.reason)}",
        "agent": f":large_green_circle: *{customer}* is with *{escape(conversation.agent)}*",
        "bot": f":robot_face: *{customer}* is with the bot again",
        "closed": f":white_check_mark: *{customer}*: closed",
    }
    return stands[conversation.owner]


def _priority(conversation: Conversation) -> str:
    return f"priority {PRIORITIES[min(conversation.priority, len(PRIORITIES) - 1)]}"


def _lines(message: Message) -> Blocks:
    if message.kind == "event":
        return [context(f"_{escape(message.text)}_")]
    if message.kind == "note":
        return [context(f":memo: note by {escape(message.author)}: {escape(message.text)}")]
    first, *rest = sections(f"{_speaker(message)}: {_said(message)}")
    return [first, *rest]


def _said(message: Message) -> str:
    """The text, and what files came with it; the files themselves are in the desk."""
    return "\n".join([message.text, *(f"[file: {described(each)}]" for each in message.attachments)]).strip()


def _speaker(message: Message) -> str:
    names = {"customer": "Customer", "bot": "Assistant", "system": ""}
    return names.get(message.participant) or message.author or "Firstline"


def _hash(blocks: Blocks) -> str:
    return hashlib.sha256(json.dumps(blocks, sort_keys=True).encode()).hexdigest()
