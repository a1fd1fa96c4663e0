"""What the desk keeps around conversations, on both databases: canned replies, suggestions, scores, tokens, mentions,
pages, mailings, and the search."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.errors import BadInput, Conflict, NotFound, Unverified
from bot.messages import IncomingMessage
from bot.store.api_tokens import PREFIX, USED_EVERY
from bot.store.audit import Actor
from bot.store.canned import fill
from bot.store.conversations import Conversations
from bot.store.database import Database
from bot.store.desk import DeskStore
from bot.store.mailings import MOST, WITHIN
from bot.store.mentions import mentioned
from bot.store.pages import address
from bot.store.people import People, Person
from bot.store.satisfaction import SPAN
from bot.store.search import Filters, snippet
from bot.store.suggestions import Draft
from bot.store.tables import api_tokens, audit
from tests.conftest import Clock

MAUD = Actor("Maud", 1)
ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
"""For what depends on our code alone, and not on the database."""


@pytest.fixture
def desk(database: Database, clock: Clock) -> DeskStore:
    return DeskStore.of(database, clock)


def customer(conversations: Conversations, text: str, *, name: str = "ada", channel: str = "web", **known: str) -> str:
    """A message of a customer; the id of its conversation."""
    attributes = tuple(known.items())
    message = IncomingMessage(channel, f"key-{name}", name, f"{name}:{text}", text, attributes=attributes)
    return conversations.accept(message).conversation


def closed_by(conversations: Conversations, desk: DeskStore, id: str, agent: str) -> None:
    conversations.transition(id, ("bot", "waiting", "agent"), "closed")
    desk.satisfaction.ask(id, agent)


def told(desk: DeskStore) -> list[tuple[str, str]]:
    return [(row.what, row.subject) for row in desk.audit.listing()[::-1]]


# Canned replies


@pytest.mark.parametrize(
    ("text", "filled", "missing"),
    [
        ("Hello {customer}", "Hello Ada", ()),
        ("{order_number} and {order_number}", "{order_number} and {order_number}", ("order_number",)),
        ("{agent}, {company}, {Customer} {{customer}}", "Maud, {company}, {Customer} {Ada}", ("company",)),
        ("no braces { customer }", "no braces { customer }", ()),
        ("", "", ()),
    ],
)
def test_variables_are_filled_in_and_missing_ones_named(text: str, filled: str, missing: tuple[str, ...]) -> None:
    done = fill(text, {"customer": "Ada", "agent": "Maud", "order_number": ""})
    assert (done.text, done.missing) == (filled, missing)


def test_a_value_is_never_read_as_a_variable() -> None:
    assert fill("{customer}", {"customer": "{order_number}", "order_number": "1"}).text == "{order_number}"


def test_the_file_is_taken_in_once(desk: DeskStore) -> None:
    desk.canned.seed([("Hi", "Hello"), ("Hi", "Hello again"), ("Bye", "Bye")])
    assert [(each.title, each.text) for each in desk.canned.listing()] == [("Bye", "Bye"), ("Hi", "Hello again")]
    for each in desk.canned.listing():
        desk.canned.remove(each.id, by=MAUD)
    desk.canned.seed([("Hi", "Hello")])
    assert desk.canned.listing() == ()


def test_canned_replies_are_kept_changed_and_removed(desk: DeskStore) -> None:
    one = desk.canned.save(" Greeting ", "Hello {customer},\r\nit is {agent}.", by=MAUD)
    assert (one.title, one.text) == ("Greeting", "Hello {customer},\nit is {agent}.")
    desk.canned.save("Other", "x", by=MAUD)
    changed = desk.canned.save("Greeting", "Hi", by=MAUD, id=one.id)
    assert changed.id == one.id
    with pytest.raises(Conflict, match="there is a canned reply 'Other' already"):
        desk.canned.save("Other", "y", by=MAUD, id=one.id)
    desk.canned.remove(one.id, by=MAUD)
    for act in (lambda: desk.canned.remove(one.id, by=MAUD), lambda: desk.canned.save("G", "t", by=MAUD, id=one.id)):
        with pytest.raises(NotFound):
            act()
    assert [what for what, _ in told(desk)] == ["canned_added", "canned_added", "canned_changed", "canned_removed"]
    assert "Hello" not in str(desk.audit.listing())


@ON_SQLITE
@pytest.mark.parametrize(
    ("title", "text", "said"),
    [
        ("", "x", "a title of 1 to 80"),
        ("t" * 81, "x", "a title of 1 to 80"),
        ("t", "  ", "1 to 4,000 characters, this one has 0"),
        ("t", "x" * 4_001, "this one has 4,001"),
        (
            "t",
            "Dear {nmae}",
            r"\{nmae\} is no variable; there are \{customer\}, \{agent\}, \{order_number\}, \{company\}",
        ),
        ("t", "{a} {customer} {b}", r"\{a\}, \{b\} are no variables"),
    ],
)
def test_a_bad_canned_reply_is_refused_with_what_is_known(desk: DeskStore, title: str, text: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        desk.canned.save(title, text, by=MAUD)
    assert desk.canned.listing() == ()
    assert told(desk) == []


# Suggestions


def test_a_suggestion_is_decided_once(desk: DeskStore, conversations: Conversations) -> None:
    id = customer(conversations, "May dogs come in?")
    row = Draft("May dogs come in?", "Yes.", personal=("phone number",))
    made = desk.suggestions.add(id, 2, row, by=Actor("Edie", 2))
    assert desk.suggestions.listing("waiting") == (made,)
    decided = desk.suggestions.decide(made.id, "approved", by=MAUD, row=Draft("May dogs come in?", "Of course."))
    assert (decided.state, decided.decided_by, decided.row.answer) == ("approved", "Maud", "Of course.")
    with pytest.raises(Conflict, match="was approved by Maud already"):
        desk.suggestions.decide(made.id, "refused", by=MAUD)
    with pytest.raises(NotFound):
        desk.suggestions.get(made.id + 1)
    assert desk.suggestions.listing("waiting") == ()
    last = desk.audit.listing()[0]
    assert (last.what, last.after) == ("faq_approved", {"audience": "public", "edited": True})
    assert "dogs" not in str(desk.audit.listing())


# Satisfaction


def test_a_customer_is_asked_once_after_an_agent_closed(desk: DeskStore, conversations: Conversations) -> None:
    id = customer(conversations, "Help")
    assert not desk.satisfaction.due(id)
    with pytest.raises(NotFound):
        desk.satisfaction.answer(id, 5)
    closed_by(conversations, desk, id, "Maud")
    assert desk.satisfaction.due(id)
    desk.satisfaction.answer(id, 4, " Kind, and quick. ")
    found = desk.satisfaction.of(id)
    assert found is not None
    assert (found.score, found.comment, found.agent) == (4, "Kind, and quick.", "Maud")
    with pytest.raises(Conflict, match="answered already"):
        desk.satisfaction.answer(id, 1)
    customer(conversations, "Once more")
    closed_by(conversations, desk, id, "Edie")
    assert not desk.satisfaction.due(id)


def test_who_writes_on_or_would_rather_not_is_not_asked_again(desk: DeskStore, conversations: Conversations) -> None:
    ignored, declined = (customer(conversations, "Help", name=name) for name in ("ada", "ben"))
    for id in (ignored, declined):
        closed_by(conversations, desk, id, "Maud")
    customer(conversations, "One more thing", name="ada")
    assert not desk.satisfaction.due(ignored)
    closed_by(conversations, desk, ignored, "Maud")
    assert not desk.satisfaction.due(ignored)
    desk.satisfaction.answer(declined, None)
    assert not desk.satisfaction.due(declined)
    assert desk.satisfaction.average().count == 0


@ON_SQLITE
@pytest.mark.parametrize(("score", "comment"), [(0, ""), (6, ""), (-1, ""), (3, "x" * 1_001)])
def test_no_other_score_is_taken(desk: DeskStore, conversations: Conversations, score: int, comment: str) -> None:
    id = customer(conversations, "Help")
    closed_by(conversations, desk, id, "Maud")
    with pytest.raises(BadInput):
        desk.satisfaction.answer(id, score, comment)
    assert desk.satisfaction.due(id)


def test_the_average_is_that_of_the_last_month(desk: DeskStore, conversations: Conversations, clock: Clock) -> None:
    for name, score in (("old", 1), ("ada", 5), ("ben", 4)):
        id = customer(conversations, "Help", name=name)
        closed_by(conversations, desk, id, "Maud")
        desk.satisfaction.answer(id, score)
        if name == "old":
            clock.pass_(seconds=SPAN.total_seconds() + 1)
    average = desk.satisfaction.average()
    assert (average.mean, average.count) == (4.5, 2)


# Tokens


def test_a_token_is_shown_once_and_kept_as_a_hash(desk: DeskStore, database: Database, clock: Clock) -> None:
    token, secret = desk.tokens.issue(" Night  report ", "read", by=MAUD)
    assert (token.name, token.scope, token.used_at) == ("Night report", "read", None)
    assert secret.startswith(PREFIX)
    with database.read() as connection:
        stored = str(connection.execute(select(api_tokens)).all()) + str(connection.execute(select(audit)).all())
    assert secret not in stored
    assert secret.removeprefix(PREFIX) not in stored
    assert desk.tokens.by_secret(secret).id == token.id
    first = clock()
    clock.pass_(seconds=USED_EVERY.total_seconds() - 1)
    desk.tokens.by_secret(secret)
    assert desk.tokens.listing()[0].used_at == first
    clock.pass_(seconds=1)
    desk.tokens.by_secret(secret)
    assert desk.tokens.listing()[0].used_at == first + USED_EVERY


def test_a_revoked_token_and_a_made_up_one_are_nobodys(desk: DeskStore) -> None:
    token, secret = desk.tokens.issue("x", "write", by=MAUD)
    desk.tokens.revoke(token.id, by=MAUD)
    for given in (secret, secret[:-1], PREFIX, "", "\ud800", "x" * 10_000):
        with pytest.raises(Unverified):
            desk.tokens.by_secret(given)
    with pytest.raises(Conflict):
        desk.tokens.revoke(token.id, by=MAUD)
    with pytest.raises(NotFound):
        desk.tokens.revoke(token.id + 1, by=MAUD)
    assert told(desk) == [("token_issued", f"x (token {token.id})"), ("token_revoked", f"x (token {token.id})")]


@ON_SQLITE
@pytest.mark.parametrize(("name", "scope"), [("", "read"), ("n" * 81, "read"), ("a\x00b", "read"), ("n", "admin")])
def test_a_token_needs_a_name_and_a_scope(desk: DeskStore, name: str, scope: str) -> None:
    with pytest.raises(BadInput):
        desk.tokens.issue(name, scope, by=MAUD)


# Mentions

TEAM = [
    Person(number, f"p{number}@x.example", name, "agent")
    for number, name in enumerate(("Maud Wren", "Maud Wrenfield", "Edie O'Hara", "Zoë", "A.B"), start=1)
]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("@Maud Wren please look", {1}),
        ("@maud wrenfield please look", {2}),
        ("@Maud please look", set()),
        ("@Edie and @zoë, and @Edie O'Hara again", {3, 4}),
        ("write to edie@zoë.example", set()),
        ("@Zoëlle @AxB @A.B", {5}),
        ("nobody @ all", set()),
    ],
)
def test_who_a_note_names(text: str, named: set[int]) -> None:
    assert {each.id for each in mentioned(text, TEAM)} == named


def test_a_mention_is_seen_when_the_conversation_is(
    desk: DeskStore, conversations: Conversations, database: Database, clock: Clock
) -> None:
    maud, edie = (
        People(database, clock).add(f"{name}@x.example", name, "agent", "three kettles boil")
        for name in ("Maud", "Edie")
    )
    one, other = (customer(conversations, "Help", name=name) for name in ("ada", "ben"))
    desk.mentions.add(one, 2, [edie], by="Maud")
    clock.pass_(minutes=1)
    desk.mentions.add(other, 3, [edie, maud], by="Pip")
    assert [(each.conversation, each.seq, each.by) for each in desk.mentions.unseen(edie.id)] == [
        (other, 3, "Pip"),
        (one, 2, "Maud"),
    ]
    desk.mentions.seen(edie.id, other)
    assert [each.conversation for each in desk.mentions.unseen(edie.id)] == [one]
    assert [each.conversation for each in desk.mentions.unseen(maud.id)] == [other]


# Pages and mailings


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://shop.example/kettles?mail=ada@x.example#top", "https://shop.example/kettles"),
        ("https://ada:secret@shop.example:8443/a b", "https://shop.example:8443/a b"),
        ("http://[::1]:8000/", "http://[::1]:8000/"),
    ],
)
def test_an_address_is_kept_without_what_may_name_people(given: str, kept: str) -> None:
    assert address(given) == kept


@pytest.mark.parametrize(
    "given", ["javascript:alert(1)", "file:///etc/passwd", "", "https://", "http://[", "http://x:99999/"]
)
def test_anything_but_a_web_page_is_refused(given: str) -> None:
    with pytest.raises(BadInput):
        address(given)


def test_the_last_page_of_a_conversation_is_known(desk: DeskStore, conversations: Conversations) -> None:
    id = customer(conversations, "Help")
    assert desk.pages.of(id) is None
    desk.pages.saw(id, "https://shop.example/a", "A")
    desk.pages.saw(id, "https://shop.example/b?x=1", " The \x00 B\npage ")
    page = desk.pages.of(id)
    assert page is not None
    assert (page.url, page.title) == ("https://shop.example/b", "The B page")


def test_a_transcript_goes_out_a_few_times_an_hour(desk: DeskStore, conversations: Conversations, clock: Clock) -> None:
    id, other = (customer(conversations, "Help", name=name) for name in ("ada", "ben"))
    for _ in range(MOST):
        desk.mailings.reserve(id)
    with pytest.raises(Conflict, match="wait a little"):
        desk.mailings.reserve(id)
    desk.mailings.reserve(other)
    clock.pass_(seconds=WITHIN.total_seconds() + 1)
    desk.mailings.reserve(id)


# Search


def test_conversations_are_found_by_word_note_address_and_name(desk: DeskStore, conversations: Conversations) -> None:
    ada = customer(conversations, "My Ember KETTLE leaks badly", name="ada", name_="x")
    ben = customer(conversations, "Where is my parcel?", name="ben", channel="rest", email="ben@post.example")
    conversations.append(ben, "agent", "he bought a kettle too", kind="note", author="Maud")
    named = conversations.open("web", "key-cleo", "cleo", {"name": "Cléo Ångström"}).id
    conversations.leave_email(ada, "ada.k@post.example")

    def found(query: str, **filters: object) -> list[str]:
        return [each.conversation for each in desk.search.find(query, Filters(**filters))]  # type: ignore[arg-type]

    assert found("kettle") == [ben, ada]
    assert found("kettle leaks") == [ada]
    assert found("leaks parcel") == []
    assert found("ada.k@POST") == [ada]
    assert found("ben@post.example") == [ben]
    assert found("Ångström") == [named]
    assert found("ember", channel="rest") == []
    assert found("kettle", owner="closed") == []
    assert found("100%") == found("_") == []
    marked = desk.search.find("kettle leaks", Filters())[0].snippet
    assert marked == (("My Ember ", False), ("KETTLE", True), (" ", False), ("leaks", True), (" badly", False))


def test_a_search_is_bounded_by_dates_and_needs_no_words(
    desk: DeskStore, conversations: Conversations, clock: Clock
) -> None:
    old = customer(conversations, "kettle", name="ada")
    clock.pass_(days=2)
    new = customer(conversations, "kettle", name="ben")
    since = clock() - timedelta(days=1)
    assert [each.conversation for each in desk.search.find("kettle", Filters(since=since))] == [new]
    assert [each.conversation for each in desk.search.find("kettle", Filters(until=since))] == [old]
    assert [each.conversation for each in desk.search.find("", Filters())] == [new, old]


def test_a_snippet_shows_the_place_and_marks_every_word() -> None:
    text = "word " * 60 + "the <b>KETTLE</b> is here " + "word " * 60
    shown = snippet(text, ("kettle", "here"))
    assert [part for part, marked in shown if marked] == ["KETTLE", "here"]
    whole = "".join(part for part, _ in shown)
    assert whole.startswith("… ")
    assert whole.endswith(" …")
    assert len(whole) < 170


def test_past_conversations_are_those_of_the_same_customer(desk: DeskStore, conversations: Conversations) -> None:
    first = customer(conversations, "Help", name="ada")
    second = conversations.accept(IncomingMessage("slack", "thread", "ada", "s1", "Again")).conversation
    shared = customer(conversations, "Hi", name="visitor-123")
    stranger = customer(conversations, "Hi", name="visitor-456")
    for id in (first, shared):
        conversations.leave_email(id, "ada@post.example")
    assert [(each.id, each.same) for each in desk.search.past(second)] == [(first, "customer")]
    assert {(each.id, each.same) for each in desk.search.past(first)} == {(second, "customer"), (shared, "e-mail")}
    assert desk.search.past(stranger) == ()
    assert desk.search.past("nothing") == ()
