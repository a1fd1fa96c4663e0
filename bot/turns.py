"""The path of one message, from a channel's hands to a reply in the log.

    accept   a durable, idempotent insert; the sender is acknowledged now
    answer   one turn at a time per conversation:
             understand → search → decide → act → one transaction for replies, record, deliveries and state

A turn that a crash interrupts leaves its message unanswered; whoever looks next (`Conversations.unanswered`) answers
it. The lease's token and the conversation's `answered_seq`, both checked in the writing transaction, make that once.
"""

from __future__ import annotations

import time
import unicodedata
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce

import structlog

from bot.acts import Act, act, hold_back
from bot.dialogue import before
from bot.dialogue.client import DialogueEngine, DialogueTurn
from bot.errors import BadInput, Conflict, DialogueUnavailable, LeaseLost, TooLarge
from bot.handoff.queue import HandOff
from bot.llm.writer import Answered, Writer
from bot.messages import (
    ANONYMOUS,
    MAX_TEXT,
    Decision,
    DialogueState,
    IncomingMessage,
    Message,
    Turn,
    Understanding,
)
from bot.releases.release import Release
from bot.routing.record import gate_hash, signals_to_json
from bot.routing.router import SWITCHES_FLOW, decide
from bot.routing.signals import Look, Signals
from bot.store.conversations import Conversation, Conversations, Outcome, Receipt
from bot.store.documents import Library
from bot.store.leases import Lease
from bot.writing import ask_model
from retrieval.audiences import Audience, narrower
from retrieval.documents import Abstention, Answer

log = structlog.get_logger()

LEASE_S = 30.0
MODEL_S = 22.0
"""What asking the large model may take with all that goes with it."""
STALE_TRIES = 10
"""How often a turn is made anew because what it quotes was changed meanwhile; while a document is changed again and
again, three were not always enough."""
WAIT_S = 20.0
TURN_FAILED = "turn-failed"


@dataclass(frozen=True, slots=True)
class Situation:
    """All that a turn knows before it decides."""

    conversation: Conversation
    message: Message
    release: Release
    look: Look


class Turns:
    """Wires the steps together; everything it needs is passed in, so a test passes its own parts."""

    def __init__(
        self,
        conversations: Conversations,
        library: Library,
        release: Callable[[], Release],
        dialogue: DialogueEngine,
        handoff: HandOff,
        clock: Callable[[], datetime],
        *,
        wake: Callable[[], None] = lambda: None,
        writer: Writer | None = None,
    ) -> None:
        """`writer` asks the large model; None where there is none."""
        self._conversations = conversations
        self._library = library
        self._release = release
        self._dialogue = dialogue
        self._handoff = handoff
        self._clock = clock
        self._wake = wake
        self._writer = writer
        self._holder = uuid.uuid4().hex

    def accept(self, message: IncomingMessage) -> Receipt:
        """Check the text and store the message; it is durable when this returns.

        `BadInput` for a text without a visible character where no file comes with it, for lone surrogates, and for
        control characters in what names the conversation; `TooLarge` above `MAX_TEXT`.
        """
        _require_plain(message)
        wordless = message.attachments and not message.text.strip()
        text = "" if wordless else checked_text(message.text)
        receipt = self._conversations.accept(replace(message, text=text))
        self._wake()
        return receipt

    def answer(self, id: str) -> tuple[Message, ...]:
        """Answer what is unanswered in this conversation, the oldest first, and return what was said.

        Returns nothing while another process answers it. A message that arrives between the last look and the
        release of the lease is seen by the look after it.
        """
        said: tuple[Message, ...] = ()
        while self._conversations.next_question(id) is not None:
            lease = self._conversations.lease(id, self._holder, LEASE_S)
            if lease is None:
                return said
            try:
                while (message := self._conversations.next_question(id)) is not None:
                    said += self._turn(lease, id, message)
                    self._wake()
            except LeaseLost:
                return said
            finally:
                self._conversations.release(lease)
        return said

    def wait(self, receipt: Receipt, timeout_s: float = WAIT_S) -> tuple[Message, ...]:
        """Answer, or wait for the process that does; returns the replies to the message, possibly none."""
        deadline = time.monotonic() + timeout_s
        self.answer(receipt.conversation)
        while self._conversations.get(receipt.conversation).answered_seq < receipt.seq:
            if time.monotonic() > deadline:
                return ()
            time.sleep(0.05)
            self.answer(receipt.conversation)
        return self._conversations.said(receipt.conversation, receipt.seq)

    def _turn(self, lease: Lease, id: str, message: Message) -> tuple[Message, ...]:
        release, started = self._release(), time.perf_counter()
        for _ in range(STALE_TRIES):
            conversation = self._conversations.get(id)
            try:
                outcome = self._decide_and_act(self._look(conversation, message, release), started)
                return self._conversations.commit_turn(lease, id, outcome)
            except LeaseLost:
                raise
            except Exception as error:
                if not (isinstance(error, Conflict) and error.code == "stale"):
                    log.error(
                        "turn_failed", conversation=id, seq=message.seq, error=type(error).__name__, exc_info=True
                    )
                    break
                release = self._release()
        return self._conversations.commit_turn(lease, id, self._give_up(id, message, release, started))

    def _look(self, conversation: Conversation, message: Message, release: Release) -> Situation:
        if not message.text:
            wordless = Look(Understanding("", 0.0), (), Abstention("there is a file, and not a word"))
            return Situation(conversation, message, release, wordless)
        look = release.look(
            message.text,
            today=self._clock().date(),
            payload=message.payload,
            history=self._history(conversation, message),
            audience=audience_of(conversation),
            is_current=self._library.current_check(),
        )
        return Situation(conversation, message, release, look)

    def _history(self, conversation: Conversation, message: Message) -> str:
        """What was asked before, where the message goes on from it."""
        if not before.goes_on(message, conversation.dialogue):
            return ""
        first = max(message.seq - 1 - before.LOOKED_AT, 0)
        log = self._conversations.log(conversation.id, after=first, limit=before.LOOKED_AT, notes=True)
        return before.history(log, message)

    def _decide_and_act(self, situation: Situation, started: float) -> Outcome:
        conversation, release = situation.conversation, situation.release
        if conversation.owner == "agent":
            decision = Decision("human", f"{conversation.agent} holds the conversation", "held-by-agent")
            return self._outcome(situation, decision, hold_back(conversation), started)
        signals = replace(self._signals(situation), large_model_available=self._may_write(conversation, started))
        decision = decide(signals, release.policy, release.gate)
        answer, note = situation.look.answer, ""
        if decision.route == "large_model":
            answer, note = self._write(situation)
            if not isinstance(answer, Answer):
                signals, answer = replace(signals, large_model_available=False), situation.look.answer
                decision = decide(signals, release.policy, release.gate)
        dialogue: DialogueTurn | None = None
        if decision.route == "flow":
            try:
                dialogue = self._flow(situation, decision)
            except DialogueUnavailable as error:
                log.warning("dialogue_unavailable", error=str(error))
                signals = replace(signals, flows_available=False)
                decision = decide(signals, release.policy, release.gate)
        done = act(decision, signals, release.policy, answer, dialogue, self._handoff.waiting_line)
        outcome = self._outcome(situation, decision, done, started, signals)
        return replace(outcome, turn=replace(outcome.turn, large_model=note))

    def _may_write(self, conversation: Conversation, started: float) -> bool:
        """Whether there is a large model to ask, and time for its answer while the lease lasts."""
        in_time = time.perf_counter() - started + MODEL_S < LEASE_S
        return self._writer is not None and in_time and self._writer.available(conversation.id)

    def _write(self, situation: Situation) -> tuple[Answer | Abstention, str]:
        """What the large model may say, or nothing; and what asking it came to."""
        conversation, look = situation.conversation, situation.look
        if self._writer is None:
            return Abstention("there is no large model"), ""
        written = ask_model(
            self._writer,
            conversation,
            situation.message.text,
            look,
            situation.release.encoder.encode,
            self._library,
            audience=audience_of(conversation),
            today=self._clock().date(),
        )
        if isinstance(written, Answered):
            return Answer(written.text, written.citations, look.answer.confidence), written.note
        return Abstention(written.outcome), written.note

    def _flow(self, situation: Situation, decision: Decision) -> DialogueTurn:
        message = situation.message
        state = DialogueState() if decision.rule == SWITCHES_FLOW else situation.conversation.dialogue
        text = message.payload if message.payload is not None else message.text
        id = f"{message.conversation}:{message.seq}"
        return self._dialogue.handle(message.conversation, id, text, situation.look.understanding, state)

    def _signals(self, situation: Situation) -> Signals:
        conversation = situation.conversation
        return situation.look.signals(
            situation.message.text,
            dialogue=conversation.dialogue,
            flows_available=self._dialogue.available(),
            payload=situation.message.payload,
            attributes=conversation.attributes,
            clarified=conversation.clarified,
            failures=conversation.failures,
            waiting=conversation.owner == "waiting",
            in_hours=self._handoff.in_hours(),
            offered=conversation.offered,
            channel=conversation.channel,
            agents_present=len(self._handoff.present()),
            files=len(situation.message.attachments),
        )

    def _give_up(self, id: str, message: Message, release: Release, started: float) -> Outcome:
        """A hand-over that needs no model, so that a message which breaks one is still answered."""
        conversation = self._conversations.get(id)
        look = Look(Understanding("", 0.0), (), Abstention("the turn failed"))
        decision = Decision("human", "something went wrong on our side", TURN_FAILED)
        signals = look.signals(message.text, waiting=conversation.owner == "waiting")
        done = act(decision, signals, release.policy, look.answer, None, self._handoff.waiting_line)
        return self._outcome(Situation(conversation, message, release, look), decision, done, started)

    def _outcome(
        self, situation: Situation, decision: Decision, done: Act, started: float, signals: Signals | None = None
    ) -> Outcome:
        """`signals` is what the router decided on, None where it was not asked."""
        release = situation.release
        answer, drafted = situation.look.answer, self._draft(situation, decision)
        turn = Turn(
            message_seq=situation.message.seq,
            understanding=situation.look.understanding,
            decision=decision,
            release=release.id,
            found=tuple(hit.passage.id for hit in situation.look.hits),
            answer_confidence=answer.confidence,
            draft=drafted.text if drafted else "",
            draft_audience=_audience(drafted) if drafted else "public",
            took_ms=(time.perf_counter() - started) * 1000,
            signals=signals_to_json(signals) if signals is not None else {},
            policy=release.policy.hash if signals is not None else "",
            gate=gate_hash(release.gate) if signals is not None else "",
        )
        attributes = situation.conversation.attributes
        place = self._handoff.placement_of(turn, attributes) if done.hand_over else None
        return Outcome(
            turn, done.replies, done.dialogue, done.clarified, done.failures, done.hand_over, done.offered, place
        )

    def _draft(self, situation: Situation, decision: Decision) -> Answer | None:
        """What the bot would have said where it did not: of all that an agent may see, where a human has the word."""
        answer, release = situation.look.answer, situation.release
        if decision.route == "answer":
            return None
        if decision.route == "human" and decision.rule != TURN_FAILED and release.restricted:
            is_current = self._library.current_check()
            answer = release.answer_for("agents", situation.look, today=self._clock().date(), is_current=is_current)
        return answer if isinstance(answer, Answer) else None


def audience_of(conversation: Conversation) -> Audience:
    """On whose behalf a conversation's questions are searched: only the widget knows who is signed in
    (`channels.visitors`), and everybody else is the public."""
    signed_in = conversation.channel == "web" and not conversation.customer.startswith(ANONYMOUS)
    return "customers" if signed_in else "public"


def _audience(answer: Answer) -> Audience:
    """Whom an answer may be told: the narrowest audience of what it quotes."""
    return reduce(narrower, (citation.audience for citation in answer.citations), "public")


def checked_text(text: str) -> str:
    """The text as it is stored: stripped, without control characters; see `Turns.accept` for what is refused."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise BadInput("the message is not valid Unicode (a lone surrogate); send it as UTF-8") from error
    kept = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) != "Cc").strip()
    if all(c.isspace() or unicodedata.category(c) == "Cf" for c in kept):
        raise BadInput("the message is empty; send some text")
    if len(kept) > MAX_TEXT:
        raise TooLarge(f"the message has {len(kept):,} characters, at most {MAX_TEXT:,} are taken; send the main point")
    return kept


def _require_plain(message: IncomingMessage) -> None:
    """Keys and payloads are compared and stored as they come, and PostgreSQL takes no NUL."""
    for name in ("conversation", "customer", "external_id", "payload"):
        if any(unicodedata.category(c) in ("Cc", "Cs") for c in getattr(message, name) or ""):
            raise BadInput(f"the {name} holds a control character or a lone surrogate; send plain text")
