"""What became of answers, as labelled rows for the gate: thumbs, customers who wanted a human right after an answer or
came back to a closed conversation, drafts that agents sent, and FAQ rows that were made of their replies.

An outcome says of one quote that it was right or wrong for one question, and of nothing else, so it holds only while
the quoted versions are in use, and a wrong one only where the release in hand would still quote the same. Feedback of
customers is a biased sample (T. Joachims, "Optimizing search engines using clickthrough data", 2002): it may weigh in
the gate, never in what the gate is measured on.

The texts are customers'. They are read for a training, stand in no log and no release, and go with their conversation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Literal, get_args

from bot.errors import NotFound
from bot.handoff import lines
from bot.messages import Message, Turn
from bot.releases.publish import Workshop
from bot.releases.release import Release
from bot.routing.evaluation import UNANSWERABLE, Scenario, Seen, look_at, read_scenarios
from bot.routing.policy import load_policy
from bot.routing.router import HUMAN_PAYLOAD
from bot.store.documents import Library
from bot.store.log import Log
from bot.store.stories import Story, stories_since
from bot.store.suggestions import Suggestions
from retrieval.documents import Answer, Citation, Document
from retrieval.followups import leaning
from retrieval.judging import holds

Kind = Literal["corrected", "sent", "disliked", "liked", "reopened", "asked"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""How much each tells, the most first: an agent's reply became a FAQ row; an agent sent the bot's draft; thumbs; the
customer came back to a closed conversation, or asked for a human, right after an answer."""
RIGHT: frozenset[Kind] = frozenset({"corrected", "sent", "liked"})
RIGHT_AFTER, COMES_BACK = timedelta(minutes=10), timedelta(days=7)
"""How soon asking for a human, and coming back, is about the answer before."""
WRONG_RULES = frozenset({"asks-for-human", "concern:human", "concern:wrong_information"})
AT_MOST = 3
"""Outcomes for each row of the labelled files."""
LOOKED_AT = 20
"""Messages before an agent's reply among which its question is looked for."""
REPLIES = "faq-from-replies"
"""The document of FAQ rows that were made of agents' replies."""

Shelf = Callable[[str], Document | None]
"""The version in use of a document that is for everybody, None where there is none."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one question: of message `seq` of a conversation. `quote` is what was judged, `cited` the
    (document, version) that it stands in."""

    conversation: str
    seq: int
    kind: Kind
    at: datetime
    text: str = field(repr=False)
    quote: str = field(repr=False)
    cited: tuple[tuple[str, int], ...]

    @property
    def right(self) -> bool:
        return self.kind in RIGHT

    def scenario(self) -> Scenario:
        """The outcome as a labelled row."""
        id, documents = f"{self.conversation}:{self.seq}", tuple(dict.fromkeys(each for each, _ in self.cited))
        if self.right:
            return Scenario(id, self.text, "answer", documents=documents, quote=self.quote)
        return Scenario(id, self.text, "human", why=UNANSWERABLE)


def learned(shop: Workshop, labelled: Sequence[Scenario]) -> tuple[Outcome, ...]:
    """What a training may learn beside the labelled rows, as the company's policy has it; nothing where it says no."""
    wanted = load_policy(shop.settings.data / "policy.yml").learning
    if not wanted.from_outcomes:
        return ()
    since = shop.library.clock() - timedelta(days=wanted.days)
    measured = read_scenarios(shop.test) if shop.test.exists() else ()
    return chosen(outcomes_since(shop.library, since), labelled, measured)


def outcomes_since(library: Library, since: datetime) -> tuple[Outcome, ...]:
    """Everything that can be learned from `since` (aware) on, of quotes for everybody whose versions are in use."""
    versions, document = library.versions(), shelf(library)
    found = list(corrected(library, document, since))
    for story in stories_since(library.database, since):
        found += [each for each in (*answered(story), *sent(story, document)) if each.at >= since]
    return tuple(each for each in found if all(versions.get(id) == version for id, version in each.cited))


def shelf(library: Library) -> Shelf:
    """The library as far as everybody may see it."""
    versions = library.versions()

    @lru_cache(maxsize=200)
    def document(id: str) -> Document | None:
        with suppress(NotFound):
            return library.get(id, versions[id], viewer="public") if versions.get(id) else None
        return None

    return document


def answered(story: Story) -> Iterator[Outcome]:
    """What became of the answers of a conversation, as far as anything did. Pure."""
    by_seq = {message.seq: message for message in story.log}
    for message in story.log:
        turn = message.turn
        if turn is None or turn.decision.route != "answer" or not _stands_alone(story, message):
            continue
        replies = [by_seq[seq] for seq in story.said.get(message.seq, ()) if seq in by_seq]
        reply = next((each for each in replies if each.citations), None)
        if reply is None or any(each.audience != "public" for each in reply.citations):
            continue
        if kind := _became(story, turn, reply):
            yield _outcome(story, message, kind, reply.citations)


def _became(story: Story, turn: Turn, reply: Message) -> Kind | None:
    if reply.rating:
        return "liked" if reply.rating == "up" else "disliked"
    if turn.signals.get("waiting"):
        return None  # a human was on the way already
    joined = closed = False
    for message in story.log:
        if message.seq <= reply.seq or message.kind == "note" or message.participant == "bot":
            continue
        if message.participant == "agent":
            return None
        if message.participant == "system":
            # while the bot holds a conversation only its customer's wish for a human moves it without an agent's name
            if not (joined := joined or bool(message.author)):
                return "asked" if message.at - reply.at <= RIGHT_AFTER else None
            closed = closed or message.text == lines.closed()
            continue
        if closed:
            return "reopened" if message.at - reply.at <= COMES_BACK else None
        return "asked" if _wants_human(message) and message.at - reply.at <= RIGHT_AFTER else None
    return None


def _wants_human(message: Message) -> bool:
    turn = message.turn
    return message.payload == HUMAN_PAYLOAD or (turn is not None and turn.decision.rule in WRONG_RULES)


def sent(story: Story, document: Shelf) -> Iterator[Outcome]:
    """Drafts of the bot that an agent sent as the next reply, where all of it stands in one document that was found."""
    for message in story.log:
        turn = message.turn
        if turn is None or not turn.draft or turn.draft_audience != "public" or not _stands_alone(story, message):
            continue
        later = (each for each in story.log if each.seq > message.seq and each.kind == "text")
        reply = next((each for each in later if each.participant in ("agent", "customer")), None)
        if reply is None or reply.participant != "agent" or _spaced(turn.draft) not in _spaced(reply.text):
            continue
        for id, version in dict.fromkeys(_place(each) for each in turn.found):
            found = document(id)
            if found is not None and found.version == version and _spaced(turn.draft) in _spaced(found.text):
                yield Outcome(
                    story.conversation, message.seq, "sent", message.at, message.text, turn.draft, ((id, version),)
                )
                break


def corrected(library: Library, document: Shelf, since: datetime) -> Iterator[Outcome]:
    """FAQ rows that were made of agents' replies and approved from `since` on: what is right for what the customer had
    asked, as long as the FAQ says it."""
    source = document(REPLIES)
    log = Log(library.database, library.clock)
    for each in Suggestions(library.database, library.clock).listing("approved", limit=100_000) if source else ():
        if source is None or each.decided_at is None or each.decided_at < since or each.conversation is None:
            continue
        if _spaced(each.row.answer) not in _spaced(source.text):
            continue
        before = log.log(each.conversation, after=max(each.seq - 1 - LOOKED_AT, 0), limit=LOOKED_AT)
        asked = [one for one in before if one.seq < each.seq and _asks(one, each.row.question)]
        if asked:
            cited = ((source.id, source.version),)
            yield Outcome(
                each.conversation, asked[-1].seq, "corrected", each.decided_at, asked[-1].text, each.row.answer, cited
            )


def chosen(
    outcomes: Iterable[Outcome], labelled: Sequence[Scenario], measured: Sequence[Scenario] = ()
) -> tuple[Outcome, ...]:
    """One outcome for a text, the one that tells most and of those the newest; none for a text that is labelled, or
    that releases are measured on; and at most `AT_MOST` for each labelled row, the newest."""
    taken = {_key(each.text) for each in (*labelled, *measured)}
    kept = []
    for each in sorted(outcomes, key=lambda each: (KINDS.index(each.kind), -each.at.timestamp())):
        if (key := _key(each.text)) not in taken:
            taken.add(key)
            kept.append(each)
    return tuple(sorted(kept, key=lambda each: each.at, reverse=True)[: AT_MOST * len(labelled)])


def seen_by(release: Release, outcomes: Sequence[Outcome], today: date) -> tuple[Seen, ...]:
    """The outcomes as a release sees them: the right ones, and the wrong ones for which it would quote the same."""
    seen = look_at([each.scenario() for each in outcomes], lambda text: release.look(text, today=today))
    return tuple(one for one, each in zip(seen, outcomes, strict=True) if each.right or _says(one, each.quote))


def counts(outcomes: Sequence[Outcome], weighed: Sequence[Seen]) -> dict[str, int]:
    """What stands in a release's report: how many there were of each kind, and how many of all weighed."""
    return {**Counter(each.kind for each in outcomes), "weighed": len(weighed)}


def _outcome(story: Story, message: Message, kind: Kind, citations: Sequence[Citation]) -> Outcome:
    quote = "\n".join(each.quote for each in citations)
    cited = tuple((each.document, each.version) for each in citations)
    return Outcome(story.conversation, message.seq, kind, message.at, message.text, quote, cited)


def _stands_alone(story: Story, message: Message) -> bool:
    """Whether a message means by itself what it was read as: written, not tapped, and no follow-up."""
    first = next((each.seq for each in story.log if each.participant == "customer"), message.seq)
    return message.payload is None and bool(message.text) and (message.seq == first or leaning(message.text) == 0)


def _asks(message: Message, question: str) -> bool:
    """Whether a message is where a FAQ row's question comes from."""
    is_customers = message.participant == "customer" and message.payload is None and leaning(message.text) == 0
    return (
        bool(message.text.strip()) and is_customers and (holds(message.text, question) or holds(question, message.text))
    )


def _says(seen: Seen, quote: str) -> bool:
    answer = seen.look.answer
    return isinstance(answer, Answer) and holds(answer.text, quote)


def _place(passage: str) -> tuple[str, int]:
    """(document, version) of a passage's id."""
    id, _, rest = passage.rpartition("@")
    version = rest.partition(":")[0]
    return id, int(version) if version.isdecimal() else 0


def _spaced(text: str) -> str:
    return " ".join(text.split())


def _key(text: str) -> str:
    return _spaced(text).casefold()
